"""A small, steady stream of odd applications into the public topics, from a thread, while the set-up changes under it."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count
from random import Random
from types import TracebackType
from typing import Any, Self

import confluent_kafka as ck
import orjson

from streams.senders import Senders
from tests.mixed import VENDORS, mixed_events

BATCH, PAUSE_S = 10, 0.1


class Traffic:
    """Sends the events of the parties that may speak (vendors: those in ``vendors``, which may be changed) until it is left."""

    def __init__(self, brokers: str, senders: Senders, vendors: Collection[str], origins: list[str], seed: int) -> None:
        """``origins``: where each record goes that the broker has taken."""
        self.vendors = vendors
        self._senders, self._origins, self._rng = senders, origins, Random(seed)
        self._producer = ck.Producer({"bootstrap.servers": brokers, "linger.ms": 5, "topic.metadata.refresh.interval.ms": 500})
        self._end, self._thread = threading.Event(), threading.Thread(target=self._run, name="traffic")
        self.failed: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Returns when the broker has all."""
        self._end.set()
        self._thread.join()
        assert self._producer.flush(30) == 0
        if self.failed is not None and error is None:
            raise self.failed

    def _run(self) -> None:
        try:
            events = self._events()
            while not self._end.wait(PAUSE_S):
                for _ in range(BATCH):
                    self._send(next(events))
                self._producer.poll(0)
        except BaseException as error:
            self.failed = error

    def _events(self) -> Iterator[Mapping[str, Any]]:
        now_us = time.time_ns() // 1_000
        return chain.from_iterable(mixed_events(100, self._rng.getrandbits(32), now_us) for _ in count())

    def _send(self, event: Mapping[str, Any]) -> None:
        speaker = event["speaker"]
        if speaker in VENDORS and speaker not in self.vendors:
            return
        topic, headers = self._senders.route(speaker)
        value = orjson.dumps({name: told for name, told in event.items() if name != "speaker"})
        self._producer.produce(topic, value, headers=[*headers], on_delivery=self._delivered)

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        assert error is None, error
        self._origins.append(f"{message.topic()}:{message.partition()}:{message.offset()}")
