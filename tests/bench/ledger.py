"""What a million open applications cost the watch: how long it takes to have them back, what they weigh, a burst that falls due at once.

The watch is the real one, a process of its own. Recovery: what it says itself of fencing, loading and indexing its partitions, side by
side (``ledger loaded``). Memory: its peak over that of a watch whose ledger is empty. Due: from the pulse that makes 100,000 due to the
last of their transitions, as a reader of committed records finds them. Faust's own recovery runs over fewer of the same records.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import confluent_kafka as ck
import orjson
from rich.table import Table

from schemas.instants import SECOND_US
from schemas.records import PULSE_KEY, STALL_PREFIX
from streams.connection import kafka
from streams.programs import Program
from streams.settings import Settings
from streams.topics import partitions_of
from streams.up import environment, stage_command
from tests.bench.contenders import output_topic
from tests.bench.custody import CARDS, CUSTODY, Filled
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.open_applications import WORKDAYS, Kept, OpenApplications, Pulses
from tests.bench.public_topics import make_topics, sender
from tests.bench.race import peak_mb

APPLICATIONS, STALL_EVENTS = CARDS["applications"].topic(), CARDS["stall-events"].topic()
FAUST_CHANGELOG = "bench-faust-changelog"
BURSTS = 3
"""Days of which each falls due by a pulse of its own."""
PATIENCE_S = 300.0
LOOK_S = 0.05
REST_S = 3.0
"""Before a burst: what the burst before left behind is done."""
MB = 1_000_000


class Numbers(NamedTuple):
    open: int
    burst: int
    faust: int
    """Records of which Faust recovers its table."""


NUMBERS = {
    Size.TINY: Numbers(5_000, 1_000, 500),
    Size.QUICK: Numbers(400_000, 100_000, 40_000),
    Size.FULL: Numbers(1_000_000, 100_000, 100_000),
}


class Loaded(NamedTuple):
    """A watch that has its ledger back."""

    applications: int
    seconds: float
    """Fencing, loading, indexing."""
    started_s: float
    """From the start of the process."""
    peak_mb: float


def measure(ground: Ground) -> Findings:
    numbers = NUMBERS[ground.size]
    with ground.kafka("ledger") as broker:
        settings = ground.settings(broker)
        make_topics(settings)
        empty = [_load(ground, settings, f"empty-{number}") for number in range(ground.rounds)]
        ground.say(f"ledger: an empty watch is ready after {empty[0].started_s:.1f} s, with {empty[0].peak_mb:.0f} MB")
        made = OpenApplications(settings, ground.seed)
        count = _write(settings, APPLICATIONS, _applications(made, numbers))
        ground.say(f"ledger: {count:,} open applications are written")
        loads = []
        for number in range(ground.rounds):
            loads.append(_load(ground, settings, f"watch-{number}"))
            ground.say(f"ledger: {loads[-1].applications:,} back after {loads[-1].seconds:.2f} s, {loads[-1].peak_mb:,.0f} MB")
        bursts = list(_bursts(ground, settings, made, numbers.burst))
        faust = _faust(ground, settings, islice(made.some(0, numbers.faust), numbers.faust))
    per_record = median(load.seconds / load.applications for load in loads)
    weight = (median(load.peak_mb for load in loads) - median(load.peak_mb for load in empty)) * MB / count
    figures = {
        "recovery_s_per_million": round(per_record * MB, 2),
        "recovery_vs_faust": round(faust["seconds"] / faust["records"] / per_record, 1),
        "bytes_per_open_application": round(weight),
        "due_100k_s": round(median(bursts), 2),
    }
    details = {
        "open": count,
        "record_bytes": round(sum(map(len, made.days[-1].stored)) / len(made.days[-1].stored)),
        "loads": [load._asdict() for load in loads],
        "empty": [load._asdict() for load in empty],
        "faust": faust,
        "burst": numbers.burst,
        "bursts_s": bursts,
    }
    return Findings(figures, [_table(loads, empty, faust, bursts, numbers)], details)


def _applications(made: OpenApplications, numbers: Numbers) -> Iterator[Kept]:
    """The days of the bursts, one after the other; the rest falls due later."""
    for day in range(BURSTS):
        yield from made.some(day, numbers.burst)
    rest = numbers.open - BURSTS * numbers.burst
    later = range(BURSTS, len(WORKDAYS))
    for day in later:
        yield from made.some(day, rest // len(later))


def _write(settings: Settings, topic: str, records: Iterable[Kept]) -> int:
    producer, count = sender(settings, 50), 0
    for record in records:
        while True:
            try:
                producer.produce(topic, record.stored, record.token)
                break
            except BufferError:
                producer.poll(0.05)
        count += 1
    if left := producer.flush(120):
        raise BenchError(f"the broker took {count - left} of {count} records of {topic}")
    return count


def _watch(ground: Ground, settings: Settings, name: str) -> Program:
    return Program("the watch", stage_command("watch"), ground.folder / f"{name}.log", environment(settings))


def _load(ground: Ground, settings: Settings, name: str) -> Loaded:
    program = _watch(ground, settings, name)
    try:
        return started(program)
    finally:
        program.stop()


def started(program: Program) -> Loaded:
    """Starts a watch; returns when it has its ledger."""
    began = time.monotonic()
    program.start()
    while time.monotonic() - began < PATIENCE_S and program.running:
        if said := _said(program.log, "ledger loaded"):
            return Loaded(said["applications"], said["seconds"], time.monotonic() - began, peak_mb(program.pid))
        time.sleep(LOOK_S)
    raise BenchError(f"the watch did not load its ledger:\n{program.last_words()}")


def _said(log: Path, event: str) -> dict[str, Any] | None:
    """The line of a stage's log that tells of this."""
    lines = (orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{") and event.encode() in line)
    return next((line for line in lines if line.get("event") == event), None)


def _bursts(ground: Ground, settings: Settings, made: OpenApplications, burst: int) -> Iterator[float]:
    """Seconds, from the pulse that makes a day's applications due until the last of their transitions can be read."""
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    pulses, producer, program = Pulses(settings), sender(settings, 0), _watch(ground, settings, "bursts")
    with _Reader(settings, STALL_EVENTS, partitions) as reader:
        started(program)
        try:
            for day in range(BURSTS):
                time.sleep(REST_S)
                pulse = pulses.at(made.days[day].due_us + SECOND_US)
                began = time.monotonic()
                for partition in range(partitions):
                    producer.produce(CUSTODY, pulse, PULSE_KEY, partition)
                producer.flush(30)
                seconds = reader.wait_for(burst, program) - began
                ground.say(f"ledger: the last of {burst:,} transitions could be read after {seconds:.2f} s")
                yield seconds
        finally:
            program.stop()


class _Reader:
    """Reads a topic's committed records from its end on."""

    def __init__(self, settings: Settings, topic: str, partitions: int) -> None:
        self._consumer = ck.Consumer(
            kafka(settings)
            | {"group.id": "bench-reader", "enable.auto.commit": False, "isolation.level": "read_committed", "fetch.wait.max.ms": 10}
        )
        self._consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_END) for number in range(partitions)])
        self._consumer.consume(1, 1.0)

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self._consumer.close()

    def wait_for(self, transitions: int, program: Program) -> float:
        """When the last of so many has been read (monotonic)."""
        found, give_up, kind = 0, time.monotonic() + PATIENCE_S, f'"{STALL_PREFIX}'.encode()
        while time.monotonic() < give_up and program.running:
            messages = self._consumer.consume(10_000, 0.05)
            now = time.monotonic()
            found += sum(kind in (message.value() or b"") for message in messages)
            if found >= transitions:
                return now
        raise BenchError(f"{found:,} of {transitions:,} transitions came:\n{program.last_words()}")


def _faust(ground: Ground, settings: Settings, records: Iterable[Kept]) -> dict[str, Any]:
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    topic = output_topic(Filled(settings, partitions, 0, {}, 0), FAUST_CHANGELOG)
    count = _write(settings, topic, records)
    command = [sys.executable, "-m", "tests.bench.faust_recovery", settings.brokers, CUSTODY, topic, str(partitions)]
    program = Program("Faust's recovery", command, ground.folder / "faust.log")
    program.start()
    try:
        ended = program.wait(PATIENCE_S)
    finally:
        program.stop()
    lines = [line for line in program.log.read_bytes().splitlines() if line.startswith(b'{"seconds"')]
    if not ended or not lines:
        raise BenchError(f"Faust did not recover its table:\n{program.last_words()}")
    found: dict[str, Any] = orjson.loads(lines[-1])
    if found["records"] != count:
        raise BenchError(f"Faust recovered {found['records']} of {count} records")
    ground.say(f"ledger: Faust's own recovery took {found['seconds']:.2f} s for {count:,}")
    return found


def _table(loads: Sequence[Loaded], empty: Sequence[Loaded], faust: dict[str, Any], bursts: Sequence[float], numbers: Numbers) -> Table:
    shown = Table(title="the ledger (medians)")
    for heading in ("", "records", "seconds", "records/s", "peak MB"):
        shown.add_column(heading, justify="right" if heading else "left")
    seconds, peak = median(load.seconds for load in loads), median(load.peak_mb for load in loads)
    shown.add_row("recovery", f"{loads[0].applications:,}", f"{seconds:.2f}", f"{loads[0].applications / seconds:,.0f}", f"{peak:,.0f}")
    shown.add_row(
        "an empty watch", "0", f"{median(load.seconds for load in empty):.2f}", "", f"{median(load.peak_mb for load in empty):,.0f}"
    )
    rate = faust["records"] / faust["seconds"]
    shown.add_row("Faust's own recovery", f"{faust['records']:,}", f"{faust['seconds']:.2f}", f"{rate:,.0f}", "")
    shown.add_row(
        "due at once, to the last readable", f"{numbers.burst:,}", f"{median(bursts):.2f}", f"{numbers.burst / median(bursts):,.0f}", ""
    )
    return shown


MEASUREMENT = Measurement("ledger", ["recovery_s_per_million", "recovery_vs_faust", "bytes_per_open_application", "due_100k_s"], measure)
