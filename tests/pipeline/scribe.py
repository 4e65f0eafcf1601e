"""Writes into ``custody-log`` what intake would, but says itself what time it is: for tests of the watch alone."""

from itertools import count
from random import Random

import confluent_kafka as ck
import msgspec

from schemas.codec import encode
from schemas.instants import SECOND_US, to_text
from schemas.records import PULSE_KEY, Input
from tests.pipeline.works import CUSTODY, Works
from tests.streams.story import EVENT, FEEDS, PULSE, jst

HOUR_US = 3_600 * SECOND_US


class Scribe:
    def __init__(self, works: Works, seed: int) -> None:
        self._works, self._rng, self._number = works, Random(seed), count()
        self.now_us = jst("2026-04-01 10:00")
        self._producer = ck.Producer({"bootstrap.servers": works.settings.brokers, "linger.ms": 0})

    def put(self, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Its offset, once the broker has it."""
        offsets: list[int] = []

        def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
            assert error is None, error
            offsets.append(message.offset() or 0)

        self._producer.produce(CUSTODY, value, key, partition, on_delivery=delivered)
        assert self._producer.flush(20) == 0
        return offsets[0]

    def event(self, token: str | None = None) -> tuple[str, bytes]:
        """A submission that happens and arrives now; its token."""
        token, now, number = token or self._rng.randbytes(32).hex(), to_text(self.now_us), next(self._number)
        event = msgspec.structs.replace(
            EVENT, subject=token, id=f"{number}", time=now, received=now, origin=f"kiosk-events.plaza:0:{number}"
        )
        return token, encode(event)

    def submit(self, partition: int) -> str:
        token, value = self.event()
        self.put(partition, token.encode(), value)
        return token

    def pulse_value(self, policy: str | None = None) -> bytes:
        """Everything is read through now."""
        now = to_text(self.now_us)
        inputs = {topic: Input(vendor=vendor, partitions=1, through={0: now}, heard={}) for topic, vendor in FEEDS.items()}
        version = policy or self._works.policies.newest.version
        return encode(msgspec.structs.replace(PULSE, at=now, bucket_s=5, policy=version, input_set=1, inputs=inputs))

    def pulse(self, partition: int) -> int:
        return self.put(partition, PULSE_KEY, self.pulse_value())

    def later(self, hours: float) -> "Scribe":
        self.now_us += int(hours * HOUR_US)
        return self
