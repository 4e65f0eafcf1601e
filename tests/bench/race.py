"""How fast one contender is, seen from outside and in the same way for all: by the marks in what it says.

Each pulse of ``custody-log`` makes a contender say a mark, in its partition, behind all that it says of the records before. So the
marks that a reader of committed records finds in a contender's output tell how many events it has done with, and when. The clock
runs from the first quarter of the events (until then a contender starts, connects and warms up) to the last; so do the CPU seconds,
which the kernel counts for the process and the children that it waited for, user and system.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import confluent_kafka as ck
import orjson

from schemas.records import MARK_TYPE
from streams.connection import kafka
from streams.programs import Program
from tests.bench.custody import Filled
from tests.bench.measurement import BenchError

WARM = 0.25
"""The share of the events after which the clock starts."""
QUIET_S = 60.0
"""A contender that says nothing for so long has failed."""
LOOK_S = 0.01
MARK = MARK_TYPE.encode()


class Lap(NamedTuple):
    """One run of one contender."""

    events: int
    """Within the time."""
    seconds: float
    cpu_s: float
    peak_mb: float
    """Resident, from its start to its end."""
    started_s: float
    """From the start of the process to the first mark."""

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds

    @property
    def events_per_cpu_s(self) -> float:
        return self.events / self.cpu_s


@dataclass
class Progress:
    """How many events a contender has done with, by the marks it has said."""

    filled: Filled
    done: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.done = [0] * self.filled.partitions

    def hear(self, mark_id: str) -> int:
        """``clock:PARTITION:BUCKET``, as the watch says it. Gives the events done with."""
        _, partition, bucket = mark_id.split(":")
        place = int(partition)
        self.done[place] = max(self.done[place], self.filled.marks[int(bucket)][place])
        return sum(self.done)


def race(filled: Filled, program: Program, outputs: Sequence[str], events: int) -> Lap:
    """Runs a contender until it is done with so many events, and stops it. ``outputs``: topics that exist. BenchError if it fails."""
    config = {"group.id": "bench-reader", "isolation.level": "read_committed", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
    reader = ck.Consumer(kafka(filled.settings) | config)
    reader.assign([ck.TopicPartition(topic, number, 0) for topic in outputs for number in range(filled.partitions)])
    began = time.monotonic()
    program.start()
    try:
        return _watch(Progress(filled), reader, program, events, began)
    finally:
        reader.close()
        program.stop(10)


def _watch(progress: Progress, reader: ck.Consumer, program: Program, events: int, began: float) -> Lap:
    heard = began
    first: float | None = None
    start: tuple[float, float, int] | None = None
    while True:
        done = 0
        for message in reader.consume(1_000, LOOK_S):
            if (value := message.value() or b"") and MARK in value:
                done = progress.hear(_mark_id(value))
        now = time.monotonic()
        if done:
            heard, first = now, first or now
        if start is None and done >= WARM * events:
            start = now, cpu_s(program.pid), done
        elif start is not None and done >= events:
            cpu = cpu_s(program.pid) - start[1]
            return Lap(done - start[2], now - start[0], cpu, peak_mb(program.pid), (first or now) - began)
        if not program.running or now - heard > QUIET_S:
            what = "stood still" if program.running else f"ended (exit code {program.exit_code})"
            raise BenchError(f"{program.name} {what} after {sum(progress.done):,} of {events:,} events:\n{program.last_words()}")


def _mark_id(value: bytes) -> str:
    mark: dict[str, Any] = orjson.loads(value)
    return str(mark["id"])


def cpu_s(pid: int) -> float:
    """User and system, of the process and the children that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1_000
