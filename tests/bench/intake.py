"""Intake beside a bare librdkafka copy loop: the same public topics, each a process of its own, one after the other.

How far one has come is what its group has committed, asked from outside. The clock runs from the first commit that is seen to the one that
holds the last record: a start does not count. CPU seconds are taken at the same two instants.

A figure counts only if the work was done: what a lap wrote into ``custody-log`` is read afterwards. Of intake, each public record must
stand there as one event, and none refused; of the copy loop, as many records as there were.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import NamedTuple, Protocol

import confluent_kafka as ck
import msgspec
from confluent_kafka.admin import AdminClient
from rich.table import Table

from schemas.records import PULSE_KEY, REFUSAL_KEY
from streams.connection import kafka
from streams.groups import INTAKE
from streams.programs import Program
from streams.settings import Settings
from streams.topics import admin_client, partitions_of
from streams.up import environment, stage_command
from tests.bench.custody import CARDS, CUSTODY
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.public_topics import fill, make_topics, traffic
from tests.bench.race import Lap, cpu_s, peak_mb

EVENTS = {Size.TINY: 20_000, Size.QUICK: 200_000, Size.FULL: 1_000_000}
IN_FLIGHT = 20_000
COPY = "bench-copy"
LOOK_S = 0.02
PATIENCE_S = 120.0
ANSWER_S = 10.0
SOON = (
    ck.KafkaError.NON_EMPTY_GROUP,
    ck.KafkaError.NOT_COORDINATOR,
    ck.KafkaError.COORDINATOR_NOT_AVAILABLE,
    ck.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
"""Why a broker does not forget a group yet."""


class Record(Protocol):
    """Of ``custody-log``: a ``confluent_kafka.Message``."""

    def key(self) -> bytes | None: ...

    def value(self) -> bytes | None: ...


class Origin(msgspec.Struct):
    """What is looked at of an event."""

    origin: str


_decode_origin = msgspec.json.Decoder(Origin).decode


class Look(NamedTuple):
    at_s: float
    cpu_s: float
    records: int
    """That the group has behind it."""


def measure(ground: Ground) -> Findings:
    with ground.kafka("intake") as broker:
        settings = ground.settings(broker, intake_slot="bench")
        topics = make_topics(settings)
        ground.say(f"intake: filling the public topics with {EVENTS[ground.size]:,} events")
        count = fill(settings, islice(traffic(settings, ground.seed, IN_FLIGHT), EVENTS[ground.size]))
        field = {"intake": (stage_command("intake"), INTAKE), "copy": (_copying(settings, topics), COPY)}
        admin = admin_client(settings)
        laps: dict[str, list[Lap]] = {name: [] for name in field}
        for number in range(ground.rounds):
            for name in sorted(field, reverse=number % 2 == 0):
                command, group = field[name]
                program = Program(name, command, ground.folder / f"{name}-{number}.log", environment(settings))
                output = Output(settings)
                lap = _lap(program, admin, group, topics, count)
                (check_admitted if name == "intake" else check_copied)(output.read(), count)
                laps[name].append(lap)
                ground.say(f"intake: round {number + 1}, {name}: {lap.events_per_s:,.0f} events/s, {lap.cpu_s:.1f} CPU s")
    rates = {name: median(lap.events_per_s for lap in each) for name, each in laps.items()}
    details = {"events": count, "laps": {name: [lap._asdict() for lap in each] for name, each in laps.items()}}
    return Findings({"intake_vs_copy": round(rates["intake"] / rates["copy"], 3)}, [_table(laps)], details)


def _copying(settings: Settings, topics: Mapping[str, int]) -> list[str]:
    return [sys.executable, "-m", "tests.bench.copying", settings.brokers, COPY, ",".join(topics), CUSTODY]


def _table(laps: Mapping[str, Sequence[Lap]]) -> Table:
    shown = Table(title="intake beside a copy loop (medians; in brackets the slowest and the fastest run)")
    for heading in ("", "events/s", "events/CPU s", "peak MB"):
        shown.add_column(heading, justify="right" if heading else "left")
    for name, each in laps.items():
        rates = [lap.events_per_s for lap in each]
        spread = f"{median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
        per_cpu, peak = median(lap.events_per_cpu_s for lap in each), median(lap.peak_mb for lap in each)
        shown.add_row(name, spread, f"{per_cpu:,.0f}", f"{peak:,.0f}")
    return shown


def _lap(program: Program, admin: AdminClient, group: str, topics: Mapping[str, int], count: int) -> Lap:
    """From the beginning of the topics to the last of ``count`` records."""
    forget(admin, group)
    began = time.monotonic()
    program.start()
    try:
        first = _wait(program, admin, group, topics, 1)
        last = _wait(program, admin, group, topics, count)
        peak = peak_mb(program.pid)
    finally:
        program.stop()
    if first.records == last.records:
        raise BenchError(f"{program.name} was done before it was looked at: more records are needed")
    return Lap(last.records - first.records, last.at_s - first.at_s, last.cpu_s - first.cpu_s, peak, first.at_s - began)


def _wait(program: Program, admin: AdminClient, group: str, topics: Mapping[str, int], enough: int) -> Look:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up and program.running:
        look = Look(time.monotonic(), cpu_s(program.pid), committed(admin, group, topics))
        if look.records >= enough:
            return look
        time.sleep(LOOK_S)
    raise BenchError(f"{program.name} did not come to {enough:,} records:\n{program.last_words()}")


def committed(admin: AdminClient, group: str, topics: Mapping[str, int]) -> int:
    """Records that the group has behind it. The public topics hold no transactions, so positions count records."""
    asked = admin.list_consumer_group_offsets([ck.ConsumerGroupTopicPartitions(group)])
    return sum(max(0, each.offset) for each in asked[group].result(ANSWER_S).topic_partitions if each.topic in topics)


def forget(admin: AdminClient, group: str) -> None:
    """So that the group begins anew; its last member has gone, or will in a moment."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            admin.delete_consumer_groups([group])[group].result(ANSWER_S)
            return
        except ck.KafkaException as error:
            if error.args[0].code() == ck.KafkaError.GROUP_ID_NOT_FOUND:
                return
            if error.args[0].code() not in SOON or time.monotonic() > give_up:
                raise
            time.sleep(0.2)


class Output:
    """What ``custody-log`` gets from here on; nothing is read before it is asked for."""

    def __init__(self, settings: Settings) -> None:
        config = {"group.id": "bench-reader", "isolation.level": "read_committed", "enable.partition.eof": True}
        self._config = kafka(settings) | config | {"enable.auto.commit": False}
        self._starts = [ck.TopicPartition(CUSTODY, part) for part in range(partitions_of(settings, "custody-log", CARDS["custody-log"]))]
        reader = ck.Consumer(self._config)
        for each in self._starts:
            each.offset = reader.get_watermark_offsets(each, ANSWER_S)[1]
        reader.close()

    def read(self) -> Iterator[ck.Message]:
        """To the end of each partition."""
        reader, waiting = ck.Consumer(self._config), len(self._starts)
        reader.assign(self._starts)
        while waiting:
            for message in reader.consume(10_000, 0.1):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == ck.KafkaError._PARTITION_EOF:
                    waiting -= 1
                else:
                    raise ck.KafkaException(error)
        reader.close()


def check_admitted(written: Iterable[Record], sent: int) -> None:
    """BenchError unless each of the records that were sent stands there as one event."""
    events, refusals, origins = 0, 0, set[str]()
    for record in written:
        if (key := record.key()) == REFUSAL_KEY:
            refusals += 1
        elif key != PULSE_KEY:
            events += 1
            origins.add(_decode_origin(record.value() or b"").origin)
    if refusals or not events == len(origins) == sent:
        raise BenchError(
            f"of {sent:,} records intake made {events:,} events, {len(origins):,} of them different ones, and {refusals:,} refusals"
        )


def check_copied(written: Iterable[Record], sent: int) -> None:
    if (copied := sum(1 for _ in written)) != sent:
        raise BenchError(f"of {sent:,} records the copy loop wrote {copied:,}")


MEASUREMENT = Measurement("intake", ["intake_vs_copy"], measure)
