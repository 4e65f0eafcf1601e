"""The consumers of ``docs/subscribing.md`` follow the real stream on Apache Kafka."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import confluent_kafka as ck
import orjson
import pytest

from schemas.identity import token
from streams.brokers.jars import jars_in
from streams.programs import Program
from tests.docs.running import application, lines, start, told
from tests.pipeline.works import STALL_EVENTS, Works

pytestmark = pytest.mark.kafka
EXAMPLES = ("subscriber.py", "Subscriber.java")


def stall_of(works: Works, subject: str) -> str:
    assert works.settings.key_file is not None
    return f"{token(works.settings.key_file.read_bytes().strip(), subject)}:forward:1"


def held_for(hours: float, *subjects: str) -> Iterable[dict[str, object]]:
    """Uploaded so long ago, and not received since."""
    for subject in subjects:
        yield told("application.submitted", subject, hours + 0.1, kiosk="SOKA-01")
        yield told("application.uploaded", subject, hours, kiosk="SOKA-01")


def written(works: Works, value: bytes, key: str, *, commit: bool) -> None:
    """Somebody else's record in the stream: it is the broker's rights that keep such a one out of a real one."""
    producer = ck.Producer({"bootstrap.servers": works.settings.brokers, "transactional.id": f"a-stranger-{commit}"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(STALL_EVENTS, value, key, partition=0)
    producer.flush(20)
    producer.commit_transaction(20) if commit else producer.abort_transaction(20)


def verdicts(program: Program, kind: str, stall: str) -> list[tuple[str, ...]]:
    """(revision, level, holder) of each line of that kind about the stall."""
    words = [line.split(" ") for line in lines(program)]
    return [tuple(rest) for first, *rest in words if first == kind and rest[0] == stall for rest in [rest[1:]]]


def test_a_subscriber_begins_with_what_is_held_and_takes_each_change_once(works: Works, kafka_jars: Path) -> None:
    rng = Random("subscribers")
    early, stays, new = (application(rng) for _ in range(3))
    stall = {subject: stall_of(works, subject) for subject in (early, stays, new)}

    # Two are held for seven hours before anybody subscribes: notice after six.
    works.send(held_for(7, early, stays))
    works.wait(lambda: works.said("raised") == 2)
    programs = [start(example, works, jars_in(kafka_jars)) for example in EXAMPLES]
    works.wait(lambda: all("2 held" in lines(program) for program in programs), why=lambda: "2 held")
    for program in programs:
        assert verdicts(program, "raised", stall[early]) == verdicts(program, "raised", stall[stays]) == [("1", "notice", "plaza")]

    # One of them reaches J-LIS, and a third one is found to be held, for a day and more: notice and warn at once.
    works.send([told("application.received", early, 0.0, speaker="j-lis"), *held_for(25, new)])
    works.wait(lambda: all(verdicts(program, "escalated", stall[new]) for program in programs), why=lambda: "escalated")
    works.wait(lambda: all(verdicts(program, "cleared", stall[early]) for program in programs), why=lambda: "cleared")
    for program in programs:
        assert verdicts(program, "cleared", stall[early]) == [("2", "notice", "plaza")]
        assert verdicts(program, "raised", stall[new]) == [("1", "notice", "plaza")]
        assert verdicts(program, "escalated", stall[new]) == [("2", "warn", "plaza")]

    # A clock mark says through when silence is judged, by all partitions, and two are held.
    works.wait(lambda: all(any(line.startswith("judged 20") and line.endswith(" 2 held") for line in lines(p)) for p in programs))

    # What is not committed was never said, and what comes again counts once. A last word tells that both have been read.
    (said,) = [line for line in works.lines(STALL_EVENTS) if line.key is not None and f'"id":"{stall[stays]}:1"'.encode() in line.value]
    key = said.key.decode()
    assert said.value is not None
    never, last = (said.value.replace(stall[stays].encode(), name * 8) for name in (b"notsaid", b"lastword"))
    written(works, never, key, commit=False)
    written(works, said.value, key, commit=True)
    written(works, last, key, commit=True)
    works.wait(lambda: all(verdicts(program, "raised", "lastword" * 8) for program in programs), why=lambda: "the last word")
    for program in programs:
        assert verdicts(program, "raised", "notsaid" * 8) == []
        assert verdicts(program, "raised", stall[stays]) == [("1", "notice", "plaza")]
        assert program.running


def test_what_the_programs_say_is_what_the_watch_has_committed(works: Works) -> None:
    values = [orjson.loads(line.value or b"")["data"] for line in works.lines(STALL_EVENTS) if line.key is not None]
    committed = {(verdict["kind"], verdict["stall_id"], str(verdict["revision"])) for verdict in values}
    for example in EXAMPLES:
        said = [tuple(line.split(" ")[:3]) for line in lines(works.programs[example]) if ":forward:" in line]
        assert len(said) == len(set(said)) > 0
        assert set(said) <= committed
