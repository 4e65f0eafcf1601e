"""The history stage, as a process that is killed: each record's rows once, none missing."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import clickhouse_connect
import confluent_kafka as ck
import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka.admin import AdminClient

from schemas.cards import Card, load_cards
from schemas.records import Application
from schemas.situations import situations
from sinks.clickhouse import Log, Store
from sinks.cuts import Cutter, Range
from sinks.history import READ, HistoryError, Tail, known_verdicts, sources
from sinks.rows import COLUMNS, CustodyLog, Record, Unreadable
from streams.brokers import Broker
from streams.policy import Policies
from streams.settings import Settings
from streams.topics import ensure_topics, topic_ids
from tests.sinks.logs import BEGIN_US, Pair, applications, custody_log, send, stall_events
from tests.streams.story import MY_NUMBER, token_of

ROOT = Path(__file__).parents[2]
STAGE = """
import sys
import msgspec
from schemas.cards import load_cards
from sinks.history import run
from streams.loop import log_to_stderr
from streams.settings import Settings
log_to_stderr()
prefix = sys.argv[1]
run(Settings(), {name: msgspec.structs.replace(card, name=prefix + card.name) for name, card in load_cards().items()})
"""
"""The stage over topics that no other test has."""
PARTITIONS = 2
MAKERS = {"custody-log": custody_log, "applications": applications, "stall-events": stall_events}
PATIENCE_S = 60.0


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
        for _ in patience(f"{count} rows in {table}"):
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


def patience(what: str) -> Iterator[None]:
    """Again and again, but not for ever."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        yield
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_S:g} s for {what}")


@pytest.fixture
def build(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def built(broker: Broker, server: bool) -> House:
        url = request.getfixturevalue("server") if server else None
        houses.append(House(broker, tmp_path / f"history-{len(houses)}", url))
        return houses[-1]

    yield built
    for house in houses:
        for stage in house.stages:
            if stage.process.poll() is None:
                stage.kill()


@pytest.fixture(params=["folder", "server"])
def house(request: pytest.FixtureRequest, build: Callable[..., House], broker: Broker) -> House:
    """On both brokers, on chDB and over HTTP."""
    return build(broker, request.param == "server")


def committed(house: House, card: str, partition: int) -> list[Record]:
    """What the log holds, as an independent reader finds it."""
    consumer = ck.Consumer({"bootstrap.servers": house.broker.bootstrap, "group.id": uuid.uuid4().hex, "enable.partition.eof": True})
    consumer.assign([ck.TopicPartition(house.topic(card), partition, ck.OFFSET_BEGINNING)])
    records: list[Record] = []
    while True:
        for message in consumer.consume(1000, 1.0):
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
                if mark is None:
                    waiting.append(record)
                if cut := cutter.feed(record.offset, mark):
                    rows = by_topic[card].rows(waiting, lambda offset: None)
                    for table, of_table in rows.items():
                        found[table] += [(house.topic(card), partition, cut.lo, cut.hi, row[0]) for row in of_table]
                    waiting = []
    return {table: sorted(rows) for table, rows in found.items()}


def kept(house: House, stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    query = "SELECT topic, partition, lo, hi, offset FROM {} WHERE startsWith(topic, '{}') ORDER BY ALL"
    return {table: stage.query(query.format(table, house.prefix)) for table in COLUMNS}


def test_killed_in_the_middle_it_keeps_every_row_once(house: House) -> None:
    house.fill(600)
    right = expected(house, MY_NUMBER)
    events, custody = len(right["events"]), house.topic("custody-log")
    assert events > 500

    for part in (1, 2):
        stage = house.start()
        stage.wait_for_rows("events", custody, events * part // 3)
        stage.kill()
    last = house.start()
    for table, rows in right.items():
        for topic in {row[0] for row in rows}:
            last.wait_for_rows(table, topic, sum(row[0] == topic for row in rows))

    assert kept(house, last) == right
    ((count, different),) = last.query(
        f"SELECT count(), uniqExact(topic, partition, lo) FROM ranges WHERE startsWith(topic, '{house.prefix}')"
    )
    assert count == different == sum(len({row[:4] for row in rows}) for rows in (_merged(right)))
    assert last.stop() == 0


def _merged(right: dict[str, list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """Rows of tables that are filled from one log belong to the same ranges."""
    return [right["events"] + right["refusals"], right["hops"] + right["applications"], right["transitions"]]


@pytest.mark.kafka
def test_two_writers_share_the_partitions_and_one_takes_over_from_the_other(kafka: Broker, build: Callable[..., House]) -> None:
    house = build(kafka, True)
    house.fill(300)
    right = expected(house, MY_NUMBER)
    first = house.start()
    first.wait_for_rows("events", house.topic("custody-log"), 1)

    second = house.start()
    second.said("keeping")
    first.kill()
    for table, rows in right.items():
        for topic in {row[0] for row in rows}:
            second.wait_for_rows(table, topic, sum(row[0] == topic for row in rows))

    assert kept(house, second) == right


def test_a_log_made_again_under_the_same_name_is_kept_beside_the_first(broker: Broker, build: Callable[..., House]) -> None:
    house = build(broker, True)
    house.fill(100)
    right = expected(house, MY_NUMBER)
    stage = house.start()
    stage.wait_for_rows("events", house.topic("custody-log"), len(right["events"]))
    assert stage.stop() == 0
    before = house.ids()

    admin = AdminClient({"bootstrap.servers": house.broker.bootstrap})
    for outcome in admin.delete_topics([house.topic(name) for name in READ]).values():
        outcome.result(20)
    house.make_topics()
    house.fill(100)
    again = house.start()
    again.wait_for_rows("events", house.topic("custody-log"), 2 * len(right["events"]))

    counts = again.query(f"SELECT log_id, count() FROM events WHERE topic = '{house.topic('custody-log')}' GROUP BY log_id")
    ids = {before[house.topic("custody-log")], house.ids()[house.topic("custody-log")]}
    assert dict(counts) == dict.fromkeys(ids, len(right["events"]))


@pytest.mark.kafka
def test_a_log_that_ends_before_what_history_holds_stops_it_with_a_sentence(
    kafka: Broker, build: Callable[..., House], server: str
) -> None:
    house = build(kafka, True)
    house.fill(50)
    custody = house.topic("custody-log")
    store = Store.on_server(server)
    held = Log(house.ids()[custody], custody, 1)
    store.write(held, Range(0, 4999, 5000, 1, BEGIN_US), CustodyLog().rows([Record(4999, *custody_log(1)[0])], lambda offset: None))

    stage = house.start()

    assert stage.ends() != 0
    (told,) = [line["text"] for line in stage.lines() if line["level"] == "critical"]
    assert f"{custody}, partition 1: the log ends before offset" in told
    assert "history holds it up to 4999" in told
    assert store.query(f"SELECT count() FROM events WHERE topic = '{custody}' AND partition = 1") == [(1,)]
    store.close()


@pytest.mark.kafka
def test_what_kafka_deleted_before_it_was_kept_stops_it_with_a_sentence(kafka: Broker, build: Callable[..., House], server: str) -> None:
    house = build(kafka, True)
    house.fill(50)
    custody = house.topic("custody-log")
    store = Store.on_server(server)
    event = CustodyLog().rows([Record(3, *custody_log(1)[0])], lambda offset: None)
    store.write(Log(house.ids()[custody], custody, 0), Range(0, 3, 4, 1, BEGIN_US), event)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    (outcome,) = admin.delete_records([ck.TopicPartition(custody, 0, 20)]).values()
    outcome.result(20)

    stage = house.start()

    assert stage.ends() != 0
    assert "the log begins at offset 20, and history holds it up to 3" in stage.log.read_text()
    store.close()


def test_the_group_is_told_how_far_it_has_come(broker: Broker, build: Callable[..., House]) -> None:
    house = build(broker, True)
    house.fill(100)
    right = expected(house, MY_NUMBER)
    stage = house.start()
    custody = house.topic("custody-log")
    stage.wait_for_rows("events", custody, len(right["events"]))
    assert stage.stop() == 0

    asking = ck.Consumer({"bootstrap.servers": house.broker.bootstrap, "group.id": "tairyu-history"})
    (told,) = asking.committed([ck.TopicPartition(custody, 0)], 20)
    asking.close()
    assert told.offset == max(row[3] for row in right["events"] if row[:2] == (custody, 0)) + 1


def test_a_folder_that_another_process_has_open_is_said(embedded: Broker, build: Callable[..., House]) -> None:
    house = build(embedded, False)
    first = house.start()
    first.said("history is ready")

    second = house.start()

    assert second.ends() != 0
    (told,) = [line["text"] for line in second.lines() if line["level"] == "critical"]
    assert told == f"the history folder {house.folder} is open in another process; one at a time may have it open"


def test_a_config_file_in_the_working_directory_is_not_read(embedded: Broker, build: Callable[..., House], tmp_path: Path) -> None:
    # chDB would read it in silence: here it is no XML at all
    house = build(embedded, False)
    (tmp_path / "config.xml").write_text("<clickhouse><no")
    given = {"TAIRYU_BROKERS": embedded.bootstrap, "TAIRYU_EMBEDDED": "1", "TAIRYU_HISTORY_DIR": "history-here", "PYTHONPATH": str(ROOT)}
    log = tmp_path / "stage.log"
    with log.open("w") as output:
        command = [sys.executable, "-c", STAGE, house.prefix]
        process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **given}, stdout=output, stderr=subprocess.STDOUT)
    for _ in patience("history is ready"):
        assert process.poll() is None, log.read_text()
        if "history is ready" in log.read_text():
            break
    process.kill()
    process.wait()
    assert (tmp_path / "history-here").is_dir()


def test_without_a_clickhouse_it_says_what_is_missing() -> None:
    stage = subprocess.run([sys.executable, "-c", STAGE, "x"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)

    assert stage.returncode != 0
    assert "history needs TAIRYU_CLICKHOUSE_URL (a server) or TAIRYU_HISTORY_DIR (a folder)" in stage.stderr


LOG = Log("id", "custody-log", 0)


def written(store: Store, tail: Tail, records: list[Record]) -> None:
    for record in records:
        if ended := tail.feed(record):
            cut, found = ended
            store.write(tail.log, cut, CustodyLog().rows(found, tail.unreadable))


def records(pairs: list[Pair]) -> list[Record]:
    """With a gap at every seventh offset, where a transaction's marker would be."""
    return [Record(number + number // 6, *pair) for number, pair in enumerate(pairs)]


def test_a_writer_that_slept_and_woke_adds_nothing_to_its_successors_rows(store: Store, open_store: Callable[[], Store]) -> None:
    log = records(custody_log(200))
    sleeper, successor = Tail(LOG, CustodyLog(), None), Tail(LOG, CustodyLog(), None)
    written(store, sleeper, log[:45])  # four ranges, and five records in hand

    last = open_store().last_ranges([LOG.log_id])[LOG.log_id, 0]
    successor = Tail(LOG, CustodyLog(), last)
    assert successor.start == last.hi + 1
    written(open_store(), successor, [record for record in log if record.offset >= successor.start])
    written(store, sleeper, log[45:])  # it wakes

    both = "SELECT offset FROM events UNION ALL SELECT offset FROM refusals"
    ((count, different),) = store.query(f"SELECT count(), uniqExact(offset) FROM ({both})")
    assert count == different == sum(number % 10 != 9 for number in range(200))
    assert store.query("SELECT count(), uniqExact(lo) FROM ranges") == [(20, 20)]


def test_a_record_that_cannot_be_read_is_passed_over_and_a_broken_pulse_cuts_nothing(store: Store) -> None:
    pairs = custody_log(20)
    pairs[4] = (pairs[4][0], b"{")
    pairs[9] = (b"pulse", b'{"at": "soon"}')

    written(store, Tail(LOG, CustodyLog(), None), records(pairs))

    ((lo, hi, count),) = store.query("SELECT lo, hi, records FROM ranges")
    assert (lo, hi, count) == (0, 22, 20)
    ((rows,),) = store.query("SELECT (SELECT count() FROM events) + (SELECT count() FROM refusals)")
    assert rows == 17
    with pytest.raises(Unreadable):
        CustodyLog().mark(b"pulse", pairs[9][1])


def test_a_policy_version_that_history_was_not_given_stops_it() -> None:
    raised = next(each for each in situations("records/applications") if each.name == "stall-raised")
    record = msgspec.json.decode(raised.values()[0], type=Application)
    older = Policies((replace(MY_NUMBER.newest, version="2025-1"),))

    assert list(known_verdicts(MY_NUMBER, token_of(1), record))
    with pytest.raises(HistoryError, match="the watch judged by policy version '2026-1'"):
        list(known_verdicts(older, token_of(1), record))
