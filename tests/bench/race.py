"""How fast one contender is, seen from outside and in the same way for all: by the marks in what it says.

Each pulse of ``custody-log`` makes a contender say a mark, in its partition, behind all that it says of the records before. So the
marks that a reader of committed records finds in a contender's output tell how many events it has done with, and when. The clock
runs over the second half of a contender's events (in the first it starts, connects and warms up); so do the CPU seconds, which the
kernel counts for the process and the children that it waited for, user and system.
"""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import confluent_kafka as ck
import orjson

from schemas.records import MARK_TYPE
from streams.connection import kafka
from streams.programs import Program
from tests.bench.custody import Filled
from tests.bench.measurement import BenchError

WARM = 0.5
"""The share of the events after which the clock starts."""
QUIET_S = 60.0
"""A contender that says nothing for so long has failed."""
LOOK_S = 0.01
REST_S = 0.5
"""For verdicts that stand in other partitions than the last mark. The clock has stopped."""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
"""In which the kernel counts CPU time."""
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
    verdicts: int = 0
    """Read until the end, from the first event on: that the work was done."""

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds

    @property
    def events_per_cpu_s(self) -> float:
        return self.events / max(self.cpu_s, TICK_S)


@dataclass
class Progress:
    """How far a contender has come, by what it has said."""

    filled: Filled
    reader: ck.Consumer
    done: list[int] = field(default_factory=list)
    """Events of each partition that it is done with."""
    verdicts: int = 0

    def __post_init__(self) -> None:
        self.done = [0] * self.filled.partitions

    @property
    def events(self) -> int:
        return sum(self.done)

    def look(self) -> bool:
        """Reads what is new; whether a mark was among it."""
        marks = 0
        for message in self.reader.consume(1_000, LOOK_S):
            if MARK in (value := message.value() or b""):
                self._hear(value)
                marks += 1
            else:
                self.verdicts += 1
        return marks > 0

    def _hear(self, mark: bytes) -> None:
        """Its id is ``clock:PARTITION:BUCKET``, as the watch says it."""
        _, partition, bucket = orjson.loads(mark)["id"].split(":")
        place = int(partition)
        self.done[place] = max(self.done[place], self.filled.marks[int(bucket)][place])


def race(filled: Filled, program: Program, output: str, events: int) -> Lap:
    """Runs a contender until it is done with so many events, and stops it. ``output``: a topic that exists. BenchError if it fails."""
    config = {"group.id": "bench-reader", "isolation.level": "read_committed", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
    reader = ck.Consumer(kafka(filled.settings) | config)
    reader.assign([ck.TopicPartition(output, number, 0) for number in range(filled.partitions)])
    began = time.monotonic()
    program.start()
    progress = Progress(filled, reader)
    try:
        lap = _time(progress, program, events, began)
        until = time.monotonic() + REST_S
        while time.monotonic() < until:
            progress.look()
        return lap._replace(verdicts=progress.verdicts)
    finally:
        reader.close()
        program.stop(10)


def _time(progress: Progress, program: Program, events: int, began: float) -> Lap:
    heard, first = began, 0.0
    start: tuple[float, float, int] | None = None
    while True:
        told, now = progress.look(), time.monotonic()
        if told:
            heard, first = now, first or now
        if not program.running or now - heard > QUIET_S:
            what = "stood still" if program.running else f"ended (exit code {program.exit_code})"
            raise BenchError(f"{program.name} {what} after {progress.events:,} of {events:,} events:\n{program.last_words()}")
        if start is None and progress.events >= WARM * events:
            start = now, cpu_s(program.pid), progress.events
        elif start is not None and progress.events >= events:
            timed = progress.events - start[2]
            if timed == 0:
                raise BenchError(f"{program.name}: too few events to be timed: it was done with all of them at one look")
            return Lap(timed, now - start[0], cpu_s(program.pid) - start[1], peak_mb(program.pid), first - began)


def cpu_s(pid: int) -> float:
    """User and system, of the process and the children that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * TICK_S


def peak_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1_000
