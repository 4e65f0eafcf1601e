"""A log as lines: every committed record of a topic to its end as it is now, the value's JSON unchanged."""

from collections.abc import Iterator

import confluent_kafka as ck
import orjson

from streams.settings import Settings


def read_log(settings: Settings, topic: str) -> Iterator[ck.Message]:
    """Every committed record that stands in the topic now, partition by partition in the order of the log.

    LookupError if the broker has no such topic; KafkaException if it cannot be read.
    """
    consumer = ck.Consumer(
        {
            "bootstrap.servers": settings.brokers,
            "group.id": "tairyu-export",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=10).topics[topic]
        if found.error is not None:
            raise LookupError(f"the broker at {settings.brokers} has no topic {topic}")
        for number in sorted(found.partitions):
            yield from _to_end(consumer, topic, number)
    finally:
        consumer.close()


def _to_end(consumer: ck.Consumer, topic: str, number: int) -> Iterator[ck.Message]:
    low, end = consumer.get_watermark_offsets(ck.TopicPartition(topic, number), 10)
    consumer.assign([ck.TopicPartition(topic, number, low)])
    while True:
        for message in consumer.consume(10_000, 0.1):
            error = message.error()
            if error is None:
                yield message
            elif error.code() != ck.KafkaError._PARTITION_EOF:
                raise ck.KafkaException(error)
            elif (message.offset() or 0) >= end:
                return


def line_of(message: ck.Message) -> bytes:
    """``{"partition", "offset", "key", "value"}``; a value that is no JSON cannot stand in these logs."""
    key, value = message.key(), message.value()
    return orjson.dumps(
        {
            "partition": message.partition(),
            "offset": message.offset(),
            "key": None if key is None else bytes(key).decode(),
            "value": None if value is None else orjson.Fragment(bytes(value)),
        }
    )
