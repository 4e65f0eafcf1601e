"""The oracle's own reading of a policy file: plain dictionaries, nothing checked, nothing compiled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from schemas.instants import DAY_US, SECOND_US, from_text
from tests.oracle.days import OpenDays

UNITS = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3_600 * SECOND_US, "d": DAY_US}


@dataclass(frozen=True)
class Hop:
    name: str
    begins: list[str]
    ends: list[str]
    holder: str
    clock: str
    calendar: str | None
    limits: list[tuple[str, int]]
    """(level, microseconds on the wall clock or whole days), in the file's order."""
    watched: bool = True


@dataclass(frozen=True)
class Version:
    """One document of the policy file."""

    name: str
    effective: int
    epoch: int
    zone: ZoneInfo
    settle: int
    grace: int
    forget_after: int
    order: list[str]
    """All milestones; the later stands behind the earlier."""
    claims: set[str]
    terminals: list[str]
    begins_attempt: str | None
    stands_for: str | None
    attributed_by: str
    attributed_role: str
    hops: dict[str, Hop]
    overrides: list[dict[str, Any]]
    calendars: dict[str, OpenDays]


def read_policy(path: Path) -> list[Version]:
    """All versions in the file's order, which is the order in which they come into force."""
    return [version_of(document, path.parent) for document in yaml.safe_load_all(path.read_text())]


def span(text: str) -> int:
    """``6h`` in microseconds."""
    return int(text[:-1]) * UNITS[text[-1]]


def version_of(document: dict[str, Any], folder: Path) -> Version:
    epoch = from_text(instant_text(document["epoch"]))
    effective = document.get("effective", "epoch")
    attempts = document.get("attempts") or {}
    return Version(
        name=str(document["version"]),
        effective=epoch if effective == "epoch" else from_text(instant_text(effective)),
        epoch=epoch,
        zone=ZoneInfo(document["timezone"]),
        settle=span(document["settle"]),
        grace=span(document["grace"]),
        forget_after=span(document["forget_after"]),
        order=list(document["milestones"]),
        claims={name for name, milestone in document["milestones"].items() if milestone.get("claim")},
        terminals=list(document["terminals"]),
        begins_attempt=attempts.get("begins"),
        stands_for=attempts.get("stands_for"),
        attributed_by=document["attribution"]["milestone"],
        attributed_role=document["attribution"]["speaker"],
        hops={name: hop_of(name, hop) for name, hop in document["hops"].items()},
        overrides=document.get("overrides") or [],
        calendars={name: OpenDays(yaml.safe_load((folder / file).read_text())) for name, file in (document.get("calendars") or {}).items()},
    )


def instant_text(value: Any) -> str:
    """YAML reads an instant as a datetime; both forms as RFC 3339 text."""
    return value if isinstance(value, str) else value.isoformat()


def hop_of(name: str, hop: dict[str, Any]) -> Hop:
    wall = hop["clock"] == "wall"
    return Hop(
        name=name,
        begins=hop["begins"],
        ends=hop["ends"],
        holder=hop["holder"],
        clock=hop["clock"],
        calendar=hop.get("calendar"),
        limits=[(level, span(limit) if wall else limit) for level, limit in hop["limits"].items()],
        watched=hop.get("watched", True),
    )
