"""A house of its own for a test: topics, a ClickHouse, and history stages as processes; and what they should have kept."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clickhouse_connect
import confluent_kafka as ck
import msgspec
from clickhouse_connect.driver.client import Client
from confluent_kafka.admin import AdminClient

from schemas.cards import Card, load_cards
from sinks.columns import COLUMNS
from sinks.cuts import Cutter
from sinks.history import READ, sources
from streams.brokers import Broker
from streams.policy import Policies
from streams.settings import Settings
from streams.topics import ensure_topics, topic_ids
from tests.sinks.logs import applications, custody_log, send, stall_events
from tests.sinks.tables import Record

ROOT = Path(__file__).parents[2]
STAGE = """
import sys
import msgspec
from schemas.cards import load_cards
from sinks.history import run
from streams.logs import log_to_stderr
from streams.settings import Settings
log_to_stderr()
prefix = sys.argv[1]
run(Settings(), {name: msgspec.structs.replace(card, name=prefix + card.name) for name, card in load_cards().items()})
"""
"""The stage over topics that no other test has."""
PARTITIONS = 2
MAKERS = {"custody-log": custody_log, "applications": applications, "stall-events": stall_events}
PATIENCE_S = 120.0


@dataclass
class House:
    """Topics of its own on a broker, a ClickHouse, and stages over them."""

    broker: Broker
    folder: Path
    url: str | None
    """None: the stage keeps a folder of its own."""
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:12]}-")
    stages: list["Stage"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(brokers=self.broker.bootstrap, embedded=self.broker.embedded, log_partitions=PARTITIONS)
        self.make_topics()

    def topic(self, card: str) -> str:
        return self.prefix + card

    def make_topics(self) -> None:
        cards: dict[str, Card] = {name: load_cards()[name] for name in READ}
        wanted = {name: msgspec.structs.replace(card, name=self.topic(name)) for name, card in cards.items()}
        while not set(ensure_topics(self.settings, wanted, {})) >= {self.topic(name) for name in READ}:
            pass  # Kafka deletes in its own time

    @property
    def group(self) -> str:
        """Its own: members of another house, killed a moment ago, are none of its business."""
        return self.prefix + "history"

    def ids(self) -> dict[str, str]:
        return topic_ids(AdminClient({"bootstrap.servers": self.broker.bootstrap}), map(self.topic, READ))

    def fill(self, count: int) -> None:
        for name, make in MAKERS.items():
            for partition in range(PARTITIONS):
                send(self.broker.bootstrap, self.topic(name), partition, make(count, partition), aborted=not self.broker.embedded)

    def start(self) -> "Stage":
        given = {
            "TAIRYU_BROKERS": self.broker.bootstrap,
            "TAIRYU_EMBEDDED": str(int(self.broker.embedded)),
            "TAIRYU_HISTORY_GROUP": self.group,
            "TAIRYU_SESSION_TIMEOUT_S": "2" if self.broker.embedded else "6",  # Kafka allows no less
            **({"TAIRYU_CLICKHOUSE_URL": self.url} if self.url else {"TAIRYU_HISTORY_DIR": str(self.folder)}),
        }
        self.stages.append(Stage(self.prefix, given, self.folder.parent / f"stage-{len(self.stages)}.log", self.url))
        return self.stages[-1]


class Stage:
    """A process of the stage, and a client that asks for what it has kept."""

    def __init__(self, prefix: str, given: dict[str, str], log: Path, url: str | None) -> None:
        self.log, self._url = log, url
        self._client: Client | None = None
        command = [sys.executable, "-c", STAGE, prefix]
        with log.open("w") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given}, stdout=output, stderr=subprocess.STDOUT)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def said(self, event: str) -> dict[str, Any]:
        """Its line about this, as soon as it has said it."""
        for _ in patience(f"{event!r} in {self.log}"):
            for line in self.lines():
                if line["event"] == event:
                    return line
            assert self.process.poll() is None, self.log.read_text()
        raise AssertionError

    def query(self, query: str) -> list[tuple[Any, ...]]:
        if self._client is None:
            url = self._url or self.said("answering ClickHouse's HTTP interface, read-only")["url"]
            self.said("history is ready")
            dsn = url.replace("http://", "clickhouse://") + "/tairyu"
            self._client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
        return [tuple(row) for row in self._client.query(query).result_rows]

    def wait_for_rows(self, table: str, topic: str, count: int) -> None:
        for _ in patience(f"{count} rows in {table}", self.log.read_text):
            if self.query(f"SELECT count() FROM {table} WHERE topic = '{topic}'")[0][0] >= count:
                return
            assert self.process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ends(self) -> int:
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        self.process.terminate()
        return self.ends()


def patience(what: str, instead: Callable[[], str] = str) -> Iterator[None]:
    """Again and again, but not for ever; then ``instead`` says what there was."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        yield
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_S:g} s for {what}\n{instead()}")


def committed(house: House, card: str, partition: int) -> list[Record]:
    """What the log holds, as an independent reader finds it."""
    told = {
        "bootstrap.servers": house.broker.bootstrap,
        "group.id": uuid.uuid4().hex,
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 20,
    }
    consumer = ck.Consumer(told)
    consumer.list_topics(house.topic(card), timeout=20)  # who does not know the leader yet waits half a second before asking again
    consumer.assign([ck.TopicPartition(house.topic(card), partition, ck.OFFSET_BEGINNING)])
    records: list[Record] = []
    while True:
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                records.append(Record(message.offset() or 0, message.key(), message.value()))
            elif error.code() == ck.KafkaError._PARTITION_EOF:
                consumer.close()
                return records
            else:
                raise ck.KafkaException(error)


def expected(house: House, policies: Policies) -> dict[str, list[tuple[Any, ...]]]:
    """Table -> (topic, partition, lo, hi, offset) of each row, by the rules alone."""
    found: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
    by_topic = sources(load_cards(), policies)
    for card in READ:
        for partition in range(PARTITIONS):
            waiting: list[Record] = []
            cutter = Cutter()
            for record in committed(house, card, partition):
                mark = by_topic[card].mark(record.key, record.value)
                if mark is None or by_topic[card].is_kept(mark, cutter.cut_us, partition):
                    waiting.append(record)
                if cut := cutter.feed(record.offset, mark):
                    for table, columns in by_topic[card].rows(waiting, lambda offset: None):
                        found[table] += [(house.topic(card), partition, cut.lo, cut.hi, offset) for offset in columns["offset"]]
                    waiting = []
    return {table: sorted(rows) for table, rows in found.items()}


def kept(house: House, stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    query = "SELECT topic, partition, lo, hi, offset FROM {} WHERE startsWith(topic, '{}') ORDER BY ALL"
    return {table: stage.query(query.format(table, house.prefix)) for table in COLUMNS}
