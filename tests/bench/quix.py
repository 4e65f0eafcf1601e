"""The Quix Streams contender's own venv: its dependencies are none of the project's, and need other versions of some."""

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.measurement import AbsentError

LOCK = Path(__file__).parent / "requirements.lock"
"""Made from requirements.in by `make lock`."""


def quix_python(cache: Path, say: Callable[[str], None]) -> Path:
    """The interpreter that has it, installed once for each lock. AbsentError if it cannot be."""
    digest = hashlib.sha256(LOCK.read_bytes() + platform.python_version().encode()).hexdigest()[:8]
    folder = cache / f"quix-{digest}"
    python, ready = folder / "bin" / "python", folder / "ready"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "quix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            say("installing Quix Streams into a venv of its own (once)")
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", folder])
            # As for our own lock: it is complete, and resolving would turn it down once a newer release is out.
            _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", LOCK])
            ready.touch()
    return python


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AbsentError(f"Quix Streams could not be installed (code {done.returncode}):\n" + "\n".join(done.stdout.splitlines()[-12:]))
