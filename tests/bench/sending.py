"""Live traffic at a steady rate: ordinary events that happened a moment ago, and applications that are held.

Run as a process: ``python -m tests.bench.sending SETTINGS EVENTS_PER_S SECONDS SEED HELD_PER_S DUE_AFTER_S`` (settings as JSON). Says
when it begins and when it has ended, a line of JSON each. The events are those of ``told``, rendered beforehand in pieces, so that
sending costs little of the machine; when they are used up they come again, of other applications.

A *held* application was uploaded as long ago as takes it to its first limit ``DUE_AFTER_S`` from now; nothing else is said of it.
"""

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import confluent_kafka as ck
import orjson
from msgspec.structs import replace

from schemas.events import PREFIX, PublicEvent
from schemas.instants import SECOND_US, to_text
from streams.policy_file import load_policies
from streams.senders import Headers
from streams.settings import Settings
from tests.bench.public_topics import Public, public, send, sender
from tests.bench.traffic import VENDORS, Told, told

IN_FLIGHT = 20_000
DIFFERENT = 240_000
"""Events that are rendered: the whole life of that many applications."""
TICK_S = 0.005
HELD_HOP = "forward"
GAP = "@@"
"""Where id, time and subject of an event go."""
DIGITS = 3
"""Of the subject, that differ each time the events are sent."""


class Rendered(NamedTuple):
    topic: str
    headers: Headers
    pieces: tuple[bytes, ...]
    """Before id, time and subject, and after."""
    rest: bytes
    """Of the subject, behind the first digits: those differ each time."""
    twice: str | None
    """Its id, if it is told twice: a copy says what the first one said."""

    def at(self, round_: bytes, instant: bytes) -> Public:
        first, second, third, last = self.pieces
        subject = round_ + self.rest
        return Public(self.topic, subject, b"".join((first, round_, second, instant, third, subject, last)), self.headers)


def rendered(settings: Settings, seed: int, count: int) -> list[Rendered]:
    said = list(itertools.islice(told(seed, IN_FLIGHT), count))
    times = Counter(each.event.id for each in said)
    gaps = (each._replace(event=replace(each.event, id=f"{GAP}-{each.event.id}", time=GAP, subject=GAP)) for each in said)
    found = []
    for each, record in zip(said, public(settings, gaps), strict=True):
        pieces, rest = tuple(record.value.split(GAP.encode())), (each.event.subject or "")[DIGITS:].encode()
        found.append(Rendered(record.topic, record.headers, pieces, rest, each.event.id if times[each.event.id] > 1 else None))
    return found


def held(rng: random.Random, at_us: int) -> Told:
    vendor = rng.choice(VENDORS)
    event = PublicEvent(
        specversion="1.0",
        id=f"held-{rng.getrandbits(60)}",
        source=f"/vendors/{vendor}/kiosks/held",
        type=f"{PREFIX}application.uploaded",
        time=to_text(at_us),
        subject=f"{rng.getrandbits(76):023d}",
    )
    return Told(0, vendor, event)


def run(settings: Settings, rate: int, seconds: float, seed: int, held_rate: float, due_after_s: float) -> None:
    templates = rendered(settings, seed, min(DIFFERENT, int(rate * seconds) + 1))
    limit_us = load_policies(settings.policy).newest.hops[HELD_HOP].limits[0][1]
    rng, ahead_us = random.Random(seed), int(due_after_s * SECOND_US) - limit_us
    holding = public(settings, (held(rng, time.time_ns() // 1_000 + ahead_us) for _ in itertools.count()))
    producer = sender(settings, 20)
    live = _Live(producer, templates)
    began, sent_held = time.time(), 0
    print(orjson.dumps({"event": "began", "at_us": int(began * SECOND_US)}).decode(), flush=True)
    while (now := time.time()) < began + seconds:
        live.send(int(rate * (now - began)))
        while sent_held < held_rate * (now - began):
            send(producer, next(holding))
            sent_held += 1
        producer.poll(0)
        time.sleep(max(0.0, TICK_S - (time.time() - now)))
    left = producer.flush(60)
    ended = {
        "event": "ended",
        "sent": live.sent + sent_held - left,
        "held": sent_held,
        "began_us": int(began * SECOND_US),
        "at_us": time.time_ns() // 1_000,
    }
    print(orjson.dumps(ended).decode(), flush=True)


class _Live:
    def __init__(self, producer: ck.Producer, templates: list[Rendered]) -> None:
        self.sent = 0
        self._producer, self._next = producer, self._endless(templates)
        self._first: dict[str, bytes] = {}
        """When what is told twice was first told, in this round."""

    def _endless(self, templates: list[Rendered]) -> Iterator[tuple[Rendered, bytes]]:
        for number in itertools.count():
            self._first.clear()
            for template in templates:
                yield template, f"{number:0{DIGITS}d}".encode()

    def send(self, until: int) -> None:
        instant = to_text(time.time_ns() // 1_000_000 * 1_000).encode()
        for template, round_ in itertools.islice(self._next, max(0, until - self.sent)):
            at = instant if template.twice is None else self._first.setdefault(template.twice, instant)
            send(self._producer, template.at(round_, at))
        self.sent = max(self.sent, until)


if __name__ == "__main__":
    told_settings = Settings.model_validate(orjson.loads(sys.argv[1]))
    run(told_settings, int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6]))
