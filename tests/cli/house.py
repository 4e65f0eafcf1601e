"""``tairyu`` as a process of a user with folders of their own, and the events of applications that nobody else has."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from streams import tether

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "streams" / "policies"
COMMAND = (sys.executable, "-m", "streams.cli")
READY = "Ctrl-C stops everything"
Said = subprocess.CompletedProcess[str]


def tethered(*arguments: str | Path) -> list[str]:
    """The command, ended with us in whatever way we end."""
    return [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *COMMAND, *map(str, arguments)]


@dataclass
class House:
    """The environment of a user with folders of their own."""

    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TAIRYU_") or name == "TAIRYU_KAFKA_JARS"}
        return {**clean, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(self.folder), "TMPDIR": str(self.folder), **self.more}

    def tairyu(self, *arguments: str | Path, text: str | None = None, env: Mapping[str, str] | None = None, within_s: float = 120) -> Said:
        """Runs the command to its end; ``text`` is its standard input."""
        return subprocess.run(
            tethered(*arguments),
            input=text or "",
            capture_output=True,
            text=True,
            env={**self.env, **(env or {})},
            timeout=within_s,
            check=False,
        )

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Starts it, in a session of its own; whoever starts it ends it, and it ends with us. What it says on stderr goes to stdout."""
        return subprocess.Popen(
            tethered(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.env,
            start_new_session=True,
        )

    def json(self, *arguments: str | Path, text: str | None = None) -> list[Any]:
        """The JSON lines that a command prints."""
        said = self.tairyu(*arguments, text=text)
        assert said.returncode == 0, said.stderr
        return [json.loads(line) for line in said.stdout.splitlines()]

    def wait_for(self, what: Callable[[], Any], within_s: float = 90) -> Any:
        """What it gives once it is true."""
        until = time.monotonic() + within_s
        while not (found := what()):
            assert time.monotonic() < until, f"not within {within_s} s"
        return found


def read_until(process: "subprocess.Popen[str]", text: str, within_s: float = 180) -> list[str]:
    """Its lines up to the one that contains the text. A process that does not say it is killed."""
    assert process.stdout is not None
    lines: list[str] = []
    watch = threading.Timer(within_s, process.kill)
    watch.start()
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if text in line:
                return lines
    finally:
        watch.cancel()
    raise AssertionError(f"it ended without saying {text!r}: {lines}")


def stop(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGTERM, within_s: float = 120) -> str:
    """Sends the signal; what it still said."""
    process.send_signal(number)
    try:
        return process.communicate(timeout=within_s)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def impatient_policy(folder: Path) -> Path:
    """The real policy with a settle time of a second: otherwise a stall is first said a minute after the news."""
    return changed_policy(folder, "settle: 60s", "settle: 1s")


def changed_policy(folder: Path, text: str, instead: str) -> Path:
    """A copy of the real policy, with its calendars and parties, in which something stands instead of a text."""
    shutil.copytree(POLICIES, folder / "policies")
    policy = folder / "policies" / "my-number-card.yaml"
    before = policy.read_text(encoding="utf-8")
    assert text in before
    policy.write_text(before.replace(text, instead), encoding="utf-8")
    return policy


@dataclass
class Sources:
    """Makes events of applications nobody else has. ``ago``: hours before now."""

    rng: random.Random

    def application(self) -> str:
        return "".join(self.rng.choices("0123456789", k=23))

    def event(self, speaker: str, name: str, ago: float, subject: str | None, **data: str) -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(hours=ago)
        source = {"j-lis": "/j-lis/acceptance"}.get(
            speaker, f"/municipalities/{speaker}/" if speaker.isdigit() else f"/vendors/{speaker}/x"
        )
        made = {"speaker": speaker, "id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), "source": source, "specversion": "1.0"}
        return {**made, "type": f"jp.tairyu.{name}", "time": at.isoformat(), "subject": subject, "data": data}


def lines_of(*events: Mapping[str, Any]) -> str:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
