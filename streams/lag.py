"""How many readable records a consumer has still to handle. Asks no broker: the client knows what it was told last."""

import time
from collections.abc import Iterable, Mapping, Sequence

import confluent_kafka as ck

from streams.evidence import TopicPart
from streams.metrics import Reading

EVERY_S = 1.0


class Lag:
    """Looks in the consumer's own thread: asked from another one while it consumes, the client stands still for ever (seen)."""

    def __init__(self) -> None:
        self._ends: dict[TopicPart, int] = {}
        """Where a partition's end was last seen: markers stand behind the last record, so only that says that nothing is left."""
        self._readings: list[Reading] = []
        self._looked_s = 0.0

    def readings(self) -> Iterable[Reading]:
        """As they were a second ago, or when the loop last turned."""
        return self._readings

    def clear(self) -> None:
        self._ends, self._readings = {}, []

    def look(self, consumer: ck.Consumer, starts: Sequence[ck.TopicPartition], ends: Mapping[TopicPart, int]) -> None:
        """After a batch of these partitions was handled."""
        self._ends |= ends
        if time.monotonic() - self._looked_s >= EVERY_S:
            self._looked_s = time.monotonic()
            self._readings = [reading for start in starts for reading in self._of(consumer, start)]

    def _of(self, consumer: ck.Consumer, start: ck.TopicPartition) -> Iterable[Reading]:
        first, end = consumer.get_watermark_offsets(start, cached=True)
        (position,) = consumer.position([start])
        if end >= 0:
            at = max(position.offset, start.offset, first, self._ends.get((start.topic, start.partition), 0))
            yield Reading("tairyu_lag_records", (start.topic, str(start.partition)), max(0, end - at))
