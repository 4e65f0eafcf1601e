"""A scenario under the policies: its days and hours as instants, the limits that count there, its kiosks, and which places are in
trouble when.

What belongs to a place is drawn from a generator of that place's own: the same whoever asks, in whatever order.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import NamedTuple

from schemas.instants import DAY_US, SECOND_US
from streams.booths import draw_kiosks
from streams.calendars import day_number
from streams.deadlines import day_begins_us, due_us, effective_hop, in_force, open_day_after
from streams.draws import Draw, between, duration, shares
from streams.policy import Hop, Policies, Policy
from streams.scenario import Scenario, ScenarioError
from streams.scenario_parts import Kiosk, Opening, Trouble, Way
from streams.stamps import Days

HOUR_US = 3_600 * SECOND_US
BELOW = 0.9
"""On the wall clock, a healthy hop takes at most that part of its notice limit; elsewhere at least one day less."""

SLOWEST_S = 60.0
"""Whatever is sent arrives within it."""

Named = dict[str, str | None]
Limits = Sequence[int | None]


class Window(NamedTuple):
    """A place's trouble: who enters the hop meanwhile is hit."""

    from_us: int
    until_us: int
    trouble: Trouble


NONE: Mapping[str, Window] = {}


class Ruled:
    """A hop as it is judged under one version and rule, with its limits by day, and how long healthy ones take."""

    def __init__(self, hop: Hop, policy: Policy) -> None:
        self.hop, self.policy, self.wall = hop, policy, hop.clock == "wall"
        self._spans = [limit for _, limit in hop.limits]
        self._days = Days(policy.timezone)
        self._by_day: dict[int, Limits] = {}
        self._draws: dict[int, Draw] = {}

    def limits_us(self, entered_us: int) -> Limits:
        """When each of its limits falls due."""
        if self.wall:
            return [entered_us + span for span in self._spans]
        day = self._days.of(entered_us)
        found = self._by_day.get(day)
        if found is None:
            found = self._by_day[day] = [due_us(self.hop, limit, entered_us, self.policy) for _, limit in self.hop.limits]
        return found

    def healthy(self, way: Way) -> Draw:
        """Seconds on the wall clock, else days."""
        draw = self._draws.get(id(way))
        if draw is None:
            notice = self.hop.limits[0][1]
            draw = self._draws[id(way)] = duration(way.takes, BELOW * notice / SECOND_US if self.wall else notice - 1)
        return draw


class World:
    def __init__(self, scenario: Scenario, policies: Policies, seed: int) -> None:
        self.scenario, self.policies, self.seed = scenario, policies, seed
        self.zone = policies.newest.timezone
        self.day_of = Days(self.zone).of
        self.begins_us = day_begins_us(day_number(scenario.begins), self.zone)
        self.ends_us = day_begins_us(day_number(scenario.ends), self.zone)
        self.first_day, self.last_day = day_number(scenario.begins), day_number(scenario.last_day)
        self._ruled: dict[tuple[str | None, ...], Ruled] = {}
        self._only: dict[str, Ruled] = {}
        """Hops that have one version and no overrides."""
        self._windows: dict[tuple[str, str], Mapping[str, Window]] = {}
        self._again: dict[str, Mapping[int, int]] = {}
        self._open_on: dict[tuple[str, int], int] = {}
        self._hours = {name: _hours(opening) for name, opening in scenario.openings.items()}
        self._takes: dict[int, Draw] = {}

    def rng(self, *about: str) -> Random:
        return Random(":".join((self.scenario.scenario, str(self.seed), *about)))

    @cached_property
    def kiosks(self) -> tuple[Kiosk, ...]:
        return self.scenario.kiosks or draw_kiosks(self.scenario, self.rng("booths"))

    @cached_property
    def submitted(self) -> list[int | None]:
        """Of each kiosk, how many applications are submitted there; None: as its days bring them."""
        total = self.scenario.applications
        return [None] * len(self.kiosks) if total is None else [*shares(total, [kiosk.per_day for kiosk in self.kiosks])]

    @cached_property
    def latency(self) -> Draw:
        """Seconds from an event to its arrival."""
        return duration(self.scenario.transport.latency, SLOWEST_S)

    # --- days and hours

    def open_on(self, opening: str, day: int) -> int:
        """That day, or the next on which it is open."""
        found = self._open_on.get((opening, day))
        if found is None:
            hop = self.scenario.openings[opening].open_days_of
            policy = in_force(self.policies, day_begins_us(day, self.zone))
            found = self._open_on[opening, day] = day if hop is None else self.business_day(policy.hops[hop], day - 1, 1)
        return found

    def business_day(self, hop: Hop, day: int, later: int) -> int:
        """The ``later``-th open day after that day, by the hop's calendar."""
        calendar = in_force(self.policies, day_begins_us(day, self.zone)).calendars.get(hop.calendar or "")
        found = None if calendar is None else open_day_after(calendar, day, later)
        if found is None:
            raise ScenarioError(f"hop {hop.name}: its calendar has no open day {later} days after day {day}")
        return found

    def open_days(self, opening: str, first: int, last: int) -> list[int]:
        return [day for day in range(first, last + 1) if self.open_on(opening, day) == day]

    def moment(self, rng: Random, opening: str, day: int) -> int:
        """An instant of that day within the opening's hours, in whole seconds."""
        begins_s, span_s = self._hours[opening]
        return self.instant(day, begins_s + int(rng.random() * span_s))

    def instant(self, day: int, second: int) -> int:
        return day_begins_us(day, self.zone) + second * SECOND_US

    # --- what is judged

    def ruled(self, hop: str, named: Named, entered_us: int) -> Ruled:
        """The hop as it is judged when entered at that instant, of an application with these attributes."""
        only = self._only.get(hop)
        if only is not None:
            return only
        policy = in_force(self.policies, entered_us)
        matched = tuple(named.values()) if policy.ranked_overrides.get(hop) else ()
        found = self._ruled.get((policy.version, hop, *matched))
        if found is None:
            found = self._ruled[policy.version, hop, *matched] = Ruled(effective_hop(policy, hop, named)[0], policy)
            if len(self.policies.versions) == 1 and not matched:
                self._only[hop] = found
        return found

    def takes(self, trouble: Trouble) -> Draw:
        """How long a trouble takes: not cut off."""
        draw = self._takes.get(id(trouble))
        if draw is None:
            assert trouble.takes is not None
            draw = self._takes[id(trouble)] = duration(trouble.takes)
        return draw

    # --- what goes wrong at a place, and which files are sent twice

    def windows(self, where: str, place: str) -> Mapping[str, Window]:
        """Hop (empty: none) -> when a kiosk, or a municipality, is in trouble there."""
        found = self._windows.get((where, place))
        if found is None:
            troubles = self._troubles[where]
            found = self._windows[where, place] = _windows(self, troubles, self.rng(where, place)) if troubles else NONE
        return found

    @property
    def own_troubles(self) -> list[Trouble]:
        """Those that happen to an application by itself."""
        return self._troubles["application"]

    @cached_property
    def _troubles(self) -> dict[str, list[Trouble]]:
        found = defaultdict[str, list[Trouble]](list)
        for trouble in self.scenario.troubles:
            found[trouble.where].append(trouble)
        return found

    def sent_again(self, source: str) -> Mapping[int, int]:
        """Day -> how much later all that the source said on it is sent a second time."""
        found = self._again.get(source)
        if found is None:
            again, rng = self.scenario.transport.again, self.rng("again", source)
            days = range(self.first_day, day_number(self.scenario.ends))
            least, most = (hours * 3_600_000 for hours in again.after_h)
            found = self._again[source] = {day: between(rng, least, most) * 1_000 for day in days if rng.random() < again.share}
        return found


def _hours(opening: Opening) -> tuple[int, int]:
    """Second of the day at which it opens, and for how many."""
    begins_s, ends_s = (each.hour * 3600 + each.minute * 60 + each.second for each in (opening.begins, opening.ends))
    return begins_s, ends_s - begins_s


def _windows(world: World, troubles: list[Trouble], rng: Random) -> Mapping[str, Window]:
    found: dict[str, Window] = {}
    for trouble in troubles:
        met, begins, lasts = rng.random() < trouble.share, rng.random(), rng.random()
        least_h, most_h = trouble.lasts_h or (0, 0)
        if met:
            least_d, most_d = trouble.begins_d or (0, world.scenario.days)
            from_us = world.begins_us + int((least_d + begins * (most_d - least_d)) * DAY_US / SECOND_US) * SECOND_US
            until_us = from_us + int((least_h + lasts * (most_h - least_h)) * HOUR_US / SECOND_US) * SECOND_US
            for hop in trouble.hops:
                found.setdefault(hop, Window(from_us, until_us, trouble))
    return found
