"""Who has held an application, hop by hop: derived from the set of its events (architecture, section 4). Pure.

Nothing here depends on the order in which events came: a record keeps contributions, and every derivation starts from
all of them. What is *said* of a derivation is ``stalls``.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from schemas.events import CORRECTED, PREFIX, Event
from schemas.identity import content_hash, event_hash
from schemas.instants import SECOND_US, from_text
from schemas.records import Application, Contribution, Correction
from streams.deadlines import due_us, effective_hop, in_force
from streams.policy import Hop, Policies, Policy

AHEAD_US = 300 * SECOND_US
"""A claimed time further than this after its arrival is not usable."""

EVENTS_OF_A_SPEAKER = 100
"""Different events of one application by one speaker that are judged (docs/decisions/0014)."""
EVENTS = 10_000
"""… and by all of them."""
CORRECTIONS = 300
"""Different corrections of one application's events that are judged."""
UNREADABLE_US = -(1 << 62)


class Attribution(NamedTuple):
    """Whom and where a verdict names: from the earliest valid contribution that has it (tie: hash)."""

    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None


@dataclass(frozen=True, slots=True)
class Custody:
    """One hop in one attempt, as the events tell it."""

    hop: Hop
    attempt: int
    entered_us: int
    closed_us: int | None
    """The earliest of the hop's own lasts."""
    later_us: int | None
    """Where none of its own lasts is known: the earliest later milestone."""
    due_us: tuple[int | None, ...]
    """One per level; None past the calendar's horizon."""
    rule: str
    policy: Policy

    @property
    def open(self) -> bool:
        return self.closed_us is None and self.later_us is None

    @property
    def undated(self) -> bool:
        return None in self.due_us

    @property
    def reversed(self) -> bool:
        end = self.closed_us if self.closed_us is not None else self.later_us
        return end is not None and end < self.entered_us

    def passed_by(self, instant_us: int) -> int:
        """How many levels' limits the instant is after: 0 is in time."""
        return sum(limit is not None and instant_us > limit for limit in self.due_us)

    @property
    def verdict(self) -> str:
        """``open``, ``in_time``, ``late`` or ``undetermined`` (in time: closed_at <= due_at)."""
        if self.open:
            return "open"
        if self.reversed:
            return "in_time"
        if self.due_us[0] is None:
            return "undetermined"
        if self.closed_us is not None:
            return "late" if self.closed_us > self.due_us[0] else "in_time"
        return "in_time" if self.later_us is not None and self.later_us <= self.due_us[0] else "undetermined"


@dataclass(frozen=True, slots=True)
class Derived:
    """All that an application's events say: its hops, whom they name, and what was odd."""

    policy: Policy
    attribution: Attribution
    hops: tuple[Custody, ...]
    """By hop in the policy's order, then attempt."""
    flags: tuple[str, ...]
    terminal: tuple[int, str] | None
    shrink_us: int | None


def contribute(record: Application, event: Event, arrived_us: int) -> Application:
    """The record with this event in it; the same object if the event changes nothing.

    A copy counts once, with the earliest of its arrivals. What a speaker says beyond its limit stands in the log and in history, and is
    judged no more: each event costs as much as there are, so one application could hold up its whole partition.
    """
    name = event.type[len(PREFIX) :]
    record = _with_vendor(record, event)
    if name == CORRECTED:
        return _with_correction(record, event, arrived_us)
    identity, content = event_hash(event.speaker, event.source, event.id), content_hash(event)
    for place, known in enumerate(record.contributions):
        if known.event == identity and known.content == content:
            if arrived_us >= known.arrived_us:
                return record
            earlier = replace(known, arrived_us=arrived_us)
            return replace(record, contributions=(*record.contributions[:place], earlier, *record.contributions[place + 1 :]))
    by_speaker = sum(known.speaker == event.speaker for known in record.contributions)
    if by_speaker >= EVENTS_OF_A_SPEAKER or len(record.contributions) >= EVENTS:
        return record
    data = event.data
    new = Contribution(
        identity,
        content,
        name,
        claimed_us(event.time),
        arrived_us,
        event.speaker,
        event.role,
        data.kiosk,
        data.kiosk_municipality,
        data.residence_municipality,
    )
    return replace(record, last4=record.last4 or event.last4 or "", contributions=(*record.contributions, new))


def _with_vendor(record: Application, event: Event) -> Application:
    if not event.own_feed or event.speaker in record.vendors:
        return record
    return replace(record, vendors=tuple(sorted((*record.vendors, event.speaker))))


def _with_correction(record: Application, event: Event, arrived_us: int) -> Application:
    identity = event_hash(event.speaker, event.source, event.id)
    target = event_hash(event.speaker, event.data.source or "", event.data.id or "")
    new = Correction(identity, target, arrived_us)
    for place, known in enumerate(record.corrections):
        if known.event == identity and known.target == target:
            if arrived_us >= known.arrived_us:
                return record
            return replace(record, corrections=(*record.corrections[:place], new, *record.corrections[place + 1 :]))
    if len(record.corrections) >= CORRECTIONS:
        return record
    return replace(record, last4=record.last4 or event.last4 or "", corrections=(*record.corrections, new))


def claimed_us(text: str) -> int:
    try:
        return from_text(text)
    except (ValueError, OverflowError):
        return UNREADABLE_US


def derive(record: Application, policies: Policies, *, void: bool = True) -> Derived:
    """Everything the record's events say, in seven steps:

    1. each event's usable time: its claim, or its earliest arrival where the claim is before the epoch or over 5 minutes ahead;
    2. the version of the procedure: the one in force at the earliest of them;
    3. when the record shrinks: what arrived after that is history only;
    4. what is voided by a correction of the same speaker;
    5. whom it names, and what another vendor said, which does not count;
    6. the attempts, and each milestone's earliest time in its attempt;
    7. the hops.

    With ``void`` false, as if step 4 voided nothing: what would have opened.
    """
    epoch_us = policies.versions[0].epoch_us
    timed = [(_usable_us(c, epoch_us), c) for c in record.contributions]
    policy = in_force(policies, min((time for time, _ in timed), default=policies.newest.effective_us))
    shrink_us = _shrink_us(record, policies, policy.grace_us)
    corrections = [c for c in record.corrections if shrink_us is None or c.arrived_us <= shrink_us]
    voided = {c.target for c in corrections if void}
    kept = [(time, c) for time, c in timed if shrink_us is None or c.arrived_us <= shrink_us]
    valid = [(time, c) for time, c in kept if c.event not in voided and c.milestone in policies.milestones]
    vendor = _vendor(valid, policy)
    counted = [(time, c) for time, c in valid if c.role != policy.attribution_role or c.speaker == vendor]
    attribution = _attribution(vendor, counted)
    begins, first = _attempts(counted, policy)
    terminals = [(time, c.milestone) for time, c in valid if c.milestone in policies.terminals]
    return Derived(
        policy,
        attribution,
        tuple(_hops(policies, policy, attribution, begins, first)),
        _flags(kept, corrections, epoch_us, two_vendors=len(counted) < len(valid)),
        min(terminals, default=None),
        shrink_us,
    )


def _usable_us(contribution: Contribution, epoch_us: int) -> int:
    claimed_us = contribution.claimed_us
    return claimed_us if epoch_us <= claimed_us <= contribution.arrived_us + AHEAD_US else contribution.arrived_us


def _shrink_us(record: Application, policies: Policies, grace_us: int) -> int | None:
    """Earliest arrival of a terminal that no correction voided within the grace, + the grace."""
    ends = [
        c.arrived_us + grace_us
        for c in record.contributions
        if c.milestone in policies.terminals
        and not any(v.target == c.event and v.arrived_us <= c.arrived_us + grace_us for v in record.corrections)
    ]
    return min(ends, default=None)


def _vendor(valid: list[tuple[int, Contribution]], policy: Policy) -> str | None:
    """The speaker of the earliest valid attribution milestone, else of the role's earliest milestone (tie: name)."""
    own = [(time, c) for time, c in valid if c.role == policy.attribution_role]
    named = [(time, c.speaker) for time, c in own if c.milestone == policy.attribution_milestone]
    return min(named or [(time, c.speaker) for time, c in own], default=(0, None))[1]


def _attribution(vendor: str | None, counted: list[tuple[int, Contribution]]) -> Attribution:
    kiosk = kiosk_municipality = residence = None
    for _, c in sorted(counted, key=lambda pair: (pair[0], pair[1].event, pair[1].content)):
        kiosk = kiosk or c.kiosk
        kiosk_municipality = kiosk_municipality or c.kiosk_municipality
        residence = residence or c.residence_municipality
    return Attribution(vendor, kiosk, kiosk_municipality, residence)


Milestones = list[dict[str, int]]
"""Per attempt (from the first), milestone -> its earliest time."""


def _attempts(counted: list[tuple[int, Contribution]], policy: Policy) -> tuple[list[int], Milestones]:
    """Begin of each attempt but the first, and each milestone's earliest time in the attempt into whose time it falls.

    What begins an attempt is no milestone *of* it; it stands for another one there.
    """
    beginning = policy.attempt_begins
    begins = sorted({time for time, c in counted if c.milestone == beginning})
    first: Milestones = [{} for _ in range(len(begins) + 1)]
    for time, c in counted:
        if c.milestone != beginning:
            times = first[bisect_right(begins, time)]
            if time < times.get(c.milestone, time + 1):
                times[c.milestone] = time
    if policy.attempt_stands_for is not None:
        for begun, times in zip(begins, first[1:], strict=True):
            times[policy.attempt_stands_for] = begun
    return begins, first


def _hops(policies: Policies, policy: Policy, attribution: Attribution, begins: list[int], first: Milestones) -> Iterator[Custody]:
    named = attribution._asdict()
    for name in policies.hop_order:
        for place in range(len(first)):
            entry = _entry(policies, name, named, first[place])
            if entry is not None:
                judge, hop, rule, entered_us = entry
                after = begins[place] if place < len(begins) else None
                begun = first[: place + 1]
                closed_us = _closed_us(policies, hop, begun, after if policy.attempt_begins in hop.ends else None)
                later_us = _later_us(policies, judge, hop, begun, after) if closed_us is None else None
                limits = tuple(due_us(hop, limit, entered_us, judge) for _, limit in hop.limits)
                yield Custody(hop, place + 1, entered_us, closed_us, later_us, limits, rule, judge)


def _entry(policies: Policies, name: str, named: Mapping[str, str | None], times: dict[str, int]) -> tuple[Policy, Hop, str, int] | None:
    """The version and rule by which this hop is judged, and when it opened; None: it did not.

    The version is the one in force when the hop was entered; what the hop begins with may itself depend on the version,
    so the newest version in whose time the hop begins decides.
    """
    for judge in reversed(policies.versions):
        if name in judge.hops:
            hop, rule = effective_hop(judge, name, named)
            entered_us = min((times[m] for m in hop.begins if m in times), default=None) if hop.watched else None
            if entered_us is not None and (entered_us >= judge.effective_us or judge is policies.versions[0]):
                return judge, hop, rule, entered_us
    return None


def _closed_us(policies: Policies, hop: Hop, begun: Milestones, after_us: int | None) -> int | None:
    """The earliest of the hop's own lasts, in the last of the attempts begun so far. The next attempt's beginning (``after_us``)
    closes what waits for it; a terminal of an earlier attempt counts in every later one."""
    times = [] if after_us is None else [after_us]
    for milestone in hop.ends:
        attempts = begun if milestone in policies.terminals else begun[-1:]
        times += [attempt[milestone] for attempt in attempts if milestone in attempt]
    return min(times, default=None)


def _later_us(policies: Policies, judge: Policy, hop: Hop, begun: Milestones, after_us: int | None) -> int | None:
    """The earliest milestone after the hop's last in the order of the version that judges it (claims never count), the next
    attempt's beginning, or a terminal of this or an earlier attempt."""
    last = max(judge.order[milestone] for milestone in hop.ends)
    times = [] if after_us is None else [after_us]
    times += [time for name, time in begun[-1].items() if judge.order.get(name, -1) > last and not judge.milestones[name].claim]
    times += [attempt[name] for attempt in begun for name in policies.terminals if name in attempt]
    return min(times, default=None)


def _flags(kept: list[tuple[int, Contribution]], corrections: list[Correction], epoch_us: int, two_vendors: bool) -> tuple[str, ...]:
    """What was odd about the application's events, by name."""
    events = [c.event for _, c in kept]
    contents = {(c.event, c.content) for _, c in kept}
    correcting = {c.event for c in corrections}
    reused = len(corrections) > len(correcting) or bool(correcting & set(events))
    found = {
        "conflict": len(contents) > len({event for event, _ in contents}) or reused,
        "correction_of_correction": any(c.target in correcting for c in corrections),
        "time_replaced": any(not epoch_us <= c.claimed_us <= c.arrived_us + AHEAD_US for _, c in kept),
        "two_vendors": two_vendors,
    }
    return tuple(name for name, true in found.items() if true)
