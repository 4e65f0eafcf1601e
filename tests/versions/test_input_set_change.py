"""What intake reads changes under traffic, on real Kafka: a vendor comes, partitions are added, a vendor goes (rule 2)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.cimpl import NewPartitions

from schemas.codec import decode_clock_mark
from schemas.instants import SECOND_US, from_text
from schemas.records import PULSE_KEY, Mark
from streams.brokers import Broker
from streams.intake import Ends
from streams.parties import load_parties, public_feeds
from streams.senders import Senders
from streams.settings import Settings
from streams.topics import admin_client, ensure_topics, wait_for_topics
from tests.pipeline.equality import doubled, origins
from tests.pipeline.works import CARDS, CUSTODY, STALL_EVENTS, Works, own_broker
from tests.versions.running import check_clocks, committed, custody_of, judged
from tests.versions.traffic import Traffic
from tests.versions.versions import SHIPPED, document

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("versions")]

TEXT = (SHIPPED.parent / "parties.yaml").read_text(encoding="utf-8")
MINATO = TEXT[TEXT.index("  minato:") : TEXT.index("  j-lis:")]
FIRST = document(TEXT, (MINATO, ""))
SECOND = document(TEXT, ("input_set: 1", "input_set: 2"), ("sources: [/vendors/plaza/]", "sources: [/vendors/plaza/]\n    partitions: 2"))
THIRD = document(
    SECOND, ("input_set: 2", "input_set: 3"), ("sources: [/vendors/tokiwa/]", "sources: [/vendors/tokiwa/]\n    retired: true")
)
PATIENCE_S = 90


@pytest.fixture
def works(tmp_path: Path, kafka_jars: Path) -> Iterator[Works]:
    with own_broker("kafka", tmp_path, kafka_jars) as broker:
        for number, text in enumerate((FIRST, SECOND, THIRD), start=1):
            (tmp_path / f"parties-{number}.yaml").write_text(text, encoding="utf-8")
        works = Works(broker, tmp_path / "works", parties=tmp_path / "parties-1.yaml", log_partitions=2, public_partitions=1)
        try:
            yield works
        finally:
            works.close()


def deploy(works: Works, stage: str, number: int) -> None:
    """The stage again, with that set of parties."""
    program = works.programs[stage]
    assert program.stop(20), works.last_words()
    assert program.exit_code == 0, works.last_words()
    works.run("intake", stage, {"TAIRYU_PARTIES": str(works.settings.parties.with_name(f"parties-{number}.yaml"))})


def marks(works: Works, number: int, input_set: int) -> list[Mark]:
    """The clock marks of a partition, of that set."""
    told = [decode_clock_mark(line.value or b"").data for line in works.logs[STALL_EVENTS][number] if line.key is None]
    return [mark for mark in told if mark.input_set == input_set]


def passed(works: Works, input_set: int, name: str, instant_us: int) -> bool:
    """Whether in every partition that clock ("": all) is beyond the instant."""
    for number in range(works.partitions):
        last = marks(works, number, input_set)[-1:]
        clock = (last[0].all if name == "" else last[0].clocks.get(name)) if last else None
        if clock is None or from_text(clock) <= instant_us:
            return False
    return True


def now_us() -> int:
    return time.time_ns() // 1_000


def handled_of(works: Works, feed: str) -> int:
    """How many records of a public topic (``topic:partition``) have come to custody-log."""
    needle = f'"origin":"{feed}:'.encode()
    return sum(needle in (line.value or b"") for line in works.lines(CUSTODY) if line.key != PULSE_KEY)


def test_the_end_of_an_added_partition_is_known_at_the_next_question(kafka: Broker, create_topic: Callable[..., str]) -> None:
    """The client had asked before: it remembers the old number of partitions, and would for a quarter of an hour."""
    topic, settings = create_topic(kafka, 1), Settings(brokers=kafka.bootstrap)
    ends = Ends(admin_client(settings), low_ends=False)
    assert ends.ask([(topic, 0)]) == {(topic, 0): 0}

    admin = admin_client(settings)
    admin.create_partitions([NewPartitions(topic, 2)])[topic].result(20)
    wait_for_topics(admin, [topic])

    assert ends.ask([(topic, 0), (topic, 1)]) == {(topic, 0): 0}
    assert ends.ask([(topic, 0), (topic, 1)]) == {(topic, 0): 0, (topic, 1): 0}


def test_vendors_come_and_go_and_partitions_are_added_under_traffic(works: Works) -> None:
    settings = works.settings
    second = load_parties(settings.parties.with_name("parties-2.yaml"))
    feeds = public_feeds(second, works.policies.newest, CARDS, 1)
    for stage in ("watch", "intake-1", "intake-2"):
        works.run(stage.partition("-")[0], stage)

    with Traffic(settings.brokers, Senders(second, feeds.values(), CARDS), {"plaza", "tokiwa"}, works.origins, 81) as traffic:
        began_us = now_us()
        works.wait(lambda: passed(works, 1, "", began_us), PATIENCE_S)

        # Set 2 is deployed first, on one of the two: what it names is not there yet
        deploy(works, "intake-2", 2)
        works.wait(lambda: all(marks(works, number, 2) for number in range(works.partitions)), PATIENCE_S)
        told = marks(works, 0, 2)[0]
        assert told.all is not None
        adopted_us = from_text(told.at)
        works.wait(lambda: passed(works, 2, "tokiwa", adopted_us + 5 * SECOND_US), PATIENCE_S)
        for number in range(works.partitions):
            standing = marks(works, number, 2)
            assert len({mark.all for mark in standing}) == len({mark.clocks["plaza"] for mark in standing}) == 1, standing
            assert not any("minato" in mark.clocks for mark in standing)

        # then come the topic and the partition, and their traffic at once
        admin = admin_client(settings)
        assert ensure_topics(settings, CARDS, feeds) == ["kiosk-events.minato"]
        admin.create_partitions([NewPartitions("kiosk-events.plaza", 2)])["kiosk-events.plaza"].result(20)
        traffic.vendors = {"plaza", "tokiwa", "minato"}
        works.wait(lambda: handled_of(works, "kiosk-events.minato:0") and handled_of(works, "kiosk-events.plaza:1"), PATIENCE_S)

        # The other goes straight to set 3, in which tokiwa has retired; what it sent is read by the one that still knows it
        traffic.vendors = {"plaza", "minato"}
        deploy(works, "intake-1", 3)
        deployed_us = now_us()
        works.wait(lambda: all(passed(works, 3, name, deployed_us) for name in ("plaza", "minato", "")), PATIENCE_S)
        works.wait(lambda: works.said("raised") > 0, PATIENCE_S)

    works.wait(lambda: works.handled() == len(works.origins), PATIENCE_S)
    for stage in ("intake-1", "intake-2"):
        assert works.programs[stage].stop(20), works.last_words()
        assert works.programs[stage].exit_code == 0, works.last_words()
    works.wait(works.all_applied, PATIENCE_S)

    custody = custody_of(settings)
    assert sorted(origins(custody)) == sorted(works.origins), doubled(origins(custody))
    assert judged(works.policies, custody) == committed(settings)
    check_clocks(works)
    for number in range(works.partitions):
        assert marks(works, number, 3), "each partition came to the last set"
        assert not any("tokiwa" in mark.clocks for mark in marks(works, number, 3))
        assert [mark.input_set for mark in _all_marks(works, number)] == sorted(mark.input_set for mark in _all_marks(works, number))
    assert {"its clock stands until they are added", "is missing: create it with"} <= _complaints(works)


def _all_marks(works: Works, number: int) -> list[Mark]:
    return [decode_clock_mark(line.value or b"").data for line in works.logs[STALL_EVENTS][number] if line.key is None]


def _complaints(works: Works) -> set[str]:
    """What intake said of set 2 when it was deployed."""
    text = works.programs["intake-2"].log.read_text()
    return {words for words in ("its clock stands until they are added", "is missing: create it with") if words in text}
