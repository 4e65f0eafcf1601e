"""What is said of a hop that takes too long: raised, escalated, revised, cleared, recorded, retracted. Pure.

A transition is the difference between what was last said of a stall and what is now true (architecture, section 4), so
every odd case is an ordinary one. Only pulses raise or escalate (``expire``); news says the rest (``advance``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from schemas.events import Event
from schemas.records import Application, Marker, OpenHop, Said
from schemas.stored import Stored, unpack
from streams.custody import Attribution, Custody, Derived, contribute, derive
from streams.deadlines import in_force
from streams.ordinary import attribution, named_by, way_of
from streams.policy import Hop, Policies, Policy

Record = TypeVar("Record", Application, Stored)
Kind = Literal["raised", "escalated", "revised", "cleared", "recorded", "retracted"]
OPEN = frozenset({"raised", "escalated", "revised"})
LATE = frozenset({"cleared", "recorded"})


class Change(NamedTuple):
    """One transition: what is said now, and the figures around it that a record need not keep."""

    said: Said
    kind: Kind
    time_us: int
    """The transition's own time: the limit, the end, or the arrival of the news."""
    at_us: int
    """The application's clock, or the arrival, by which it is said."""
    closed_before_us: int | None
    flags: tuple[str, ...]
    policy: Policy
    hop: Hop
    """As the rule has it by which it is said."""

    def order(self, token: str) -> tuple[int, str, int, int, int]:
        """The place among all transitions of one pulse: by due_at, token, hop, attempt, level."""
        place = self.policy.hop_order[self.said.hop]
        return self.said.due_us, token, place, self.said.attempt, self.hop.levels.index(self.said.level)


def advance(
    record: Application | None, event: Event, arrived_us: int, clock_us: int, policies: Policies
) -> tuple[Application, tuple[Change, ...]]:
    """Handle news: (1) add its contribution, (2) derive all hops, (3) compare each with what was last said of it, (4) say the
    difference, (5) keep the open hops with their next limits, and where the application stands on its way.

    Returns the same record if the event is known or comes after the record shrank. ``clock_us`` is the application's clock
    (of its vendors and the event's speaker); it never raises anything here, it only tells which limits have passed.
    """
    record = record or Application()
    if record.marker is not None:
        return record, ()
    known = contribute(record, event, arrived_us)
    if known is record:
        return record, ()
    now = derive(known, policies)
    changes = tuple(_differences(known, now, arrived_us, clock_us, policies))
    said = _latest(known.said, changes)
    open_hops, way = tuple(_open_hops(known, now, arrived_us)), way_of(known, now, policies)
    after = replace(known, said=said, open_hops=open_hops, shrink_us=now.shrink_us, way=way)
    return replace(after, due_us=next_due_us(after, policies)), changes


def expire(record: Record, clock_us: int, policies: Policies) -> tuple[Record | None, tuple[Change, ...]]:
    """Say every level whose limit the clock has passed; shrink a finished record; None: it is forgotten.

    A record as it is stored need not be unpacked where it knows its way.
    """
    if record.marker is not None:
        return (None if clock_us > forget_at_us(record.marker, policies) else record), ()
    changes = tuple(_passed(record, clock_us, policies)) if record.open_hops else ()
    said = _latest(record.said, changes) if changes else record.said
    if record.shrink_us is not None and clock_us > record.shrink_us:
        marker = _marker(record, record.shrink_us, policies)
        if clock_us > forget_at_us(marker, policies):
            return None, changes
        record = record.__class__(last4=record.last4, vendors=record.vendors, marker=marker)
        return replace(record, due_us=next_due_us(record, policies)), changes
    if not changes:
        return record, ()
    return replace(record, said=said, due_us=next_due_us(record, policies, said)), changes


def next_due_us(record: Application | Stored, policies: Policies, said_now: tuple[Said, ...] | None = None) -> int | None:
    """The earliest instant after which ``expire`` has something to do; None: it waits for nothing but news. ``said_now``: what was last
    said, if the record does not have it yet."""
    if said_now is None:
        said_now = record.said
    if record.marker is not None:
        return forget_at_us(record.marker, policies)
    if not said_now:
        first_us = record.shrink_us
        for hop in record.open_hops:
            limit_us, settled_us = hop.due_us[0], hop.news_us + policies.needed(hop.policy_version).settle_us
            if limit_us is not None:
                at_us = limit_us if limit_us > settled_us else settled_us
                if first_us is None or at_us < first_us:
                    first_us = at_us
        return first_us
    instants = [] if record.shrink_us is None else [record.shrink_us]
    said = {(s.hop, s.attempt): s for s in said_now}
    for hop in record.open_hops:
        policy = policies.needed(hop.policy_version)
        level = _next_level(said.get((hop.hop, hop.attempt)), policy.ruled_hop(hop.hop, hop.rule))
        limit_us = hop.due_us[level] if level < len(hop.due_us) else None
        if limit_us is not None:
            instants.append(max(limit_us, hop.news_us + policy.settle_us))
    return min(instants, default=None)


def forget_at_us(marker: Marker, policies: Policies) -> int:
    return marker.shrunk_us + in_force(policies, marker.terminal_us).forget_after_us


def _latest(said: tuple[Said, ...], changes: Iterable[Change]) -> tuple[Said, ...]:
    latest = {(s.hop, s.attempt): s for s in said}
    latest.update({(c.said.hop, c.said.attempt): c.said for c in changes})
    return tuple(latest.values())


def _next_level(said: Said | None, hop: Hop) -> int:
    """The news that put another rule into force has said a level of it: what is open has one of the hop's levels."""
    if said is None or said.kind not in OPEN:
        return 0
    return hop.levels.index(said.level) + 1


def _open_hops(record: Application, now: Derived, arrived_us: int) -> Iterator[OpenHop]:
    """A hop keeps the arrival of its news as long as nothing opens, reopens or re-dates it."""
    before = {(hop.hop, hop.attempt): hop for hop in record.open_hops}
    for custody in now.hops:
        if custody.open:
            known = before.get((custody.hop.name, custody.attempt))
            same = known is not None and (known.entered_us, known.due_us) == (custody.entered_us, custody.due_us)
            yield OpenHop(
                custody.hop.name,
                custody.attempt,
                custody.entered_us,
                custody.due_us,
                custody.rule,
                custody.policy.version,
                known.news_us if same and known is not None else arrived_us,
            )


# --- silence: what a pulse says -------------------------------------------------------------------------------------


def _passed(record: Application | Stored, clock_us: int, policies: Policies) -> Iterator[Change]:
    said = {(s.hop, s.attempt): s for s in record.said}
    named: Attribution | None = None
    flags: tuple[str, ...] = ()
    for hop in record.open_hops:
        policy = policies.needed(hop.policy_version)
        ruled = policy.ruled_hop(hop.hop, hop.rule)
        last = said.get((hop.hop, hop.attempt))
        for place in range(_next_level(last, ruled), len(hop.due_us)):
            limit_us = hop.due_us[place]
            if limit_us is None or clock_us <= max(limit_us, hop.news_us + policy.settle_us):
                break
            if named is None:
                named, flags = _named(record, policies)
            kind: Kind = "escalated" if last is not None and last.kind in OPEN else "raised"
            last = _say_open(hop, ruled.levels[place], limit_us, kind, last, named, clock_us)
            yield Change(last, kind, limit_us, clock_us, None, hop_flags(flags, undated=None in hop.due_us), policy, ruled)


def _say_open(hop: OpenHop, level: str, limit_us: int, kind: Kind, last: Said | None, named: Attribution, clock_us: int) -> Said:
    return Said(
        hop.hop,
        hop.attempt,
        last.revision + 1 if last else 1,
        kind,
        None,
        level,
        hop.entered_us,
        limit_us,
        None,
        hop.rule,
        hop.policy_version,
        named.vendor,
        named.kiosk,
        named.kiosk_municipality,
        named.residence_municipality,
        max(clock_us, last.clock_us) if last is not None and last.kind in OPEN else clock_us,
    )


def _named(record: Application | Stored, policies: Policies) -> tuple[Attribution, tuple[str, ...]]:
    """Whom and where the record names, and its flags: on its way an application has none."""
    if isinstance(record, Stored) and record.way is not None:
        return attribution(named_by(record.way), [*record.names]), ()
    now = derive(_whole(record), policies)
    return now.attribution, now.flags


def _marker(record: Application | Stored, shrink_us: int, policies: Policies) -> Marker:
    if isinstance(record, Stored) and record.way is not None and record.way.ended:
        milestones = tuple(in_force(policies, record.way.first_us).milestones)
        return Marker(milestones[record.way.ended - 1], record.way.last_us, shrink_us)
    terminal = derive(_whole(record), policies).terminal
    assert terminal is not None
    return Marker(terminal[1], terminal[0], shrink_us)


def _whole(record: Application | Stored) -> Application:
    return unpack(record) if isinstance(record, Stored) else record


# --- news: the difference between what was said and what is true -------------------------------------------------------


def _differences(record: Application, now: Derived, arrived_us: int, clock_us: int, policies: Policies) -> Iterator[Change]:
    """By hop, attempt: in the policy's order."""
    said = {(s.hop, s.attempt): s for s in record.said}
    true = {(c.hop.name, c.attempt): c for c in now.hops}
    places = policies.hop_order
    for key in sorted({*said, *true}, key=lambda key: (places[key[0]], key[1])):
        news = News(said.get(key), true.get(key), now, arrived_us, clock_us, policies)
        change = news.difference()
        if change is not None:
            yield change


@dataclass(frozen=True, slots=True)
class News:
    """One stall before the news (``last``) and after it (``true``)."""

    last: Said | None
    true: Custody | None
    derived: Derived
    arrived_us: int
    clock_us: int
    policies: Policies

    def difference(self) -> Change | None:
        verdict = self.true.verdict if self.true is not None else "gone"
        if verdict == "late":
            return self._late()
        if self.last is None:
            return None
        if verdict == "open":
            return self._open(self.last)
        if verdict == "undetermined" and self.true is not None and self.true.closed_us is not None:
            return self._retract(self.last, "corrected")  # its end was seen, but by its new dates no limit has a date
        return self._retract(self.last, {"in_time": "in_time", "undetermined": "end_unobserved", "gone": "never_opened"}[verdict])

    def _late(self) -> Change | None:
        """Open -> cleared; nothing or retracted -> recorded; late with other figures -> the same again."""
        assert self.true is not None
        assert self.true.closed_us is not None
        last = self.last
        kind: Kind = "cleared" if last is not None and last.kind in OPEN else "recorded"
        if last is not None and last.kind in LATE:
            kind = "cleared" if last.kind == "cleared" else "recorded"
        said = self._said(kind, None, self.true.passed_by(self.true.closed_us) - 1, self.true)
        if last is not None and last.kind in LATE and _same(last, said):
            return None
        return self._change(said, kind, self.true.closed_us)

    def _open(self, last: Said) -> Change | None:
        """Open -> revised or retracted; late -> retracted, for pulses to raise again; retracted -> as it is."""
        assert self.true is not None
        passed = self.true.passed_by(max(self.clock_us, last.clock_us if last.kind in OPEN else self.clock_us))
        if passed == 0 or last.kind in LATE:
            return self._retract(last, "corrected")
        if last.kind not in OPEN:
            return None
        said = self._said("revised", None, min(_level(self.true, last), passed - 1), self.true)
        return None if _same(last, said) else self._change(said, "revised", self.arrived_us)

    def _retract(self, last: Said, reason: str) -> Change | None:
        """Whatever was said is taken back, of whom it was said; a retraction is repeated only for another reason."""
        if last.kind == "retracted" and last.reason == reason:
            return None
        true = self.true
        level = _level(true, last) if true is not None else 0
        if true is None or true.due_us[level] is None:
            said = replace(last, revision=last.revision + 1, kind="retracted", reason=reason, closed_us=None)
        else:
            said = _of_the_same(last, self._said("retracted", reason, level, true))
        return self._change(said, "retracted", self.arrived_us)

    def _said(self, kind: Kind, reason: str | None, level: int, true: Custody) -> Said:
        limit_us = true.due_us[level]
        assert limit_us is not None
        named = self.derived.attribution
        last = self.last
        return Said(
            true.hop.name,
            true.attempt,
            last.revision + 1 if last else 1,
            kind,
            reason,
            true.hop.levels[level],
            true.entered_us,
            limit_us,
            true.closed_us,
            true.rule,
            true.policy.version,
            named.vendor,
            named.kiosk,
            named.kiosk_municipality,
            named.residence_municipality,
            last.clock_us if last is not None and last.kind in OPEN else 0,
        )

    def _change(self, said: Said, kind: Kind, time_us: int) -> Change:
        true = self.true
        flags = hop_flags(
            self.derived.flags,
            undated=true is not None and true.undated,
            backwards=true is not None and true.reversed,
        )
        policy = self.policies.needed(said.policy_version)
        hop = policy.ruled_hop(said.hop, said.rule)
        return Change(said, kind, time_us, self.arrived_us, true.later_us if true is not None else None, flags, policy, hop)


def _of_the_same(last: Said, said: Said) -> Said:
    """Who was accused is who is cleared: others had nothing said of them that could be taken back."""
    return replace(
        said,
        vendor=last.vendor,
        kiosk=last.kiosk,
        kiosk_municipality=last.kiosk_municipality,
        residence_municipality=last.residence_municipality,
    )


def _level(true: Custody, last: Said) -> int:
    """The place of the level last said; another version of the policy may not have it."""
    return true.hop.levels.index(last.level) if last.level in true.hop.levels else 0


def _same(last: Said, said: Said) -> bool:
    """Whether the figures are those that were said: everything but revision, kind, reason and clock."""
    return replace(last, revision=0, kind="", reason=None, clock_us=0) == replace(said, revision=0, kind="", reason=None, clock_us=0)


def hop_flags(flags: tuple[str, ...], *, undated: bool = False, backwards: bool = False) -> tuple[str, ...]:
    """An application's flags with those of one hop."""
    return (*flags, *(["reversed"] if backwards else []), *(["undated"] if undated else []))
