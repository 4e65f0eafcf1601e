"""Reads one partition of the ledger whole."""

import time

import confluent_kafka as ck

from schemas.codec import decode_applied
from schemas.records import APPLIED_KEY, Applied
from streams.failpoints import reach
from streams.log_reader import LOGGED, ends_of, reader
from streams.settings import Settings

QUIET_S = 60.0
"""A broker that has nothing to say for so long while a ledger is loaded has gone, or hangs."""

FETCHING = {
    "queued_max_messages_kbytes": 2_000,  # what is fetched ahead stands in memory beside what is loaded, for each partition that is
    "fetch_message_max_bytes": 1_000_000,
    "fetch_queue_backoff_ms": 2,  # by default a full queue rests for a second: loading took four times as long
}
AT_ONCE = 2_000


def read_ledger(settings: Settings, topic: str, number: int) -> tuple[dict[bytes, bytes], Applied]:
    """Token -> stored record, and the applied record, of a partition to its end as it is now.

    To be asked after fencing: then nothing of an earlier owner can follow. KafkaException, TimeoutError or ValueError if it
    cannot be read whole.
    """
    consumer = reader(settings, log_level=LOGGED, enable_partition_eof=True, **FETCHING)
    try:
        _, end = ends_of(consumer, ck.TopicPartition(topic, number), 10)
        consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING)])
        return _read_to(consumer, end)
    finally:
        consumer.close()


def _read_to(consumer: ck.Consumer, end: int) -> tuple[dict[bytes, bytes], Applied]:
    records: dict[bytes, bytes] = {}
    applied, heard_s = Applied(), time.monotonic()
    while True:
        messages = consumer.consume(AT_ONCE, 0.1)
        heard_s = time.monotonic() if messages else heard_s
        if time.monotonic() - heard_s > QUIET_S:
            raise TimeoutError("the broker no longer answers while the ledger is loaded")
        for message in messages:
            error, key, value = message.error(), message.key(), message.value()
            if error is not None:
                if error.code() != ck.KafkaError._PARTITION_EOF:
                    raise ck.KafkaException(error)
                if (message.offset() or 0) >= end:
                    return records, applied
            elif key is None:
                raise ValueError(f"a record without a key at offset {message.offset()} of the ledger")
            elif key == APPLIED_KEY and value is not None:
                applied = decode_applied(value)
            elif value is None:
                records.pop(bytes(key), None)
            else:
                records[bytes(key)] = bytes(value)
                reach("watch.in_loading")
