"""Which events count: each once, at its usable time, not voided, and before the end."""

import hashlib
from dataclasses import dataclass

import msgspec

from schemas.events import CORRECTED, PREFIX, Event
from schemas.instants import SECOND_US, from_text
from tests.oracle.policy import Version

AHEAD = 5 * 60 * SECOND_US
"""A claim further ahead of its arrival is not believed."""


@dataclass(frozen=True)
class Part:
    """One event's part: a milestone at a time, from a speaker."""

    milestone: str
    time: int
    arrived: int
    event: Event
    digest: tuple[bytes, bytes]


def milestone_of(event: Event) -> str:
    return event.type.removeprefix(PREFIX)


def is_news(event: Event, policy: Version) -> bool:
    """Milestones and corrections are news of an application; an enquiry is a signal of its own."""
    return milestone_of(event) in {*policy.order, CORRECTED}


def identity(event: Event) -> tuple[str, str, str]:
    return (event.speaker, event.source, event.id)


def parts_of(events: list[Event], policy: Version) -> list[Part]:
    """Each distinct event about a milestone once, at its usable time; what is voided is left out."""
    voided = {(e.speaker, e.data.source or "", e.data.id or "") for e in events if milestone_of(e) == CORRECTED}
    said: dict[tuple[tuple[str, str, str], bytes], list[Event]] = {}
    for event in events:
        if milestone_of(event) in policy.order and identity(event) not in voided:
            said.setdefault((identity(event), content(event)), []).append(event)
    return [part_of(copies, policy) for copies in said.values()]


def content(event: Event) -> bytes:
    return hashlib.sha256(msgspec.json.encode((event.type, event.time, event.data))).digest()[:8]


def part_of(copies: list[Event], policy: Version) -> Part:
    event, arrived = copies[0], min(from_text(copy.received) for copy in copies)
    claimed = from_text(event.time)
    usable = policy.epoch <= claimed <= arrived + AHEAD
    name = hashlib.sha256("\0".join(identity(event)).encode()).digest()[:8]
    return Part(milestone_of(event), claimed if usable else arrived, arrived, event, (name, content(event)))


def shrinks_at(events: list[Event], policy: Version) -> int | None:
    """The earliest arrival of a terminal that nothing voided within the grace, and the grace; None while there is none."""
    ends = []
    for terminal in (event for event in events if milestone_of(event) in policy.terminals):
        end = min(from_text(copy.received) for copy in events if copy == terminal or alike(copy, terminal)) + policy.grace
        if not any(voids(event, terminal) and from_text(event.received) <= end for event in events):
            ends.append(end)
    return min(ends, default=None)


def alike(one: Event, other: Event) -> bool:
    """Two copies of one event."""
    return identity(one) == identity(other) and content(one) == content(other)


def voids(event: Event, other: Event) -> bool:
    named = (event.speaker, event.data.source or "", event.data.id or "")
    return milestone_of(event) == CORRECTED and named == identity(other)


def counting(events: list[Event], policy: Version) -> list[Event]:
    """What arrived before the record shrinks; the rest is history only."""
    end = shrinks_at(events, policy)
    return [event for event in events if end is None or from_text(event.received) <= end]
