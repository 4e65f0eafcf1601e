"""When each step of a life is heard of, and what is wrong with how it is told: late, reversed, never, by a wrong clock, in two ways.

What would arrive after the scenario's end is not sent, nor anything that follows it in the same life.
"""

import math
from dataclasses import dataclass
from random import Random

from schemas.instants import DAY_US, SECOND_US, to_us
from streams.draws import between
from streams.lives import Leg, Life
from streams.scenario_parts import Trouble
from streams.world import World

MILLISECOND_US = 1_000
"""Kafka's timestamps, and so arrivals, are whole milliseconds."""
HOUR_S = 3_600
REVERSED_BY_S = 10
"""An event that is overtaken arrives at most that much after the one that followed it."""
LATEST_US = 3600 * SECOND_US
"""What is sent is heard of within it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A life, and when each of its steps was heard of: the first steps only, where the scenario ends before the last."""

    life: Life
    arrived_us: tuple[int, ...]
    untold: int | None = None
    """The place of a step that is never told."""
    claimed: tuple[int, int] | None = None
    """Place of a step, and when it happened by a wrong clock."""
    retold: tuple[int, int, int] | None = None
    """Place of a step that is told a second time under the same id: when it happened by that, and when that arrives."""

    def heard(self, place: int) -> bool:
        return place < len(self.arrived_us) and place != self.untold


def hear(world: World, life: Life, rng: Random) -> Told:
    transport, latency = world.scenario.transport, world.latency
    steps = life.steps
    arrived = [step.at_us + math.ceil(latency(rng) * 1_000) * MILLISECOND_US for step in steps]
    within_us, share = transport.reversed.within_s * SECOND_US, transport.reversed.share
    for place in range(len(steps) - 1):
        if steps[place + 1].at_us - steps[place].at_us <= within_us and rng.random() < share:
            overtaken_us = arrived[place + 1] + between(rng, 1_000, REVERSED_BY_S * 1_000) * MILLISECOND_US
            arrived[place] = max(arrived[place], overtaken_us)
    ends_us = world.ends_us
    if steps[-1].at_us >= ends_us or max(arrived) >= ends_us:
        del arrived[next(place for place, instant_us in enumerate(arrived) if instant_us >= ends_us) :]
    if life.trouble is None:
        return Told(life, tuple(arrived))
    return _told_wrong(world, Told(life, tuple(arrived)), life.trouble, rng)


def _told_wrong(world: World, told: Told, trouble: Trouble, rng: Random) -> Told:
    life, arrived = told.life, told.arrived_us
    if trouble.untold is not None:
        return Told(life, arrived, untold=_place(life, trouble.untold))
    if trouble.clock_s is not None:
        return Told(life, arrived, claimed=(0, life.steps[0].at_us + trouble.clock_s * SECOND_US))
    if trouble.clock_at is not None:
        return Told(life, arrived, claimed=(0, to_us(trouble.clock_at) + life.steps[0].at_us % DAY_US))
    resent = trouble.resent
    assert resent is not None
    place = _place(life, resent.milestone)
    if place is None or place >= len(arrived):
        return told
    at_us = life.steps[place].at_us + between(rng, *resent.by_s) * SECOND_US
    later_us = between(rng, *(hours * HOUR_S * 1_000 for hours in resent.after_h)) * MILLISECOND_US
    again_us = arrived[place] + later_us
    return Told(life, arrived, retold=(place, at_us, again_us)) if again_us < world.ends_us else told


def _place(life: Life, milestone: str) -> int | None:
    return next((place for place, step in enumerate(life.steps) if step.milestone == milestone), None)


def undecided(world: World, told: Told) -> bool:
    """Whether it depends on the very instant after the scenario's end at which it is judged what is then said of a hop.

    The clock runs on past the end, as far as the next day's, and nothing is told any more.
    """
    return any(_undecided(world, told, leg) for leg in told.life.legs if told.heard(leg.opened) and leg.ended >= len(told.arrived_us))


def _undecided(world: World, told: Told, leg: Leg) -> bool:
    ruled = world.ruled(leg.hop, told.life.attributes, told.life.steps[leg.opened].at_us)
    settled_us = max(told.arrived_us[leg.opened], told.retold[2] if told.retold is not None else 0) + ruled.policy.settle_us
    limits = ruled.limits_us(told.life.steps[leg.opened].at_us)
    return any(limit is not None and world.ends_us - LATEST_US <= max(limit, settled_us) <= world.ends_us + DAY_US for limit in limits)
