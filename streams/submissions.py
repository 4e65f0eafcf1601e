"""The applications of one kiosk, from its own generator: what happened to each, and when each step was heard of."""

from collections.abc import Iterator
from random import Random

from streams.calendars import day_number
from streams.draws import count, one_of
from streams.hearing import Told, hear, undecided
from streams.lives import walk
from streams.scenario import ScenarioError
from streams.scenario_parts import Held, Kiosk
from streams.world import World

TRIES = 100


def submissions(world: World, kiosk: Kiosk, submitted: int | None) -> Iterator[Told]:
    """``submitted`` of them; None: as many as its days bring. Those that are held come last."""
    rng, held = world.rng(kiosk.kiosk), world.scenario.held
    for day in _days(world, kiosk, rng, submitted):
        yield _told(world, kiosk, rng, day)
    if held is not None and held.kiosk == kiosk.kiosk:
        yield from _held(world, held, kiosk, rng)


def _days(world: World, kiosk: Kiosk, rng: Random, submitted: int | None) -> list[int]:
    """Of each application, the day on which it is submitted: one on which the kiosk is open."""
    days = world.open_days(kiosk.opening, world.first_day, world.last_day)
    if submitted is None:
        return [day for day in days for _ in range(count(rng, kiosk.per_day))]
    days = days or [world.open_on(kiosk.opening, world.first_day)]
    return sorted(one_of(rng, days) for _ in range(submitted))


def _told(world: World, kiosk: Kiosk, rng: Random, day: int) -> Told:
    """Drawn anew as long as its verdict would depend on the instant at which the scenario's end is judged."""
    for _ in range(TRIES):
        told = hear(world, walk(world, kiosk, rng, world.moment(rng, kiosk.opening, day)), rng)
        if not undecided(world, told):
            return told
    raise ScenarioError(f"{kiosk.kiosk}: on day {day}, nearly every application's verdict would depend on when the end is judged")


def _held(world: World, held: Held, kiosk: Kiosk, rng: Random) -> Iterator[Told]:
    """Submitted on the kiosk's open days, the first on the first, the last on the last; released in the same order."""
    days = world.open_days(kiosk.opening, day_number(held.first_day), day_number(held.last_day))
    if not days:
        raise ScenarioError(f"held: {kiosk.kiosk} is not open on any day from {held.first_day} to {held.last_day}")
    chosen = [days[0], days[-1], *(one_of(rng, days) for _ in range(held.count - 2))][: held.count]
    submitted = sorted(world.moment(rng, kiosk.opening, day) for day in chosen)
    begins, ends = (each.hour * 3600 + each.minute * 60 + each.second for each in (held.released.begins, held.released.ends))
    released = sorted(world.instant(day_number(held.released.day), begins + int(rng.random() * (ends - begins))) for _ in chosen)
    for submitted_us, released_us in zip(submitted, released, strict=True):
        yield hear(world, walk(world, kiosk, rng, submitted_us, (held, released_us)), rng)
