"""What is held now: each open stall once, as its last transition said it, the oldest first."""

from collections.abc import Callable, Iterator

import confluent_kafka as ck
import pytest
from msgspec.structs import replace

from schemas.codec import decode_transition, encode
from schemas.situations import situation
from streams.brokers import Broker, EmbeddedBroker
from streams.held import Count, Held, counts, follow, held_now
from streams.log_reader import LogError
from streams.settings import Settings
from tests.streams.story import rfc

SAID = decode_transition(situation("records/stalls", "held-now").values()[0])


def record(stall: str, since: str, **changed: object) -> tuple[bytes, bytes]:
    """Key and value of an open stall in ``stalls``; ``since`` is Japanese time."""
    data = replace(SAID.data, stall_id=stall, entered_at=rfc(since), **changed)
    return stall.encode(), encode(replace(SAID, data=data))


class Message:
    """What ``Held`` reads of a record."""

    def __init__(self, key: bytes | None, value: bytes | None) -> None:
        self._key, self._value = key, value

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value


def held(*records: tuple[bytes | None, bytes | None]) -> Held:
    found = Held()
    for key, value in records:
        found.take(Message(key, value))  # type: ignore[arg-type]
    return found


def names(found: Held) -> list[str]:
    return [verdict.stall_id for verdict in found.oldest_first()]


def test_the_oldest_comes_first_and_a_tie_is_by_name() -> None:
    found = held(record("b", "2026-04-02 09:00"), record("c", "2026-04-01 09:00"), record("a", "2026-04-02 09:00"))

    assert names(found) == ["c", "a", "b"]


def test_what_is_over_is_held_no_longer_and_may_come_again() -> None:
    first = record("a", "2026-04-02 09:00")
    assert names(held(first, (b"a", None))) == []
    assert names(held((b"a", None))) == []
    assert names(held(first, (b"a", None), first)) == ["a"]


def test_the_last_that_was_said_counts() -> None:
    found = held(record("a", "2026-04-02 09:00", level="notice"), record("a", "2026-04-01 09:00", level="breach"))

    [verdict] = found.oldest_first()
    assert (verdict.level, verdict.entered_at) == ("breach", rfc("2026-04-01 09:00"))


def test_what_has_no_key_is_no_stall() -> None:
    assert names(held((None, b"whatever"))) == []


def test_counts_are_by_size_with_the_oldest_of_each() -> None:
    found = held(
        record("a", "2026-04-03 09:00", kiosk="SOKA-01"),
        record("b", "2026-04-01 09:00", kiosk="SOKA-01"),
        record("c", "2026-03-01 09:00", kiosk=None),
    )

    assert counts(found.oldest_first(), "kiosk") == [
        Count("SOKA-01", 2, rfc("2026-04-01 09:00")),
        Count("unknown", 1, rfc("2026-03-01 09:00")),
    ]
    assert counts([], "kiosk") == []


def test_the_oldest_is_told_by_the_instant_not_by_how_it_is_written() -> None:
    early = record("a", "2026-04-01 09:00")  # 2026-04-01T00:00:00Z
    late = (b"b", early[1].replace(b"2026-04-01T00:00:00Z", b"2026-04-01T00:00:00.5Z"))

    [count] = counts(held(early, late).oldest_first(), "hop")
    assert count.oldest_at == "2026-04-01T00:00:00Z"


def send(broker: Broker, topic: str, *records: tuple[bytes, bytes | None]) -> None:
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random"})
    for key, value in records:
        producer.produce(topic, value, key)
    assert producer.flush(20) == 0


def test_what_is_held_now_is_read_from_every_partition(broker: Broker, topic: Callable[..., str]) -> None:
    name = topic(3, cleanup_policy="compact")
    send(broker, name, *(record(f"stall-{day}", f"2026-04-0{day} 09:00") for day in range(1, 9)), (b"stall-2", None))

    assert names(held_now(Settings(brokers=broker.bootstrap), name)) == [f"stall-{day}" for day in (1, 3, 4, 5, 6, 7, 8)]


@pytest.fixture
def own() -> Iterator[EmbeddedBroker]:
    """A broker that a test may end."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.mark.embedded
def test_following_begins_with_the_whole_goes_on_with_news_and_ends_with_the_broker(
    own: EmbeddedBroker, create_topic: Callable[..., str]
) -> None:
    name = create_topic(own, 3)
    send(own, name, *(record(f"stall-{day}", f"2026-04-0{day} 09:00") for day in range(1, 9)))
    states = follow(Settings(brokers=own.bootstrap), name, Held(), every_s=0.1)

    assert len(names(next(states))) == 8
    send(own, name, (b"stall-1", None), record("stall-9", "2026-04-09 09:00"))
    assert next(found for state in states if "stall-9" in (found := names(state)) and "stall-1" not in found)[-1] == "stall-9"

    own.programs[0].stop()
    with pytest.raises(LogError, match="does not answer"):
        for _ in states:
            pass
