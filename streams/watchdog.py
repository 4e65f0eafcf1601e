"""Ends a worker whose partition stands still while readable records wait for it.

It looks from a thread of its own, outside the event loop: what it guards against is an event loop that waits for ever
(stack, section 1: partitions get stuck after rebalances, without a word).
"""

import threading
import time
from collections.abc import Callable

import confluent_kafka as ck

from streams.loop import die
from streams.settings import Settings

LOOK_S = 2.0


class Standing:
    """How long each partition has stood at one offset. Pure: time is an argument."""

    def __init__(self, allowed_s: float) -> None:
        self._allowed_s = allowed_s
        self._since: dict[int, tuple[int, float]] = {}

    def suspects(self, applied: dict[int, int], now_s: float) -> list[int]:
        """The partitions that have stood for longer than is allowed; one that is new or moved starts anew."""
        self._since = {
            number: held if (held := self._since.get(number)) is not None and held[0] == offset else (offset, now_s)
            for number, offset in applied.items()
        }
        return [number for number, (_, since_s) in self._since.items() if now_s - since_s > self._allowed_s]


class Watchdog:
    """Asks every few seconds what has been applied; ends the process when a suspect has a readable record waiting."""

    def __init__(self, settings: Settings, topic: str, applied: Callable[[], dict[int, int]]) -> None:
        self._settings, self._topic, self._applied = settings, topic, applied
        self._standing = Standing(settings.stuck_after_s)

    def start(self) -> None:
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            applied = self._applied()
            for number in self._standing.suspects(applied, time.monotonic()):
                if self._readable(number, applied[number] + 1) and self._applied().get(number) == applied[number]:
                    die(f"partition {number} of {self._topic} stands at offset {applied[number]} while readable records wait")

    def _readable(self, number: int, offset: int) -> bool:
        """Whether a committed record stands at or behind the offset: markers and open transactions do not count."""
        consumer = ck.Consumer(
            {
                "bootstrap.servers": self._settings.brokers,
                "group.id": "tairyu-watchdog",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([ck.TopicPartition(self._topic, number, offset)])
            message = consumer.poll(5.0)
            return message is not None and message.error() is None
        finally:
            consumer.close()
