"""A consumer that belongs to no group: reads committed records of the partitions it is given, and leaves no trace."""

import time
from collections.abc import Iterator

import confluent_kafka as ck

from streams.connection import kafka
from streams.groups import READER
from streams.settings import Settings

ANSWER_S = 5.0
SILENT_S = 30.0
"""A broker that neither sends a record nor says that there is none: waiting on would hide it."""
SILENT = 0
"""For a command: what goes wrong is raised."""
LOGGED = 6
"""For a stage, whose log is read: librdkafka's own default."""


class LogError(Exception):
    """A log cannot be read; the message says why, for a person."""


def reader(settings: Settings, *, log_level: int = SILENT, **more: object) -> ck.Consumer:
    """Reads committed records of what it is assigned, and tells the broker nothing. ``more``: librdkafka's names, ``_`` for ``.``."""
    return ck.Consumer(
        kafka(settings)
        | {
            "group.id": READER,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,  # what else is asked of the broker waits for a fetch that waits for records
            "log_level": log_level,
            **{name if name.endswith("_cb") else name.replace("_", "."): value for name, value in more.items()},
        }
    )


def partitions_in(consumer: ck.Consumer, settings: Settings, topic: str) -> list[int]:
    """The numbers of a topic's partitions. LogError if nobody answers, or there is no such topic."""
    try:
        found = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
    except ck.KafkaException as error:
        raise LogError(f"the broker at {settings.brokers} does not answer ({error.args[0].str()}): does it run?") from error
    if found.error is not None or not found.partitions:
        raise LogError(f"the broker at {settings.brokers} has no topic {topic}: is it a broker of Tairyu's?")
    return sorted(found.partitions)


def ends_of(consumer: ck.Consumer, part: ck.TopicPartition, answer_s: float = ANSWER_S) -> tuple[int, int]:
    """Where a partition begins, and where it ends for its committed records. KafkaException if that is not answered in time.

    A node that the brokers call the leader may take some milliseconds to know it.
    """
    give_up = time.monotonic() + answer_s
    while True:
        try:
            low, end = consumer.get_watermark_offsets(part, answer_s)
            return low, end
        except ck.KafkaException as error:
            if error.args[0].code() != ck.KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def read_to(consumer: ck.Consumer, start: ck.TopicPartition, end: int) -> Iterator[ck.Message]:
    """The committed records of one partition from an offset to its ``end`` (``ends_of``). ``consumer`` is to be told of ends.

    LogError if the broker falls silent; KafkaException if it refuses.
    """
    consumer.assign([start])
    heard_s = time.monotonic()
    while time.monotonic() - heard_s < SILENT_S:
        for message in consumer.consume(10_000, 0.1):
            heard_s = time.monotonic()
            error = message.error()
            if error is None:
                yield message
            elif error.code() != ck.KafkaError._PARTITION_EOF:
                raise ck.KafkaException(error)
            elif (message.offset() or 0) >= end:  # the embedded broker's `end` may be too low, its end of a partition is not
                return
    raise LogError(f"{start.topic}, partition {start.partition}: the broker has said nothing for {SILENT_S:.0f} s")
