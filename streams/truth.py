"""What a correct judge has to say at a scenario's end: from what happened and what was told of it, not from the rules that judge it.

The only things shared with the judge are when a limit falls due (``deadlines``) and what the contract says of claims, ends and terminals
(architecture, section 4), which is written here a second time, for lives that were drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

import msgspec

from schemas.identity import token
from schemas.instants import SECOND_US, from_text
from streams.deadlines import due_us, in_force
from streams.hearing import Told
from streams.lives import Leg
from streams.policy import Policies
from streams.stamps import Stamps
from streams.world import Named, World

AHEAD_US = 300 * SECOND_US
"""A claim further ahead of its arrival, or before the policy's epoch, is replaced by the arrival."""
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
    """``in_time``, ``undetermined``, ``late``, ``open`` or ``void``. Nothing is taken back in a scenario: the last does not occur."""
    level: str | None
    """The highest limit passed: by the end of a late hop, or by the scenario's end of an open one."""


def truth(world: World, told: Iterable[Told], key: bytes) -> list[TruthRow]:
    """One row per hop that opened: by first step, then in the order in which the hops opened."""
    judge = TruthOf(world, key)
    return [row for each in told for row in judge.rows(each)]


class TruthOf:
    """The truth of one life after the other."""

    def __init__(self, world: World, key: bytes) -> None:
        self._world, self._key = world, key
        self._epoch_us = world.policies.versions[0].epoch_us
        self._text = Stamps(UTC).text

    def rows(self, told: Told) -> Iterator[TruthRow]:
        life = told.life
        instants = self._instants(told)
        named, name = life.attributes, token(self._key, life.subject)
        texts = [None if instant_us is None else self._text(instant_us) for instant_us in instants]
        for leg in life.legs:
            if leg.opened >= len(instants):
                return
            entered_us = instants[leg.opened]
            if entered_us is not None:
                closed, verdict, level = self._verdict(told, leg, named, instants, entered_us)
                yield TruthRow(
                    subject=life.subject,
                    token=name,
                    hop=leg.hop,
                    attempt=leg.attempt,
                    entered_at=texts[leg.opened] or "",
                    closed_at=texts[leg.ended] if closed else None,
                    verdict=verdict,
                    level=level,
                )

    def _instants(self, told: Told) -> list[int | None]:
        """When each step that was heard of happened, as far as anybody can know; None: it was never told."""
        steps = told.life.steps
        instants: list[int | None] = [steps[place].at_us for place in range(len(told.arrived_us))]
        if told.untold is not None and told.untold < len(instants):
            instants[told.untold] = None
        if told.claimed is not None and told.claimed[0] < len(instants):
            place, claimed_us = told.claimed
            arrived_us = told.arrived_us[place]
            instants[place] = claimed_us if self._epoch_us <= claimed_us <= arrived_us + AHEAD_US else arrived_us
        if told.retold is not None:
            place, at_us, _ = told.retold
            instants[place] = min(steps[place].at_us, at_us)
        return instants

    def _verdict(self, told: Told, leg: Leg, named: Named, instants: list[int | None], entered_us: int) -> tuple[bool, str, str | None]:
        """Whether its end was told, what is to be said of it, and the highest limit passed."""
        ruled = self._world.ruled(leg.hop, named, entered_us)
        hop, limits = ruled.hop, ruled.limits_us(entered_us)
        end_us = instants[leg.ended] if leg.ended < len(instants) else None
        if end_us is not None and told.life.steps[leg.ended].milestone in hop.ends:
            level = None if limits[0] is not None and end_us <= limits[0] else _level(hop.levels, limits, end_us)
            return True, "in_time" if level is None else "late", level
        later_us = min((each for each in instants[leg.ended :] if each is not None), default=None)
        if later_us is None:
            settled_us = told.arrived_us[leg.opened] + ruled.policy.settle_us
            return False, "open", _level(hop.levels, limits, self._world.ends_us, settled_us)
        # Only what came later shows that it has ended, at an unknown instant
        in_time = limits[0] is not None and later_us <= max(limits[0], entered_us)
        return False, "in_time" if in_time else "undetermined", None


def _level(levels: Sequence[str], limits: Sequence[int | None], instant_us: int, settled_us: int = 0) -> str | None:
    """The highest limit that the instant is after; of an open hop nothing is said before its news has settled."""
    passed = None
    for level, limit_us in zip(levels, limits, strict=True):
        if limit_us is not None and instant_us > max(limit_us, settled_us):
            passed = level
    return passed


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
