"""Ends a worker whose partition stands still while readable records wait for it.

It looks from a thread of its own, outside the event loop: what it guards against is an event loop that waits for ever
(stack, section 1: partitions get stuck after rebalances, without a word).
"""

import threading
import time
from collections.abc import Callable

import confluent_kafka as ck

from streams.log_reader import LOGGED, reader
from streams.loop import die
from streams.settings import Settings

LOOK_S = 2.0


class Standing:
    """How long each partition has stood at one offset, and since when a record is known to wait behind it. Pure: time is an argument.

    A log may have been idle for hours when a record comes, and that one is not stuck yet: idleness counts for one half of what is
    allowed at most, the other half is the wait of a record that was seen.
    """

    def __init__(self, allowed_s: float) -> None:
        self._half_s = allowed_s / 2
        self._since: dict[int, tuple[int, float]] = {}
        self._seen: dict[tuple[int, int], float] = {}
        """(Partition, offset) -> when a record was first seen to wait behind it."""

    def suspects(self, applied: dict[int, int], now_s: float) -> list[int]:
        """The partitions that have stood for half of what is allowed; one that is new or moved starts anew."""
        self._since = {
            number: held if (held := self._since.get(number)) is not None and held[0] == offset else (offset, now_s)
            for number, offset in applied.items()
        }
        self._seen = {where: seen_s for where, seen_s in self._seen.items() if applied.get(where[0]) == where[1]}
        return [number for number, (_, since_s) in self._since.items() if now_s - since_s >= self._half_s]

    def waits(self, number: int, offset: int, now_s: float) -> bool:
        """A record waits behind this suspect: whether it has done so for the other half, too."""
        return now_s - self._seen.setdefault((number, offset), now_s) >= self._half_s


class Watchdog:
    """Asks every few seconds what has been applied; ends the process when a suspect has a readable record waiting."""

    def __init__(self, settings: Settings, topic: str, applied: Callable[[], dict[int, int]]) -> None:
        self._settings, self._topic, self._applied = settings, topic, applied
        self._standing = Standing(settings.stuck_after_s)

    def start(self) -> None:
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def _look(self) -> None:
        try:
            while True:
                time.sleep(LOOK_S)
                self._ask(self._applied())
        except Exception as error:  # a worker that nobody guards must not go on
            die("the watchdog cannot look", error)

    def _ask(self, applied: dict[int, int]) -> None:
        for number in self._standing.suspects(applied, time.monotonic()):
            offset = applied[number]
            if (
                self._readable(number, offset + 1)
                and self._standing.waits(number, offset, time.monotonic())
                and self._applied().get(number) == offset
            ):
                die(f"partition {number} of {self._topic} stands at offset {offset} while readable records wait")

    def _readable(self, number: int, offset: int) -> bool:
        """Whether a committed record stands at or behind the offset: markers and open transactions do not count."""
        consumer = reader(self._settings, log_level=LOGGED, auto_offset_reset="earliest", enable_partition_eof=True)
        try:
            consumer.assign([ck.TopicPartition(self._topic, number, offset)])
            message = consumer.poll(5.0)
            return message is not None and message.error() is None
        finally:
            consumer.close()
