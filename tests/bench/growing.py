"""What so many open applications, in so many partitions, of so many vendors, cost the rules alone: no Kafka, no Faust.

Run as a process: ``python -m tests.bench.growing SETTINGS OPEN PARTITIONS DUE SEED`` (settings as JSON). Prints a ``Point`` as JSON.
"""

import gc
import os
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

import orjson

from schemas.instants import SECOND_US
from schemas.records import PULSE_KEY, Applied
from streams.partition import Batch, Partition
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.bench.open_applications import WORKDAYS, Kept, OpenApplications, Pulses

PULSES = 200
"""A second apart; clock marks come with every fifth."""


class Point(NamedTuple):
    open: int
    partitions: int
    bytes_per_open: float
    """Resident memory by which the process has grown, once they are loaded and indexed."""
    index_s: float
    """To decode and index them."""
    pulse_ms: float
    """Of one partition, when nothing is due: median."""
    pulse_worst_ms: float
    due: int
    due_s: float
    """To judge so many that fall due in one second, and to encode what is said and kept: in all partitions, one after the other."""


def measure(settings: Settings, count: int, partitions: int, due: int, seed: int) -> Point:
    made, pulses = OpenApplications(settings, seed), Pulses(settings)
    parts = [Partition(load_policies(settings.policy), number) for number in range(partitions)]
    gc.collect()
    before = resident_bytes()
    kept = [*_records(made, count, due)]
    began = time.perf_counter()
    for number, part in enumerate(parts):
        part.restore({record.token: _own(record.stored) for record in islice(kept, number, None, partitions)}, Applied())
    index_s = time.perf_counter() - began
    del kept
    gc.collect()
    grown = resident_bytes() - before
    due_us = made.days[0].due_us
    took = _pulses(parts, pulses, due_us - PULSES * SECOND_US)
    began = time.perf_counter()
    said = sum(_pulse(part, pulses.at(due_us + SECOND_US)) for part in parts)
    due_s = time.perf_counter() - began
    assert said >= due, said
    return Point(count, partitions, grown / count, index_s, median(took) * 1_000, max(took) * 1_000, due, due_s)


def _records(made: OpenApplications, count: int, due: int) -> list[Kept]:
    later = range(1, len(WORKDAYS))
    rest = [kept for day in later for kept in made.some(day, -(-(count - due) // len(later)))]
    return [*made.some(0, due), *rest[: count - due]]


def _own(stored: bytes) -> bytes:
    """A copy, as loading makes one of each."""
    return stored[:1] + stored[1:]


def _pulses(parts: Sequence[Partition], pulses: Pulses, from_us: int) -> list[float]:
    took = []
    for number in range(PULSES):
        value = pulses.at(from_us + number * SECOND_US)
        for part in parts:
            began = time.perf_counter()
            _pulse(part, value)
            took.append(time.perf_counter() - began)
    return took


def _pulse(part: Partition, value: bytes) -> int:
    """As the watch judges and keeps it, without the transaction; how much it says."""
    batch: Batch = part.judge([(part.applied.offset + 1, PULSE_KEY, value)])
    changed, applied, said = batch.changed(), batch.applied(), len(batch.said)
    batch.ended()
    part.keep(batch, changed, applied)
    return said


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    count, partitions, due, seed = map(int, sys.argv[2:])
    point = measure(Settings.model_validate(orjson.loads(sys.argv[1])), count, partitions, due, seed)
    print(orjson.dumps(point._asdict()).decode())
