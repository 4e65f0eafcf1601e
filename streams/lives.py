"""What happened to each application of a scenario, drawn from a seed: the same seed, the same lives.

A healthy application ends each hop below its notice limit; a held one waits for the release. Each kiosk draws for itself, so
the number that one holds changes nothing at another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from schemas.instants import DAY_US, SECOND_US
from streams.calendars import day_number
from streams.deadlines import day_begins_us, day_of, due_us, effective_hop, in_force, open_day_after
from streams.draws import count, duration
from streams.policy import Hop, Policies
from streams.scenario import Held, Kiosk, Opening, Scenario, ScenarioError, Way

BELOW = 0.9
"""On the wall clock, a healthy hop takes at most that part of its notice limit; elsewhere at least one day less."""
SENT_US = 3600 * SECOND_US
"""Everything is sent within it: what happens so shortly before the end may count as still open."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One hop in one attempt, from the step that opened it to the one that ended it (places in ``Life.steps``)."""

    hop: str
    attempt: int
    opened: int
    ended: int


@dataclass(frozen=True, slots=True)
class Step:
    milestone: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Life:
    """All that happened, by time; the last of it may lie beyond the scenario's end."""

    subject: str
    kiosk: Kiosk
    residence: str
    steps: tuple[Step, ...]
    legs: tuple[Leg, ...]

    @property
    def attributes(self) -> dict[str, str | None]:
        return attributes(self.kiosk, self.residence)


def attributes(kiosk: Kiosk, residence: str) -> dict[str, str | None]:
    """What a policy's overrides can match."""
    return {
        "kiosk": kiosk.kiosk,
        "vendor": kiosk.vendor,
        "kiosk_municipality": kiosk.municipality,
        "residence_municipality": residence,
    }


def live(scenario: Scenario, policies: Policies, seed: int) -> list[Life]:
    """All lives of the scenario, by their first step."""
    world = World(scenario, policies)
    lives = [life for kiosk in scenario.kiosks for life in _lives_at(world, kiosk, Random(f"{scenario.scenario}:{seed}:{kiosk.kiosk}"))]
    return sorted(lives, key=lambda life: (life.steps[0].at_us, life.subject))


class World:
    """A scenario under the policies: its days and hours as instants."""

    def __init__(self, scenario: Scenario, policies: Policies) -> None:
        self.scenario, self.policies = scenario, policies
        self.zone = policies.newest.timezone
        self.begins_us = day_begins_us(day_number(scenario.begins), self.zone)
        self.ends_us = day_begins_us(day_number(scenario.ends), self.zone)

    def open_on(self, opening: Opening, day: int) -> int:
        """That day, or the next on which it is open."""
        if opening.open_days_of is None:
            return day
        policy = in_force(self.policies, day_begins_us(day, self.zone))
        return self.business_day(policy.hops[opening.open_days_of], day - 1, 1)

    def business_day(self, hop: Hop, day: int, later: int) -> int:
        """The ``later``-th open day after that day, by the hop's calendar."""
        calendar = in_force(self.policies, day_begins_us(day, self.zone)).calendars.get(hop.calendar or "")
        found = None if calendar is None else open_day_after(calendar, day, later)
        if found is None:
            raise ScenarioError(f"hop {hop.name}: its calendar has no open day {later} days after day {day}")
        return found

    def open_days(self, opening: Opening, first: int, last: int) -> list[int]:
        return [day for day in range(first, last + 1) if self.open_on(opening, day) == day]

    def moment(self, rng: Random, opening: Opening, day: int) -> int:
        """An instant of that day within the opening's hours, in whole seconds."""
        begins_s, ends_s = (each.hour * 3600 + each.minute * 60 + each.second for each in (opening.begins, opening.ends))
        return day_begins_us(day, self.zone) + rng.randrange(begins_s, ends_s) * SECOND_US

    def limits_us(self, hop_name: str, named: dict[str, str | None], entered_us: int) -> tuple[Hop, tuple[int | None, ...]]:
        """The hop as it is judged when entered at that instant, and when each of its limits falls due."""
        policy = in_force(self.policies, entered_us)
        hop, _ = effective_hop(policy, hop_name, named)
        return hop, tuple(due_us(hop, limit, entered_us, policy) for _, limit in hop.limits)


def _lives_at(world: World, kiosk: Kiosk, rng: Random) -> Iterator[Life]:
    scenario = world.scenario
    opening = scenario.openings[kiosk.opening]
    for day in world.open_days(opening, day_number(scenario.begins), day_number(scenario.ends) - 1):
        for submitted_us in sorted(world.moment(rng, opening, day) for _ in range(count(rng, kiosk.per_day))):
            life = _walk(world, kiosk, rng, submitted_us)
            if not _accused_by_the_end(world, life):
                yield life
    if scenario.held.kiosk == kiosk.kiosk:
        yield from _held_lives(world, scenario.held, kiosk, rng)


def _accused_by_the_end(world: World, life: Life) -> bool:
    """Whether the scenario's end alone makes a healthy hop look stalled: the clock runs on past it, and its end is not told."""
    for leg in life.legs:
        entered_us, closed_us = life.steps[leg.opened].at_us, life.steps[leg.ended].at_us
        notice_us = world.limits_us(leg.hop, life.attributes, entered_us)[1][0]
        if entered_us < world.ends_us <= closed_us + SENT_US and (notice_us is None or notice_us <= world.ends_us + DAY_US):
            return True
    return False


def _held_lives(world: World, held: Held, kiosk: Kiosk, rng: Random) -> Iterator[Life]:
    """Submitted on the kiosk's open days, the first on the first, the last on the last; released in the same order."""
    opening = world.scenario.openings[kiosk.opening]
    days = world.open_days(opening, day_number(held.first_day), day_number(held.last_day))
    if not days:
        raise ScenarioError(f"held: {kiosk.kiosk} is not open on any day from {held.first_day} to {held.last_day}")
    chosen = [days[0], days[-1], *(rng.choice(days) for _ in range(held.count - 2))][: held.count]
    submitted = sorted(world.moment(rng, opening, day) for day in chosen)
    release = Opening(held.released.begins, held.released.ends)
    released = sorted(world.moment(rng, release, day_number(held.released.day)) for _ in chosen)
    for submitted_us, released_us in zip(submitted, released, strict=True):
        yield _walk(world, kiosk, rng, submitted_us, (held, released_us))


def _walk(world: World, kiosk: Kiosk, rng: Random, submitted_us: int, held: tuple[Held, int] | None = None) -> Life:
    """From the first milestone on, hop by hop, until there is no way on or the scenario has ended."""
    scenario = world.scenario
    subject = f"{rng.randrange(10**23):023d}"
    residence = rng.choices(list(kiosk.residents), list(kiosk.residents.values()))[0]
    steps, legs, attempt = [Step(scenario.first, submitted_us)], [], 1
    while steps[-1].at_us < world.ends_us and steps[-1].milestone in scenario.way:
        opened, entered_us = len(steps) - 1, steps[-1].at_us
        way = scenario.way[steps[-1].milestone]
        ended_us = _ended_us(world, way, kiosk, residence, rng, entered_us)
        if held is not None and way.hop == held[0].hop and attempt == 1:
            ended_us = max(held[1], entered_us + held[0].at_least_s * SECOND_US)
        if way.within is not None:
            steps.append(Step(way.within.milestone, entered_us + _seconds(way.within.part * (ended_us - entered_us))))
        steps.append(Step(_reached(way, rng), ended_us))
        legs.append(Leg(way.hop, attempt, opened, len(steps) - 1))
        attempt += steps[-1].milestone == world.policies.newest.attempt_begins
    return Life(subject, kiosk, residence, tuple(steps), tuple(legs))


def _reached(way: Way, rng: Random) -> str:
    return way.instead.to if way.instead is not None and rng.random() < way.instead.share else way.to


def _seconds(span_us: float) -> int:
    return int(span_us / SECOND_US) * SECOND_US


def _ended_us(world: World, way: Way, kiosk: Kiosk, residence: str, rng: Random, entered_us: int) -> int:
    """When a healthy application leaves the hop; ScenarioError if the scenario lets it be noticed."""
    hop, limits = world.limits_us(way.hop, attributes(kiosk, residence), entered_us)
    notice = hop.limits[0][1]
    if hop.clock == "wall":
        ended_us = entered_us + max(1, int(duration(rng, way.takes, BELOW * notice / SECOND_US))) * SECOND_US
    else:
        days = max(1, round(duration(rng, way.takes, notice - 1)))
        entered = day_of(entered_us, world.zone)
        day = entered + days if hop.clock == "calendar_days" else world.business_day(hop, entered, days)
        opening = world.scenario.opening_at(way.at or kiosk.opening, kiosk)
        ended_us = world.moment(rng, opening, world.open_on(opening, day))
    if limits[0] is None or ended_us > limits[0]:
        raise ScenarioError(f"hop {way.hop}: a healthy application would be noticed ({kiosk.kiosk})")
    return ended_us
