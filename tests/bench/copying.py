"""The floor under intake: consume a batch, produce each record to one topic, commit both in one transaction, no work.

Run as a process: ``python -m tests.bench.copying BROKERS GROUP FROM,FROM,... TO``. Batches and transactions are as large as intake's;
the clients are otherwise as librdkafka has them.
"""

import signal
import sys
import uuid

import confluent_kafka as ck

AT_ONCE, WAIT_S, COMMIT_S = 5_000, 0.1, 30.0


def copy(brokers: str, group: str, topics: list[str], to: str) -> None:
    consumer = ck.Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    producer = ck.Producer(
        {
            "bootstrap.servers": brokers,
            "transactional.id": f"copy-{uuid.uuid4().hex}",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions(COMMIT_S)
    consumer.subscribe(topics)
    try:
        while True:
            messages = consumer.consume(AT_ONCE, WAIT_S)
            if not messages:
                continue
            producer.begin_transaction()
            for message in messages:
                producer.produce(to, message.value(), message.key())
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), COMMIT_S)
            producer.commit_transaction(COMMIT_S)
    finally:
        consumer.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    copy(sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4])
