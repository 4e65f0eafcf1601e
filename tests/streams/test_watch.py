"""The watch as a process over a log that the test writes: what it commits, what it skips, what ends it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from schemas.codec import decode_application
from schemas.records import PULSE_KEY
from streams.programs import Program
from streams.up import environment
from tests.pipeline.scribe import Scribe
from tests.pipeline.works import APPLICATIONS, CUSTODY, STALL_EVENTS, Works, own_broker

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("watch")]

LOOKING = """
import faust, json
from streams.logs import log_to_stderr
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.watch import Watch, work

class Looking(Watch):
    async def judge(self, stream):
        async for run in stream:
            await self._apply(stream.current_event.message.partition, run)
            await self.settle()
            for token in [record.key for record in run if len(record.key) == 64]:
                print(json.dumps(["read", self.table[token].last4, bytes(16) in self.table]), flush=True)
                for change in (lambda: self.table.update({token: b""}), self.table.clear, lambda: self.table.pop(token)):
                    self.refused(change)
                self.refused(lambda: self.table.__setitem__(token, b""))

    def refused(self, change):
        try:
            change()
        except TypeError as error:
            print(json.dumps(["refused", str(error)]), flush=True)

log_to_stderr()
settings = Settings()
work(Looking(settings, load_policies(settings.policy)))
"""


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with own_broker("embedded", tmp_path_factory.mktemp("broker"), None) as broker:
        works = Works(broker, tmp_path_factory.mktemp("works"))
        try:
            works.run("watch")
            yield works
        finally:
            works.close()


@pytest.fixture(scope="module")
def scribe(works: Works) -> Scribe:
    return Scribe(works, 61)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Works]:
    """For a test that leaves behind what no other test can use."""
    with own_broker("embedded", tmp_path, None) as broker:
        works = Works(broker, tmp_path / "works", log_partitions=1)
        try:
            yield works
        finally:
            works.close()


def said_of(works: Works, token: str) -> list[str]:
    """What was said of an application, in order: the suffixes of the types."""
    said = (orjson.loads(line.value or b"") for line in works.lines(STALL_EVENTS) if line.key == token.encode())
    return [f"{transition['type'].rpartition('.')[2]} {transition['data']['level']}" for transition in said]


def test_clocks_are_committed_though_nothing_else_comes(works: Works, scribe: Scribe) -> None:
    offset = scribe.later(1).pulse(0)

    works.wait(lambda: 0 in works.applied() and works.applied()[0].offset == offset, 20)
    assert works.applied()[0].at_us == scribe.now_us
    assert [len(lines) for number, lines in works.logs[APPLICATIONS].items() if number == 0] == [1]  # and no application's record


def test_silence_is_said_by_a_pulse_with_the_record_that_remembers_it(works: Works, scribe: Scribe) -> None:
    token = scribe.later(1).submit(1)  # 0 h
    scribe.later(0.5).pulse(1)  # 0.5 h: nothing
    scribe.later(0.6).pulse(1)  # 1.1 h: beyond the notice limit of an hour
    scribe.later(5).pulse(1)  # 6.1 h: beyond the warn limit

    works.wait(lambda: len(said_of(works, token)) == 2, 20)
    assert said_of(works, token) == ["raised notice", "escalated warn"]
    works.wait(works.all_applied, 20)
    stored = [line.value for line in works.lines(APPLICATIONS) if line.key == token.encode()][-1]
    assert [(said.kind, said.level) for said in decode_application(stored or b"").said] == [("escalated", "warn")]


def test_what_is_no_custody_record_is_skipped_and_counted(works: Works, scribe: Scribe) -> None:
    token, value = scribe.event()
    bad = [scribe.put(2, token.encode(), value[:-9]), scribe.put(2, PULSE_KEY, b"{}"), scribe.put(2, b"\xff" * 64, value)]
    bad.append(scribe.put(2, token.encode(), value.replace(b'"received":"20', b'"received":"2O')))
    scribe.later(1)
    token = scribe.submit(2)
    scribe.later(2).pulse(2)

    works.wait(lambda: said_of(works, token) == ["raised notice"], 20)
    log = [orjson.loads(line) for line in works.programs["watch"].log.read_text().splitlines() if "not a custody record" in line]
    assert [(line["partition"], line["offset"]) for line in log] == [(2, offset) for offset in bad]


def test_records_without_meaning_for_it_move_its_position_all_the_same(works: Works, scribe: Scribe) -> None:
    for key in (b"refusal", b"plaza", None):
        offset = scribe.put(3, key, b"{}")

    works.wait(lambda: 3 in works.applied() and works.applied()[3].offset == offset, 20)


def test_the_group_is_told_how_far_it_came(works: Works, scribe: Scribe) -> None:
    scribe.later(1).submit(1)
    offset = scribe.pulse(1)
    works.wait(works.all_applied, 20)
    admin = AdminClient({"bootstrap.servers": works.settings.brokers})

    def told() -> int:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("tairyu-watch")])["tairyu-watch"].result(10)
        return max((part.offset for part in asked.topic_partitions if (part.topic, part.partition) == (CUSTODY, 1)), default=-1)

    works.wait(lambda: told() == offset + 1, 20)


def test_stopped_it_exits_0_and_a_successor_goes_on_where_it_was(works: Works, scribe: Scribe) -> None:
    watch = works.programs["watch"]
    token = scribe.later(1).submit(1)
    scribe.later(2).pulse(1)
    works.wait(lambda: said_of(works, token) == ["raised notice"], 20)

    assert watch.stop(20), works.last_words()
    assert watch.exit_code == 0, watch.last_words()
    scribe.later(5).pulse(1)
    watch.start()

    works.wait(lambda: len(said_of(works, token)) == 2, 30)
    assert said_of(works, token) == ["raised notice", "escalated warn"]
    works.wait(works.all_applied, 20)
    assert len(said_of(works, token)) == 2


def test_a_pulse_of_a_policy_version_that_it_lacks_ends_it_and_nothing_of_that_batch_counts(own: Works) -> None:
    scribe = Scribe(own, 62)
    token = scribe.submit(0)
    scribe.put(0, PULSE_KEY, scribe.later(2).pulse_value("2031-7"))

    watch = own.run("watch")

    assert watch.wait(30), own.last_words()
    assert watch.exit_code == 1
    assert "names policy version '2031-7', which is not among the versions loaded here" in watch.last_words()
    own.wait(lambda: list(own.lines(CUSTODY))[1:], 20)
    assert (said_of(own, token), list(own.lines(APPLICATIONS))) == ([], [])


def script(works: Works, name: str, text: str, **env: str) -> Program:
    program = Program(name, [sys.executable, "-c", text], works.folder / f"{name}.log", environment(works.settings) | env)
    works.programs[name] = program
    program.start()
    return program


def test_the_table_is_read_inside_an_agent_and_changed_by_nobody_but_a_transaction(own: Works) -> None:
    scribe = Scribe(own, 63)
    token = scribe.submit(0)
    looking = script(own, "looking", LOOKING)

    def printed() -> list[list[object]]:
        return [orjson.loads(line) for line in looking.log.read_text().splitlines() if line.startswith('["')]

    own.wait(lambda: len(printed()) >= 5, 30)
    scribe.later(1).pulse(0)
    own.wait(own.all_applied, 20)

    stored = [line.value for line in own.lines(APPLICATIONS) if line.key == token.encode()]
    last4 = decode_application(stored[0] or b"").last4
    assert printed() == [["read", last4, False]] + 4 * [["refused", "an application's record changes only with its batch's transaction"]]
    assert len(stored) == 1
    assert looking.stop(20)


STUCK = """
import asyncio
from streams.logs import log_to_stderr
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.watch import Watch, work

class Stuck(Watch):
    async def judge(self, stream):
        async for run in stream:
            await asyncio.Event().wait()

log_to_stderr()
settings = Settings()
work(Stuck(settings, load_policies(settings.policy)))
"""


def test_a_worker_that_stands_still_while_a_record_waits_is_ended(own: Works) -> None:
    offset = Scribe(own, 64).pulse(0)

    stuck = script(own, "stuck", STUCK, TAIRYU_STUCK_AFTER_S="3")

    assert stuck.wait(40), own.last_words()
    assert stuck.exit_code == 1
    assert re.search(r"partition 0 of custody-log stands at offset -1 while readable records wait", stuck.last_words())
    assert offset == 0
