"""Fills ``custody-log`` once, as intake would: events and pulses, by the real gate and encoding, in transactions.

The contenders read it; how far one has come is seen in what it says: each pulse makes a *mark* in each partition.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import confluent_kafka as ck

from schemas.cards import load_cards
from schemas.codec import encode
from schemas.instants import SECOND_US
from schemas.records import PULSE_KEY
from streams.connection import kafka
from streams.gate import Gate
from streams.inputs import Inputs
from streams.intake import BUCKET_S
from streams.keys import load_key
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.senders import public_value
from streams.settings import Settings
from streams.topics import ensure_topics, partitions_of
from tests.bench.traffic import told

CARDS = load_cards()
CUSTODY = CARDS["custody-log"].topic()
PULSE_EVERY = 1_000
"""Events, in all partitions: one transaction, with a pulse into each partition at its end."""


class Line(NamedTuple):
    """A record of ``custody-log``; without ``partition``, where murmur2 of the key puts it."""

    key: bytes
    value: bytes
    partition: int = -1


class Stretch(NamedTuple):
    """Events up to a pulse, and that pulse."""

    bucket: int
    """Of the clock mark that the pulse brings."""
    events: list[Line]
    pulses: list[Line]


@dataclass(frozen=True)
class Filled:
    """What stands in ``custody-log``."""

    settings: Settings
    partitions: int
    events: int
    marks: Mapping[int, tuple[int, ...]]
    """Bucket of a mark -> how many events stand before it, in each partition."""
    bytes_per_event: float


def stretches(settings: Settings, seed: int, in_flight: int, partitions: int) -> Iterator[Stretch]:
    """Endless: what intake writes of ``traffic.told``."""
    policies = load_policies(settings.policy)
    parties = load_parties(settings.parties, policies.newest)
    feeds = public_feeds(parties, policies.newest, CARDS, settings.public_partitions)
    assert settings.key_file is not None
    gate = Gate(policies, parties, load_key(settings.key_file))
    inputs = Inputs(feeds, parties.input_set, policies.newest.version, BUCKET_S, low_ends=False)
    inputs.take(ck.TopicPartition(topic, number, 0) for topic, feed in feeds.items() for number in range(feed.partitions))
    traffic, number = told(seed, in_flight), 0
    while True:
        lines, arrived_us = list[Line](), 0
        for arrived_us, speaker, event in islice(traffic, PULSE_EVERY):
            number += 1
            origin = f"{'kiosk' if speaker in feeds else 'municipal'}-events:0:{number}"
            admitted = gate.admit(public_value(event), None, speaker=speaker, arrived_us=arrived_us, origin=origin)
            lines.append(Line((admitted.subject or "").encode(), encode(admitted)))
        for reading in inputs.readings.values():
            reading.vouch(arrived_us)
        pulse = encode(inputs.pulse(arrived_us))
        bucket = arrived_us // (BUCKET_S * SECOND_US)
        yield Stretch(bucket, lines, [Line(PULSE_KEY, pulse, partition) for partition in range(partitions)])


def fill(settings: Settings, seed: int, events: int, in_flight: int, say: Callable[[str], None]) -> Filled:
    """Makes the set-up's topics, and fills the log. KafkaException if it cannot be written."""
    policies = load_policies(settings.policy)
    feeds = public_feeds(load_parties(settings.parties, policies.newest), policies.newest, CARDS, settings.public_partitions)
    ensure_topics(settings, CARDS, feeds)
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    producer = ck.Producer(
        kafka(settings)
        | {"transactional.id": "bench-fill", "partitioner": "murmur2_random", "compression.type": "lz4", "linger.ms": 5, "log_level": 3}
        | {"queue.buffering.max.messages": 1_000_000}
    )
    producer.init_transactions(30)
    written, size, marks = Counter[int](), 0, dict[int, tuple[int, ...]]()

    def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is not None:
            raise ck.KafkaException(error)
        written[message.partition() or 0] += 1

    for stretch in stretches(settings, seed, in_flight, partitions):
        producer.begin_transaction()
        for line in stretch.events:
            producer.produce(CUSTODY, line.value, line.key, on_delivery=delivered)
            size += len(line.value)
        producer.flush(30)  # so that it is known where they stand, and pulses stand behind them
        for line in stretch.pulses:
            producer.produce(CUSTODY, line.value, line.key, line.partition)
        producer.commit_transaction(30)
        marks[stretch.bucket] = tuple(written[partition] for partition in range(partitions))
        if written.total() % (100 * PULSE_EVERY) == 0:
            say(f"  {written.total():,} of {events:,} events written")
        if written.total() >= events:
            break
    return Filled(settings, partitions, written.total(), marks, size / written.total())
