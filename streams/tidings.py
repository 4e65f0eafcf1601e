"""What was said of the lives of a scenario, and when it arrived: late, twice, reversed, as transport makes it.

A tiding is an event as a source sends it, in the form of a file (``speaker``, ``received``). What would arrive after the scenario's
end is not sent, nor anything that follows it in the same life.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from uuid import UUID

from msgspec import convert
from msgspec.structs import replace

from schemas.events import HEARTBEAT, PREFIX, Data, PublicEvent
from schemas.instants import SECOND_US, from_us, to_text
from streams.deadlines import day_of
from streams.draws import duration
from streams.lives import Life, World, attributes
from streams.scenario import Takes, Voice

MILLISECOND_US = 1_000
"""Kafka's timestamps, and so arrivals, are whole milliseconds."""
HOUR_S = 3_600
SLOWEST_S = 60.0
REVERSED_BY_S = 10
"""An event that is overtaken arrives at most that much after the one that followed it."""


@dataclass(frozen=True, slots=True)
class Tiding:
    arrived_us: int
    at_us: int
    event: PublicEvent


@dataclass(frozen=True, slots=True)
class Told:
    """A life, and when each of its steps was heard of: the first steps only, where the scenario ends before the last."""

    life: Life
    arrived_us: tuple[int, ...]


def hear(world: World, life: Life, rng: Random) -> Told:
    """When each step of a life is heard of."""
    transport = world.scenario.transport
    arrived = [step.at_us + _latency_us(rng, transport.latency) for step in life.steps]
    for place, (step, after) in enumerate(zip(life.steps, life.steps[1:], strict=False)):
        if after.at_us - step.at_us <= transport.reversed.within_s * SECOND_US and rng.random() < transport.reversed.share:
            arrived[place] = max(arrived[place], arrived[place + 1] + _between_us(rng, 1, REVERSED_BY_S))
    heard = next((place for place, instant_us in enumerate(arrived) if instant_us >= world.ends_us), len(arrived))
    return Told(life, tuple(arrived[:heard]))


def tidings(world: World, told: Iterable[Told], seed: int) -> list[Tiding]:
    """Everything that is sent, by arrival."""
    rng = Random(f"{world.scenario.scenario}:{seed}:tidings")
    sent = [*(tiding for each in told for tiding in _of_life(world, each, rng)), *_heartbeats(world, rng)]
    sent += list(_sent_again(world, sent, rng))
    return sorted(sent, key=lambda tiding: (tiding.arrived_us, tiding.event.id))


def _of_life(world: World, told: Told, rng: Random) -> Iterator[Tiding]:
    named = attributes(told.life.kiosk, told.life.residence)
    for step, arrived_us in zip(told.life.steps, told.arrived_us, strict=False):
        voice = world.scenario.voice_of(step.milestone)
        data = convert({name: named[name] for name in voice.fields}, Data)
        yield _tiding(world, rng, voice, named, step.milestone, step.at_us, arrived_us, data, told.life.subject)


def _heartbeats(world: World, rng: Random) -> Iterator[Tiding]:
    """Of every source that can speak in this scenario, at its own minute of the hour."""
    scenario = world.scenario
    sources: dict[tuple[str, str], tuple[Voice, dict[str, str | None]]] = {}
    for kiosk in scenario.kiosks:
        for residence in kiosk.residents:
            named = attributes(kiosk, residence)
            for voice in scenario.voices:
                sources.setdefault((voice.voice, voice.source.format(**named)), (voice, named))
    for voice, named in sources.values():
        about = Data(kiosk=named["kiosk"], kiosk_municipality=named["kiosk_municipality"]) if "{kiosk}" in voice.source else Data()
        at_us = world.begins_us + rng.randrange(HOUR_S) * SECOND_US
        while (arrived_us := at_us + _latency_us(rng, scenario.transport.latency)) < world.ends_us:
            yield _tiding(world, rng, voice, named, HEARTBEAT, at_us, arrived_us, about)
            at_us += voice.heartbeat_h * HOUR_S * SECOND_US


def _sent_again(world: World, sent: list[Tiding], rng: Random) -> Iterator[Tiding]:
    """Copies: all that one source said on one day, as if its file had been sent twice."""
    again = world.scenario.transport.again
    days: dict[tuple[str, int], list[Tiding]] = defaultdict(list)
    for tiding in sent:
        if tiding.event.subject is not None:
            days[tiding.event.source, day_of(tiding.at_us, world.zone)].append(tiding)
    for _, file in sorted(days.items()):
        if rng.random() < again.share:
            later_us = _between_us(rng, again.after_h[0] * HOUR_S, again.after_h[1] * HOUR_S)
            copies = ((tiding, tiding.arrived_us + later_us) for tiding in file)
            yield from (_arriving(tiding, arrived_us) for tiding, arrived_us in copies if arrived_us < world.ends_us)


def _arriving(tiding: Tiding, arrived_us: int) -> Tiding:
    return Tiding(arrived_us, tiding.at_us, replace(tiding.event, received=to_text(arrived_us)))


def _tiding(
    world: World,
    rng: Random,
    voice: Voice,
    named: dict[str, str | None],
    name: str,
    at_us: int,
    arrived_us: int,
    data: Data,
    subject: str | None = None,
) -> Tiding:
    event = PublicEvent(
        specversion="1.0",
        id=str(UUID(int=rng.getrandbits(128), version=4)),
        source=voice.source.format(**named),
        type=PREFIX + name,
        time=from_us(at_us).astimezone(world.zone).isoformat(),
        subject=subject,
        datacontenttype="application/json",
        data=data,
        speaker=voice.speaker.format(**named),
        received=to_text(arrived_us),
    )
    return Tiding(arrived_us, at_us, event)


def _latency_us(rng: Random, takes: Takes) -> int:
    return max(1, math.ceil(duration(rng, takes, SLOWEST_S) * 1_000)) * MILLISECOND_US


def _between_us(rng: Random, least_s: int, most_s: int) -> int:
    return rng.randrange(least_s * 1_000, most_s * 1_000) * MILLISECOND_US
