"""stalls -> what is held now: each open stall once, as its last transition said it."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import confluent_kafka as ck

from schemas.codec import decode_transition
from schemas.instants import from_text
from schemas.records import Verdict
from streams.export import read_log
from streams.log_reader import partitions_in, reader
from streams.settings import Settings


class Held:
    """Open stalls by ``stall_id``; feed it the records of ``stalls`` in order."""

    def __init__(self) -> None:
        self._open: dict[bytes, Verdict] = {}

    def take(self, message: ck.Message) -> None:
        key, value = message.key(), message.value()
        if key is not None and value is None:
            self._open.pop(bytes(key), None)
        elif key is not None and value is not None:
            self._open[bytes(key)] = decode_transition(value).data

    def oldest_first(self) -> list[Verdict]:
        return sorted(self._open.values(), key=lambda verdict: (from_text(verdict.entered_at), verdict.stall_id))


@dataclass(frozen=True)
class Count:
    """How many applications wait at one kiosk, with one vendor or in one hop, and since when the oldest does."""

    name: str
    held: int
    oldest_at: str


def counts(verdicts: Iterable[Verdict], by: str) -> list[Count]:
    """Most first. ``by`` is a field of the verdict; who has none is counted under ``unknown``."""
    held: Counter[str] = Counter()
    oldest: dict[str, str] = {}
    for verdict in verdicts:
        name = getattr(verdict, by) or "unknown"
        held[name] += 1
        oldest[name] = min(oldest.get(name, verdict.entered_at), verdict.entered_at, key=from_text)
    return [Count(name, number, oldest[name]) for name, number in held.most_common()]


def held_now(settings: Settings, topic: str) -> Held:
    """What is held as the topic stands now."""
    held = Held()
    for message in read_log(settings, topic):
        held.take(message)
    return held


def follow(settings: Settings, topic: str, held: Held, every_s: float = 0.5) -> Iterator[Held]:
    """Keep ``held`` up to date, from the beginning of the topic; gives it back about every ``every_s``, for ever.

    It is whole when it is first given back. LogError once no broker answers any more.
    """
    down = threading.Event()
    consumer = reader(settings, enable_partition_eof=True, error_cb=lambda error: _note_silence(error, down))
    try:
        unread = set(partitions_in(consumer, settings, topic))
        consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING) for number in unread])
        while True:
            _take_for(every_s, consumer, held, unread)
            if down.is_set():
                partitions_in(consumer, settings, topic)  # raises, unless one is back
                down.clear()
            if not unread:
                yield held
    finally:
        consumer.close()


def _take_for(seconds: float, consumer: ck.Consumer, held: Held, unread: set[int]) -> None:
    """``unread``: partitions whose end has not been seen yet."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for message in consumer.consume(1_000, min(left, 0.2)):
            error = message.error()
            if error is None:
                held.take(message)
            elif error.code() != ck.KafkaError._PARTITION_EOF:
                raise ck.KafkaException(error)
            else:
                unread.discard(message.partition() or 0)


def _note_silence(error: ck.KafkaError, down: threading.Event) -> None:
    if error.code() == ck.KafkaError._ALL_BROKERS_DOWN:
        down.set()
