"""What happened to each application of a scenario, drawn from a seed: the same seed, the same lives.

A healthy application ends each hop below its notice limit; a held one waits for the release; others meet one of the scenario's
troubles. Each kiosk draws for itself, so what happens at one changes nothing at another.
"""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from schemas.instants import SECOND_US
from streams.draws import one_of
from streams.scenario import OWN_KIOSK, ScenarioError
from streams.scenario_parts import Held, Kiosk, Trouble, Way
from streams.world import HOUR_US, Named, Ruled, Window, World

BATCH_US = 600 * SECOND_US
"""A batch is taken in within it."""
NEVER_US = 1 << 60
HEALTHY, RETURNED = "healthy", "returned"
"""Kinds of traffic without any of the scenario's troubles: all went well at once, or at a second attempt."""


class Leg(NamedTuple):
    """One hop in one attempt, from the step that opened it to the one that ended it (places in ``Life.steps``)."""

    hop: str
    attempt: int
    opened: int
    ended: int


class Step(NamedTuple):
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
    kind: str = HEALTHY
    """The name of the trouble that it met, if any."""
    trouble: Trouble | None = None
    """What is wrong with what is told of it, if anything."""

    @property
    def attributes(self) -> Named:
        return attributes(self.kiosk, self.residence)


def attributes(kiosk: Kiosk, residence: str) -> Named:
    """What a policy's overrides can match."""
    return {
        "kiosk": kiosk.kiosk,
        "vendor": kiosk.vendor,
        "kiosk_municipality": kiosk.municipality,
        "residence_municipality": residence,
    }


def walk(world: World, kiosk: Kiosk, rng: Random, submitted_us: int, held: tuple[Held, int] | None = None) -> Life:
    """From the first milestone on, hop by hop, until there is no way on or the scenario has ended."""
    return _Walk(world, kiosk, rng, submitted_us, held).life()


class _Walk:
    def __init__(self, world: World, kiosk: Kiosk, rng: Random, submitted_us: int, held: tuple[Held, int] | None) -> None:
        self._world, self._kiosk, self._rng, self._held = world, kiosk, rng, held
        self._subject = f"{rng.getrandbits(80) % 10**23:023d}"
        residents = kiosk.residents
        self._residence = next(iter(residents)) if len(residents) == 1 else rng.choices([*residents], [*residents.values()])[0]
        self._named = attributes(kiosk, self._residence)
        self._own = _own_trouble(world, rng) if held is None else None
        self._own_hop = one_of(rng, self._own.hops) if self._own is not None and self._own.hops else ""
        self._steps, self._legs, self._attempt = [Step(world.scenario.first, submitted_us)], list[Leg](), 1
        self._kind = HEALTHY
        places = (("kiosk", kiosk.kiosk), ("municipality", self._residence), ("everywhere", ""))
        self._windows = [windows for where, place in places if (windows := world.windows(where, place))]

    def life(self) -> Life:
        ways, ends_us = self._world.scenario.way, self._world.ends_us
        while (last := self._steps[-1]).at_us < ends_us and last.milestone in ways:
            self._through(ways[last.milestone], last.at_us)
        told = self._own if self._own is not None and not self._own.in_hop else None
        kind = told.trouble if told is not None else self._kind
        if kind == HEALTHY and self._attempt > 1:
            kind = RETURNED
        return Life(self._subject, self._kiosk, self._residence, tuple(self._steps), tuple(self._legs), kind, told)

    def _through(self, way: Way, entered_us: int) -> None:
        world, rng, opened = self._world, self._rng, len(self._steps) - 1
        ruled = world.ruled(way.hop, self._named, entered_us)
        window = self._window(way.hop, entered_us)
        trouble = window.trouble if window is not None else None
        if trouble is not None and self._kind == HEALTHY:
            self._kind = trouble.trouble
        ended_us = self._ended_us(way, ruled, entered_us, window)
        if trouble is not None and trouble.instead is not None:
            ended_us = entered_us + max(1, int(rng.random() * (ended_us - entered_us) / SECOND_US)) * SECOND_US
            self._steps.append(Step(trouble.instead, ended_us))
        else:
            if way.within is not None:
                self._steps.append(Step(way.within.milestone, entered_us + _whole(way.within.part * (ended_us - entered_us))))
            self._steps.append(Step(self._reached(way), ended_us))
        self._legs.append(Leg(way.hop, self._attempt, opened, len(self._steps) - 1))
        self._attempt += self._steps[-1].milestone == world.policies.newest.attempt_begins

    def _window(self, hop: str, entered_us: int) -> Window | None:
        """The trouble that it meets: its own, or that of a place."""
        if self._attempt > 1:
            return None
        if hop == self._own_hop:
            assert self._own is not None
            return Window(0, 0, self._own)
        for windows in self._windows:
            window = windows.get(hop)
            if window is not None and window.from_us <= entered_us < window.until_us:
                return window
        return None

    def _reached(self, way: Way) -> str:
        """Whose telling is in trouble is not returned: what is not told would be told again."""
        instead = way.instead
        told_wrong = self._own is not None and not self._own.in_hop
        return instead.to if instead is not None and self._rng.random() < instead.share and not told_wrong else way.to

    def _ended_us(self, way: Way, ruled: Ruled, entered_us: int, window: Window | None) -> int:
        rng, trouble = self._rng, window.trouble if window is not None else None
        if self._held is not None and way.hop == self._held[0].hop and self._attempt == 1:
            return max(self._held[1], entered_us + self._held[0].at_least_s * SECOND_US)
        if window is None or trouble is None or trouble.instead is not None:
            return self._healthy_us(way, ruled, entered_us)
        if trouble.never:
            return entered_us + NEVER_US
        if trouble.released_s is not None:
            return window.until_us + int(rng.random() * trouble.released_s) * SECOND_US
        taken = self._world.takes(trouble)(rng)
        return entered_us + max(1, int(taken)) * SECOND_US if ruled.wall else self._after_days_us(way, ruled, entered_us, round(taken))

    def _healthy_us(self, way: Way, ruled: Ruled, entered_us: int) -> int:
        """When a healthy application leaves the hop; ScenarioError if the scenario lets it be noticed."""
        batches = self._world.scenario.batches.get(self._kiosk.vendor)
        if batches is not None and batches.hop == way.hop:
            every_us = batches.every_h * HOUR_US
            ended_us = (entered_us // every_us + 1) * every_us + _whole(self._rng.random() * BATCH_US)
        elif ruled.wall:
            ended_us = entered_us + max(1, int(ruled.healthy(way)(self._rng))) * SECOND_US
        else:
            ended_us = self._after_days_us(way, ruled, entered_us, round(ruled.healthy(way)(self._rng)))
        notice_us = ruled.limits_us(entered_us)[0]
        if notice_us is None or ended_us > notice_us:
            raise ScenarioError(f"hop {way.hop}: a healthy application would be noticed ({self._kiosk.kiosk})")
        return ended_us

    def _after_days_us(self, way: Way, ruled: Ruled, entered_us: int, days: int) -> int:
        """In the hours of its place, so many days of the hop's own calendar later, at least one."""
        world, days = self._world, max(1, days)
        entered = world.day_of(entered_us)
        day = entered + days if ruled.hop.clock == "calendar_days" else world.business_day(ruled.hop, entered, days)
        opening = self._kiosk.opening if way.at is None or way.at == OWN_KIOSK else way.at
        return world.moment(self._rng, opening, world.open_on(opening, day))


def _own_trouble(world: World, rng: Random) -> Trouble | None:
    """At most one of those that happen to an application by itself."""
    left = rng.random()
    for trouble in world.own_troubles:
        left -= trouble.share
        if left < 0:
            return trouble
    return None


def _whole(span_us: float) -> int:
    """Down to whole seconds."""
    return int(span_us / SECOND_US) * SECOND_US
