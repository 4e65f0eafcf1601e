"""The consumer loop: memberships, assignments, patterns, stopping."""

import threading
from collections.abc import Callable, Sequence

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.admission import Output
from streams.brokers import Broker
from streams.loop import Batch, consumer_config, run_loop
from streams.outlet import Outlet
from streams.settings import Settings

NewTopicOf = Callable[..., str]


class Keeper:
    """A handler that keeps what it was given, and starts where it is told."""

    def __init__(self, start: int = 0) -> None:
        self.start, self.over = start, threading.Event()
        self.seen: list[tuple[int, int]] = []
        self.ends: dict[tuple[str, int], int] = {}
        self.owned: list[set[int]] = []

    def assigned(self, committed: Sequence[ck.TopicPartition]) -> Sequence[ck.TopicPartition]:
        self.owned.append({each.partition for each in committed})
        return [ck.TopicPartition(each.topic, each.partition, max(each.offset, self.start)) for each in committed]

    def revoked(self) -> None:
        self.owned.append(set())

    def handle(self, batch: Batch) -> None:
        self.seen += [(message.partition() or 0, message.offset() or 0) for message in batch.records]
        self.ends |= batch.ends


class Thread:
    """A loop in a thread of its own, stopped and joined at the end of the block."""

    def __init__(self, config: dict[str, str | int | bool], topics: Sequence[str], handler: Keeper) -> None:
        self._over = handler.over
        self._thread = threading.Thread(target=run_loop, args=(config, topics, handler), kwargs={"stop": self._over.is_set})

    def __enter__(self) -> "Thread":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def settings_of(broker: Broker) -> Settings:
    return Settings.model_validate({"brokers": broker.bootstrap, "embedded": broker.embedded, "session_timeout_s": 6})


def write(broker: Broker, topic: str, count: int, partition: int = 0) -> None:
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap})
    for place in range(count):
        producer.produce(topic, str(place).encode(), partition=partition)
    assert producer.flush(20) == 0


def until(true: Callable[[], bool], at_most_s: float = 30) -> None:
    waiting = threading.Event()
    for _ in range(int(at_most_s / 0.05)):
        if true():
            return
        waiting.wait(0.05)
    raise AssertionError("waited in vain")


def test_each_record_comes_once_in_order_from_where_the_handler_said(broker: Broker, topic: NewTopicOf) -> None:
    name, handler = topic(2), Keeper(start=3)
    for partition in (0, 1):
        write(broker, name, 10, partition)
    with Thread(consumer_config(settings_of(broker), f"of-{name}"), [name], handler):
        until(lambda: handler.ends == {(name, 0): 10, (name, 1): 10})

    for partition in (0, 1):
        assert [offset for number, offset in handler.seen if number == partition] == list(range(3, 10))
    assert handler.owned == [{0, 1}, set()]


def test_a_change_of_members_begins_anew_from_what_is_committed(broker: Broker, topic: NewTopicOf) -> None:
    name, first, second = topic(2), Keeper(), Keeper()
    config = consumer_config(settings_of(broker), f"of-{name}")
    for partition in (0, 1):
        write(broker, name, 5, partition)
    with Thread(config, [name], first):
        until(lambda: len(first.seen) == 10)
        with Thread(config, [name], second):
            until(lambda: len(second.seen) == 5)
            until(lambda: len(first.seen) == 15)  # nothing was committed: its half comes again, whole
        until(lambda: len(first.seen) == 25)

    assert first.owned[0] == {0, 1}
    assert [len(owned) for owned in first.owned] == [2, 0, 1, 0, 2, 0]


def test_a_topic_of_a_pattern_is_read_once_it_is_there(broker: Broker, topic: NewTopicOf) -> None:
    name, handler = topic(1), Keeper()
    later = f"{name}.later"
    config = consumer_config(settings_of(broker), f"of-{name}", topic_metadata_refresh_interval_ms=500)
    with Thread(config, [name, f"^{name}\\.later$"], handler):
        until(lambda: (name, 0) in handler.ends)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic(later, 1, 1)])[later].result(20)
        until(lambda: (later, 0) in handler.ends)


class Late(Keeper):
    """Holds its first batch until another member owns the partition, then commits it after all."""

    def __init__(self, settings: Settings, outlet_topic: str, taken: threading.Event) -> None:
        super().__init__()
        self._outlet, self._to, self._taken = Outlet(settings), outlet_topic, taken
        self.held = threading.Event()
        self.error: ck.KafkaError | None = None

    def handle(self, batch: Batch) -> None:
        super().handle(batch)
        if not batch.records or self.held.is_set():
            return
        self.held.set()
        assert self._taken.wait(40)
        try:
            positions = [ck.TopicPartition(batch.records[0].topic() or "", 0, len(batch.records))]
            self._outlet.commit([Output(self._to, b"late", b"late", 0)], positions, batch.group)
        except ck.KafkaException as error:
            self.error = error.args[0]
            self.over.set()  # a stage would end here


@pytest.mark.kafka
def test_a_batch_that_was_read_under_an_earlier_membership_cannot_be_committed(kafka: Broker, create_topic: NewTopicOf) -> None:
    name, written, taken, second = create_topic(kafka, 1), create_topic(kafka, 1), threading.Event(), Keeper()
    write(kafka, name, 5)
    late = Late(settings_of(kafka), written, taken)
    slow = consumer_config(settings_of(kafka), f"of-{name}", max_poll_interval_ms=6_000)
    with Thread(slow, [name], late):
        until(late.held.is_set)
        with Thread(consumer_config(settings_of(kafka), f"of-{name}"), [name], second):
            until(lambda: len(second.seen) == 5)  # its membership ended, since it did not ask for more for 6 s
            taken.set()
            until(lambda: late.error is not None)

    assert late.error is not None
    assert late.error.code() in (ck.KafkaError.UNKNOWN_MEMBER_ID, ck.KafkaError.ILLEGAL_GENERATION), late.error
    reader = ck.Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "enable.partition.eof": True})
    reader.assign([ck.TopicPartition(written, 0, 0)])
    first = reader.poll(20)
    reader.close()
    assert first is not None
    error = first.error()
    assert error is not None
    assert error.code() == ck.KafkaError._PARTITION_EOF
