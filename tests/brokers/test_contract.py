"""What Tairyu relies on, asked of both brokers. What the embedded one cannot do is expected to fail there, and only there."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from streams.brokers import Broker

Topic = Callable[..., str]
TIMEOUT_S = 20.0


@pytest.fixture
def lacking(broker: Broker, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """``lacking(reason)``: this test must fail on the embedded broker; should it pass one day, we want to know."""

    def mark(reason: str) -> None:
        if broker.embedded:
            request.applymarker(pytest.mark.xfail(strict=True, reason=f"embedded broker: {reason}"))

    return mark


def producer(broker: Broker, transactional: str | None = None) -> Producer:
    config: dict[str, str | int] = {"bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random", "linger.ms": 50, "log_level": 0}
    if transactional is None:
        return Producer(config)
    made = Producer({**config, "transactional.id": transactional, "transaction.timeout.ms": 10_000})
    made.init_transactions(TIMEOUT_S)
    return made


def consumer(broker: Broker, group: str, isolation: str = "read_committed") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            # The embedded broker lets a member wait for half of it; Kafka grants no less than 6 s
            "session.timeout.ms": 1_000 if broker.embedded else 6_000,
            "heartbeat.interval.ms": 300,
            "fetch.wait.max.ms": 20,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
        }
    )


def read(broker: Broker, topic: str, partition: int = 0, isolation: str = "read_committed") -> tuple[list[Message], int]:
    """All records up to the end of the partition, and the offset of that end."""
    reader = consumer(broker, f"reader-{uuid.uuid4().hex}", isolation)
    reader.assign([TopicPartition(topic, partition, 0)])
    try:
        records = []
        for message in _polled(reader):
            error = message.error()
            if error is None:
                records.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                return records, int(message.offset() or 0)
            else:
                raise KafkaException(error)
        raise TimeoutError(f"{topic} has no end")
    finally:
        reader.close()


def _polled(reader: Consumer) -> Iterator[Message]:
    give_up = time.monotonic() + TIMEOUT_S
    while time.monotonic() < give_up:
        message = reader.poll(0.5)
        if message is not None:
            yield message


def values(messages: list[Message]) -> list[bytes | None]:
    return [message.value() for message in messages]


def end_of(broker: Broker, topic: str, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED) -> int:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    (found,) = admin.list_offsets({TopicPartition(topic, 0): latest}, isolation_level=isolation).values()
    return int(found.result(TIMEOUT_S).offset)


def new_id() -> str:
    return f"contract-{uuid.uuid4().hex}"


def write(broker: Broker, topic: str, *texts: bytes, transactional: str | None = None) -> None:
    """In one batch; without an id for transactions, outside of any."""
    writer = producer(broker, transactional)
    if transactional is not None:
        writer.begin_transaction()
    for text in texts:
        writer.produce(topic, text, partition=0)
    if transactional is not None:
        writer.commit_transaction(TIMEOUT_S)
    assert writer.flush(TIMEOUT_S) == 0


def test_key_value_headers_and_timestamp_come_back_as_they_were_sent(broker: Broker, topic: Topic) -> None:
    name = topic()
    writer = producer(broker)
    writer.produce(name, b"value", b"key", headers=[("tairyu-speaker", b"112216"), ("tairyu-tick", b"")], timestamp=1_775_000_000_000)
    writer.flush(TIMEOUT_S)

    ((message,), end) = read(broker, name)

    assert (message.key(), message.value()) == (b"key", b"value")
    assert message.headers() == [("tairyu-speaker", b"112216"), ("tairyu-tick", b"")]
    assert message.timestamp()[1] == 1_775_000_000_000
    assert end == 1


def test_a_null_value_and_a_null_key_are_not_empty_ones(broker: Broker, topic: Topic) -> None:
    name = topic()
    writer = producer(broker)
    writer.produce(name, None, b"forgotten", partition=0)
    writer.produce(name, b"", None, partition=0)
    writer.flush(TIMEOUT_S)

    ((tombstone, empty), _) = read(broker, name)

    assert (tombstone.key(), tombstone.value()) == (b"forgotten", None)
    assert (empty.key(), empty.value()) == (None, b"")


def test_a_key_goes_to_the_partition_that_murmur2_gives_it(broker: Broker, topic: Topic) -> None:
    # Hashes that Kafka's own tests pin, too: 21 -> -973932308, foobar -> -790332482, a-little-bit-long-string -> -985981536
    pinned = {b"21": 0, b"foobar": 2, b"a-little-bit-long-string": 0}
    name = topic(4)
    writer = producer(broker)
    for key in pinned:
        writer.produce(name, b"", key)
    writer.flush(TIMEOUT_S)

    found = {message.key(): partition for partition in range(4) for message in read(broker, name, partition)[0]}

    assert found == pinned


def test_what_a_transaction_wrote_is_read_after_its_commit(broker: Broker, topic: Topic) -> None:
    name = topic()

    write(broker, name, b"1", b"2", b"3", transactional=new_id())
    give_up = time.monotonic() + TIMEOUT_S
    found = values(read(broker, name)[0])
    while not found and time.monotonic() < give_up:  # a broker answers a commit before its marker stands in each partition
        found = values(read(broker, name)[0])

    assert found == [b"1", b"2", b"3"]


def test_what_was_aborted_is_never_read(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("aborted records are visible")
    name = topic()
    writer = producer(broker, new_id())
    writer.begin_transaction()
    writer.produce(name, b"aborted")
    writer.flush(TIMEOUT_S)
    writer.abort_transaction(TIMEOUT_S)
    write(broker, name, b"committed")

    assert values(read(broker, name)[0]) == [b"committed"]


def test_an_open_transaction_is_not_read_until_its_commit(broker: Broker, topic: Topic) -> None:
    name = topic()
    writer = producer(broker, new_id())
    writer.begin_transaction()
    writer.produce(name, b"open")
    writer.flush(TIMEOUT_S)
    assert values(read(broker, name)[0]) == []

    writer.commit_transaction(TIMEOUT_S)
    assert values(read(broker, name)[0]) == [b"open"]


def test_a_producer_whose_successor_has_come_writes_nothing_more(broker: Broker, topic: Topic) -> None:
    name, slot = topic(), new_id()
    zombie = producer(broker, slot)
    zombie.begin_transaction()
    zombie.produce(name, b"before")
    zombie.commit_transaction(TIMEOUT_S)

    successor = producer(broker, slot)
    zombie.begin_transaction()
    zombie.produce(name, b"too late")
    with pytest.raises(KafkaException) as raised:
        zombie.commit_transaction(TIMEOUT_S)

    assert raised.value.args[0].code() == KafkaError._FENCED
    assert raised.value.args[0].fatal()
    successor.begin_transaction()
    successor.produce(name, b"mine")
    successor.commit_transaction(TIMEOUT_S)
    assert values(read(broker, name)[0]) == [b"before", b"mine"]


def test_the_transaction_that_a_successor_finds_open_is_lost(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("its records are visible, as of any aborted transaction, and the older producer is told of a time-out only")
    name, slot = topic(), new_id()
    zombie = producer(broker, slot)
    zombie.begin_transaction()
    zombie.produce(name, b"open")
    zombie.flush(TIMEOUT_S)

    producer(broker, slot)
    with pytest.raises(KafkaException) as raised:
        zombie.commit_transaction(2)

    assert values(read(broker, name)[0]) == []
    assert raised.value.args[0].fatal()


def test_positions_and_records_are_committed_together(broker: Broker, topic: Topic) -> None:
    source, target, group = topic(), topic(), new_id()
    write(broker, source, b"1", b"2")
    reader, first = joined(broker, group, source)
    assert first.value() == b"1"

    writer = producer(broker, new_id())
    writer.begin_transaction()
    writer.produce(target, b"one")
    writer.send_offsets_to_transaction([TopicPartition(source, 0, 1)], reader.consumer_group_metadata(), TIMEOUT_S)
    writer.commit_transaction(TIMEOUT_S)
    reader.close()

    assert committed(broker, group, source).offset == 1
    assert values(read(broker, target)[0]) == [b"one"]


def test_an_aborted_position_is_none(broker: Broker, topic: Topic) -> None:
    source, group = topic(), new_id()
    write(broker, source, b"1", b"2")
    reader, _ = joined(broker, group, source)

    writer = producer(broker, new_id())
    writer.begin_transaction()
    writer.send_offsets_to_transaction([TopicPartition(source, 0, 1)], reader.consumer_group_metadata(), TIMEOUT_S)
    writer.abort_transaction(TIMEOUT_S)
    reader.close()

    assert committed(broker, group, source).offset < 0


def test_the_text_at_a_position_comes_back_with_it(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("the offset's metadata is not kept")
    source, group = topic(), new_id()
    write(broker, source, b"1")
    reader, _ = joined(broker, group, source)

    writer = producer(broker, new_id())
    writer.begin_transaction()
    position = TopicPartition(source, 0, 1, "T=2026-04-01T00:00:00Z")
    writer.send_offsets_to_transaction([position], reader.consumer_group_metadata(), TIMEOUT_S)
    writer.commit_transaction(TIMEOUT_S)
    reader.close()

    assert committed(broker, group, source).metadata == "T=2026-04-01T00:00:00Z"


def test_metadata_of_an_earlier_generation_commits_nothing(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("the group's generation is not checked")
    source, group = topic(), new_id()
    write(broker, source, b"1")
    frozen, _ = joined(broker, group, source)
    stale = frozen.consumer_group_metadata()
    frozen.close()
    successor, _ = joined(broker, group, source)

    writer = producer(broker, new_id())
    writer.begin_transaction()
    with pytest.raises(KafkaException):
        writer.send_offsets_to_transaction([TopicPartition(source, 0, 1)], stale, TIMEOUT_S)
    writer.abort_transaction(TIMEOUT_S)
    successor.close()

    assert committed(broker, group, source).offset < 0


def test_the_end_stands_behind_the_last_record_of_a_batch(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("the end is one past the *first* record of the last batch")
    name = topic()
    write(broker, name, b"1", b"2", b"3")

    assert end_of(broker, name) == 3


def test_a_reader_that_meets_the_end_knows_its_offset(broker: Broker, topic: Topic) -> None:
    name = topic()
    write(broker, name, b"1", b"2", b"3")

    assert read(broker, name)[1] == 3


def test_the_committed_end_stands_before_an_open_transaction(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("the committed end is 0 while a transaction is open")
    name = topic()
    write(broker, name, b"1")
    writer = producer(broker, new_id())
    writer.begin_transaction()
    writer.produce(name, b"open")
    writer.flush(TIMEOUT_S)

    assert end_of(broker, name) == 1
    assert end_of(broker, name, IsolationLevel.READ_UNCOMMITTED) == 2


def test_arrival_is_the_brokers_clock(broker: Broker, topic: Topic, lacking: Callable[[str], None]) -> None:
    lacking("LogAppendTime is accepted and ignored")
    name = topic(message_timestamp_type="LogAppendTime")
    before_ms = int(time.time() * 1000)
    writer = producer(broker)
    writer.produce(name, b"", timestamp=1_000)  # its sender's clock says 1970
    writer.flush(TIMEOUT_S)

    ((message,), _) = read(broker, name)

    kind, arrived_ms = message.timestamp()
    assert kind == TIMESTAMP_LOG_APPEND_TIME
    assert before_ms - 1 <= arrived_ms <= time.time() * 1000 + 1


def test_two_members_of_a_group_share_the_partitions(broker: Broker, topic: Topic) -> None:
    name, group = topic(2), new_id()
    both = [consumer(broker, group), consumer(broker, group)]
    for each in both:
        each.subscribe([name])

    give_up = time.monotonic() + TIMEOUT_S
    while sorted(len(each.assignment()) for each in both) != [1, 1] and time.monotonic() < give_up:
        for each in both:
            each.poll(0.1)
    shares = sorted(part.partition for each in both for part in each.assignment())
    for each in both:
        each.close()

    assert shares == [0, 1]


def joined(broker: Broker, group: str, topic: str) -> tuple[Consumer, Message]:
    """A member of the group that has read the topic's first record."""
    reader = consumer(broker, group)
    reader.subscribe([topic])
    for message in _polled(reader):
        if message.error() is None:
            return reader, message
    reader.close()
    raise TimeoutError(f"{group} got nothing of {topic}")


def committed(broker: Broker, group: str, topic: str) -> TopicPartition:
    reader = consumer(broker, group)
    (found,) = reader.committed([TopicPartition(topic, 0)], timeout=TIMEOUT_S)
    reader.close()
    return found
