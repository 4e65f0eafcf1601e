"""custody-log -> stall-events, stalls, applications, by a bare librdkafka loop: the watch without Faust.

The same pure rules, the same records, as many of them in a transaction. It is what is left of the time when the framework costs
nothing: no group, no recovery, no watchdog. While one partition's transaction is committed, it works on the others.
"""

import gc
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor

import confluent_kafka as ck
import msgspec

from schemas.cards import load_cards
from schemas.records import APPLIED_KEY, Applied
from streams.connection import kafka
from streams.partition import Batch, Partition, Record
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.topics import topics_there

RUN_LENGTH = 20_000
"""Records in a transaction, at most: as the watch has them."""
WAIT_S = 0.02
CARDS = load_cards()
CUSTODY, APPLICATIONS, STALL_EVENTS, STALLS = (CARDS[name].topic() for name in ("custody-log", "applications", "stall-events", "stalls"))


class Lane:
    """One partition and its producer."""

    def __init__(self, settings: Settings, policies: Policies, number: int, pool: ThreadPoolExecutor) -> None:
        self._number, self._pool = number, pool
        self._partition = Partition(policies, number)
        self._producer = ck.Producer(
            kafka(settings)
            | {
                "transactional.id": f"bench-ceiling-{number}",
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        self._producer.init_transactions(30)
        self._committing: tuple[Future[None], Batch, dict[bytes, bytes | None], Applied] | None = None

    def judge(self, records: list[Record]) -> None:
        """Returns while the transaction is being committed."""
        self.finish()
        batch = self._partition.judge(records)
        changed, applied = batch.changed(), batch.applied()
        self._producer.begin_transaction()
        for key, value in batch.said:
            self._produce(STALL_EVENTS, key, value)
        for stall, held_now in batch.stalls.items():
            self._produce(STALLS, stall.encode(), held_now)
        for token, stored in [*batch.ended().items(), *changed.items()]:
            self._produce(APPLICATIONS, token, stored)
        self._produce(APPLICATIONS, APPLIED_KEY, msgspec.json.encode(applied))
        self._committing = self._pool.submit(self._producer.commit_transaction, 30), batch, changed, applied

    def finish(self) -> None:
        """Memory follows the commit."""
        if self._committing is not None:
            committed, batch, changed, applied = self._committing
            committed.result()
            self._partition.keep(batch, changed, applied)
            self._committing = None

    def _produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        self._producer.produce(topic, value, key, self._number)


def main() -> None:
    gc.disable()  # nothing here refers to itself
    settings = Settings()
    policies = load_policies(settings.policy)
    numbers = range(topics_there(settings)[CUSTODY])
    with ThreadPoolExecutor(len(numbers)) as pool:
        lanes = [Lane(settings, policies, number, pool) for number in numbers]
        consumer = ck.Consumer(kafka(settings) | {"group.id": "unused", "enable.auto.commit": False, "isolation.level": "read_committed"})
        consumer.assign([ck.TopicPartition(CUSTODY, number, 0) for number in numbers])
        waiting: dict[int, list[Record]] = defaultdict(list)
        while True:
            messages = consumer.consume(RUN_LENGTH, WAIT_S)
            for message in messages:
                if message.error() is not None:
                    raise ck.KafkaException(message.error())
                waiting[message.partition()].append((message.offset(), message.key(), message.value()))
            for number in [number for number, records in waiting.items() if len(records) >= RUN_LENGTH or not messages]:
                lanes[number].judge(waiting.pop(number))


if __name__ == "__main__":
    main()
