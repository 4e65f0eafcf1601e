"""The history stage, as a process that is killed: each record's rows once, none missing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from sinks.clickhouse import Log, Store
from sinks.cuts import Range
from sinks.history import READ
from sinks.rows import CustodyLog
from streams.brokers import Broker
from streams.connection import clickhouse
from streams.settings import Settings
from tests.sinks.house import PATIENCE_S, ROOT, STAGE, House, expected, kept, patience
from tests.sinks.logs import BEGIN_US, custody_log
from tests.sinks.tables import Record
from tests.streams.story import MY_NUMBER


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


def test_killed_in_the_middle_it_keeps_every_row_once(house: House) -> None:
    house.fill(300)
    right = expected(house, MY_NUMBER)
    events, custody = len(right["events"]), house.topic("custody-log")
    assert events > 400

    for part in (1, 2):
        stage = house.start()
        stage.wait_for_rows("events", custody, events * part // 3)
        stage.kill()
    last = house.start()
    for table, rows in right.items():
        for topic in {row[0] for row in rows}:
            last.wait_for_rows(table, topic, sum(row[0] == topic for row in rows))
    entered = {row[:4] for rows in _merged(right) for row in rows}
    for topic in {row[0] for row in entered}:
        last.wait_for_rows("ranges", topic, sum(row[0] == topic for row in entered))  # entered last, behind their rows

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
    store = Store.on_server(clickhouse(Settings(clickhouse_url=server)) or {})
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
    store = Store.on_server(clickhouse(Settings(clickhouse_url=server)) or {})
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

    asking = ck.Consumer({"bootstrap.servers": house.broker.bootstrap, "group.id": house.group})
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
