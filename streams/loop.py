"""The one consumer loop of intake and history: consume a batch, hand it over, until told to stop.

What it promises: a handler gets records only of partitions that it owns, from where it said it would start, each once, in order.
SIGTERM and SIGINT end it after the batch in hand, with exit code 0. Anything else that ends it ends the process at once, non-zero,
with nothing acknowledged (rule 5): starting is the only recovery.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, Protocol

import confluent_kafka as ck
import structlog

from schemas.stored import NewerRecord
from streams.connection import Config, kafka
from streams.evidence import TopicPart
from streams.lag import Lag
from streams.logs import type_and_place
from streams.metrics import counter, gauges
from streams.policy import PolicyMissing
from streams.readiness import tell_ready, tell_turn
from streams.settings import Settings

log = structlog.get_logger()
read = counter("tairyu_records_total")

COMMITTED_S = 30.0
WAIT_S = 0.1


@dataclass(frozen=True)
class Batch:
    """What one consume returned, and the group membership under which its partitions are owned."""

    records: list[ck.Message]
    ends: dict[TopicPart, int]
    """Partition -> the offset at which its end was seen; markers stand behind the last record, so it may lie beyond it."""
    group: Any
    """Membership for ``send_offsets_to_transaction``: of the assignment, never of a later one."""
    commit: Callable[[Sequence[ck.TopicPartition]], None]
    """Tells the group how far it has come, without waiting: for a stage whose position is kept elsewhere, and whose lag is watched."""
    unpackable: dict[TopicPart, int] = field(default_factory=dict)
    """Partition -> the offset of a record whose compressed batch cannot be unpacked; the loop goes on behind it after ``handle``."""


class Handler(Protocol):
    """A stage. Whatever it raises ends the process."""

    def assigned(self, committed: Sequence[ck.TopicPartition]) -> Sequence[ck.TopicPartition]:
        """It owns exactly these now, with the group's committed offsets (negative: none); returns where each is to start."""
        ...

    def revoked(self) -> None:
        """It owns nothing now: whatever is not committed is forgotten."""
        ...

    def handle(self, batch: Batch) -> None:
        """After every consume, empty or not, while it owns something. Commits by itself."""
        ...


def die(what: str, error: BaseException | None = None) -> NoReturn:
    """Says one line and ends the process at once: no handler, no clean-up, nothing acknowledged."""
    log.critical(what, **_told(error))
    sys.stderr.flush()
    os._exit(1)


def _told(error: BaseException | None) -> dict[str, Any]:
    """Type and place; the text only of errors that cannot quote a record (rule 9)."""
    if error is None:
        return {}
    told = type_and_place(error)
    if isinstance(error, ck.KafkaException | OSError | LoopError | NewerRecord | PolicyMissing):
        told["text"] = str(error)
    return told


class LoopError(Exception):
    """Something that a person can mend; its text holds nothing of any record."""


def consumer_config(settings: Settings, group_id: str, **more: str | int | bool) -> Config:
    """A group member that commits nothing by itself, reads committed records, and is told where partitions end.

    Assignments are eager (``roundrobin``): on each change a worker gives back all, then starts anew from what is committed. That
    is the whole of its state's correctness. ``more``: further names of librdkafka's, ``_`` for ``.``.
    """
    return kafka(settings) | {
        "group.id": group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "partition.assignment.strategy": "roundrobin",
        "session.timeout.ms": int(settings.session_timeout_s * 1_000),
        "heartbeat.interval.ms": int(settings.session_timeout_s * 1_000 / 6),
        **{name.replace("_", "."): value for name, value in more.items()},
    }


class Stop:
    """True once SIGTERM or SIGINT has come. Made in the main thread."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked


def run_loop(
    config: Config,
    topics: Sequence[str],
    handler: Handler,
    *,
    size: int = 5_000,
    wait_s: Callable[[], float] = lambda: WAIT_S,
    skip_unpackable: bool = False,
    stop: Callable[[], bool] | None = None,
) -> None:
    """Tells that the stage is ready, and reads ``topics`` until told to stop, at most ``size`` records and ``wait_s()`` at a time.

    Dies on every error. Ready is told last: whoever hears it may tell us to stop at once, and that is no failure.

    A topic that begins with ``^`` is a pattern: what fits it later is read from then on. ``skip_unpackable``: a record whose batch
    unpacks to more than librdkafka takes (100 MB) is told to the handler instead of ending the process: where strangers write.
    """
    try:
        stop = stop or Stop().__bool__
        tell_ready()
        _Loop(config, topics, handler, skip_unpackable).run(size, wait_s, stop)
    except BaseException as error:
        die("a stage cannot go on", error)


@dataclass
class _Loop:
    config: Config
    topics: Sequence[str]
    handler: Handler
    skip_unpackable: bool
    starts: list[ck.TopicPartition] = field(default_factory=list)
    group: Any = None
    changed: bool = False
    lag: Lag = field(default_factory=Lag)
    sought: dict[TopicPart, int] = field(default_factory=dict)
    """Partition -> where it was last told to read from. What cannot be unpacked is told at the first offset of its batch, always."""

    def run(self, size: int, wait_s: Callable[[], float], stop: Callable[[], bool]) -> None:
        consumer = ck.Consumer(self.config)
        consumer.subscribe(list(self.topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=_lost)
        gauges(self.lag.readings)
        log.info("reading", topics=list(self.topics), group=self.config["group.id"])
        while not stop():
            tell_turn()
            messages = self._consume(consumer, size, wait_s())
            if self.starts:
                records, ends, unpackable = self._split(messages)
                self.handler.handle(Batch(records, ends, self.group, partial(_commit, consumer), unpackable))
                self.lag.look(consumer, self.starts, ends)
                read.inc(len(records))
                for (topic, partition), offset in unpackable.items():
                    self.sought[topic, partition] = offset + 1
                    consumer.seek(ck.TopicPartition(topic, partition, offset + 1))
        consumer.close()
        log.info("stopped")

    def _consume(self, consumer: ck.Consumer, size: int, wait_s: float) -> list[ck.Message]:
        """One batch of one assignment. If the assignment changed on the way, some of it may belong to the one before: read again."""
        self.changed = False
        messages = consumer.consume(size, wait_s)
        if self.changed and messages:
            self._split(messages)  # an error is one, all the same
            if self.starts:
                consumer.assign(self.starts)
            return []
        return messages

    def _assigned(self, consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> None:
        # Membership is taken here, once per assignment. Taken after a later poll it may be of another generation, or (if the
        # membership was lost meanwhile) of none, which the broker does not check: an old batch would be committed a second time.
        self.changed, self.group = True, consumer.consumer_group_metadata()
        if not consumer.memberid():
            raise LoopError("the group membership was lost while partitions were being assigned")
        committed = consumer.committed(partitions, COMMITTED_S) if partitions else []
        if failed := [each for each in committed if each.error is not None]:
            raise ck.KafkaException(failed[0].error)
        self.lag.clear()
        self.starts = list(self.handler.assigned(committed)) if committed else []
        self.sought = {(each.topic, each.partition): each.offset for each in self.starts}
        consumer.assign(self.starts)

    def _revoked(self, consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> None:
        self.changed, self.starts, self.group = True, [], None
        self.lag.clear()
        self.handler.revoked()
        consumer.unassign()

    def _split(self, messages: Iterable[ck.Message]) -> tuple[list[ck.Message], dict[TopicPart, int], dict[TopicPart, int]]:
        """Records, ends, and what cannot be unpacked; any other error is raised."""
        records: list[ck.Message] = []
        ends: dict[TopicPart, int] = {}
        unpackable: dict[TopicPart, int] = {}
        for message in messages:
            error = message.error()
            if error is None:
                records.append(message)
                continue
            where = message.topic() or "", message.partition() or 0
            if error.code() == ck.KafkaError._PARTITION_EOF:
                ends[where] = message.offset() or 0
            elif error.code() == ck.KafkaError._BAD_COMPRESSION and self.skip_unpackable:
                # said again, at its first record, until the loop has gone on behind the last
                unpackable[where] = max(message.offset() or 0, self.sought.get(where, 0))
            elif error.code() == ck.KafkaError.UNKNOWN_TOPIC_OR_PART and where[0].startswith("^"):
                log.info("no topic of this pattern yet", pattern=where[0])
            else:
                raise ck.KafkaException(error)
        return records, ends, unpackable


def _commit(consumer: ck.Consumer, offsets: Sequence[ck.TopicPartition]) -> None:
    consumer.commit(offsets=list(offsets), asynchronous=True)


def _lost(consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> None:
    """Others own its partitions since some time: whatever it holds is of no use."""
    raise LoopError("the group membership was lost: this worker stood still for longer than its session time-out")
