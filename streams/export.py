"""A log as lines: every committed record of a topic to its end as it is now, the value's JSON unchanged."""

import time
from collections.abc import Iterator

import confluent_kafka as ck
import orjson

from streams.log_reader import LogError, ends_of, partitions_in, reader
from streams.settings import Settings

SILENT_S = 30.0
"""A broker that neither sends a record nor says that there is none: waiting on would hide it."""


def read_log(settings: Settings, topic: str) -> Iterator[ck.Message]:
    """Every committed record that stands in the topic now, partition by partition in the order of the log.

    LogError if the broker does not answer, has no such topic, or falls silent; KafkaException if it refuses.
    """
    consumer = reader(settings, enable_partition_eof=True)
    try:
        parts = [ck.TopicPartition(topic, number) for number in partitions_in(consumer, settings, topic)]
        spans = [ends_of(consumer, part) for part in parts]
        for part, (low, end) in zip(parts, spans, strict=True):
            yield from _to_end(consumer, ck.TopicPartition(topic, part.partition, low), end)
    finally:
        consumer.close()


def _to_end(consumer: ck.Consumer, start: ck.TopicPartition, end: int) -> Iterator[ck.Message]:
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
