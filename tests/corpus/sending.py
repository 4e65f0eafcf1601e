"""Producers as strange as their records: every codec, other partitioners, and a transaction that nobody ever ends."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import confluent_kafka as ck

from tests.corpus.cases import Case

CODECS = ("none", "lz4", "zstd", "snappy", "gzip")
PARTITIONERS = ("consistent_random", "murmur2", "fnv1a_random", "consistent", "random")
ROOM = 256 * 1024 * 1024
DELIVERED_S = 60


def send(bootstrap: str, cases: Sequence[Case]) -> list[str]:
    """``topic:partition:offset`` of each record. Returns when the broker has them all."""
    origins: dict[int, str] = {}
    by_codec: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        by_codec[case.codec or CODECS[place % len(CODECS)]].append(place)
    for turn, (codec, places) in enumerate(sorted(by_codec.items())):
        producer = ck.Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": codec,
                "partitioner": PARTITIONERS[turn % len(PARTITIONERS)],
                "message.max.bytes": ROOM,
                "linger.ms": 20,
            }
        )
        _produce(producer, ((place, cases[place]) for place in places), origins)
    return [origins[place] for place in range(len(cases))]


def _produce(producer: ck.Producer, cases: Iterable[tuple[int, Case]], origins: dict[int, str]) -> None:
    def delivered(place: int, name: str) -> Callable[[ck.KafkaError | None, ck.Message], None]:
        def note(error: ck.KafkaError | None, message: ck.Message) -> None:
            assert error is None, (name, error)
            origins[place] = f"{message.topic()}:{message.partition()}:{message.offset()}"

        return note

    for place, case in cases:
        producer.produce(case.topic, case.value, case.key, headers=[*case.headers], on_delivery=delivered(place, case.name))
        producer.poll(0)
    assert producer.flush(DELIVERED_S) == 0


def left_open(bootstrap: str, topic: str, partition: int, values: Iterable[bytes], timeout_s: int) -> ck.Producer:
    """A producer whose records the broker has, in a transaction that it never commits. It must be kept for as long as that is to last."""
    producer = ck.Producer({"bootstrap.servers": bootstrap, "transactional.id": "a vendor's", "transaction.timeout.ms": timeout_s * 1_000})
    producer.init_transactions(DELIVERED_S)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(DELIVERED_S) == 0
    return producer


def refused_by_the_broker(bootstrap: str, topic: str, value: bytes) -> bool:
    """Whether the broker itself says that it is too large."""
    errors: list[ck.KafkaError | None] = []
    producer = ck.Producer({"bootstrap.servers": bootstrap, "compression.type": "none", "message.max.bytes": ROOM})
    producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(DELIVERED_S) == 0
    return errors[0] is not None and errors[0].code() == ck.KafkaError.MSG_SIZE_TOO_LARGE
