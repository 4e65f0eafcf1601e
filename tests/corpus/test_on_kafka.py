"""The corpus on real Kafka, through intake, watch and history, between good traffic: nothing stops, nothing of a number gets past intake.

One run, looked at from all sides.
"""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import orjson
import pytest

from schemas.identity import token
from schemas.instants import SECOND_US, from_text
from schemas.records import PULSE_KEY, REFUSAL_KEY
from streams.export import read_log
from streams.judge import LogJudge
from streams.judge import line_of as judged_line
from tests.corpus.broken_text import UNCOMPRESSED
from tests.corpus.cases import MINATO, MUNICIPAL, PLAZA
from tests.corpus.running import BUSY_S, OPEN_S, SWEEP_S, Run, all_at_once, judged
from tests.corpus.search import holds
from tests.corpus.sending import refused_by_the_broker
from tests.pipeline.equality import left_by
from tests.pipeline.works import CUSTODY, Works, by_partition, own_broker

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("corpus")]


@pytest.fixture(scope="module")
def run(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("corpus")
    with own_broker("kafka", folder, kafka_jars) as broker:
        works = Works(broker, folder / "works")
        try:
            with ThreadPoolExecutor(1) as people:
                found = all_at_once(works, folder, people)
            yield found
        finally:
            works.close()


def test_each_record_stands_once_in_the_log_as_an_event_or_with_its_reason(run: Run) -> None:
    lines = dict(judged(run.works))
    assert Counter(origin for origin, _ in judged(run.works)).most_common(1)[0][1] == 1
    became = {
        origin: json.loads(lines[origin].value or b"").get("reason") if lines[origin].key == REFUSAL_KEY else None for origin in run.sent
    }
    assert [(run.sent[origin].name, reason) for origin, reason in became.items() if reason != run.sent[origin].reason] == []
    assert sum(case.reason is not None for case in run.sent.values()) >= 300


def test_no_stage_ended_and_nothing_waits(run: Run) -> None:
    assert set(run.lag.values()) == {0}, run.lag
    for name, program in run.works.programs.items():
        # Nobody starts them again; intake was stopped at the end, so that the log stands still.
        assert program.exit_code == (0 if name == "intake" else None), program.last_words()
        assert '"critical"' not in program.log.read_text(), name


def test_good_traffic_is_judged_as_if_it_had_been_alone(run: Run) -> None:
    key = (run.works.settings.key_file or Path()).read_bytes().strip()
    tokens = {token(key, said["subject"]) for said in run.good}
    left, alone, said = left_by(run.works.settings, run.works.policies), LogJudge(run.works.policies), list[tuple[int, bytes]]()
    for text in left.custody:
        line = orjson.loads(text)
        if line["key"] == PULSE_KEY.decode() or (line["key"] in tokens and line["value"]["origin"] in run.good_origins):
            said += [(number, judged_line((number, whose, value))) for number, whose, value in alone.feed(text) if whose]
    committed = {number: [text for text in lines if orjson.loads(text)["key"] in tokens] for number, lines in left.said.items()}
    assert by_partition(said) == {number: lines for number, lines in committed.items() if lines}
    assert len(said) > 50
    mixed = {verdict for verdict in _all_verdicts(run, left.custody) if verdict.token in tokens}
    assert {*alone.verdicts()} == mixed


def _all_verdicts(run: Run, custody: list[bytes]) -> list[Any]:
    judge = LogJudge(run.works.policies)
    for text in custody:
        list(judge.feed(text))
    return list(judge.verdicts())


def test_a_vendors_open_transaction_holds_up_its_own_feed_and_for_its_own_limit_only(run: Run) -> None:
    held, others = run.held
    assert held
    assert len(others) == 2 * len(run.works.feeds) - 1
    for message in read_log(run.works.settings, CUSTODY):
        event = json.loads(message.value() or b"")
        if event.get("origin") in held:
            waited_s = message.timestamp()[1] / 1_000 - from_text(event["received"]) / SECOND_US
            assert waited_s < OPEN_S + SWEEP_S + BUSY_S, "nothing behind it was read for longer than its limit"
            print(f"held up for {waited_s:.1f} s")
    aborted = {f"{MINATO}:0:{int(held[0].rpartition(':')[2]) - before}" for before in (1, 2, 3)}
    assert not aborted & {origin for origin, _ in judged(run.works)}


def test_no_number_stands_in_any_topic_but_the_one_it_was_sent_to(run: Run) -> None:
    seen = Counter[str]()
    for message in everything(run.works.settings.brokers):
        topic = message.topic() or ""
        elsewhere = [digits for digits, where in run.numbers if where != topic]
        seen[topic] += 1
        assert not holds(whole(message), elsewhere), (topic, message.partition(), message.offset())
    assert {CUSTODY, "dead-letters", "applications", "stall-events", "__consumer_offsets", "__transaction_state", MUNICIPAL} <= seen.keys()
    assert len(run.numbers) >= 60


def whole(message: ck.Message) -> bytes:
    """Key, value, and every header, a line each."""
    headers = [part for name, text in message.headers() or () for part in (name.encode(), text or b"")]
    return b"\n".join([message.key() or b"", message.value() or b"", *headers])


def everything(bootstrap: str) -> Iterator[ck.Message]:
    """Every record of every partition of every topic, those of aborted transactions and the broker's own too."""
    reader = ck.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "a-reader-of-the-tests",
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
        }
    )
    topics = reader.list_topics(timeout=20).topics
    parts = [ck.TopicPartition(name, number, 0) for name, topic in topics.items() for number in topic.partitions]
    reader.assign(parts)
    waiting = {(part.topic, part.partition) for part in parts}
    while waiting:
        for message in reader.consume(1_000, 0.1):
            error = message.error()
            if error is None:
                yield message
            else:
                assert error.code() == ck.KafkaError._PARTITION_EOF, error
                waiting.discard((message.topic(), message.partition()))
    reader.close()


def test_no_number_stands_in_any_log_file(run: Run) -> None:
    files = [path for path in run.folder.rglob("*.log*") if path.is_file() and "data" not in path.relative_to(run.folder).parts]
    assert {"intake.log", "watch.log", "history.log", "kafka.log"} <= {path.name for path in files}
    for path in files:
        for line in path.read_bytes().splitlines():
            assert not holds(line, [digits for digits, _ in run.numbers]), path


def test_no_number_stands_in_any_table(run: Run) -> None:
    tables = [name for (name,) in run.works.ask("SELECT name FROM system.tables WHERE database = 'tairyu' AND engine != 'View'")]
    assert {"events", "refusals", "hops", "transitions"} <= {*tables}
    for table in tables:
        text = run.works.history.raw_query(f"SELECT * FROM {table} FORMAT JSONEachRow")
        for line in text.splitlines():
            assert not holds(line, [digits for digits, _ in run.numbers]), table
    assert run.works.ask("SELECT count() FROM refusals")[0][0] >= 300


def test_no_number_is_printed_by_any_command(run: Run) -> None:
    for name, (code, printed) in run.answers.items():
        assert code in (1, 2), (name, printed)
        assert printed
        assert b"Traceback" not in printed, (name, printed)
        assert not holds(printed, [digits for digits, _ in run.numbers]), name


def test_the_largest_record_of_the_corpus_is_the_largest_that_the_broker_takes(run: Run) -> None:
    assert refused_by_the_broker(run.works.settings.brokers, PLAZA, b"x" * (UNCOMPRESSED + 1))
