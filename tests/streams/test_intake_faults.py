"""Intake killed, frozen, joined by another: on Apache Kafka, whose logs tell committed records from aborted ones."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.brokers import KafkaBroker
from streams.brokers.start import wait_until_answers
from streams.intake import Ends
from streams.programs import Program
from tests.streams.intake_house import House, Line, check_promises, submissions, vouched

pytestmark = pytest.mark.kafka

RUN = 300
"""Records sent at a time."""
PAUSE_S = 0.2


@pytest.fixture(scope="module")
def broker(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("faults"), cache=kafka_jars) as broker:
        yield broker


@pytest.fixture
def house(broker: KafkaBroker, tmp_path: Path) -> Iterator[House]:
    house = House(broker, tmp_path)
    house.catch_up()  # the broker serves all tests here, one after the other
    yield house
    house.close()


class Traffic:
    """Records that arrive all the time; ``origins`` are those that the broker has."""

    def __init__(self, house: House, seed: int) -> None:
        self.origins: list[str] = []
        self._house, self._rng, self._over = house, Random(seed), threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        while not self._over.wait(PAUSE_S):
            self.origins += self._house.send(submissions(self._rng, RUN))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()


def handled(lines: list[Line]) -> int:
    return sum(line.kind != "pulse" for line in lines)


def wait_for_more(house: House, records: int) -> None:
    before = handled(house.lines)
    house.wait(lambda lines: handled(lines) >= before + records)


def wait_until_shared(house: House) -> None:
    """The latest two pulses of a partition are of two workers, each with its own inputs, all of them together."""

    def shared(lines: list[Line]) -> bool:
        told = [vouched(pulse) for pulse in lines if pulse.kind == "pulse" and pulse.partition == 0][-2:]
        return len(told) == 2 and not set.intersection(*told) and set.union(*told) == everything(house)

    house.wait(shared)


def wait_until_alone(house: House) -> None:
    house.wait(lambda _: vouched(house.pulses()[-1]) == everything(house), at_most_s=60)


def everything(house: House) -> set[tuple[str, int]]:
    return {(feed.topic, partition) for feed in house.feeds.values() for partition in range(feed.partitions)}


def kill(program: Program) -> None:
    os.kill(program.pid, signal.SIGKILL)
    assert program.wait(10)


def test_killed_again_and_again_it_takes_in_every_record_once_and_no_t_goes_back(house: House) -> None:
    traffic, intake = Traffic(house, 21), house.intake()
    with traffic.flowing():
        for _ in range(2):
            wait_for_more(house, 4 * RUN)
            kill(intake)
            intake.start()
        wait_for_more(house, 4 * RUN)

    house.wait_for(traffic.origins)
    assert intake.stop()
    check_promises(house.lines)


def test_two_share_the_inputs_and_one_takes_over_what_the_other_leaves(house: House) -> None:
    traffic, first = Traffic(house, 22), house.intake("first")
    with traffic.flowing():
        wait_for_more(house, RUN)
        second = house.intake("second")
        wait_until_shared(house)
        wait_for_more(house, 2 * RUN)
        assert first.stop()
        wait_until_alone(house)

    house.wait_for(traffic.origins)
    assert second.stop()
    assert (first.exit_code, second.exit_code) == (0, 0)
    check_promises(house.lines)


def test_one_that_froze_and_woke_commits_nothing_and_ends(house: House) -> None:
    traffic, frozen = Traffic(house, 23), house.intake("frozen")
    with traffic.flowing():
        wait_for_more(house, 2 * RUN)
        other = house.intake("other")
        wait_until_shared(house)
        os.kill(frozen.pid, signal.SIGSTOP)
        # longer than its session lasts: the other one has all inputs, and its pulses say so
        # (Frozen in a transaction, it hides what follows from everybody until Kafka ends that, after 10 to 20 s.)
        wait_until_alone(house)
        wait_for_more(house, 2 * RUN)
        os.kill(frozen.pid, signal.SIGCONT)
        assert frozen.wait(20), frozen.last_words()
        wait_for_more(house, 2 * RUN)

    assert frozen.exit_code == 1, frozen.last_words()
    house.wait_for(traffic.origins)
    assert other.stop()
    check_promises(house.lines)


def test_what_was_deleted_before_it_was_read_is_said(house: House) -> None:
    intake = house.intake()
    house.wait_for(house.send([sent._replace(topic="jlis-events", partition=1) for sent in submissions(Random(24), 5)]))
    assert intake.stop()
    origins = house.send([sent._replace(topic="jlis-events", partition=1) for sent in submissions(Random(25), 8)])
    first_kept = int(origins[5].split(":")[2])
    admin = AdminClient({"bootstrap.servers": house.broker.bootstrap})
    for deleted in admin.delete_records([TopicPartition("jlis-events", 1, first_kept)]).values():
        deleted.result(20)

    intake.start()

    house.wait_for(origins[5:])
    assert not set(origins[:5]) & {line.origin for line in house.lines if line.kind != "pulse"}
    said = [json.loads(line) for line in intake.log.read_text().splitlines() if "deleted before" in line]
    assert [(told["topic"], told["partition"], told["to_offset"]) for told in said] == [("jlis-events", 1, first_kept)]
    assert intake.stop()


@pytest.mark.parametrize("records", [1, 3])
def test_a_batch_that_unpacks_to_more_than_a_client_takes_is_refused_and_what_follows_is_read(
    broker: KafkaBroker, house: House, records: int
) -> None:
    intake = house.intake()
    before, after = submissions(Random(41), 1)[0], submissions(Random(42), 1)[0]
    house.wait_for(house.send([before._replace(partition=0)]))

    batch = {"batch.num.messages": 10, "batch.size": 1_000_000_000, "linger.ms": 2_000}
    bomb = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": "zstd", "message.max.bytes": 1_000_000_000, **batch})
    offsets: list[int | None] = []
    for _ in range(records):
        size = (110 << 20) // records
        bomb.produce(before.topic, b" " * size, partition=0, on_delivery=lambda error, message: offsets.append(message.offset()))
    assert bomb.flush(60) == 0

    refused = house.wait_for([f"{before.topic}:0:{offset}" for offset in offsets])
    assert [line.value["reason"] for line in refused] == ["too_large"] * records
    [event] = house.wait_for(house.send([after._replace(partition=0)]))
    assert event.kind == "event"
    assert intake.running


def test_where_inputs_end_is_answered_again_after_the_broker_was_killed_and_started(
    broker: KafkaBroker, create_topic: Callable[..., str]
) -> None:
    asked = [(create_topic(broker), 0)]
    ends = Ends(AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2}), low_ends=False)
    assert ends.ask(asked) == {asked[0]: 0}

    (node,) = broker.programs
    os.kill(node.pid, signal.SIGKILL)
    node.wait(10)
    node.start()
    wait_until_answers(broker.bootstrap, broker.programs, 60)

    give_up = time.monotonic() + 60
    while ends.ask(asked) != {asked[0]: 0}:  # the partition has a leader of a new epoch, once the broker has read its own log
        assert time.monotonic() < give_up
