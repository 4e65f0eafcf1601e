"""Fills the public topics, as their sources would: the traffic of ``told``, each event to its speaker's topic."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import confluent_kafka as ck

from streams.connection import kafka
from streams.parties import Feed, load_parties, public_feeds
from streams.policy_file import load_policies
from streams.senders import Headers, Senders, public_key, public_value
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.bench.custody import CARDS
from tests.bench.measurement import BenchError
from tests.bench.traffic import Told, told


class Public(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    headers: Headers


def feeds_of(settings: Settings) -> dict[str, Feed]:
    policy = load_policies(settings.policy).newest
    return public_feeds(load_parties(settings.parties, policy), policy, CARDS, settings.public_partitions)


def make_topics(settings: Settings) -> dict[str, int]:
    """All of a set-up's; the public ones with their partitions."""
    feeds = feeds_of(settings)
    ensure_topics(settings, CARDS, feeds)
    return {feed.topic: feed.partitions for feed in feeds.values()}


def public(settings: Settings, said: Iterable[Told]) -> Iterator[Public]:
    senders = Senders(load_parties(settings.parties), feeds_of(settings).values(), CARDS)
    for each in said:
        topic, headers = senders.route(each.speaker)
        yield Public(topic, public_key(each.event), public_value(each.event), headers)


def traffic(settings: Settings, seed: int, in_flight: int) -> Iterator[Public]:
    """Endless."""
    return public(settings, told(seed, in_flight))


def sender(settings: Settings, linger_ms: int) -> ck.Producer:
    return ck.Producer(
        kafka(settings)
        | {
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": linger_ms,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 3,
        }
    )


def send(producer: ck.Producer, record: Public) -> None:
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, headers=[*record.headers])
            return
        except BufferError:
            producer.poll(0.05)


def fill(settings: Settings, records: Iterable[Public]) -> int:
    """How many the broker has taken: all."""
    producer, count = sender(settings, 50), 0
    for record in records:
        send(producer, record)
        count += 1
    if left := producer.flush(120):
        raise BenchError(f"the broker took {count - left} of {count} records")
    return count
