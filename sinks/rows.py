"""What a record of a log becomes in ClickHouse: its mark, or rows. One class per log; which is which stands in ``sources``. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from schemas.codec import (
    decode_application,
    decode_applied,
    decode_clock_mark,
    decode_event,
    decode_pulse,
    decode_refusal,
    decode_transition,
)
from schemas.instants import SECOND_US, from_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY, Application, Applied
from sinks.columns import APPLICATIONS, COVERAGE, EVENTS, HOPS, REFUSALS, TRANSITIONS, Columns, Takes
from sinks.cuts import Mark

Rows = Iterable[tuple[str, Columns]]
"""Tables and some of their rows, those of one table in several pieces: what is decoded is to be in the processor's cache when its columns
are taken, which is twice as fast."""
Record = tuple[int, bytes | None, bytes | None]
"""Offset, key, value."""
HopRow = tuple[Any, ...]
"""A ``HopVerdict``'s fields, in their order."""
AT_ONCE, APPLICATIONS_AT_ONCE = 400, 50
"""Records of a piece; applications have several hops each."""
COVERAGE_US = 300 * SECOND_US
ENTERED, VERDICT = HOPS.index("entered_at"), HOPS.index("state")
UNREADABLE = (msgspec.MsgspecError, ValueError)


class Unreadable(Exception):
    """A record is none of its log's. The watch skips it, too."""


class Source(Protocol):
    """How one log is read."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        """The time that the record carries, None if it carries none. Unreadable if it should and cannot be read."""
        ...

    def is_kept(self, mark: Mark, cut_us: int, partition: int) -> bool:
        """Whether a mark has rows, too. A function of the log: ``cut_us`` is the last cut's instant."""
        ...

    def rows(self, records: Sequence[Record], unreadable: Callable[[int], None]) -> Rows:
        """The rows of a range, whose other marks are left out already; offsets of unreadable records go to ``unreadable``."""
        ...


class _MarksOnly:
    """Its marks tell the time, and nothing else that is kept."""

    def is_kept(self, mark: Mark, cut_us: int, partition: int) -> bool:
        return False


class CustodyLog(_MarksOnly):
    """Events and refusals, each a row; pulses are marks."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_pulse_mark, value) if key == PULSE_KEY else None

    def rows(self, records: Sequence[Record], unreadable: Callable[[int], None]) -> Rows:
        events = [record for record in records if record[1] != REFUSAL_KEY]
        refusals = [record for record in records if record[1] == REFUSAL_KEY]
        yield from _each("events", events, decode_event, EVENTS, unreadable)
        yield from _each("refusals", refusals, decode_refusal, REFUSALS, unreadable)


class StallEvents(_MarksOnly):
    """Transitions, each a row; clock marks are marks."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_clock_mark, value) if key is None else None

    def rows(self, records: Sequence[Record], unreadable: Callable[[int], None]) -> Rows:
        return _each("transitions", records, decode_transition, TRANSITIONS, unreadable)


class Applications:
    """Each application's last record in a range, with all its hops as the watch's own rules tell them; applied records are marks.

    What an application was before it shrank to a marker, or was forgotten, is what stays: neither has rows. A record that a later one
    of its range replaces is not even decoded. The first applied record in every five minutes also tells how far each feed was read.
    """

    def __init__(self, hops: Callable[[str, Application], Sequence[HopRow]]) -> None:
        self._hops = hops

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_applied_mark, value) if key == APPLIED_KEY else None

    def is_kept(self, mark: Mark, cut_us: int, partition: int) -> bool:
        """Of one partition: each has heard the same pulses."""
        return partition == 0 and mark.start_us // COVERAGE_US > cut_us // COVERAGE_US

    def rows(self, records: Sequence[Record], unreadable: Callable[[int], None]) -> Rows:
        for some in _pieces(_last(records, unreadable), APPLICATIONS_AT_ONCE):
            offsets, begun, hops = list[int](), list[int](), list[HopRow]()
            for offset, token, application in some:
                told = self._hops(token, application)
                if told:
                    hops += told
                    offsets += [offset] * len(told)
                    begun += [_begun_us(told)] * len(told)
            if hops:
                yield "hops", {"offset": offsets, "begun_at": begun, **dict(zip(HOPS, zip(*hops, strict=True), strict=True))}
            own, tokens, applications = zip(*some, strict=True)
            yield "applications", {"offset": own, "token": tokens, **{name: take(applications) for name, take in APPLICATIONS.items()}}
        covered = [row for offset, key, value in records if key == APPLIED_KEY for row in _coverage(offset, decode_applied(value or b""))]
        if covered:
            yield "coverage", dict(zip(("offset", *COVERAGE), zip(*covered, strict=True), strict=True))


def _begun_us(hops: Sequence[HopRow]) -> int:
    """When their application began."""
    return int(min([hop[ENTERED] for hop in hops if hop[VERDICT] != "void"] or [hop[ENTERED] for hop in hops]))


def _coverage(offset: int, applied: Applied) -> Iterator[tuple[Any, ...]]:
    """A row for each partition of each feed."""
    for feed, told in applied.inputs.items():
        for number, through_us in enumerate(told.through_us):
            yield offset, applied.at_us, feed, number, told.vendor, through_us, applied.input_set


def _last(records: Sequence[Record], unreadable: Callable[[int], None]) -> Iterator[tuple[int, str, Application]]:
    """Offset, token and record of each application's last one that is no marker, from behind."""
    found = set[bytes]()
    for offset, key, value in reversed(records):
        if key is None or value is None or key in found or key == APPLIED_KEY:
            continue
        try:
            token, application = key.decode(), decode_application(value)
        except UNREADABLE:
            unreadable(offset)
            continue
        if application.marker is None:
            found.add(key)
            yield offset, token, application


def _each(table: str, records: Sequence[Record], decode: Callable[[bytes], Any], takes: Takes, unreadable: Callable[[int], None]) -> Rows:
    """A row of each record; one by one only where one of them cannot be read."""

    def columns(some: Sequence[Record]) -> Columns:
        told = [decode(value or b"") for _, _, value in some]
        return {"offset": [offset for offset, _, _ in some], **{name: take(told) for name, take in takes.items()}}

    def readable(record: Record) -> bool:
        try:
            columns([record])
        except UNREADABLE:
            unreadable(record[0])
            return False
        return True

    for some in _pieces(records, AT_ONCE):
        try:
            yield table, columns(some)
        except UNREADABLE:
            yield table, columns([record for record in some if readable(record)])


Some = TypeVar("Some")


def _pieces(whole: Iterable[Some], size: int) -> Iterator[Sequence[Some]]:
    left = iter(whole)
    while some := [*islice(left, size)]:
        yield some


Read = TypeVar("Read")


def _read(read: Callable[[bytes], Read], value: bytes | None) -> Read:
    try:
        return read(value or b"")
    except UNREADABLE as error:
        raise Unreadable from error


def _pulse_mark(value: bytes) -> Mark | None:
    pulse = decode_pulse(value)
    return _mark(from_text(pulse.at), pulse.bucket_s)


def _clock_mark(value: bytes) -> Mark | None:
    mark = decode_clock_mark(value).data
    return _mark(from_text(mark.at), mark.bucket_s)


def _applied_mark(value: bytes) -> Mark | None:
    applied = decode_applied(value)
    return _mark(applied.at_us, applied.bucket_s)


def _mark(at_us: int, bucket_s: int) -> Mark | None:
    """An applied record of before the first pulse has no bucket yet."""
    return Mark(at_us, bucket_s) if bucket_s > 0 else None
