"""History from Kafka into chDB: the real stage, over what intake and the real watch left in the three logs, all columns and views.

``custody-log`` is filled with pulses so far apart that a range holds as many records as five seconds of 10,000 events/s do, in each
partition. How many rows it has inserted it says itself (``tairyu_rows_total``), and is asked a few times a second: the clock runs from the
first answer with any to the first with all; so do the CPU seconds.
"""

import time
from itertools import islice
from statistics import median
from typing import NamedTuple
from urllib.request import urlopen

import confluent_kafka as ck
from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from schemas.codec import decode_clock_mark
from streams.brokers.start import free_ports
from streams.connection import kafka
from streams.programs import Program
from streams.settings import Settings
from streams.topics import partitions_of
from streams.up import environment, stage_command
from tests.bench.custody import CARDS, CUSTODY, PULSE_EVERY, stretches
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.public_topics import make_topics
from tests.bench.race import cpu_s, peak_mb

STALL_EVENTS = CARDS["stall-events"].topic()
PATIENCE_S = 300.0
REST_S = 3.0
"""A history that inserts nothing for so long is done."""
LOOK_S = 0.1


FILLING = {"transactional.id": "bench-fill", "partitioner": "murmur2_random", "compression.type": "lz4", "linger.ms": 5, "log_level": 3}


class Numbers(NamedTuple):
    events: int
    in_flight: int
    apart: int
    """Events between two pulses, in all partitions."""


NUMBERS = {
    Size.TINY: Numbers(12_000, 500, 4_000),
    Size.QUICK: Numbers(250_000, 20_000, 50_000),
    Size.FULL: Numbers(1_000_000, 20_000, 50_000),
}


class Look(NamedTuple):
    at_s: float
    cpu_s: float
    rows: dict[str, int]
    """Log -> the rows that came of it."""


class Kept(NamedTuple):
    """One run of history."""

    rows: dict[str, int]
    """Within the time."""
    seconds: float
    cpu_s: float
    peak_mb: float

    @property
    def rows_per_s(self) -> float:
        return sum(self.rows.values()) / self.seconds


def measure(ground: Ground) -> Findings:
    numbers = NUMBERS[ground.size]
    with ground.kafka("history") as broker:
        settings = ground.settings(broker)
        make_topics(settings)
        ground.say(f"history: filling custody-log with {numbers.events:,} events, and judging them")
        judge(ground, settings, fill(settings, ground.seed, numbers))
        runs = []
        for number in range(ground.rounds):
            runs.append(keep(ground, settings, f"history-{number}"))
            ground.say(f"history: round {number + 1}: {runs[-1].rows_per_s:,.0f} rows/s, {runs[-1].cpu_s:.1f} CPU s")
    figures = {"history_rows_per_s": round(median(run.rows_per_s for run in runs))}
    return Findings(figures, [_table(runs)], {"numbers": numbers._asdict(), "runs": [run._asdict() for run in runs]})


def fill(settings: Settings, seed: int, numbers: Numbers) -> int:
    """Gives the bucket of the last pulse."""
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    producer, bucket = ck.Producer(kafka(settings) | FILLING), 0
    producer.init_transactions(30)
    for number, stretch in enumerate(islice(stretches(settings, seed, numbers.in_flight, partitions), numbers.events // PULSE_EVERY), 1):
        producer.begin_transaction()
        for line in stretch.events:
            producer.produce(CUSTODY, line.value, line.key)
        if number * PULSE_EVERY % numbers.apart == 0:
            bucket = stretch.bucket
            for line in stretch.pulses:
                producer.produce(CUSTODY, line.value, line.key, line.partition)
        producer.commit_transaction(30)
    return bucket


def judge(ground: Ground, settings: Settings, bucket: int) -> None:
    """Runs the watch until it has marked this bucket in each partition."""
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    reader = ck.Consumer(kafka(settings) | {"group.id": "bench-reader", "enable.auto.commit": False, "isolation.level": "read_committed"})
    reader.assign([ck.TopicPartition(STALL_EVENTS, number, 0) for number in range(partitions)])
    program = Program("the watch", stage_command("watch"), ground.folder / "watch.log", environment(settings))
    program.start()
    waiting, give_up = set(range(partitions)), time.monotonic() + PATIENCE_S
    try:
        while waiting:
            if time.monotonic() > give_up or not program.running:
                raise BenchError(f"the watch did not judge all of custody-log:\n{program.last_words()}")
            for message in reader.consume(10_000, 0.1):
                if message.error() is None and message.key() is None and decode_clock_mark(message.value() or b"").data.bucket == bucket:
                    waiting.discard(message.partition() or 0)
    finally:
        reader.close()
        program.stop()


def keep(ground: Ground, settings: Settings, name: str) -> Kept:
    """A history of its own of all that stands in the logs."""
    health_port, history_port = free_ports(2)
    own = {"history_dir": ground.folder / name, "history_port": history_port, "history_group": name, "health_port": health_port}
    program = Program("history", stage_command("history"), ground.folder / f"{name}.log", environment(settings, **own))
    program.start()
    looks, give_up = list[Look](), time.monotonic() + PATIENCE_S
    try:
        while not looks or time.monotonic() - looks[-1].at_s < REST_S:
            look = Look(time.monotonic(), cpu_s(program.pid), _rows(health_port))
            if look.rows and (not looks or look.rows != looks[-1].rows):
                looks.append(look)
            if time.monotonic() > give_up or not program.running:
                raise BenchError(f"history did not keep all that stands in the logs:\n{program.last_words()}")
            time.sleep(LOOK_S)
        peak = peak_mb(program.pid)
    finally:
        program.stop()
    first, last = looks[0], looks[-1]
    rows = {log: count - first.rows.get(log, 0) for log, count in last.rows.items()}
    return Kept(rows, last.at_s - first.at_s, last.cpu_s - first.cpu_s, peak)


def _rows(port: int) -> dict[str, int]:
    """What it says that it has inserted; nothing while it does not answer yet."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
    except OSError:
        return {}
    return {
        sample.labels["topic"]: int(sample.value) for family in families for sample in family.samples if sample.name == "tairyu_rows_total"
    }


def _table(runs: list[Kept]) -> Table:
    shown = Table(title="history (medians; in brackets the slowest and the fastest run)")
    for heading in ("rows of", "rows", "rows/s"):
        shown.add_column(heading, justify="left" if heading == "rows of" else "right")
    for log in runs[0].rows:
        shown.add_row(log, f"{runs[0].rows[log]:,}", f"{median(run.rows[log] / run.seconds for run in runs):,.0f}")
    rates = [run.rows_per_s for run in runs]
    shown.add_row("all", f"{sum(runs[0].rows.values()):,}", f"{median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})")
    return shown


MEASUREMENT = Measurement("history", ["history_rows_per_s"], measure)
