"""History judged again, by the very rules, under other limits of one hop: what would have been said, and when. Pure.

It is judged as of arrival, as ``judge`` judges a file: as if every feed had been read at once. What is finally said of a hop under factor
1 is what history says; an alarm stands at the limit, or when the news before it had settled, and not at the delay of a feed of then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import msgspec

from schemas.codec import decode_transition
from schemas.events import Event
from schemas.instants import from_text
from schemas.records import Verdict
from streams.judge import FileJudge
from streams.policy import Hop, Policies, Policy

REFERENCE = 1.0
"""The factor whose first limit says which alarms are right."""


class CurveError(ValueError):
    """Limits that cannot be multiplied so; the text says why."""


class Judged(msgspec.Struct, kw_only=True, frozen=True):
    """What is made of one hop of one application under one factor."""

    factor: float
    token: str
    attempt: int
    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None
    policy_version: str
    state: str
    entered_us: int
    due_us: int | None
    closed_us: int | None
    closed_before_us: int | None
    raised_us: int | None
    """When it was first said to be held; None: never, or only afterwards."""
    last_said: str | None


def under(policies: Policies, hop: str, factors: Iterable[float]) -> dict[float, Policies]:
    """Factor, and ``REFERENCE``, ascending -> policies that watch this hop alone, its limits multiplied, overrides' too; days are rounded
    to whole ones, at least one. CurveError if no version has that hop, or two of its limits would fall together."""
    if all(hop not in policy.hops for policy in policies.versions):
        raise CurveError(f"no hop is named {hop!r}: {', '.join(policies.newest.hops)} are")
    found = sorted({REFERENCE, *factors})
    if found[0] <= 0:
        raise CurveError(f"{found[0]:g}: limits are multiplied by more than 0")
    return {factor: Policies(tuple(_scaled(policy, hop, factor) for policy in policies.versions)) for factor in found}


def judged(policies: Mapping[float, Policies], hop: str, events: Sequence[Event], until_us: int) -> Iterator[Judged]:
    """Of applications all of whose events are here, in the order of arrival: each time one came to the hop, under each factor."""
    for factor, scaled in policies.items():
        yield from _judged(scaled, hop, factor, events, until_us)


def _judged(policies: Policies, hop: str, factor: float, events: Sequence[Event], until_us: int) -> Iterator[Judged]:
    judge, raised, last = FileJudge(policies), dict[tuple[str, int], int](), dict[tuple[str, int], Verdict]()
    for _, _, value in judge.over(events, until_us):
        told = decode_transition(value).data
        if told.hop == hop:
            last[told.token, told.attempt] = told
            if told.kind == "raised":
                raised.setdefault((told.token, told.attempt), from_text(told.at))
    for verdict in judge.verdicts():
        if verdict.hop == hop:
            at = verdict.token, verdict.attempt
            yield Judged(
                **{name: getattr(verdict, name) for name in (*SAME, *INSTANTS)},
                factor=factor,
                state=verdict.verdict,
                raised_us=raised.get(at),
                last_said=last.pop(at).kind if at in last else None,
            )
    for at, told in last.items():
        if at in raised:  # a correction has moved the hop away: there was an alarm all the same
            yield Judged(
                **{name: getattr(told, name) for name in SAME},
                factor=factor,
                state="void",
                entered_us=from_text(told.entered_at),
                due_us=from_text(told.due_at),
                closed_us=None,
                closed_before_us=None,
                raised_us=raised[at],
                last_said=told.kind,
            )


SAME = ("token", "attempt", "vendor", "kiosk", "kiosk_municipality", "residence_municipality", "policy_version")
INSTANTS = ("entered_us", "due_us", "closed_us", "closed_before_us")
"""What a final verdict and ``Judged`` have in common; of them, what a transition says, too."""


def _scaled(policy: Policy, hop: str, factor: float) -> Policy:
    """The other hops are not watched: no verdict of one hop depends on another's, and each costs as much."""
    hops = {name: _scaled_hop(each, factor) if name == hop else replace(each, watched=False) for name, each in policy.hops.items()}
    overrides = tuple(replace(each, changed=_scaled_hop(each.changed, factor)) for each in policy.overrides if each.hop == hop)
    return replace(policy, hops=hops, overrides=overrides)


def _scaled_hop(hop: Hop, factor: float) -> Hop:
    limits = tuple((level, max(1, round(limit * factor))) for level, limit in hop.limits)
    if any(later <= earlier for (_, earlier), (_, later) in pairwise(limits)):
        raise CurveError(f"{factor:g}: two limits of {hop.name} would fall on one day: take a larger factor")
    return replace(hop, limits=limits)
