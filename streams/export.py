"""A log as lines: every committed record of a topic to its end as it is now, the value's JSON unchanged."""

from collections.abc import Iterator

import confluent_kafka as ck
import orjson

from streams.log_reader import ends_of, partitions_in, read_to, reader
from streams.settings import Settings


def read_log(settings: Settings, topic: str) -> Iterator[ck.Message]:
    """Every committed record that stands in the topic now, partition by partition in the order of the log.

    LogError if the broker does not answer, has no such topic, or falls silent; KafkaException if it refuses.
    """
    consumer = reader(settings, enable_partition_eof=True)
    try:
        parts = [ck.TopicPartition(topic, number) for number in partitions_in(consumer, settings, topic)]
        spans = [ends_of(consumer, part) for part in parts]
        for part, (low, end) in zip(parts, spans, strict=True):
            yield from read_to(consumer, ck.TopicPartition(topic, part.partition, low), end)
    finally:
        consumer.close()


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
