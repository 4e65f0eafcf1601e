"""The watch frozen, joined by another, slow to load, left idle: on Apache Kafka, which tells committed records from aborted ones."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka as ck
import orjson
import pytest

from streams.brokers import Broker
from streams.export import line_of, read_log
from streams.judge import LogJudge
from streams.judge import line_of as judged_line
from streams.programs import Program
from streams.up import environment
from tests.pipeline.scribe import Scribe
from tests.pipeline.works import CUSTODY, SESSION_S, STALL_EVENTS, Works, by_partition, own_broker

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("watch-faults")]

SLOW = """
import time
from streams.ledger import LedgerStore, LedgerTable
from streams.logs import log_to_stderr
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.watch import Watch, work

class SlowStore(LedgerStore):
    def _hold(self, topic, new):
        held = super()._hold(topic, new)
        time.sleep(1.3 * self.settings.session_timeout_s)  # a ledger of millions
        return held

class SlowTable(LedgerTable):
    store_type = SlowStore

class SlowWatch(Watch):
    table_type = SlowTable

log_to_stderr()
settings = Settings()
work(SlowWatch(settings, load_policies(settings.policy)))
"""


@pytest.fixture(scope="module")
def broker(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker("kafka", tmp_path_factory.mktemp("faults"), kafka_jars) as broker:
        yield broker


@pytest.fixture
def works(broker: Broker, tmp_path: Path) -> Iterator[Works]:
    """All tests write into the same log, one after the other: each with a clock that goes on."""
    works = Works(broker, tmp_path / "works")
    try:
        yield works
    finally:
        works.close()


@pytest.fixture(scope="module")
def hours() -> list[float]:
    """How many have passed in the log."""
    return [0.0]


@pytest.fixture
def scribe(works: Works, hours: list[float]) -> Scribe:
    hours[0] += 1_000
    return Scribe(works, int(hours[0])).later(hours[0])


class Traffic:
    """Submissions into all partitions and, half an hour each time later, pulses: there is always something to be said."""

    def __init__(self, works: Works, scribe: Scribe) -> None:
        self._works, self._scribe, self._over = works, scribe, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        while not self._over.wait(0.02):
            for partition in range(self._works.partitions):
                self._scribe.submit(partition)
            self._scribe.later(0.5)
            for partition in range(self._works.partitions):
                self._scribe.pulse(partition)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()


def more_is_said(works: Works) -> None:
    """Waits for more in every partition."""
    before = {number: len(lines) for number, lines in works.logs[STALL_EVENTS].items()}
    works.wait(lambda: all(len(lines) > before[number] + 3 for number, lines in works.logs[STALL_EVENTS].items()), 60)


def check_equality(works: Works) -> None:
    works.wait(lambda: works.all_applied() and at_the_end(works), 60)
    judge = LogJudge(works.policies)
    judged = [(said[0], judged_line(said)) for message in read_log(works.settings, CUSTODY) for said in judge.feed(line_of(message))]
    committed = [
        (m.partition() or 0, judged_line((m.partition() or 0, m.key(), bytes(m.value() or b""))))
        for m in read_log(works.settings, STALL_EVENTS)
    ]
    assert by_partition(judged) == by_partition(committed)


def at_the_end(works: Works) -> bool:
    """Whether all of custody-log was read here."""
    stands = dict.fromkeys(range(works.partitions), 0)
    for message in read_log(works.settings, CUSTODY):
        stands[message.partition() or 0] += 1
    return all(len(works.logs[CUSTODY][number]) == count for number, count in stands.items())


def test_one_that_froze_and_woke_says_nothing_twice_and_ends(works: Works, scribe: Scribe) -> None:
    frozen = works.run("watch", "frozen")
    with Traffic(works, scribe).flowing():
        more_is_said(works)
        os.kill(frozen.pid, signal.SIGSTOP)
        other = works.run("watch", "other")
        more_is_said(works)  # in every partition: the frozen one's session is over
        more_is_said(works)
        os.kill(frozen.pid, signal.SIGCONT)
        assert frozen.wait(30), works.last_words()
        more_is_said(works)

    assert frozen.exit_code == 1, frozen.last_words()
    check_equality(works)
    assert other.stop(20)
    assert other.exit_code == 0, other.last_words()


def test_partitions_are_shared_and_taken_over_without_a_loss(works: Works, scribe: Scribe) -> None:
    first = works.run("watch", "first")
    with Traffic(works, scribe).flowing():
        more_is_said(works)
        second = works.run("watch", "second")
        works.wait(lambda: "ledger loaded" in second.log.read_text(), 40)
        more_is_said(works)
        assert first.stop(20), works.last_words()
        more_is_said(works)

    assert first.exit_code == 0, first.last_words()
    check_equality(works)
    assert second.stop(20)


def test_a_load_longer_than_the_session_costs_no_membership(works: Works, scribe: Scribe) -> None:
    slow = Program("slow", [sys.executable, "-c", SLOW], works.folder / "slow.log", environment(works.settings))
    works.programs["slow"] = slow
    slow.start()
    with Traffic(works, scribe).flowing():
        works.wait(lambda: "ledger loaded" in slow.log.read_text(), 60)
        more_is_said(works)

    loaded = [orjson.loads(line) for line in slow.log.read_text().splitlines() if '"ledger loaded"' in line]
    assert len(loaded) == 1  # once: nothing was taken away from it
    assert loaded[0]["seconds"] > SESSION_S
    check_equality(works)
    assert slow.stop(20)


def test_one_with_nothing_readable_to_do_is_left_alone(works: Works, scribe: Scribe) -> None:
    works.settings = works.settings.model_copy(update={"stuck_after_s": 1.5})
    watch = works.run("watch", "idle")
    offset = scribe.pulse(0)
    works.wait(lambda: 0 in works.applied() and works.applied()[0].offset >= offset, 40)

    producer = ck.Producer({"bootstrap.servers": works.settings.brokers, "transactional.id": "a-test", "transaction.timeout.ms": 30_000})
    producer.init_transactions(20)
    producer.begin_transaction()  # partition 0: behind the last record stands an aborted one and its marker
    producer.produce(CUSTODY, b"{}", b"refusal", 0)
    assert producer.flush(20) == 0
    producer.abort_transaction(20)
    producer.begin_transaction()  # partition 1: an open transaction, and a committed record that it hides
    producer.produce(CUSTODY, b"{}", b"refusal", 1)
    assert producer.flush(20) == 0
    hidden = scribe.pulse(1)

    assert not watch.wait(7), watch.last_words()  # more than four times what is allowed
    producer.commit_transaction(20)
    works.wait(lambda: 1 in works.applied() and works.applied()[1].offset >= hidden, 20)
    assert watch.stop(20)
    assert watch.exit_code == 0, watch.last_words()
