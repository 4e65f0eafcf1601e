"""The same rules without a broker: over a file of events (as of their arrival), or over an exported ``custody-log``. Pure.

Over a log it gives exactly the transitions and clock marks that the watch committed for it, byte for byte. Over a file there is
one virtual partition, every input is read through, and instead of pulsing at each interval it jumps from due time to due time.
"""

from collections.abc import Iterable, Iterator

import msgspec
import orjson

from schemas.codec import encode
from schemas.events import Event
from schemas.instants import from_text, to_text
from schemas.records import Pulse
from streams.clocks import UNKNOWN, Clocks
from streams.partition import Batch, Partition
from streams.policy import Policies
from streams.verdicts import HopVerdict, hop_verdicts

NEVER_US = 1 << 62
WHOLE_FILE_S = 1 << 40
"""A bucket in which all of a file lies: nobody asks for its clock marks."""
Said = tuple[int, bytes | None, bytes]
"""Partition, key, value (the record's JSON unchanged)."""


class Line(msgspec.Struct):
    """A line of an exported log."""

    partition: int
    offset: int
    key: str | None
    value: msgspec.Raw


class LogJudge:
    """Judges the lines of ``tairyu export custody-log``, partition by partition, in the order of the log."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._batches: dict[int, Batch] = {}
        self._decode = msgspec.json.Decoder(Line).decode

    def feed(self, text: bytes) -> Iterator[Said]:
        """What one line makes the watch say. msgspec.MsgspecError if it is no line of an export."""
        line = self._decode(text)
        batch = self._batches.get(line.partition)
        if batch is None:
            batch = self._batches[line.partition] = Batch(Partition(self._policies, line.partition))
        batch.handle(line.offset, None if line.key is None else line.key.encode(), bytes(line.value))
        yield from drain(batch, line.partition)

    def verdicts(self) -> Iterator[HopVerdict]:
        for _, batch in sorted(self._batches.items()):
            yield from final_verdicts(batch, self._policies)


class FileJudge:
    """Judges events as of their arrival: all at once (``over``), or fed in the order of arrival, then ``finish``.

    What is said of an application depends on its own events and on the instants at which the others' arrive, and on nothing else of
    theirs: so several judges may each have some of the applications, if each finishes at the same
    instant.
    """

    def __init__(self, policies: Policies) -> None:
        partition = Partition(policies, 0)
        self._clock = partition.clocks = _FileClock()
        self._batch = Batch(partition)
        self._policies = policies
        self._interval_us = policies.newest.pulse_interval_us
        self._offset = 0
        self._next_us = NEVER_US
        """Nothing is due before it."""

    def over(self, events: Iterable[Event], until_us: int) -> Iterator[Said]:
        """What is said of events in the order of arrival, of those that arrived by ``until_us``."""
        for event in events:
            if from_text(event.received) <= until_us:
                yield from self.feed(event)
        yield from self.finish(until_us)

    def feed(self, event: Event) -> Iterator[Said]:
        arrived_us = from_text(event.received)
        if event.subject is None:
            self._come_to(self._before(arrived_us))
        else:
            self.take(arrived_us, event.subject.encode(), encode(event))
        yield from self.said()

    def finish(self, until_us: int) -> Iterator[Said]:
        """All silence up to ``until_us`` is a fact."""
        self._come_to(until_us)
        yield from self.said()

    def take(self, arrived_us: int, token: bytes, value: bytes) -> None:
        """``feed`` for a record of ``custody-log``; what it makes the watch say, ``said`` gives."""
        self._come_to(self._before(arrived_us))
        self._offset += 1
        self._batch.handle(self._offset, token, value)
        due_us = self._batch.due_of(token)
        if due_us is not None and due_us < self._next_us:
            self._next_us = due_us

    def said(self) -> Iterator[Said]:
        """What has been said since it was last asked."""
        yield from (said for said in drain(self._batch, 0) if said[1] is not None)

    def verdicts(self) -> Iterator[HopVerdict]:
        yield from final_verdicts(self._batch, self._policies)

    def records(self) -> dict[bytes, bytes]:
        """Token -> the application's record, as ``applications`` keeps it; of one that has shrunk: as it was when it did."""
        kept = {token: record for token, record in self._batch.changed().items() if record is not None}
        return kept | self._batch.ended()

    def _before(self, arrived_us: int) -> int:
        """The last instant on the grid of the interval that lies before an arrival."""
        return (arrived_us - 1) // self._interval_us * self._interval_us

    def _come_to(self, until_us: int) -> None:
        """A pulse after each due time on the way, on the grid of the interval, and one at the end if anything is due then."""
        if self._next_us < until_us:
            self._next_us = NEVER_US
            while (due_us := self._batch.first_due()) is not None:
                pulse_us = (due_us // self._interval_us + 1) * self._interval_us
                if pulse_us > until_us:
                    self._next_us = due_us
                    break
                self._pulse(max(pulse_us, self._clock.now_us))
        if until_us > self._clock.now_us:
            if self._next_us < until_us:
                self._pulse(until_us)
            self._clock.now_us = until_us

    def _pulse(self, clock_us: int) -> None:
        self._offset += 1
        newest = self._policies.newest.version
        self._batch.pulse(self._offset, Pulse(at=to_text(clock_us), bucket_s=WHOLE_FILE_S, policy=newest, input_set=0, inputs={}))


class _FileClock(Clocks):
    """Every input is the file: all clocks are one."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = UNKNOWN

    def of(self, vendors: Iterable[str]) -> int:
        return self.now_us

    def hear(self, pulse: Pulse) -> None:
        self.now_us = max(self.now_us, from_text(pulse.at))


def drain(batch: Batch, number: int) -> Iterator[Said]:
    """Take what a batch has said so far."""
    said, batch.said = batch.said, []
    batch.stalls.clear()
    yield from ((number, key, value) for key, value in said)


def final_verdicts(batch: Batch, policies: Policies) -> Iterator[HopVerdict]:
    """By token; of an application whose record has shrunk: as it was when it did."""
    for token, record in sorted(batch.applications().items()):
        yield from hop_verdicts(token.decode(), record, policies)


def line_of(said: Said) -> bytes:
    """A line as ``judge --log`` prints it: what ``export`` writes, without the offset."""
    partition, key, value = said
    return orjson.dumps({"partition": partition, "key": None if key is None else key.decode(), "value": orjson.Fragment(value)})


def verdict_line(verdict: HopVerdict, subject: str | None) -> bytes:
    """A line in the form of ``truth.ndjson``; ``subject`` is None where only tokens are known."""
    closed_us = verdict.closed_us
    return orjson.dumps(
        {
            "subject": subject,
            "token": verdict.token,
            "hop": verdict.hop,
            "attempt": verdict.attempt,
            "entered_at": to_text(verdict.entered_us),
            "closed_at": None if closed_us is None else to_text(closed_us),
            "verdict": verdict.verdict,
            "level": verdict.level,
        }
    )


def sorted_by_arrival(events: Iterable[Event]) -> list[Event]:
    """Stable: events that arrived at the same instant keep their order."""
    return sorted(events, key=lambda event: from_text(event.received))


def latest_arrival_us(events: Iterable[Event]) -> int:
    """0 if there is none."""
    return max((from_text(event.received) for event in events), default=0)
