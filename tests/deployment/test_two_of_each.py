"""Every stage twice, by ``tairyu run``, against Apache Kafka and a ClickHouse over HTTP; then what ``tairyu doctor`` says of it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect
import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType

from schemas.codec import decode_pulse
from schemas.instants import to_text
from schemas.records import PULSE_KEY
from streams.brokers import KafkaBroker
from streams.brokers.start import free_ports
from streams.programs import Program
from streams.up import environment
from tests.mixed import mixed_events
from tests.pipeline.test_equality import check
from tests.pipeline.works import CUSTODY, Works

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
PATIENCE_S = 100.0
TWICE = [(stage, f"{stage}-{number}") for stage in ("history", "watch", "intake") for number in (1, 2)]


@pytest.fixture(scope="module")
def works(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("deployment")
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.chaos.clickhouse_server", str(folder / "clickhouse"), str(port)]
    clickhouse = Program("clickhouse", command, folder / "clickhouse.log", {"PYTHONPATH": str(ROOT)})
    with KafkaBroker(folder / "kafka", cache=kafka_jars) as broker:
        works = Works(broker, folder / "works", clickhouse_url=f"http://writer:word@127.0.0.1:{port}", history_port=port, history_dir=None)
        (folder / "works" / "key").chmod(0o600)
        clickhouse.start()
        try:
            works.wait(lambda: answers(port), PATIENCE_S, clickhouse.last_words)
            yield works
        finally:
            works.close()
            clickhouse.stop()


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


MACHINE = ["settings", "the key of the tokens", "disks", "policy and parties", "calendars"]
ALL = [*MACHINE, "topics", "groups", "the key in use", "clocks", "history"]


def doctor(works: Works, *arguments: str, **more: str) -> tuple[int, list[str], list[str]]:
    """Exit code, what was found, what was looked at. ``more``: further settings."""
    told = {f"TAIRYU_{name.upper()}": value for name, value in more.items()}
    env = {**os.environ, **environment(works.settings), **told}
    command = [sys.executable, "-m", "streams.cli", "doctor", "--json", *arguments]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=works.folder)
    assert said.stdout, said.stderr
    answer = json.loads(said.stdout)
    assert answer["skipped"] == []
    return said.returncode, [f"{each['where']}: {each['wrong']}" for each in answer["found"]], answer["looked_at"]


def test_two_of_each_stage_leave_what_one_judge_says_and_clickhouse_has_it_once(works: Works) -> None:
    for stage, name in TWICE:
        works.run(stage, name)
        if stage == "history":  # the first makes the tables; two that make the same at once might meet
            works.wait(lambda name=name: '"reading"' in works.programs[name].last_words(), PATIENCE_S)
    works.send(mixed_events(200, 51, time.time_ns() // 1_000))
    works.wait(lambda: works.handled() == len(works.origins) and works.said("raised"), PATIENCE_S)
    now_us = time.time_ns() // 1_000
    works.wait(lambda: works.all_clocks_passed(now_us + 2_000_000), PATIENCE_S)

    # Before anything is stopped: each has its share, and nothing is wrong with any of it
    for stage in ("intake", "watch", "history"):
        assert all(works.programs[f"{stage}-{number}"].running for number in (1, 2)), works.last_words()
    assert members(works) == {"tairyu-intake": 2, "tairyu-watch": 2, "tairyu-history": 2}
    assert doctor(works, "--free", "0") == (0, [], ALL)

    figures = check(works, ["intake-1", "intake-2"])
    assert figures["transitions"] > 0


def members(works: Works) -> dict[str, int]:
    """Group -> how many of its members own a partition."""
    admin = AdminClient({"bootstrap.servers": works.settings.brokers})
    described = admin.describe_consumer_groups(["tairyu-intake", "tairyu-watch", "tairyu-history"])
    return {name: sum(bool(member.assignment.topic_partitions) for member in each.result(20).members) for name, each in described.items()}


def test_doctor_finds_each_fault_that_is_planted_and_nothing_else(works: Works) -> None:
    """It comes last: it breaks the set-up that the test above has found sound. (Both intakes are stopped by now.)"""
    admin = AdminClient({"bootstrap.servers": works.settings.brokers})
    folder = works.folder

    # On this machine: a key for all to read, a disk nearly full, a calendar that ends soon, a secret for all to read, a user in vain
    (folder / "key").chmod(0o644)
    calendar = works.settings.policy.parent / "calendars" / "japan-municipal.yaml"
    soon = (datetime.now(UTC) + timedelta(30)).date()
    calendar.write_text(calendar.read_text().replace("last_day: 2030-12-31", f"last_day: {soon}"))
    (folder / "tairyu.toml").write_text('brokers_user = "watch"\nbrokers_password = "hunter2"\n')
    (folder / "tairyu.toml").chmod(0o644)
    # At the brokers: stamps by the sender's clock, a log that is cut off, a party without a topic, a partition that no clock waits for,
    # a topic of nobody, stages that do not run
    alter(admin, "jlis-events", "message.timestamp.type", "CreateTime")
    alter(admin, CUSTODY, "retention.ms", "604800000")
    parties = works.settings.parties
    parties.write_text(parties.read_text().replace("  minato:\n", "  hayabusa:\n").replace("/vendors/minato/", "/vendors/hayabusa/"))
    admin.create_partitions([NewPartitions("kiosk-events.tokiwa", 3)])["kiosk-events.tokiwa"].result(20)
    for name in ("watch-1", "watch-2"):
        assert works.programs[name].stop()
    # And its clock is off
    write_pulse_of(works, datetime.now(UTC) - timedelta(hours=1))
    # In ClickHouse: a table that forgets
    ask = clickhouse_connect.get_client(dsn=works.settings.clickhouse_url or "", database="tairyu")
    ask.command("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 100")

    code, found, looked = doctor(works, "--free", "101", config=str(folder / "tairyu.toml"))

    expected = [
        f"{folder}/tairyu.toml: holds brokers_password, and is readable by others (mode 644)",
        "TAIRYU_BROKERS_USER: a user is named, and has no effect with TAIRYU_BROKERS_SECURITY=PLAINTEXT",
        f"{folder}/key: the key of the tokens is readable by others (mode 644)",
        f"{folder}: ",
        f"calendar municipal: ends on {soon}: what is due later gets no verdict",
        "jlis-events: message.timestamp.type is CreateTime, and is to be LogAppendTime",
        "kiosk-events.hayabusa: the topic is missing",
        "kiosk-events.tokiwa: has 3 partitions, and is to have 2",
        f"{CUSTODY}: retention.ms is 604800000, and is to be -1",
        "kiosk-events.minato: belongs to no party: nobody reads it",
        "group tairyu-intake: has no member",
        "group tairyu-watch: has no member",
        f"{CUSTODY}: intake's clock and the broker's are -",
        "ClickHouse, table events: remembers 100 inserts, and needs 10000: repeats would stand twice",
        "ClickHouse, disk default: ",
    ]
    assert code == 1
    assert [line for line in expected if not any(each.startswith(line) for each in found)] == []
    assert [each for each in found if not any(each.startswith(line) for line in expected)] == []
    assert (len(found), looked) == (len(expected), ALL)


def alter(admin: AdminClient, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    (outcome,) = admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])]).values()
    outcome.result(20)


def write_pulse_of(works: Works, instant: datetime) -> None:
    pulses: list[Any] = [line for line in works.lines(CUSTODY) if line.key == PULSE_KEY and line.partition == 0]
    at = decode_pulse(pulses[-1].value).at
    value = pulses[-1].value.replace(at.encode(), to_text(int(instant.timestamp() * 1_000_000)).encode())
    producer = ck.Producer({"bootstrap.servers": works.settings.brokers})
    producer.produce(CUSTODY, value, PULSE_KEY, 0)
    assert producer.flush(20) == 0


def test_servers_that_do_not_answer_are_found_too(works: Works) -> None:
    (port,) = free_ports(1)
    code, found, looked = doctor(works, "--free", "0", brokers=f"127.0.0.1:{port}", clickhouse_url=f"http://a:b@127.0.0.1:{port}")

    assert code == 1
    assert f"127.0.0.1:{port}: the broker at 127.0.0.1:{port} does not answer" in "\n".join(found)
    assert f"history: history at 127.0.0.1:{port} does not answer: Connection refused" in found
    assert looked == MACHINE
