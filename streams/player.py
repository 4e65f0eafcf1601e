"""scenario -> kiosk-events.*, jlis-events, municipal-events: plays records in scenario time, with ticks.

A record's timestamp is its arrival. Tick k, in every partition of every public topic each ten scenario minutes, vouches that all
with a timestamp up to k stands before it there. Play into new topics only: what has been played cannot be played on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import confluent_kafka as ck

from schemas.instants import SECOND_US, to_text
from streams.connection import kafka
from streams.hearing import MILLISECOND_US
from streams.senders import Headers, Senders, public_key, public_value
from streams.settings import Settings
from streams.ticks import TICK_HEADER
from streams.tidings import Tiding

TICK_US = 600 * SECOND_US
BUCKET_S = 21_600
"""``bucket_s`` of the pulses in a simulation."""
FLUSH_S = 60.0
WAIT_S = 0.1


class Played(NamedTuple):
    """A public record to be: when it arrives in scenario time (whole milliseconds), and what it is."""

    arrived_us: int
    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class PlayError(Exception):
    """The broker did not take every record: what was played is not the scenario."""


def records_of(tidings: Iterable[Tiding], senders: Senders) -> Iterator[Played]:
    """The public records of a scenario's tidings, in their order; Refused if a speaker is unknown."""
    for tiding in tidings:
        topic, headers = senders.route(tiding.event.speaker)
        yield Played(tiding.arrived_us, topic, public_key(tiding.event), public_value(tiding.event), headers)


def tick_at_or_after(instant_us: int) -> int:
    return -(-instant_us // TICK_US) * TICK_US


def last_tick_us(ends_us: int, bucket_s: int = BUCKET_S) -> int:
    """The first tick past the next two bucket boundaries: by it the tail of every log is cut."""
    bucket_us = bucket_s * SECOND_US
    return tick_at_or_after((ends_us // bucket_us + 2) * bucket_us) + TICK_US


def play(
    records: Iterable[Played],
    topics: Mapping[str, int],
    settings: Settings,
    *,
    begins_us: int,
    ends_us: int,
    bucket_s: int = BUCKET_S,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Plays records (by arrival) into ``topics`` (public topic -> partitions); how many there were. PlayError if one was not taken.

    The first tick is the last on the grid up to ``begins_us``. ``progress`` hears of each tick once it is on its way.
    """
    producer = _Producer(settings, topics)
    tick_us = begins_us // TICK_US * TICK_US
    count, before_us = 0, begins_us
    for record in records:
        if record.arrived_us < before_us or record.arrived_us % MILLISECOND_US:
            raise ValueError(f"{to_text(record.arrived_us)} after {to_text(before_us)}: not by arrival, or no whole milliseconds")
        tick_us = _tick_before(producer, tick_us, record.arrived_us, progress)
        producer.record(record)
        before_us, count = record.arrived_us, count + 1
    _tick_before(producer, tick_us, last_tick_us(max(before_us, ends_us), bucket_s) + 1, progress)
    producer.finish()
    return count


def _tick_before(producer: "_Producer", tick_us: int, instant_us: int, progress: Callable[[int], None] | None) -> int:
    """Every tick before the instant (one at the instant itself comes after its records); the next one that is left."""
    while tick_us < instant_us:
        producer.tick(tick_us)
        if progress is not None:
            progress(tick_us)
        tick_us += TICK_US
    return tick_us


class _Producer:
    """One producer, idempotent: within a partition, records stand in the order in which they were given."""

    def __init__(self, settings: Settings, topics: Mapping[str, int]) -> None:
        self._topics = topics
        self._failed: ck.KafkaError | None = None
        self._producer = ck.Producer(
            kafka(settings)
            | {
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "queue.buffering.max.messages": 200_000,
                "on_delivery": self._delivered,
                "log_level": 0,  # what goes wrong is raised
            }
        )

    def record(self, record: Played) -> None:
        headers: list[tuple[str, str | bytes | None]] = [*record.headers]
        self._send(record.topic, record.arrived_us, record.value, record.key, headers=headers)

    def tick(self, tick_us: int) -> None:
        instant = to_text(tick_us).encode()
        for topic, partitions in self._topics.items():
            for partition in range(partitions):
                self._send(topic, tick_us, None, None, partition=partition, headers=[(TICK_HEADER, instant)])
        self._producer.poll(0)

    def finish(self) -> None:
        left = self._producer.flush(FLUSH_S)
        if left:
            raise PlayError(f"{left} records were not taken by the broker within {FLUSH_S:.0f} s")
        self._check()

    def _send(
        self,
        topic: str,
        instant_us: int,
        value: bytes | None,
        key: bytes | None,
        *,
        partition: int = -1,
        headers: list[tuple[str, str | bytes | None]],
    ) -> None:
        while True:
            self._check()
            try:
                self._producer.produce(topic, value, key, partition, timestamp=instant_us // MILLISECOND_US, headers=headers)
            except BufferError:
                self._producer.poll(WAIT_S)
            except ck.KafkaException as refused:  # told at once where the client knows the topic already, else on delivery
                raise PlayError(f"the broker did not take a record: {refused.args[0].str()}") from None
            else:
                return

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        self._failed = self._failed or error

    def _check(self) -> None:
        if self._failed is not None:
            raise PlayError(f"the broker did not take a record: {self._failed.str()}")
