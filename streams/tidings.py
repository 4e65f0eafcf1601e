"""What was said of the lives of a scenario, as lines of a file (``speaker``, ``received``), one event each: from rendered pieces, since
encoding event by event takes twice as long.

Before each line stands its arrival (``ARRIVAL`` digits, microseconds): lines in order are lines by arrival.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC
from random import Random
from typing import NamedTuple

from msgspec import convert

from schemas.codec import encode, read_public
from schemas.events import HEARTBEAT, PREFIX, Data, PublicEvent
from schemas.instants import SECOND_US, from_text
from streams.draws import between
from streams.hearing import HOUR_S, Told
from streams.lives import attributes
from streams.scenario_parts import Kiosk, Voice
from streams.stamps import Stamps
from streams.world import Named, World

ARRIVAL = 16


class Tiding(NamedTuple):
    """An event as a source sends it, and when it arrives."""

    arrived_us: int
    event: PublicEvent


def tiding(line: bytes) -> Tiding:
    """Of a line of a file."""
    event = read_public(line, None)
    return Tiding(from_text(event.received or ""), event)


class _Pieces(NamedTuple):
    """Of one milestone, kiosk and residence: what stands between id, time, subject and arrival."""

    before_time: str
    after_subject: str
    again: Mapping[int, int]


class Lines:
    """The lines of one kiosk's applications after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._local, self._utc = Stamps(world.zone).text, Stamps(UTC).text
        self._pieces: dict[tuple[str, str], _Pieces] = {}
        self._kiosk: Kiosk | None = None

    def of_life(self, told: Told, number: int) -> Iterator[str]:
        """``number``: which of its kiosk's applications this is."""
        life, arrived = told.life, told.arrived_us
        if life.kiosk is not self._kiosk:
            self._kiosk = life.kiosk
            self._pieces.clear()
        for place, (step, arrived_us) in enumerate(zip(life.steps, arrived, strict=False)):
            if place == told.untold:
                continue
            found = self._pieces.get((step.milestone, life.residence)) or self._new_pieces(life.kiosk, step.milestone, life.residence)
            before_time, after_subject, again = found
            at_us = told.claimed[1] if told.claimed is not None and place == told.claimed[0] else step.at_us
            head = f'{{"specversion":"1.0","id":"{life.kiosk.kiosk}-{number}-{place}{before_time}'
            rest = f'","subject":"{life.subject}{after_subject}'
            said = f"{head}{self._local(at_us)}{rest}"
            yield self._line(said, arrived_us)
            if again and (later_us := again.get(self._world.day_of(step.at_us))):
                yield from self._in_time(said, arrived_us + later_us)
            if told.retold is not None and place == told.retold[0]:
                yield self._line(f"{head}{self._local(told.retold[1])}{rest}", told.retold[2])

    def _line(self, said: str, arrived_us: int) -> str:
        return f'{arrived_us}{said}{self._utc(arrived_us)}"}}\n'

    def _in_time(self, said: str, arrived_us: int) -> Iterator[str]:
        if arrived_us < self._world.ends_us:
            yield self._line(said, arrived_us)

    def _new_pieces(self, kiosk: Kiosk, milestone: str, residence: str) -> _Pieces:
        named = attributes(kiosk, residence)
        voice = self._world.scenario.voice_of(milestone)
        data = convert({name: named[name] for name in voice.fields}, Data)
        before, after = _around(voice, named, milestone, data)
        again = self._world.sent_again(voice.source.format(**named))
        made = self._pieces[milestone, residence] = _Pieces(before, f'",{after}', again)
        return made

    # --- heartbeats

    def of_kiosk(self, kiosk: Kiosk, spoken: set[tuple[str, str]]) -> Iterator[str]:
        """The heartbeats of every source that can speak of this kiosk's applications; ``spoken``: those that have had theirs, as voice and
        source. It is added to."""
        scenario = self._world.scenario
        for residence in kiosk.residents:
            named = attributes(kiosk, residence)
            for voice in scenario.voices:
                source = voice.source.format(**named)
                if (voice.voice, source) not in spoken and (scenario.heartbeats is None or voice.voice in scenario.heartbeats):
                    spoken.add((voice.voice, source))
                    yield from self._heartbeats(voice, named, self._world.rng("heartbeats", source))

    def _heartbeats(self, voice: Voice, named: Named, rng: Random) -> Iterator[str]:
        """At its own minute of the hour."""
        about = Data(kiosk=named["kiosk"], kiosk_municipality=named["kiosk_municipality"]) if "{kiosk}" in voice.source else Data()
        before, after = _around(voice, named, HEARTBEAT, about)
        at_us, number = self._world.begins_us + between(rng, 0, HOUR_S) * SECOND_US, 0
        while (arrived_us := at_us + max(1, int(self._world.latency(rng) * 1_000)) * 1_000) < self._world.ends_us:
            yield self._line(f'{{"specversion":"1.0","id":"heartbeat-{number}{before}{self._local(at_us)}",{after}', arrived_us)
            at_us, number = at_us + voice.heartbeat_h * HOUR_S * SECOND_US, number + 1


def _around(voice: Voice, named: Named, name: str, data: Data) -> tuple[str, str]:
    """What stands between the id and the time, and after the subject; text that JSON would write otherwise is written so."""
    source, kind, about, speaker = (
        encode(each).decode() for each in (voice.source.format(**named), PREFIX + name, data, voice.speaker.format(**named))
    )
    said = "" if about == "{}" else f'"data":{about},'
    return f'","source":{source},"type":{kind},"time":"', f'"datacontenttype":"application/json",{said}"speaker":{speaker},"received":"'
