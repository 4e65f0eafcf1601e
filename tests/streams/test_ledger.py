"""One partition of the ledger: fenced, loaded, committed; on both brokers, and on Kafka what only it keeps apart."""

from collections.abc import Callable
from random import Random

import confluent_kafka as ck
import msgspec
import pytest

from schemas.codec import decode_application, encode, encode_application
from schemas.instants import to_text
from schemas.records import APPLIED_KEY, Application, Applied
from streams.brokers import Broker
from streams.ledger import Held
from streams.ledger_reading import read_ledger
from streams.settings import Settings
from tests.streams.story import EVENT, MY_NUMBER, jst, token_of


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return Settings(brokers=broker.bootstrap, embedded=broker.embedded)


def event(seed: int) -> tuple[bytes, bytes]:
    """An application's token and the submission that opens its record."""
    now, token = to_text(jst("2026-04-01 10:00")), token_of(seed)
    submitted = msgspec.structs.replace(EVENT, subject=token, id=f"{seed}", time=now, received=now, origin=f"kiosk-events.plaza:0:{seed}")
    return token.encode(), encode(submitted)


def judge(held: Held, offset: int, seed: int) -> bytes:
    """A submission in the batch in hand; its token."""
    token, value = event(seed)
    held.pending.handle(offset, token, value)
    return token


def commit(held: Held) -> None:
    batch = held.pending
    changed, applied = batch.changed(), batch.applied()
    held.commit(changed, applied, [])
    held.keep(changed, applied)


def test_what_was_committed_is_what_a_successor_loads(settings: Settings, topic: Callable[..., str]) -> None:
    ledger = topic(1)
    first = Held(settings, ledger, 0, MY_NUMBER)
    tokens = {judge(first, offset, seed) for offset, seed in enumerate((1, 2, 3), start=10)}
    commit(first)

    second = Held(settings, ledger, 0, MY_NUMBER)

    assert (first.applied, second.applied) == (12, 12)
    assert second.partition.records == first.partition.records
    assert second.partition.records.keys() == tokens
    assert second.pending.first_due() == first.pending.first_due() is not None


def test_whoever_was_fenced_commits_nothing_and_its_memory_does_not_lead(settings: Settings, topic: Callable[..., str]) -> None:
    ledger = topic(1)
    first = Held(settings, ledger, 0, MY_NUMBER)
    token = judge(first, 10, 1)
    commit(first)
    second = Held(settings, ledger, 0, MY_NUMBER)
    judge(first, 11, 2)

    with pytest.raises(ck.KafkaException):
        commit(first)

    assert (first.applied, list(first.partition.records)) == (10, [token])
    judge(second, 11, 3)
    commit(second)
    records, applied = read_ledger(settings, ledger, 0)
    assert (set(records), applied.offset) == ({token, event(3)[0]}, 11)


@pytest.mark.kafka
def test_what_an_owner_left_open_is_ended_before_its_successor_loads(kafka: Broker, create_topic: Callable[..., str]) -> None:
    settings, ledger = Settings(brokers=kafka.bootstrap), create_topic(kafka, 1)
    first = Held(settings, ledger, 0, MY_NUMBER)
    token = judge(first, 10, 1)
    commit(first)
    first.producer.begin_transaction()
    first.producer.produce(ledger, first.partition.records[token], event(2)[0], 0)
    assert first.producer.flush(10) == 0  # it stands in the log, uncommitted

    second = Held(settings, ledger, 0, MY_NUMBER)

    assert (second.applied, list(second.partition.records)) == (10, [token])


def test_a_tombstone_removes_and_the_last_applied_record_counts(settings: Settings, broker: Broker, topic: Callable[..., str]) -> None:
    ledger = topic(1)
    stored = encode_application(Application(last4="0000"))
    applied = [msgspec.json.encode(Applied(offset=offset)) for offset in (3, 8)]
    lines = [(b"a" * 64, stored), (APPLIED_KEY, applied[0]), (b"b" * 64, stored), (b"a" * 64, None), (APPLIED_KEY, applied[1])]
    write(broker, ledger, lines)

    records, last = read_ledger(settings, ledger, 0)

    assert (records, last.offset) == ({b"b" * 64: stored}, 8)
    assert decode_application(records[b"b" * 64]).last4 == "0000"


def test_an_empty_partition_begins_before_the_first_record(settings: Settings, topic: Callable[..., str]) -> None:
    assert read_ledger(settings, topic(1), 0) == ({}, Applied())


def test_a_record_without_a_key_is_no_ledger(settings: Settings, broker: Broker, topic: Callable[..., str]) -> None:
    ledger = topic(1)
    write(broker, ledger, [(None, b"x")])

    with pytest.raises(ValueError, match="a record without a key at offset 0 of the ledger"):
        read_ledger(settings, ledger, 0)


def test_a_large_partition_is_read_to_its_end(settings: Settings, broker: Broker, topic: Callable[..., str]) -> None:
    ledger, rng = topic(1), Random(5)
    lines = [(rng.randbytes(32).hex().encode(), rng.randbytes(300)) for _ in range(20_000)]
    write(broker, ledger, [*lines, (APPLIED_KEY, msgspec.json.encode(Applied(offset=9)))])

    records, applied = read_ledger(settings, ledger, 0)

    assert (records, applied.offset) == (dict(lines), 9)


def write(broker: Broker, topic: str, lines: list[tuple[bytes | None, bytes | None]]) -> None:
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5})
    for key, value in lines:
        producer.produce(topic, value, key, 0)
    assert producer.flush(30) == 0
