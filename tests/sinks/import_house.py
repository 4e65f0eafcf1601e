"""Files of events as imports read them, and what the rules alone say of them."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from schemas.codec import decode_transition
from schemas.events import Event
from schemas.instants import from_text, from_us
from streams.files import read_lines
from streams.gate import Gate
from streams.judge import FileJudge, latest_arrival_us, sorted_by_arrival
from streams.keys import load_key
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
HOPS = "token, hop, attempt, vendor, kiosk, state, level, entered_at, closed_at, closed_before, flags"
SAID = "stall_id, revision, kind, level, time, at"


@dataclass
class Judged:
    """What ``tairyu judge`` says of a file: rows in the order of ``HOPS`` and of ``SAID``."""

    events: list[Event]
    hops: list[tuple[Any, ...]]
    said: list[tuple[Any, ...]]


def simulate(folder: Path, applications: int = 60, name: str = "town") -> Path:
    """A town's events, and ``key`` beside them."""
    path = folder / f"{name}.ndjson"
    command = ["simulate", "--scenario", "town", "--applications", str(applications), "--out", path, "--key", folder / "key"]
    subprocess.run([sys.executable, "-m", "streams.cli", *map(str, command), "--workers", "1"], cwd=ROOT, check=True, capture_output=True)
    (folder / "key").chmod(0o600)
    return path


def judged(settings: Settings, path: Path) -> Judged:
    assert settings.key_file is not None
    policies = load_policies(settings.policy)
    gate = Gate(policies, load_parties(settings.parties, policies.newest), load_key(settings.key_file))
    events = sorted_by_arrival(map(partial(gate.admit_line, origin=path.name), (line for _, line in read_lines(str(path)))))
    judge = FileJudge(policies)
    said = [decode_transition(value) for _, _, value in judge.over(events, latest_arrival_us(events))]
    hops = [
        (
            v.token,
            v.hop,
            v.attempt,
            v.vendor,
            v.kiosk,
            v.verdict,
            v.level,
            *map(_at, (v.entered_us, v.closed_us, v.closed_before_us)),
            [*v.flags],
        )
        for v in judge.verdicts()
    ]
    rows = [(t.data.stall_id, t.data.revision, t.data.kind, t.data.level, _instant(t.time), _instant(t.data.at)) for t in said]
    return Judged(events, in_order(hops), in_order(rows))


def in_order(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=str)


def _at(instant_us: int | None) -> Any:
    return None if instant_us is None else from_us(instant_us)


def _instant(text: str) -> Any:
    return from_us(from_text(text))
