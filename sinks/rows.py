"""What a record of a log becomes in ClickHouse: its mark, or rows. One class per log; which is which stands in ``sources``. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from schemas.codec import (
    decode_application,
    decode_applied,
    decode_clock_mark,
    decode_event,
    decode_pulse,
    decode_refusal,
    decode_transition,
    encode,
)
from schemas.events import PREFIX
from schemas.instants import from_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY, Application
from sinks.cuts import Mark
from streams.verdicts import HopVerdict

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
"""Table -> its rows, the values in the order of ``COLUMNS``."""

EARLIEST_US = from_text("1900-01-01T00:00:00Z")
LATEST_US = from_text("2299-12-31T23:59:59Z")
"""What ClickHouse's DateTime64 can say."""

PLACE = ("kiosk", "kiosk_municipality", "residence_municipality")
CUSTODY = ("holder", "duty_basis", "supervisor")

EVENTS = (
    *("offset", "token", "last4", "speaker", "role", "type", "event_id", "source", "time", "claimed", "received"),
    *("vendor", *PLACE, "batch", "reason", "origin", "data"),
)
REFUSALS = ("offset", "reason", "path", "origin_topic", "origin_partition", "origin_offset", "speaker", "size", "hmac", "received")
TRANSITIONS = (
    *("offset", "stall_id", "revision", "kind", "reason", "level", "hop", "attempt", "token", "last4", "vendor", *PLACE, *CUSTODY),
    *("procedure", "policy_version", "calendar_version", "limit_rule", "flags", "entered_at", "due_at", "closed_at", "closed_before"),
    *("at", "time"),
)
HOPS = (
    *("offset", "token", "hop", "attempt", "last4", "vendor", *PLACE, *CUSTODY, "state", "level"),
    *("entered_at", "due_at", "closed_at", "closed_before", "rule", "policy_version", "calendar_version", "flags"),
)
APPLICATIONS = ("offset", "token", "last4", "vendors", "shrinks_at")
COLUMNS = {"events": EVENTS, "refusals": REFUSALS, "transitions": TRANSITIONS, "hops": HOPS, "applications": APPLICATIONS}


class Record(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None


class Unreadable(Exception):
    """A record is none of its log's. The watch skips it, too."""


class Source(Protocol):
    """How one log is read."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        """The time that the record carries, None if it carries none. Unreadable if it should and cannot be read."""
        ...

    def rows(self, records: Iterable[Record], unreadable: Callable[[int], None]) -> Rows:
        """The rows of a range, whose marks are left out already; offsets of unreadable records go to ``unreadable``."""
        ...


class CustodyLog:
    """Events and refusals, each a row; pulses are marks."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_pulse_mark, value) if key == PULSE_KEY else None

    def rows(self, records: Iterable[Record], unreadable: Callable[[int], None]) -> Rows:
        rows: Rows = {"events": [], "refusals": []}
        for offset, key, value in records:
            try:
                if key == REFUSAL_KEY:
                    rows["refusals"].append((offset, *_read(_refusal_row, value)))
                else:
                    rows["events"].append((offset, *_read(_event_row, value)))
            except Unreadable:
                unreadable(offset)
        return rows


class StallEvents:
    """Transitions, each a row; clock marks are marks."""

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_clock_mark, value) if key is None else None

    def rows(self, records: Iterable[Record], unreadable: Callable[[int], None]) -> Rows:
        transitions: list[Row] = []
        for offset, _, value in records:
            try:
                transitions.append((offset, *_read(_transition_row, value)))
            except Unreadable:
                unreadable(offset)
        return {"transitions": transitions}


class Applications:
    """Each application's last record in a range, with all its hops as the watch's own rules tell them; applied records are marks.

    What an application was before it shrank to a marker, or was forgotten, is what stays: neither has rows.
    """

    def __init__(self, verdicts: Callable[[str, Application], Iterable[HopVerdict]]) -> None:
        self._verdicts = verdicts

    def mark(self, key: bytes | None, value: bytes | None) -> Mark | None:
        return _read(_applied_mark, value) if key == APPLIED_KEY else None

    def rows(self, records: Iterable[Record], unreadable: Callable[[int], None]) -> Rows:
        last: dict[bytes, tuple[int, Application]] = {}
        for offset, key, value in records:
            try:
                if key is not None and value is not None and (application := _read(decode_application, value)).marker is None:
                    last[key] = offset, application
            except Unreadable:
                unreadable(offset)
        rows: Rows = {"hops": [], "applications": []}
        for key, (offset, application) in last.items():
            token = key.decode()
            rows["applications"].append((offset, token, application.last4, list(application.vendors), application.shrink_us))
            rows["hops"] += [(offset, *_hop_row(hop)) for hop in self._verdicts(token, application)]
        return rows


Read = TypeVar("Read")


def _read(read: Callable[[bytes], Read], value: bytes | None) -> Read:
    try:
        return read(value or b"")
    except (msgspec.MsgspecError, ValueError) as error:
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


def _us(text: str | None) -> int | None:
    return None if text is None else from_text(text)


def _claimed_us(text: str) -> int | None:
    """The claim as an instant; None where it is none that ClickHouse can say. The text itself is kept beside it."""
    try:
        claimed_us = from_text(text)
    except (ValueError, OverflowError):
        return None
    return claimed_us if EARLIEST_US <= claimed_us <= LATEST_US else None


def _event_row(value: bytes) -> Row:
    event = decode_event(value)
    data = event.data
    return (
        *(event.subject, event.last4, event.speaker, event.role, event.type.removeprefix(PREFIX), event.id, event.source),
        *(_claimed_us(event.time), event.time, from_text(event.received)),
        *(data.vendor, data.kiosk, data.kiosk_municipality, data.residence_municipality, data.batch, data.reason, event.origin),
        encode(data).decode(),
    )


def _refusal_row(value: bytes) -> Row:
    refusal = decode_refusal(value)
    origin = refusal.origin
    return (
        *(refusal.reason, refusal.path, origin.topic, origin.partition, origin.offset),
        *(refusal.speaker, refusal.size, refusal.hmac, from_text(refusal.received)),
    )


def _transition_row(value: bytes) -> Row:
    transition = decode_transition(value)
    said = transition.data
    return (
        *(said.stall_id, said.revision, said.kind, said.reason, said.level, said.hop, said.attempt, said.token, said.last4),
        *(said.vendor, said.kiosk, said.kiosk_municipality, said.residence_municipality, said.holder, said.duty_basis, said.supervisor),
        *(said.procedure, said.policy_version, said.calendar_version, said.limit_rule, list(said.flags)),
        *(from_text(said.entered_at), from_text(said.due_at)),
        *(_us(said.closed_at), _us(said.closed_before), from_text(said.at), from_text(transition.time)),
    )


def _hop_row(hop: HopVerdict) -> Row:
    return (
        *(hop.token, hop.hop, hop.attempt, hop.last4, hop.vendor, hop.kiosk, hop.kiosk_municipality, hop.residence_municipality),
        *(hop.holder, hop.duty_basis, hop.supervisor, hop.verdict, hop.level),
        *(hop.entered_us, hop.due_us, hop.closed_us, hop.closed_before_us, hop.rule, hop.policy_version),
        *(hop.calendar_version, list(hop.flags)),
    )
