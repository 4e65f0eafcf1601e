"""What the oracle says: transitions, marks and final verdicts, as plain values."""

from dataclasses import dataclass

from tests.oracle.truth import Stand, Whose

OPEN_KINDS = ("raised", "escalated", "revised")
LATE_KINDS = ("cleared", "recorded")


@dataclass(frozen=True)
class Saying:
    """A transition: what a reader acts upon."""

    token: str
    hop: str
    attempt: int
    revision: int
    kind: str
    reason: str | None
    level: str
    time: int
    at: int
    entered: int
    due: int
    closed: int | None
    closed_before: int | None
    rule: str
    version: str
    whose: Whose


@dataclass(frozen=True)
class Mark:
    at: int
    bucket: int
    all: int | None
    clocks: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Verdict:
    """A final verdict: in_time, undetermined, late, open, undated. What is not listed is void."""

    name: str
    entered: int
    closed: int | None
    level: str | None


def verdict(stand: Stand, last: Saying | None) -> Verdict:
    level = None
    if stand.name == "late":
        assert stand.closed is not None
        level = stand.passed(stand.closed)
    elif stand.name == "open" and last is not None and state_of(last) == "open":
        level = last.level
    return Verdict(stand.name, stand.entered, stand.closed, level)


def state_of(last: Saying | None) -> str:
    if last is None:
        return "nothing"
    if last.kind in OPEN_KINDS:
        return "open"
    return "late" if last.kind in LATE_KINDS else "retracted"


def figures(said: Saying) -> tuple[object, ...]:
    return (said.level, said.entered, said.due, said.closed, said.rule, said.version, said.whose)


def saying(token: str, key: tuple[str, int], last: Saying | None, kind: str, level: str, now: Stand, time: int, at: int) -> Saying:
    return Saying(
        token=token,
        hop=key[0],
        attempt=key[1],
        revision=1 + (last.revision if last else 0),
        kind=kind,
        reason=None,
        level=level,
        time=time,
        at=at,
        entered=now.entered,
        due=now.due_of(level),
        closed=now.closed,
        closed_before=now.closed_before,
        rule=now.rule,
        version=now.version,
        whose=now.whose,
    )
