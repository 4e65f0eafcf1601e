"""The ordinary way of an application: most events only go on from where it stands, and need not be compared with all that came before.

``Ordinary.step`` adds such an event to a record, and gives exactly what ``stalls.advance`` would give, which derives everything from all
contributions (``tests/properties/test_ordinary.py`` holds the two against each other). Whatever is not surely ordinary it leaves to
``advance``: what is out of order, late, corrected, or another vendor's. So nothing that is said is decided here. Pure.

It counts on what the loader of policies sees to (``policy_hops``): no hop begins with a claim or a terminal, and what begins a hop comes
before its last end in the order of milestones, which all versions share.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.events import Event
from schemas.identity import content_hash, event_hash
from schemas.records import Application, OpenHop, Way
from schemas.stored import NAMES, ROW, Stored, arrived_as, latest_arrival_us, names_of, pack_row
from streams.custody import AHEAD_US, EVENTS_OF_A_SPEAKER, Attribution, Derived, claimed_us
from streams.deadlines import day_begins_us, day_of, due_us, effective_hop
from streams.policy import Hop, Policies, Policy

Places = tuple[int, int, int, int]
"""Vendor, kiosk, both municipalities: as ``Way`` has them."""
ROWS = EVENTS_OF_A_SPEAKER * ROW
NEW_NAMES = 6
"""So many names an event brings, at most."""
NEVER_US = 1 << 62
NO_VERSION = ""


class Opening:
    """A hop that a milestone opens."""

    def __init__(self, hop: Hop, rule: str, begun: int, policy: Policy) -> None:
        self.name, self.rule, self.version = hop.name, rule, policy.version
        self.begun = begun
        """If any of these milestones was seen, it was opened by it."""
        self.hop, self._policy = hop, policy
        self._wall = tuple(limit for _, limit in hop.limits) if hop.clock == "wall" else None
        self._from_us, self._until_us = 0, 0
        self._limits: tuple[int | None, ...] = ()
        """Of whoever enters at these instants: a day's, that of the last news."""

    def limits(self, entered_us: int) -> tuple[int | None, ...]:
        if self._wall is not None:
            return tuple([entered_us + limit for limit in self._wall])
        if not self._from_us <= entered_us < self._until_us:
            hop, policy = self.hop, self._policy
            day = day_of(entered_us, policy.timezone)
            self._limits = tuple(due_us(hop, limit, entered_us, policy) for _, limit in hop.limits)
            self._from_us, self._until_us = day_begins_us(day, policy.timezone), day_begins_us(day + 1, policy.timezone)
        return self._limits


@dataclass(frozen=True, slots=True)
class Step:
    """What a milestone does to an application that goes the ordinary way. Milestones are bits, by their place in the policy's order."""

    bit: int
    blocked: int
    """If any of these was seen, it is out of order: itself, what comes after it, and the ends of what it opens."""
    closes: frozenset[str]
    later: frozenset[str]
    """Hops whose end it is not, but comes after: they would end unobserved."""
    opens: tuple[Opening, ...]
    terminal: int = 0
    """Its place in the policy's order, from 1; 0: it is none."""
    begins: bool = False
    """Whether it begins an attempt; ``bit`` is then the milestone for which it stands there."""


class Road:
    """The steps of one version of the procedure, for applications all of whose events fall into its time."""

    def __init__(self, policies: Policies, place: int) -> None:
        policy = self.policy = policies.versions[place]
        self.version, self.role, self.grace_us = policy.version, policy.attribution_role, policy.grace_us
        self.from_us = policy.effective_us
        later = policies.versions[place + 1 :]
        self.until_us = later[0].effective_us if later else NEVER_US
        versions = policies.versions[: place + 1]
        self.ruled = any(version.overrides for version in versions)
        self._matched = matched(versions)
        self._policies, self._place = policies, place
        self._steps: dict[Attribution | None, Mapping[str, Step]] = {}
        self.unruled = self.steps(None)

    def steps(self, named: Attribution | None) -> Mapping[str, Step]:
        """By milestone; none where an earlier version would judge some hop. ``named`` is None where no override asks."""
        if named is not None:
            named = told_apart(named, self._matched)
        found = self._steps.get(named)
        if found is None:
            found = self._steps[named] = self._made(named)
        return found

    def _made(self, named: Attribution | None) -> Mapping[str, Step]:
        policy = self.policy
        watched = watched_hops(self._policies, self._place, named)
        if watched is None:
            return {}
        steps = {name: self._step(name, watched) for name in policy.milestones}
        if policy.attempt_begins is not None:
            steps[policy.attempt_begins] = self._beginning(policy.attempt_begins, policy.attempt_stands_for, watched)
        return steps

    def _step(self, name: str, hops: Iterable[tuple[Hop, str]]) -> Step:
        order, milestones = self.policy.order, self.policy.milestones
        bit = 1 << order[name]
        if milestones[name].claim:
            return Step(bit, 0, frozenset(), frozenset(), ())
        ahead = {other for other in order if order[other] >= order[name] and not milestones[other].claim}
        terminal = name in self._policies.terminals
        closes = {hop.name for hop, _ in hops if name in hop.ends}
        later = {hop.name for hop, _ in hops if terminal or max(order[end] for end in hop.ends) < order[name]}
        opens = self._opens(name, hops)
        blocked = ahead.union(*(opening.hop.ends for opening in opens))
        return Step(bit, self._bits(blocked), frozenset(closes), frozenset(later - closes), opens, terminal * (order[name] + 1))

    def _beginning(self, name: str, stands_for: str | None, hops: Iterable[tuple[Hop, str]]) -> Step:
        closes = frozenset(hop.name for hop, _ in hops if name in hop.ends)
        opens = () if stands_for is None else self._opens(stands_for, hops)
        return Step(0 if stands_for is None else self._bits([stands_for]), 0, closes, frozenset(), opens, begins=True)

    def _opens(self, name: str, hops: Iterable[tuple[Hop, str]]) -> tuple[Opening, ...]:
        opened = [(hop, rule) for hop, rule in hops if name in hop.begins and name not in hop.ends]
        return tuple(Opening(hop, rule, self._bits(hop.begins), self.policy) for hop, rule in opened)

    def _bits(self, names: Iterable[str]) -> int:
        return sum({1 << self.policy.order[name] for name in names if name in self.policy.order})


def matched(versions: Iterable[Policy]) -> frozenset[tuple[str, str]]:
    """All that their overrides can tell apart."""
    return frozenset(pair for version in versions for override in version.overrides for pair in override.match)


def told_apart(named: Attribution, matched: frozenset[tuple[str, str]]) -> Attribution:
    """Without what no override asks for: so few are different."""
    return Attribution(*(value if (key, value) in matched else None for key, value in named._asdict().items()))


def watched_hops(policies: Policies, place: int, named: Attribution | None) -> list[tuple[Hop, str]] | None:
    """The hops of a version as they are for this attribution, each with its rule's name, in the order of all versions; None where an
    earlier version would judge some hop."""
    policy, attributes = policies.versions[place], {} if named is None else named._asdict()
    hops = {name: effective_hop(policy, name, attributes) for name in policies.hop_order if name in policy.hops}
    for earlier in policies.versions[:place]:
        for name in earlier.hops:
            old, _ = effective_hop(earlier, name, attributes)
            now = hops[name][0] if name in hops else None
            if old.watched and not (now is not None and now.watched and {*old.begins} <= {*now.begins}):
                return None
    return [(hop, rule) for hop, rule in hops.values() if hop.watched]


class Ordinary:
    """The ordinary ways of one procedure, through all its versions."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.roads = tuple(Road(policies, place) for place in reversed(range(len(policies.versions))))
        """The newest version's first."""

    def step(self, record: Stored | None, name: str, event: Event, arrived_us: int) -> Stored | None:
        """The record with this event of milestone ``name`` in it (the same object, changed), nothing being said; ``COPY``: it has been in
        it; None: ``advance`` has to look. In both cases nothing was changed."""
        at_us, identity = claimed_us(event.time), event_hash(event.speaker, event.source, event.id)
        if record is None:
            if at_us < self.policies.versions[0].epoch_us:
                return None
            record, way, first_us = Stored(), _START, at_us
        elif record.rows.find(identity) >= 0:  # not ``in``, which first tries it as a number, and makes an error of that
            # It is known, or two contents go by one name; or it only looks so, which costs time
            return COPY if _is_copy(record, identity, event, arrived_us) else None
        elif record.way is None:
            return None
        else:
            way = record.way
            first_us = way.first_us
        rows, names = record.rows, record.names
        if not way.last_us < at_us <= arrived_us + AHEAD_US or way.ended or len(rows) >= ROWS:
            return None
        road = self.roads[0]
        if first_us < road.from_us:
            road = self._road(first_us)
        if way.version != road.version and way.version != NO_VERSION:
            return None  # a version came into force after it was derived
        if at_us >= road.until_us or len(names) > NAMES - NEW_NAMES:
            return None  # in the latter case all its rows may have to be written anew

        by_vendor = event.role == road.role
        if by_vendor and way.vendor and names.get(event.speaker) != way.vendor:
            return None  # another vendor
        if not road.ruled:
            if record.said and _names_anew(way, event, by_vendor):
                return None
            step = road.unruled.get(name)
        else:
            if (record.said or rows) and _names_anew(way, event, by_vendor):
                return None
            step = road.steps(_attributed(names, way, event, by_vendor)).get(name)
        if step is None or way.seen & step.blocked:
            return None
        if step.terminal and latest_arrival_us(rows) > arrived_us + road.grace_us:
            return None  # what came after it shrinks no longer counts
        open_hops = self._moved(record, step, way, at_us, arrived_us)
        if open_hops is None:
            return None

        data, size = event.data, len(names)
        milestone = names.setdefault(name, size + 1)
        speaker = names.setdefault(event.speaker, len(names) + 1)
        role = names.setdefault(event.role, len(names) + 1)
        vendor, kiosk, municipality, residence = way.vendor or (speaker if by_vendor else 0), 0, 0, 0
        named_kiosk, named_municipality, named_residence = way.kiosk, way.kiosk_municipality, way.residence_municipality
        text = data.kiosk
        if text is not None:
            kiosk = names.setdefault(text, len(names) + 1)
            named_kiosk = named_kiosk or (kiosk if text else 0)
        text = data.kiosk_municipality
        if text is not None:
            municipality = names.setdefault(text, len(names) + 1)
            named_municipality = named_municipality or (municipality if text else 0)
        text = data.residence_municipality
        if text is not None:
            residence = names.setdefault(text, len(names) + 1)
            named_residence = named_residence or (residence if text else 0)
        record.open_hops = open_hops
        record.rows = rows + pack_row(
            identity, content_hash(event), at_us, arrived_us, milestone, speaker, role, kiosk, municipality, residence
        )
        attempt, seen = (way.attempt + 1, step.bit) if step.begins else (way.attempt, way.seen | step.bit)
        ended = step.terminal
        record.way = Way(road.version, first_us, at_us, attempt, seen, vendor, named_kiosk, named_municipality, named_residence, ended)
        if not record.last4:
            record.last4 = event.last4 or ""
        if event.own_feed and event.speaker not in record.vendors:
            record.vendors = tuple(sorted((*record.vendors, event.speaker)))
        if ended:
            record.shrink_us = arrived_us + road.grace_us
        return record

    def _road(self, first_us: int) -> Road:
        for road in self.roads:
            if first_us >= road.from_us:
                return road
        return self.roads[-1]

    def _moved(self, record: Stored, step: Step, way: Way, at_us: int, arrived_us: int) -> tuple[OpenHop, ...] | None:
        """The hops that are open after the step; None: something may have to be said of them."""
        said = {each.hop for each in record.said} if record.said else ()
        left = []
        for hop in record.open_hops:
            name = hop.hop
            if name in step.closes:
                limit_us = hop.due_us[0]
                if limit_us is None or at_us > limit_us or name in said:
                    return None
            elif step.begins or name in step.later:
                return None
            else:
                left.append(hop)
        attempt, seen = (way.attempt + 1, 0) if step.begins else (way.attempt, way.seen)
        for opening in step.opens:
            if not seen & opening.begun:
                if opening.name in said:
                    return None
                limits = opening.limits(at_us)
                left.append(OpenHop(opening.name, attempt, at_us, limits, opening.rule, opening.version, arrived_us))
        if len(left) > 1:
            order = self.policies.hop_order
            left.sort(key=lambda hop: (order[hop.hop], hop.attempt))
        return tuple(left)


def _names_anew(way: Way, event: Event, by_vendor: bool) -> bool:
    """Whether the event says first whom or where verdicts name."""
    data = event.data
    return bool(
        (by_vendor and not way.vendor)
        or (data.kiosk and not way.kiosk)
        or (data.kiosk_municipality and not way.kiosk_municipality)
        or (data.residence_municipality and not way.residence_municipality)
    )


def _attributed(names: Iterable[str], way: Way, event: Event, by_vendor: bool) -> Attribution:
    """Whom and where verdicts name with the event."""
    known, data = attribution(named_by(way), [*names]), event.data
    return Attribution(
        known.vendor or (event.speaker if by_vendor else None),
        known.kiosk or data.kiosk or None,
        known.kiosk_municipality or data.kiosk_municipality or None,
        known.residence_municipality or data.residence_municipality or None,
    )


def _is_copy(record: Stored, identity: bytes, event: Event, arrived_us: int) -> bool:
    """As ``contribute`` sees it."""
    first_us = arrived_as(record, identity, content_hash(event))
    return first_us is not None and arrived_us >= first_us and (not event.own_feed or event.speaker in record.vendors)


COPY = Stored()
"""Stands for: the record has this event already."""
_START = Way(NO_VERSION, 0, -NEVER_US, 1, 0, 0, 0, 0, 0, 0)


def named_by(way: Way) -> Places:
    return way.vendor, way.kiosk, way.kiosk_municipality, way.residence_municipality


def attribution(named: Places, names: Sequence[str]) -> Attribution:
    return Attribution(*(names[place - 1] if place else None for place in named))


def way_of(record: Application, now: Derived, policies: Policies) -> Way | None:
    """Where the record stands on its ordinary way; None if it has left it."""
    policy, told = now.policy, record.contributions
    if record.corrections or now.flags or not told or not all(c.milestone in policy.order for c in told):
        return None
    if any(not policies.versions[0].epoch_us <= c.claimed_us <= c.arrived_us + AHEAD_US for c in told):
        return None  # no flag says so of what came after the record shrank
    names, named, times = names_of(record), now.attribution, [c.claimed_us for c in told]
    if sum(c.milestone in policies.terminals for c in told) > 1 or (now.terminal is not None and now.terminal[0] < max(times)):
        return None
    begins = {c.claimed_us for c in told if c.milestone == policy.attempt_begins}
    begun_us = max(begins, default=-NEVER_US)
    seen = {c.milestone for c in told if c.claimed_us >= begun_us and c.milestone != policy.attempt_begins}
    if begins and policy.attempt_stands_for is not None:
        seen.add(policy.attempt_stands_for)
    return Way(
        policy.version,
        min(times),
        max(times),
        len(begins) + 1,
        sum(1 << policy.order[name] for name in seen),
        names[named.vendor] if named.vendor else 0,
        names[named.kiosk] if named.kiosk else 0,
        names[named.kiosk_municipality] if named.kiosk_municipality else 0,
        names[named.residence_municipality] if named.residence_municipality else 0,
        policy.order[now.terminal[1]] + 1 if now.terminal is not None else 0,
    )
