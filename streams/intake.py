"""kiosk-events.*, jlis-events, municipal-events -> custody-log, dead-letters

Trusts nothing: checks who may say what, refuses personal numbers, makes the token, re-keys, stamps arrival, emits pulses. Killed
at any point, every public record ends exactly once in ``custody-log``, as an event or a refusal: what a batch becomes, and the
position of every input with its T, are one transaction, under the group membership that owned the inputs when they were read. A
worker that froze and woke commits nothing. Anything but a successful commit ends the process (rule 5).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import confluent_kafka as ck
import structlog
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from schemas.cards import Card, load_cards
from schemas.identity import Key
from schemas.instants import SECOND_US
from streams.admission import Admission, Output
from streams.desk import Clock, Desk, SystemClock, public_record, unpackable_record
from streams.evidence import TopicPart
from streams.feed_figures import count_from_zero, deleted_unread, feed_readings
from streams.gate import Gate
from streams.groups import INTAKE
from streams.inputs import Inputs
from streams.keys import RIGHT_FILE, KeyFileError, key_marks, load_key, narrow, open_to_others
from streams.loop import WAIT_S, Batch, Handler, LoopError, consumer_config, die, run_loop
from streams.metrics import gauges
from streams.outlet import Outlet
from streams.parties import Feed, Parties, load_parties, public_feeds
from streams.player import BUCKET_S as SIMULATED_BUCKET_S
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.simulation import SimulatedIntake, TickClock
from streams.subscription import subscription
from streams.topics import admin_client, topics_there

log = structlog.get_logger()

BUCKET_S = 5
FETCHING = {
    "queued_min_messages": 10_000,  # all feeds share one queue: a flood holds up the others by no more than what stands there
    "fetch_queue_backoff_ms": 20,  # by default a full queue rests for a second
    "topic_metadata_refresh_interval_ms": 10_000,  # how soon a new topic or partition is seen
}
LEAST_WAIT_S = 0.01
TRIES = 5
"""How often a start asks whether records were deleted unread; each takes a second or two without an answer."""
ANSWER_S = 1.0
"""How long a pulse waits for the inputs' ends; without an answer T stays."""


class Ends:
    """Asks where the inputs end: one question for all."""

    def __init__(self, admin: AdminClient, *, low_ends: bool) -> None:
        # An open transaction makes the embedded broker report 0 as the end of what is committed.
        self._isolation = ck.IsolationLevel.READ_UNCOMMITTED if low_ends else ck.IsolationLevel.READ_COMMITTED
        self._admin = admin

    def ask(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        """Partition -> end; without those that did not answer in time."""
        return self._ask(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def beginnings(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        """Partition -> the first offset that is still there; without those that did not answer in time."""
        return self._ask(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def _ask(self, partitions: Iterable[TopicPart], which: OffsetSpec) -> dict[TopicPart, int]:
        wanted = {ck.TopicPartition(topic, partition): which for topic, partition in partitions}
        if not wanted:
            return {}
        asked = self._admin.list_offsets(wanted, isolation_level=self._isolation, request_timeout=ANSWER_S)
        answers: dict[TopicPart, int] = {}
        for where, answer in asked.items():
            try:
                answers[where.topic, where.partition] = answer.result(2 * ANSWER_S).offset
            except (ck.KafkaException, TimeoutError) as error:
                log.warning("no answer about an input's offsets", topic=where.topic, partition=where.partition, text=str(error))
        if len(answers) < len(wanted):
            self._look_again()
        return answers

    def _look_again(self) -> None:
        """For a quarter of an hour the client believes what it once learned of leaders, their epochs, and how many partitions a topic has.

        After an election or a broker's restart, or when partitions were added, every later question would be refused.
        """
        try:
            self._admin.list_topics(timeout=ANSWER_S)
        except ck.KafkaException as error:
            log.warning("no answer about the brokers' topics", text=str(error))


class Intake:
    """The live stage: every batch is one transaction, and so is every pulse when nothing comes."""

    def __init__(self, desk: Desk, clock: Clock, ends: Ends, pulse_interval_us: int) -> None:
        self._desk, self._clock, self._ends, self._interval_us = desk, clock, ends, pulse_interval_us
        self._pulsed_us: int | None = None

    def assigned(self, committed: Sequence[ck.TopicPartition]) -> Sequence[ck.TopicPartition]:
        starts = self._desk.inputs.take(committed)
        if missing := self._desk.inputs.missing_key():
            raise LoopError(f"{missing}: {RIGHT_FILE}")
        self._tell_what_was_deleted()
        return starts

    def revoked(self) -> None:
        self._desk.inputs.drop()
        self._pulsed_us = None

    def _tell_what_was_deleted(self) -> None:
        """A feed's retention is short: what it ended before intake came back is lost, and must not be lost in silence."""
        positions = self._desk.inputs.known()
        firsts: dict[TopicPart, int] = {}
        for _ in range(TRIES):
            firsts |= self._ends.beginnings(positions.keys() - firsts.keys())
        for topic, partition in sorted(positions.keys() - firsts.keys()):
            log.error("it is not known whether records were deleted before they were read", topic=topic, partition=partition)
        for (topic, partition), first in firsts.items():
            if first > positions[topic, partition]:
                gap = {"from_offset": positions[topic, partition], "to_offset": first}
                deleted_unread.labels(topic).inc(first - positions[topic, partition])
                log.error("records were deleted before they were read", topic=topic, partition=partition, **gap)

    def handle(self, batch: Batch) -> None:
        """Judged first, sent then: an open transaction hides later records from everybody, so it is kept short."""
        outputs = [output for message in batch.records for output in self._desk.judge(public_record(message, self._clock))]
        for where, offset in batch.unpackable.items():
            outputs += self._desk.judge(unpackable_record(where, offset, self._clock))
        for where, offset in batch.ends.items():
            self._desk.inputs.readings[where].ended(offset)
        if self._pulse_is_due():
            outputs += self._pulses()
        if outputs:
            self._desk.commit(outputs, batch.group)

    def wait_s(self) -> float:
        """For how long records may be collected: until the next pulse is due, at most."""
        since_us = 0 if self._pulsed_us is None else self._clock.now_us() - self._pulsed_us
        return min(WAIT_S, max(LEAST_WAIT_S, (self._interval_us - since_us) / SECOND_US))

    def _pulse_is_due(self) -> bool:
        """Never while nothing is known: it would vouch for nothing, and no position would fence it. A clock set back pulses at once."""
        if not self._desk.inputs.known():
            return False
        return self._pulsed_us is None or not 0 <= self._clock.now_us() - self._pulsed_us < self._interval_us

    def _pulses(self) -> list[Output]:
        clock_us = self._clock.now_us()  # first the clock, then the question
        self._desk.inputs.prove(clock_us, self._ends.ask(self._desk.inputs.known()))
        self._pulsed_us = clock_us
        return self._desk.pulses(clock_us)


def run(settings: Settings) -> None:
    """Runs the stage until SIGTERM or SIGINT; PolicyError if policy or parties have mistakes, TopicsError if no broker answers.

    Dies on any other failure.
    """
    policies, cards = load_policies(settings.policy), load_cards()
    parties = load_parties(settings.parties, policies.newest)
    feeds = public_feeds(parties, policies.newest, cards, settings.public_partitions)
    there = topics_there(settings)
    try:
        topics = subscription(feeds, cards, there, settings)
        desk = _desk(settings, policies, parties, feeds, cards, there)
    except (LoopError, ck.KafkaException, OSError) as error:
        die("intake cannot start", error)
    interval_us = policies.newest.pulse_interval_us
    live = Intake(desk, SystemClock(), Ends(admin_client(settings), low_ends=settings.embedded), interval_us)
    handler: Handler = SimulatedIntake(desk, TickClock()) if settings.simulation else live
    config = consumer_config(settings, INTAKE, **FETCHING)
    count_from_zero(feeds)
    gauges(lambda: feed_readings(desk.inputs, SystemClock().now_us()))
    run_loop(config, topics, handler, wait_s=live.wait_s, skip_unpackable=not settings.simulation)


def _desk(
    settings: Settings, policies: Policies, parties: Parties, feeds: Mapping[str, Feed], cards: Mapping[str, Card], there: Mapping[str, int]
) -> Desk:
    key, log_topic = _key(settings.key_file), cards["custody-log"].topic()
    admission = Admission(Gate(policies, parties, key), parties, feeds, cards, key, there[log_topic])
    bucket_s = SIMULATED_BUCKET_S if settings.simulation else BUCKET_S
    inputs = Inputs(
        feeds, parties.input_set, policies.newest.version, bucket_s, low_ends=settings.embedded, keys=[*key_marks(key).values()]
    )
    return Desk(inputs, admission, Outlet(settings), log_topic, there[log_topic])


def _key(path: Path | None) -> Key:
    if path is None:
        raise LoopError("tokens need a key: name its file in TAIRYU_KEY_FILE")
    try:
        key, told = load_key(path), path.stat()
    except (KeyFileError, OSError) as error:
        raise LoopError(str(error)) from error
    if open_to_others(told, os.geteuid()):
        log.warning("others can read the key of the tokens", file=str(path), mode=f"{told.st_mode & 0o777:o}", remedy=narrow(path))
    return key
