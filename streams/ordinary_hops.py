"""The final verdicts of an application of which nothing odd was told, for history, which asks for them at every change.

``OrdinaryHops.rows`` gives exactly what ``verdicts.hop_verdicts`` would give, which looks for all that may be odd, by all versions of the
procedure (``tests/properties/test_ordinary_hops.py`` holds the two against each other). Whatever is not surely ordinary it leaves to
that: two contents under one id, a claim that is replaced, another vendor, a correction, a second terminal, another version's time. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from schemas.records import Application, Contribution
from streams.custody import AHEAD_US, Attribution
from streams.deadlines import day_of, due_us
from streams.ordinary import NEVER_US, matched, told_apart, watched_hops
from streams.policy import Hop, Policies, Policy
from streams.stalls import OPEN, hop_flags

Row = tuple[Any, ...]
"""A ``HopVerdict``'s fields, in their order: there are many, and each struct would take as long as all else that is said of its hop."""
Times = dict[str, int]
"""Milestone -> its earliest time, in one attempt."""
DAYS = 2_000
"""Whose limits are kept, of each hop."""


class Attempt(NamedTuple):
    times: Times
    after_us: int | None
    """When the next one begins."""


class Ended(NamedTuple):
    """The terminal."""

    name: str
    at_us: int
    attempt: int


class Limits:
    """Of a hop under some rule. A day's are computed once."""

    def __init__(self, hop: Hop, policy: Policy) -> None:
        self._hop, self._policy = hop, policy
        self._wall_us = hop.limits[0][1] if hop.clock == "wall" else None
        self._of_days: dict[int, tuple[int | None, bool]] = {}

    def first(self, entered_us: int) -> tuple[int | None, bool]:
        """The first one, and whether any lies past the calendar's horizon."""
        if self._wall_us is not None:
            return entered_us + self._wall_us, False
        day = day_of(entered_us, self._policy.timezone)
        found = self._of_days.get(day)
        if found is None:
            if len(self._of_days) >= DAYS:
                self._of_days.clear()
            limits = self._all(entered_us)
            found = self._of_days[day] = limits[0], None in limits
        return found

    def passed(self, entered_us: int, closed_us: int) -> str:
        """The highest level whose limit the end is after."""
        passed = sum(limit is not None and closed_us > limit for limit in self._all(entered_us))
        return self._hop.levels[passed - 1]

    def _all(self, entered_us: int) -> Sequence[int | None]:
        return [due_us(self._hop, limit, entered_us, self._policy) for _, limit in self._hop.limits]


@dataclass(frozen=True, slots=True)
class Ruled:
    """A hop as it is for some attribution, with all that its rows say of it."""

    hop: Hop
    rule: str
    ends: tuple[str, ...]
    """Without terminals: those count in later attempts too."""
    terminals: frozenset[str]
    """… that end it."""
    ends_with_attempt: bool
    """The next attempt's beginning ends it."""
    later: frozenset[str]
    """Milestones after its last one (claims never count)."""
    holder: tuple[str, str, str]
    """Its name, what obliges it, who supervises it."""
    calendar_version: str | None
    limits: Limits


class OrdinaryHops:
    """For one procedure, through all its versions."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._ruled: dict[tuple[int, Attribution], Sequence[Ruled] | None] = {}
        self._matched = matched(policies.versions)

    def rows(self, token: str, record: Application) -> list[Row] | None:
        """None: ``hop_verdicts`` has to look."""
        if record.corrections or not record.contributions:
            return None
        told = sorted(record.contributions, key=attrgetter("claimed_us"))
        place = self._version(told)
        if place is None or len({c.event for c in told}) < len(told):
            return None
        policy, terminals = self._policies.versions[place], self._policies.terminals
        epoch_us, vendor = self._policies.versions[0].epoch_us, None
        times, before_us, tie = Times(), -NEVER_US, False
        attempts, ended = list[Attempt](), list[Ended]()
        for c in told:
            name, at_us = c.milestone, c.claimed_us
            if not epoch_us <= at_us <= c.arrived_us + AHEAD_US or name not in policy.milestones:
                return None
            if c.role == policy.attribution_role:
                if vendor is not None and c.speaker != vendor:
                    return None
                vendor = c.speaker
            tie = tie or at_us == before_us
            if name == policy.attempt_begins:
                if at_us == before_us:
                    return None  # what came at the same instant is of the new attempt
                attempts.append(Attempt(times, at_us))
                times = {} if policy.attempt_stands_for is None else {policy.attempt_stands_for: at_us}
            else:
                times.setdefault(name, at_us)
            before_us = at_us
            if name in terminals:
                ended.append(Ended(name, at_us, len(attempts) + 1))
                shrinks_us = c.arrived_us + policy.grace_us
                if len(ended) > 1 or any(other.arrived_us > shrinks_us for other in told):
                    return None  # what came after it is history only
        attempts.append(Attempt(times, None))
        if tie:
            told.sort(key=attrgetter("claimed_us", "event", "content"))
        return self._rows(token, record, place, _attribution(vendor, told), attempts, ended[0] if ended else None)

    def _version(self, told: Sequence[Contribution]) -> int | None:
        """The place of the version in whose time all of it falls."""
        versions = self._policies.versions
        for place in range(len(versions) - 1, -1, -1):
            if place == 0 or told[0].claimed_us >= versions[place].effective_us:
                until_us = versions[place + 1].effective_us if place + 1 < len(versions) else NEVER_US
                return place if told[-1].claimed_us < until_us else None
        return None

    def _rows(
        self, token: str, record: Application, place: int, named: Attribution, attempts: Sequence[Attempt], ended: Ended | None
    ) -> list[Row] | None:
        ruled = self._hops(place, named)
        if ruled is None:
            return None
        version, last4 = self._policies.versions[place].version, record.last4
        vendor, kiosk, kiosk_municipality, residence = named
        said = {(each.hop, each.attempt): each for each in record.said} if record.said else {}
        rows = list[Row]()
        for each in ruled:
            name, rule, (holder, duty, supervisor) = each.hop.name, each.rule, each.holder
            for number, (times, after_us) in enumerate(attempts, 1):
                entered_us = _earliest(times, each.hop.begins, None)
                if entered_us is None:
                    continue
                terminal = ended if ended is not None and ended.attempt <= number else None
                closed_us = _earliest(times, each.ends, after_us if each.ends_with_attempt else None)
                if terminal is not None and terminal.name in each.terminals:
                    closed_us = terminal.at_us if closed_us is None else min(closed_us, terminal.at_us)
                later_us = None
                if closed_us is None:
                    later_us = _earliest(times, each.later, after_us)
                    if terminal is not None:
                        later_us = terminal.at_us if later_us is None else min(later_us, terminal.at_us)
                due_us, undated = each.limits.first(entered_us)
                end_us = later_us if closed_us is None else closed_us
                level, backwards = None, end_us is not None and end_us < entered_us
                if end_us is None:
                    verdict, last = "open", said.get((name, number))
                    level = last.level if last is not None and last.kind in OPEN else None
                elif backwards:
                    verdict = "in_time"
                elif due_us is None:
                    verdict = "undetermined"
                elif end_us <= due_us:
                    verdict = "in_time"
                elif closed_us is None:
                    verdict = "undetermined"
                else:
                    verdict, level = "late", each.limits.passed(entered_us, closed_us)
                flags = hop_flags((), undated=undated, backwards=backwards) if undated or backwards else ()
                # fmt: off
                rows.append((
                    token, last4, name, number, vendor, kiosk, kiosk_municipality, residence, holder, duty, supervisor, verdict, level,
                    entered_us, due_us, closed_us, later_us, rule, version, each.calendar_version, flags,
                ))
                # fmt: on
        return rows

    def _hops(self, place: int, named: Attribution) -> Sequence[Ruled] | None:
        """In the order of the rows; None where an earlier version would judge some hop."""
        apart = told_apart(named, self._matched)
        if (place, apart) not in self._ruled:
            hops, policy = watched_hops(self._policies, place, apart), self._policies.versions[place]
            self._ruled[place, apart] = None if hops is None else [self._with_all(policy, hop, rule) for hop, rule in hops]
        return self._ruled[place, apart]

    def _with_all(self, policy: Policy, hop: Hop, rule: str) -> Ruled:
        holder, terminals = policy.holders[hop.holder], self._policies.terminals
        last = max(policy.order[end] for end in hop.ends)
        return Ruled(
            hop,
            rule,
            tuple(end for end in hop.ends if end not in terminals),
            terminals.intersection(hop.ends),
            policy.attempt_begins in hop.ends,
            frozenset(name for name, told in policy.milestones.items() if policy.order[name] > last and not told.claim),
            (holder.name, holder.duty_basis, holder.supervisor),
            policy.calendar_version(hop),
            Limits(hop, policy),
        )


def _attribution(vendor: str | None, told: Sequence[Contribution]) -> Attribution:
    kiosk = kiosk_municipality = residence = None
    for c in told:
        kiosk = kiosk or c.kiosk
        kiosk_municipality = kiosk_municipality or c.kiosk_municipality
        residence = residence or c.residence_municipality
    return Attribution(vendor, kiosk, kiosk_municipality, residence)


def _earliest(times: Times, names: Iterable[str], earliest_us: int | None) -> int | None:
    """The earliest of these, and of ``earliest_us``."""
    for name in names:
        at_us = times.get(name)
        if at_us is not None and (earliest_us is None or at_us < earliest_us):
            earliest_us = at_us
    return earliest_us
