"""One partition of ``custody-log``, judged record by record: what the watch and ``judge --log`` share, to the byte. Pure.

A batch works on a copy of the records that it touches; ``keep`` takes it over once its transaction is committed (rule 4). Clocks and due
index move with it at once: a batch that is not kept is the end of its partition.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from schemas.codec import decode_event, decode_pulse, encode
from schemas.events import CORRECTED, PREFIX, Event
from schemas.instants import SECOND_US, from_text, to_text
from schemas.records import NEWEST, PULSE_KEY, TOKEN_LENGTH, Application, Applied, ClockMark, Mark, Pulse
from schemas.stored import Glance, Stored, decode_stored, due_of, encode_stored, glance, pack, unpack
from streams.clocks import UNKNOWN, Clocks
from streams.due import DueIndex
from streams.ordinary import COPY, Ordinary
from streams.policy import Policies, PolicyMissing
from streams.stalls import OPEN, Change, advance, expire, next_due_us
from streams.verdicts import stall_id, transition

Record = tuple[int, bytes | None, bytes | None]
"""Offset, key, value."""
Was = tuple[bool, int | None, tuple[str, ...]]
"""What a record counted as before it changed: whether it is open; when it is due, by the clock of which vendors."""
NEW: Was = (False, None, ())
UNTOUCHED = Stored()
"""Stands for: not in the batch yet."""
NAME_BEGINS = len(PREFIX)
RECENT = 8_000
"""Records kept decoded until the next batch, at most: 2 KB each."""


class Partition:
    """The committed state of one partition: application records as stored bytes, clocks, and when each is due."""

    def __init__(self, policies: Policies, number: int) -> None:
        self.policies, self.number = policies, number
        self.ordinary = Ordinary(policies)
        self.news = policies.milestones | {CORRECTED}
        """Whatever can change a verdict: the milestones of every version, and corrections."""
        self.records: dict[bytes, bytes] = {}
        self.recent: dict[bytes, Stored | None] = {}
        """Those that the last batch changed, as it left them: many are changed again by the next one, and need not be decoded then."""
        self.applied = Applied()
        self.clocks = Clocks()
        self.due = DueIndex()
        self.open = 0
        """Applications with an open hop."""

    def restore(self, records: dict[bytes, bytes], applied: Applied) -> None:
        """Start from a ledger as it was loaded: the due index is rebuilt, the clocks stand where they stood."""
        self.records, self.applied, self.clocks, self.due, self.open = records, applied, Clocks(applied), DueIndex(), 0
        self.recent = {}
        vendors: dict[tuple[str, ...], tuple[str, ...]] = {}
        for token, stored in records.items():
            record: Glance | Stored | None = glance(stored)
            if record is None:  # of an earlier release
                first = decode_stored(stored)
                record = replace(first, version=NEWEST, due_us=next_due_us(first, self.policies))
                records[token] = encode_stored(record)
            self.open += bool(record.open_hops)
            for hop in record.open_hops:
                self.policies.needed(hop.policy_version)
            if record.due_us is not None:
                self.due.put(token, record.due_us, vendors.setdefault(record.vendors, record.vendors))
        self.due.added = 0

    def due_of(self, token: bytes) -> int | None:
        stored = self.records.get(token)
        return None if stored is None else due_of(stored)

    def judge(self, records: Iterable[Record]) -> "Batch":
        """Handle records in the order of the log."""
        batch = Batch(self)
        for record in records:
            batch.handle(*record)
        return batch

    def keep(self, batch: "Batch", changed: dict[bytes, bytes | None], applied: Applied) -> None:
        """Memory follows the commit."""
        for token, stored in changed.items():
            self.records.pop(token, None)  # its key, too, is the batch's now
            if stored is not None:
                self.records[token] = stored
        self.recent = batch.working if len(batch.working) <= RECENT else {}
        self.applied = applied
        self.open += batch.opened
        self.due.tidy(len(self.records), self.due_of)


class Batch:
    """What a run of records changes and says; nothing of it counts before it is committed."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.offset, self.at_us = partition.applied.offset, partition.applied.at_us
        self.bucket, self.bucket_s = partition.applied.bucket, partition.applied.bucket_s
        self.said: list[tuple[bytes | None, bytes]] = []
        """(key, value) for ``stall-events``, in order."""
        self.stalls: dict[str, bytes | None] = {}
        """stall_id -> what is held now; None: no longer."""
        self.kinds: Counter[tuple[str, str]] = Counter()
        """(kind, hop) -> how many transitions were said."""
        self.opened = 0
        """By how many the applications with an open hop have become more."""
        self.working: dict[bytes, Stored | None] = {}
        self.tokens: dict[bytes, bytes] = {}
        """Each token as one object, which record and due index share."""
        self.shrunk: dict[bytes, Stored] = {}
        """Token -> its record just before it shrank to a marker."""
        self.unreadable: list[int] = []
        """Offsets of records that are no custody record: counted, skipped, and time goes on."""

    @property
    def moved(self) -> bool:
        """Whether anything but clocks moved: only then must it be committed at once."""
        return bool(self.working or self.said)

    def handle(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Skip what is already contained; read the whole record before anything of it counts: what cannot be read changes nothing."""
        if offset <= self.offset:
            return
        self.offset = offset
        if key is None or value is None:
            return
        pulse: Pulse | None = None
        try:
            if len(key) == TOKEN_LENGTH:
                event, arrived_us = read_news(key, value)
            elif key == PULSE_KEY:
                pulse = read_pulse(value)
            else:
                return
        except (msgspec.MsgspecError, ValueError):
            self.unreadable.append(offset)
            return
        if pulse is None:
            self._news(key, event, arrived_us)
        else:
            self.pulse(offset, pulse)

    def first_due(self) -> int | None:
        return self.partition.due.first(self.due_of)

    def due_of(self, token: bytes) -> int | None:
        if token in self.working:
            record = self.working[token]
            return None if record is None else record.due_us
        return self.partition.due_of(token)

    def changed(self) -> dict[bytes, bytes | None]:
        """Token -> its record to be stored, None: forgotten."""
        return {token: None if record is None else encode_stored(record) for token, record in self.working.items()}

    def ended(self) -> dict[bytes, bytes]:
        """Token -> its record just before it shrank, where no stored one says as much: its last news and the end of its grace lie in
        this one batch, as they do when a long backlog is read. Who keeps history needs it before the marker."""
        last = {token: encode_stored(record) for token, record in self.shrunk.items()}
        return {token: record for token, record in last.items() if record != self.partition.records.get(token)}

    def applied(self) -> Applied:
        clocks = self.partition.clocks
        return Applied(
            offset=self.offset,
            at_us=self.at_us,
            bucket_s=self.bucket_s,
            bucket=self.bucket,
            input_set=clocks.input_set,
            inputs=clocks.inputs(),
            floor_us=clocks.floors(),
        )

    def applications(self) -> dict[bytes, Application]:
        """What it touched, unpacked; what has shrunk: as it was when it did."""
        last = {token: record for token, record in self.working.items() if record is not None} | self.shrunk
        return {token: unpack(record) for token, record in last.items()}

    def _record(self, token: bytes) -> Stored | None:
        record = self.working.get(token, UNTOUCHED)
        if record is UNTOUCHED:
            record = self.partition.recent.get(token, UNTOUCHED)
        if record is not UNTOUCHED:
            return record
        stored = self.partition.records.get(token)
        return None if stored is None else decode_stored(stored)

    def _news(self, token: bytes, event: Event, arrived_us: int) -> None:
        partition, name = self.partition, event.type[NAME_BEGINS:]
        if name not in partition.news:
            return
        policies, record = partition.policies, self._record(token)
        was = NEW if record is None else (bool(record.open_hops), record.due_us, record.vendors)
        after = partition.ordinary.step(record, name, event, arrived_us)
        if after is COPY:
            return
        if after is not None:
            after.due_us = next_due_us(after, policies)
        else:
            vendors = set(record.vendors) if record is not None else set()
            clock_us = partition.clocks.of(vendors | {event.speaker} if event.own_feed else vendors)
            before = None if record is None else unpack(record)
            known, changes = advance(before, event, arrived_us, clock_us, policies)
            if known is before:
                return
            after = pack(known)
            for change in changes:
                self._say(token, after.last4, change)
        self._put(token, was, after)
        if self.shrunk:
            self.shrunk.pop(token, None)  # it was forgotten, and begins anew

    def pulse(self, offset: int, pulse: Pulse) -> None:
        """Time goes on: silence that is now a fact is said, then the clock is marked."""
        self.offset = offset
        if self.partition.policies.named(pulse.policy) is None:
            raise PolicyMissing(f"a pulse names policy version {pulse.policy!r}, which is not among the versions loaded here")
        self.partition.clocks.hear(pulse)
        self._expire()
        self._mark(pulse)

    def _expire(self) -> None:
        clocks, policies = self.partition.clocks, self.partition.policies
        passed: list[tuple[bytes, str, Change]] = []
        for token in self.partition.due.take_due(clocks, self.due_of):
            record = self._record(token)
            assert record is not None
            after, changes = expire(record, clocks.of(record.vendors), policies)
            if after is record:  # another vendor has spoken since, whose clock has not passed it yet; or the policy waits longer now
                after = replace(record, due_us=next_due_us(record, policies))
                if after.due_us == record.due_us:
                    if record.due_us is not None:
                        self.partition.due.put(token, record.due_us, record.vendors)
                    continue
            if record.marker is None and (after is None or after.marker is not None):
                self.shrunk[token] = record
            self._put(token, (bool(record.open_hops), None, ()), after)
            passed += [(token, record.last4, change) for change in changes]
        for token, last4, change in sorted(passed, key=lambda p: p[2].order(p[0].decode())):
            self._say(token, last4, change)

    def _put(self, token: bytes, was: Was, after: Stored | None) -> None:
        was_open, was_us, before = was
        token = self.tokens.setdefault(token, token)
        self.working[token] = after
        if after is None:
            self.opened -= was_open
            return
        self.opened += bool(after.open_hops) - was_open
        due_us = after.due_us
        if due_us is not None and (was_us is None or due_us < was_us or after.vendors != before):
            self.partition.due.put(token, due_us, after.vendors)

    def _say(self, token: bytes, last4: str, change: Change) -> None:
        text, said = token.decode(), change.said
        value = encode(transition(text, last4, change))
        self.said.append((token, value))
        self.kinds[change.kind, said.hop] += 1
        stall = stall_id(text, said.hop, said.attempt)
        if change.kind in OPEN:
            self.stalls[stall] = value
        elif change.kind != "recorded":
            self.stalls[stall] = None

    def _mark(self, pulse: Pulse) -> None:
        """The first pulse of a higher bucket yields a clock mark, after its transitions. (Of a higher one as this pulse counts
        them: ``bucket_s`` may have changed since the last pulse.)"""
        size_us, at_us = pulse.bucket_s * SECOND_US, from_text(pulse.at)
        bucket, last = at_us // size_us, self.at_us // size_us if self.bucket >= 0 else -1
        self.at_us, self.bucket_s = max(self.at_us, at_us), pulse.bucket_s
        if bucket <= last:
            return
        self.bucket = bucket
        clocks = self.partition.clocks
        everyone = clocks.of(())
        mark = Mark(
            at=to_text(self.at_us),
            bucket=bucket,
            bucket_s=pulse.bucket_s,
            input_set=clocks.input_set,
            all=None if everyone == UNKNOWN else to_text(everyone),
            clocks={vendor: to_text(clock_us) for vendor, clock_us in clocks.vendors().items()},
        )
        self.said.append((None, encode(ClockMark(id=f"clock:{self.partition.number}:{bucket}", time=mark.at, data=mark))))


def read_news(token: bytes, value: bytes) -> tuple[Event, int]:
    """An application's event and its arrival; MsgspecError or ValueError if it is none."""
    if not token.isascii():
        raise ValueError("a token is hexadecimal digits")
    event = decode_event(value)
    return event, from_text(event.received)


def read_pulse(value: bytes) -> Pulse:
    """A pulse all of whose instants are some; MsgspecError or ValueError if it is none."""
    pulse = decode_pulse(value)
    for text in (pulse.at, *(through for told in pulse.inputs.values() for through in told.through.values())):
        from_text(text)
    return pulse
