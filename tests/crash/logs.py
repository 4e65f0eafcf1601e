"""A seeded custody-log as an intake would write it, put on the broker at once: for crashes of the stages behind it."""

from collections.abc import Iterator, Sequence

import confluent_kafka as ck
import msgspec
import orjson

from schemas.codec import encode
from schemas.events import Event
from schemas.instants import SECOND_US, from_text, to_text
from schemas.reasons import Refused
from schemas.records import PULSE_KEY, Input, Pulse
from streams.gate import Gate
from streams.parties import load_parties
from tests.mixed import mixed_events
from tests.pipeline.works import CUSTODY, Works

BEGIN_US = from_text("2026-06-01T00:00:00Z")
STEP_US = SECOND_US
"""Between two arrivals."""
PULSE_EVERY = 12


def write_custody_log(works: Works, seed: int, applications: int) -> int:
    """Events of so many applications, a pulse now and then in every partition, all in transactions, some of which were aborted; how
    many events were committed."""
    producer = ck.Producer(
        {
            "bootstrap.servers": works.settings.brokers,
            "transactional.id": f"crash-{seed}",
            "partitioner": "murmur2_random",
            "linger.ms": 5,
        }
    )
    producer.init_transactions(30)
    events = list(_events(works, seed, applications))
    now_us = BEGIN_US + seed * 3_600 * SECOND_US
    for begin in range(0, len(events), PULSE_EVERY):
        producer.begin_transaction()
        for event in events[begin : begin + PULSE_EVERY]:
            now_us += STEP_US
            assert event.subject is not None
            producer.produce(CUSTODY, encode(msgspec.structs.replace(event, received=to_text(now_us))), event.subject.encode())
        _pulse(producer, works, now_us)
        producer.commit_transaction(30)
        if begin % 3 == 0:
            _abort(producer, works, events[begin:], now_us)
    _last_pulses(producer, works, now_us)
    return len(events)


def _events(works: Works, seed: int, applications: int) -> Iterator[Event]:
    parties = load_parties(works.settings.parties, works.policies.newest)
    gate = Gate(works.policies, parties, (works.folder / "key").read_bytes())
    for number, sent in enumerate(mixed_events(applications, seed, BEGIN_US + seed * 3_600 * SECOND_US)):
        try:
            yield gate.admit_line(orjson.dumps(sent), origin=f"seed-{seed}:0:{number}")
        except Refused:
            continue


def _last_pulses(producer: ck.Producer, works: Works, now_us: int) -> None:
    """Long enough for all that is to be said of them, and over two borders of a bucket, so that history cuts."""
    for seconds in (120, 130, 140):
        producer.begin_transaction()
        _pulse(producer, works, now_us + seconds * SECOND_US)
        producer.commit_transaction(30)


def _abort(producer: ck.Producer, works: Works, events: Sequence[Event], now_us: int) -> None:
    """What nobody may believe: events that have not arrived yet, and a time that has not come."""
    producer.begin_transaction()
    for event in events[:PULSE_EVERY]:
        assert event.subject is not None
        never = msgspec.structs.replace(event, id=f"never {event.id}", received=to_text(now_us))
        producer.produce(CUSTODY, encode(never), event.subject.encode())
    _pulse(producer, works, now_us + 90 * 24 * 3_600 * SECOND_US)
    producer.flush(30)
    producer.abort_transaction(30)


def _pulse(producer: ck.Producer, works: Works, at_us: int) -> None:
    at = to_text(at_us)
    inputs = {
        feed.topic: Input(vendor=feed.party, partitions=feed.partitions, through=dict.fromkeys(range(feed.partitions), at), heard={})
        for feed in works.feeds.values()
    }
    pulse = Pulse(at=at, bucket_s=5, policy=works.policies.newest.version, input_set=1, inputs=inputs)
    for partition in range(works.partitions):
        producer.produce(CUSTODY, encode(pulse), PULSE_KEY, partition)
