"""The input set (rule 2), how far this worker has read its part of it, and the pulse that says so (rule 1)."""

from collections.abc import Iterable, Mapping, Sequence

import confluent_kafka as ck

from schemas.instants import to_text
from schemas.records import Input, Pulse
from streams.evidence import Reading, TopicPart
from streams.keys import missing_key
from streams.parties import Feed


class Inputs:
    def __init__(
        self, feeds: Mapping[str, Feed], number: int, policy: str, bucket_s: int, *, low_ends: bool, keys: Sequence[str] = ()
    ) -> None:
        """``keys``: the marks of the keys of the tokens, the newest last."""
        self._keys = tuple(keys)
        self._feeds, self._number, self._policy, self._bucket_s, self._low_ends = feeds, number, policy, bucket_s, low_ends
        self.readings: dict[TopicPart, Reading] = {}
        """The partitions that this worker owns."""

    def take(self, committed: Iterable[ck.TopicPartition]) -> list[ck.TopicPartition]:
        """Owns exactly these now; where each is to start: at what is committed, else at its beginning."""
        self.readings = {
            (each.topic, each.partition): Reading.resumed(each.offset, each.metadata, low_ends=self._low_ends) for each in committed
        }
        return [
            ck.TopicPartition(topic, partition, ck.OFFSET_BEGINNING if reading.position is None else reading.position)
            for (topic, partition), reading in self.readings.items()
        ]

    def missing_key(self) -> str | None:
        """What to say if somebody went on here with a key that this worker lacks."""
        return missing_key(self._keys, (each.key for each in self.readings.values()))

    def drop(self) -> None:
        self.readings = {}

    def everything(self) -> set[TopicPart]:
        return {(feed.topic, partition) for feed in self._feeds.values() for partition in range(feed.partitions)}

    def known(self) -> dict[TopicPart, int]:
        """Partition -> position, where it is known."""
        return {where: reading.position for where, reading in self.readings.items() if reading.position is not None}

    def prove(self, clock_us: int, ends: Mapping[TopicPart, int]) -> None:
        for where, reading in self.readings.items():
            reading.prove(clock_us, ends.get(where))

    def positions(self) -> list[ck.TopicPartition]:
        """Of every known input, with T, heard and the newest key's mark as metadata."""
        newest = self._keys[-1] if self._keys else None
        return [
            ck.TopicPartition(topic, partition, position, self.readings[topic, partition].metadata(newest))
            for (topic, partition), position in self.known().items()
        ]

    def pulse(self, at_us: int) -> Pulse:
        return Pulse(
            at=to_text(at_us),
            bucket_s=self._bucket_s,
            policy=self._policy,
            input_set=self._number,
            inputs={topic: self._input(feed) for topic, feed in self._feeds.items()},
        )

    def _input(self, feed: Feed) -> Input:
        """A partition beyond the set is read, but no clock waits for it: the set is deployed first (rule 2)."""
        parts = range(feed.partitions)
        own = [(p, self.readings[feed.topic, p]) for p in parts if (feed.topic, p) in self.readings]
        known = [(partition, reading) for partition, reading in own if reading.position is not None]
        return Input(
            vendor=feed.party,
            partitions=feed.partitions,
            through=_texts([(partition, reading.through_us) for partition, reading in known]),
            heard=_texts([(partition, reading.heard_us) for partition, reading in known]),
        )


def _texts(instants: Sequence[tuple[int, int | None]]) -> dict[int, str]:
    return {partition: to_text(instant_us) for partition, instant_us in instants if instant_us is not None}
