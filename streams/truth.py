"""What a correct judge has to say at a scenario's end: from what happened, not from the rules that judge it.

The only thing shared with the judge is when a limit falls due (``deadlines``).
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.identity import token
from schemas.instants import SECOND_US, from_text, to_text
from streams.deadlines import due_us, in_force
from streams.lives import Leg, World
from streams.policy import Policies
from streams.tidings import Told

NOTICE, BREACH = "notice", "breach"


class TruthRow(msgspec.Struct, kw_only=True, frozen=True):
    """The final verdict of one application, hop and attempt: a line of ``truth.ndjson``."""

    subject: str
    token: str
    hop: str
    attempt: int
    entered_at: str
    closed_at: str | None
    verdict: str
    """``in_time``, ``undetermined``, ``late``, ``open`` or ``void``. In a scenario every end is told in its place, and nothing is taken
    back: neither the second nor the last occurs."""
    level: str | None
    """The highest limit passed: by the end of a late hop, or by the scenario's end of an open one."""


def truth(world: World, told: Iterable[Told], key: bytes) -> list[TruthRow]:
    """One row per hop that opened: by first step, then in the order in which the hops opened."""
    return [row for each in told for row in _rows(world, each, token(key, each.life.subject))]


def _rows(world: World, told: Told, token: str) -> Iterator[TruthRow]:
    for leg in told.life.legs:
        if leg.opened < len(told.arrived_us):
            entered_us = told.life.steps[leg.opened].at_us
            closed_us = told.life.steps[leg.ended].at_us if leg.ended < len(told.arrived_us) else None
            level = _level(world, told, leg, entered_us, closed_us)
            yield TruthRow(
                subject=told.life.subject,
                token=token,
                hop=leg.hop,
                attempt=leg.attempt,
                entered_at=to_text(entered_us),
                closed_at=None if closed_us is None else to_text(closed_us),
                verdict="open" if closed_us is None else "in_time" if level is None else "late",
                level=level,
            )


def _level(world: World, told: Told, leg: Leg, entered_us: int, closed_us: int | None) -> str | None:
    """Closed: the highest limit that ``closed_us`` is after. Open: that is said, not before the news has settled."""
    hop, limits = world.limits_us(leg.hop, told.life.attributes, entered_us)
    settled_us = told.arrived_us[leg.opened] + in_force(world.policies, entered_us).settle_us
    passed = [
        level
        for level, limit_us in zip(hop.levels, limits, strict=True)
        if limit_us is not None and (closed_us > limit_us if closed_us is not None else world.ends_us > max(limit_us, settled_us))
    ]
    return passed[-1] if passed else None


def figures(rows: Sequence[TruthRow], policies: Policies, hop: str) -> dict[str, int | None]:
    """What a demo has to find in this hop, by the limits of the policy without overrides.

    ``held``: how many ended late; ``raised``: how many were ever beyond the first limit; ``cleared``: how many of them ended;
    ``false_alarms``: stalls whose true duration was under the limit, so none. ``first_notice_after_s``, ``first_breach_after_s``: from
    the earliest entry among the stalls to the first instant at which one of them falls due; None where none does.
    """
    stalls = [row for row in rows if row.hop == hop and row.level is not None]
    late = [row for row in stalls if row.verdict == "late"]
    return {
        "held": len(late),
        "raised": len(stalls),
        "first_notice_after_s": _first_after_s(stalls, policies, NOTICE),
        "first_breach_after_s": _first_after_s(stalls, policies, BREACH),
        "cleared": len(late),
        "false_alarms": 0,
    }


def _first_after_s(stalls: Sequence[TruthRow], policies: Policies, level: str) -> int | None:
    """Whole seconds from the earliest entry to the earliest limit of that level among those that passed it."""
    if not stalls:
        return None
    begun_us = min(from_text(row.entered_at) for row in stalls)
    due = [limit_us for row in stalls if (limit_us := _limit_us(row, policies, level)) is not None]
    return (min(due) - begun_us) // SECOND_US if due else None


def _limit_us(row: TruthRow, policies: Policies, level: str) -> int | None:
    """When that level fell due; None if the hop never passed it."""
    entered_us = from_text(row.entered_at)
    policy = in_force(policies, entered_us)
    hop = policy.hops[row.hop]
    if row.level is None or hop.levels.index(row.level) < hop.levels.index(level):
        return None
    return due_us(hop, dict(hop.limits)[level], entered_us, policy)
