"""What intake tells its monitoring of each feed: how far behind it is read, since when it is silent, what was refused."""

from collections.abc import Iterable, Iterator
from math import inf

from schemas.instants import SECOND_US
from schemas.reasons import Reason
from streams.desk import refusals
from streams.evidence import Reading as Read
from streams.inputs import Inputs
from streams.metrics import Name, Reading, counter

deleted_unread = counter("tairyu_deleted_unread_records_total")


def count_from_zero(topics: Iterable[str]) -> None:
    """Every feed and reason is there from the start: of a counter that begins at 1, Prometheus sees no increase."""
    for topic in topics:
        deleted_unread.labels(topic)
        for reason in Reason:
            refusals.labels(topic, reason.value)


def feed_readings(inputs: Inputs, now_us: int) -> Iterator[Reading]:
    """Of the partitions that this worker owns: per feed T of the slowest, and what was heard last of any."""
    feeds: dict[str, list[Read]] = {}
    for (topic, _), read in inputs.readings.items():
        feeds.setdefault(topic, []).append(read)
    for topic, reads in feeds.items():
        yield _age("tairyu_feed_clock_lag_seconds", topic, min(read.through_us or 0 for read in reads), now_us)
        yield _age("tairyu_feed_silence_seconds", topic, max(read.heard_us or 0 for read in reads), now_us)


def _age(name: Name, topic: str, at_us: int, now_us: int) -> Reading:
    """0 stands for never."""
    return Reading(name, (topic,), max(0, now_us - at_us) / SECOND_US if at_us else inf)
