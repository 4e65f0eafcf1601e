"""What the watch tells its monitoring of the partitions that it holds: how far behind, what is open, what is due."""

from collections.abc import Iterator, Mapping
from math import inf

from schemas.instants import SECOND_US
from streams.clocks import ALL, SHARED, UNKNOWN
from streams.metrics import Reading, counter
from streams.partition import Batch

SOON_US = 3_600 * SECOND_US
NAMES = {ALL: "all", SHARED: "shared"}

transitions = counter("tairyu_transitions_total")


def count_transitions(batch: Batch) -> None:
    """Once they are committed."""
    for (kind, hop), count in batch.kinds.items():
        transitions.labels(kind, hop).inc(count)


def partition_readings(held: Mapping[int, Batch], now_us: int) -> Iterator[Reading]:
    """Partition -> what is not committed yet, over what is. May be asked from another thread."""
    slowest: dict[str, int] = {}
    for number, batch in held.items():
        partition, labels = batch.partition, (str(number),)
        due = partition.due.count(now_us, batch.due_of)
        yield Reading("tairyu_watch_lag_seconds", labels, _behind(batch.at_us or UNKNOWN, now_us))
        yield Reading("tairyu_open_applications", labels, partition.open)
        yield Reading("tairyu_overdue_applications", labels, due)
        yield Reading("tairyu_due_soon_applications", labels, partition.due.count(now_us + SOON_US, batch.due_of) - due)
        for name, clock_us in partition.clocks.floors().items():
            slowest[name] = min(clock_us, slowest.get(name, clock_us))
    for name, clock_us in slowest.items():
        yield Reading("tairyu_clock_lag_seconds", (NAMES.get(name, name),), _behind(clock_us, now_us))


def _behind(at_us: int, now_us: int) -> float:
    return inf if at_us == UNKNOWN else max(0, now_us - at_us) / SECOND_US
