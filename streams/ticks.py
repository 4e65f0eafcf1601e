"""Scenario time: which records come before which tick, whatever the order in which partitions are read. Pure (architecture, "Simulation").

A scenario's player writes tick k into every partition of every public topic. What stands before it there, in all partitions
together, is handled in the order of (timestamp, topic, partition, offset); then it is k everywhere. So the order depends on what
the player wrote and on nothing else: neither on the broker nor on the batches in which it was fetched.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from streams.evidence import TopicPart

TICK_HEADER = "tairyu-tick"
"""Record header of a tick: its instant in RFC 3339. The record has neither key nor value."""

R = TypeVar("R")

Ordered = tuple[int, str, int, int, R]
"""Timestamp (microseconds), topic, partition, offset, and the record."""


@dataclass(frozen=True)
class Step(Generic[R]):
    """One tick: what comes before it, in order, and the position behind it in each partition."""

    tick_us: int
    records: list[Ordered[R]]
    positions: dict[TopicPart, int]


@dataclass
class _Lane(Generic[R]):
    """One partition, read ahead."""

    open: list[Ordered[R]] = field(default_factory=list)
    """Records after its last tick."""
    ticks: deque[tuple[int, int, list[Ordered[R]]]] = field(default_factory=deque)
    """Instant, position behind the tick, records before it."""
    last_us: int | None = None


class TickError(Exception):
    """Two partitions tell different times: not one player wrote them."""


class Ticks(Generic[R]):
    """Collects what the partitions say until they agree that it is the next tick."""

    def __init__(self, since_us: Mapping[TopicPart, int | None]) -> None:
        """``since_us``: every partition, and the last tick of it that has been handled (None: it begins)."""
        self._lanes: dict[TopicPart, _Lane[R]] = {partition: _Lane(last_us=last_us) for partition, last_us in since_us.items()}

    def record(self, topic: str, partition: int, offset: int, timestamp_us: int, record: R) -> None:
        self._lanes[topic, partition].open.append((timestamp_us, topic, partition, offset, record))

    def tick(self, topic: str, partition: int, offset: int, tick_us: int) -> None:
        """A tick that is not later than the one before it was written twice, and says nothing."""
        lane = self._lanes[topic, partition]
        if lane.last_us is None or tick_us > lane.last_us:
            lane.ticks.append((tick_us, offset + 1, lane.open))
            lane.open, lane.last_us = [], tick_us

    def steps(self) -> Iterator[Step[R]]:
        """The ticks that have come in every partition, once each; TickError if the next one is not the same in all."""
        while self._lanes and all(lane.ticks for lane in self._lanes.values()):
            heads = {where: lane.ticks.popleft() for where, lane in self._lanes.items()}
            instants = {tick_us for tick_us, _, _ in heads.values()}
            if len(instants) > 1:
                raise TickError("the feeds' next ticks differ: a scenario is played into new topics, by one player")
            records = sorted((each for _, _, before in heads.values() for each in before), key=lambda each: each[:4])
            yield Step(instants.pop(), records, {where: position for where, (_, position, _) in heads.items()})
