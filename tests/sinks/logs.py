"""Logs as intake and watch would write them: short ranges, in transactions, some of them aborted."""

import msgspec
from confluent_kafka import Producer

from schemas.codec import decode_clock_mark, decode_event, decode_pulse, decode_transition, encode, encode_application
from schemas.instants import SECOND_US, from_text, to_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY, Application, Applied
from schemas.situations import situation
from streams.custody import contribute
from tests.streams.story import token_of

EVENT = decode_event(situation("records/custody-log", "submitted-at-a-city-hall-booth").values()[0])
PULSE = decode_pulse(situation("records/custody-log", "every-feed-read-to-its-end").values()[0])
REFUSAL = situation("records/custody-log", "individual-number-in-a-key").values()[0]
RAISED = decode_transition(situation("records/stall-events", "raised-after-six-hours").values()[0])
MARK = decode_clock_mark(situation("records/stall-events", "every-vendor-known").values()[0])
BEGIN_US = from_text("2026-04-30T23:58:00Z")
"""Some ranges are cut in April, the others in May."""
Pair = tuple[bytes | None, bytes]


def token(partition: int, number: int) -> str:
    """An application stays in its partition."""
    return token_of(1_000_000 * partition + number)


def custody_log(count: int, partition: int = 0, every: int = 10) -> list[Pair]:
    """``count`` records: events, a refusal now and then, and every so often a pulse five seconds after the last."""
    return [_custody(number, partition, every) for number in range(count)]


def _custody(number: int, partition: int, every: int) -> Pair:
    at = to_text(BEGIN_US + number // every * 5 * SECOND_US)
    if number % every == every - 1:
        return PULSE_KEY, encode(msgspec.structs.replace(PULSE, at=at, bucket_s=5))
    if number % 7 == 3:
        return REFUSAL_KEY, REFUSAL
    subject = token(partition, number)
    return subject.encode(), encode(msgspec.structs.replace(EVENT, subject=subject, id=f"event-{number}", received=at))


def applications(count: int, partition: int = 0, every: int = 10) -> list[Pair]:
    """The record of one application after another, each twice; and applied records."""
    pairs: list[Pair] = []
    for number in range(count):
        if number % every == every - 1:
            at_us = BEGIN_US + number // every * 5 * SECOND_US
            pairs.append((APPLIED_KEY, encode(Applied(offset=number, at_us=at_us, bucket_s=5))))
        else:
            record = contribute(Application(), EVENT, from_text(EVENT.received))
            pairs.append((token(partition, number // 2).encode(), encode_application(record)))
    return pairs


def stall_events(count: int, partition: int = 0, every: int = 10) -> list[Pair]:
    pairs: list[Pair] = []
    for number in range(count):
        at = to_text(BEGIN_US + number // every * 5 * SECOND_US)
        if number % every == every - 1:
            pairs.append((None, encode(msgspec.structs.replace(MARK, data=msgspec.structs.replace(MARK.data, at=at, bucket_s=5)))))
        else:
            subject = token(partition, number)
            data = msgspec.structs.replace(RAISED.data, token=subject, stall_id=f"{subject}:forward:1")
            pairs.append((subject.encode(), encode(msgspec.structs.replace(RAISED, subject=subject, data=data))))
    return pairs


def send(bootstrap: str, topic: str, partition: int, pairs: list[Pair], each: int = 7, aborted: bool = False) -> None:
    """In transactions of a few records. ``aborted``: between them others that never happened (not on the embedded broker, which
    shows them all the same)."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-{partition}", "linger.ms": 0})
    producer.init_transactions(30)
    for begin in range(0, len(pairs), each):
        if aborted and begin % 3 == 0:
            producer.begin_transaction()
            producer.produce(topic, b"never happened", b"0" * 64, partition)
            producer.flush(10)
            producer.abort_transaction(30)
        producer.begin_transaction()
        for key, value in pairs[begin : begin + each]:
            producer.produce(topic, value, key, partition)
        producer.commit_transaction(30)
