"""Follows what is held: first every open stall, then each change, once; and how far silence has been judged.

    python subscriber.py BROKERS          # needs confluent-kafka

It keeps nothing: started again, it begins again, with what is held by then.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

HELD, CHANGES = "stalls", "stall-events"
OPEN = ("raised", "escalated", "revised")
WATCHED_S = 60.0


class Subscriber:
    def __init__(self) -> None:
        self.held: dict[str, dict] = {}  # stall_id -> its last verdict
        self.revisions: dict[str, int] = {}  # stall_id -> the highest that was taken
        self.judged: dict[int, datetime] = {}  # partition -> the clock by which all silence is judged there

    def take(self, message: Message) -> None:
        """A record of either topic."""
        if message.key() is None:
            clock = json.loads(message.value())["data"]["all"]  # null while a feed has never been read
            if clock is not None:
                self.judged[message.partition()] = datetime.fromisoformat(clock)
        elif message.value() is not None:  # without a value: no longer held, which stall-events says as well
            self.take_verdict(json.loads(message.value())["data"])

    def take_verdict(self, verdict: dict) -> None:
        stall_id, revision = verdict["stall_id"], verdict["revision"]
        if revision <= self.revisions.get(stall_id, 0):
            return  # known: a verdict counts once, whatever comes twice
        self.revisions[stall_id] = revision
        if verdict["kind"] in OPEN:
            self.held[stall_id] = verdict
        else:
            self.held.pop(stall_id, None)
        print(verdict["kind"], stall_id, revision, verdict["level"], verdict["vendor"] or verdict["holder"], flush=True)

    def judged_through(self, partitions: int) -> datetime | None:
        """None until every partition has said it."""
        return min(self.judged.values()) if len(self.judged) == partitions else None


def main(brokers: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "my-town",  # a name must be given; no position is kept under it
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    subscriber = Subscriber()
    partitions = partitions_of(consumer, CHANGES)
    # First where the changes end now, then what is held: whatever happens meanwhile stands in both, and counts once.
    ends = committed_ends(brokers, partitions)
    for message in whole(consumer, partitions_of(consumer, HELD)):
        subscriber.take(message)
    print(len(subscriber.held), "held", flush=True)
    follow(consumer, ends, subscriber)


def follow(consumer: Consumer, starts: list[TopicPartition], subscriber: Subscriber) -> None:
    consumer.assign(starts)
    judged: datetime | None = None
    while True:
        message = consumer.poll(WATCHED_S)
        if message is None:
            print(f"no word for {WATCHED_S:.0f} s: nobody is watching, or the broker is away", file=sys.stderr, flush=True)
        elif readable(message):
            subscriber.take(message)
        now = subscriber.judged_through(len(starts))
        if now is not None and now != judged:
            judged = now
            print("judged", judged.isoformat(), len(subscriber.held), "held", flush=True)


def whole(consumer: Consumer, partitions: list[TopicPartition]) -> Iterator[Message]:
    """All that stands in these partitions now."""
    consumer.assign(partitions)
    unread = {each.partition for each in partitions}
    while unread:
        for message in consumer.consume(1_000, 0.5):
            if readable(message):
                yield message
            else:
                unread.discard(message.partition())


def readable(message: Message) -> bool:
    """False at the end of a partition."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is None


def partitions_of(consumer: Consumer, topic: str) -> list[TopicPartition]:
    numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers]


def committed_ends(brokers: str, partitions: list[TopicPartition]) -> list[TopicPartition]:
    admin = AdminClient({"bootstrap.servers": brokers})
    asked = admin.list_offsets({each: OffsetSpec.latest() for each in partitions}, isolation_level=IsolationLevel.READ_COMMITTED)
    return [TopicPartition(each.topic, each.partition, answer.result(10).offset) for each, answer in asked.items()]


if __name__ == "__main__":
    main(sys.argv[1])
