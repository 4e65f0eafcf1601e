"""What is true of one application, by definition: a function of the set of events heard of it, computed from nothing each time."""

from dataclasses import dataclass

from schemas.events import Event
from tests.oracle.days import due
from tests.oracle.parts import Part, counting, parts_of
from tests.oracle.policy import Hop, Version, hop_of

ATTRIBUTES = ("kiosk", "kiosk_municipality", "residence_municipality")
FAR = 1 << 62


@dataclass(frozen=True)
class Whose:
    vendor: str | None = None
    kiosk: str | None = None
    kiosk_municipality: str | None = None
    residence_municipality: str | None = None


@dataclass(frozen=True)
class Stand:
    """How one hop of one attempt stands. ``name``: open, late, in_time, undetermined, undated; void if it never opened."""

    name: str
    entered: int = 0
    dues: tuple[tuple[str, int | None], ...] = ()
    closed: int | None = None
    closed_before: int | None = None
    rule: str = ""
    version: str = ""
    whose: Whose = Whose()

    def passed(self, instant: int) -> str | None:
        """The highest level whose limit lies before ``instant``."""
        return next((level for level, limit in reversed(self.dues) if limit is not None and limit < instant), None)

    def due_of(self, level: str) -> int:
        limit = dict(self.dues)[level]
        assert limit is not None
        return limit

    def limit(self, place: int) -> int:
        limit = self.dues[place][1]
        assert limit is not None
        return limit

    def places(self) -> list[str]:
        return [level for level, _ in self.dues]


VOID = Stand("void")


def vendor_of(parts: list[Part], policy: Version) -> str | None:
    """The speaker of the earliest valid ``submitted``, else of the earliest milestone of a vendor; ties by name."""
    theirs = [part for part in parts if part.event.role == policy.attributed_role]
    first = [part for part in theirs if part.milestone == policy.attributed_by] or theirs
    return min(((part.time, part.event.speaker) for part in first), default=(0, None))[1]


def counted_of(parts: list[Part], policy: Version) -> tuple[str | None, list[Part]]:
    """The vendor, and what counts: all but the milestones of other vendors."""
    vendor = vendor_of(parts, policy)
    return vendor, [part for part in parts if part.event.role != policy.attributed_role or part.event.speaker == vendor]


def whose(vendor: str | None, counted: list[Part]) -> Whose:
    """The earliest valid contribution that has an attribute says it; ties by hash."""
    found: dict[str, str | None] = {}
    for name in ATTRIBUTES:
        having = [part for part in counted if getattr(part.event.data, name) is not None]
        first = min(having, key=lambda part: (part.time, part.digest), default=None)
        found[name] = None if first is None else getattr(first.event.data, name)
    return Whose(vendor, **found)


def stands_of(events: list[Event], policies: list[Version]) -> dict[tuple[str, int], Stand]:
    """How every hop of every attempt stands, by (hop, attempt). What never opened is left out."""
    newest = policies[-1]
    vendor, counted = counted_of(parts_of(counting(events, newest), newest), newest)
    owner = whose(vendor, counted)
    starts = sorted({part.time for part in counted if part.milestone == newest.begins_attempt})
    edges = [-FAR, *starts, FAR]
    stands = {}
    for attempt in range(1, len(edges)):
        times = times_in(counted, edges[attempt - 1], edges[attempt], newest)
        for name in newest.hops:
            stand = stand_of(name, times, edges[attempt - 1], edges[attempt], owner, policies)
            if stand is not VOID:
                stands[name, attempt] = stand
    return stands


def times_in(counted: list[Part], start: int, end: int, policy: Version) -> dict[str, int]:
    """The earliest time of each milestone in an attempt; a terminal counts in its own attempt and in every later one."""
    times: dict[str, int] = {}
    for part in counted:
        inside = start <= part.time < end or (part.milestone in policy.terminals and part.time < end)
        if inside and part.milestone != policy.begins_attempt:
            times[part.milestone] = min(part.time, times.get(part.milestone, FAR))
    if start != -FAR and policy.stands_for:
        times[policy.stands_for] = start
    return times


def stand_of(name: str, times: dict[str, int], start: int, end: int, owner: Whose, policies: list[Version]) -> Stand:
    """Judged by the version in force when it was entered: the newest under which it was entered after coming into force."""
    for policy in reversed(policies):
        hop, rule = ruled(policy, name, owner)
        begun = [times[milestone] for milestone in hop.begins if milestone in times]
        begun += [start] if policy.begins_attempt in hop.begins and start != -FAR else []
        if hop.watched and begun and (min(begun) >= policy.effective or policy is policies[0]):
            return judged(hop, rule, min(begun), times, end, owner, policy)
    return VOID


def ruled(policy: Version, name: str, owner: Whose) -> tuple[Hop, str]:
    """The hop as the most specific override has it, and the rule's name."""
    hop, rule, best = policy.hops[name], "default", (-1,) * 5
    for override in policy.overrides:
        match = override["match"]
        if override["hop"] == name and all(getattr(owner, key) == value for key, value in match.items()):
            rank = specific(match)
            if rank > best:
                hop, rule, best = changed(policy.hops[name], override["set"]), override["name"], rank
    return hop, rule


def specific(match: dict[str, str]) -> tuple[int, int, int, int, int]:
    """Kiosk, then vendor and municipality, then municipality, then vendor."""
    town = "kiosk_municipality" in match or "residence_municipality" in match
    vendor = "vendor" in match
    return ("kiosk" in match, town and vendor, town, vendor, len(match))


def changed(hop: Hop, change: dict[str, object]) -> Hop:
    clock = change.get("clock", hop.clock)
    plain = {"begins": hop.begins, "ends": hop.ends, "holder": hop.holder, "calendar": hop.calendar, "watched": hop.watched}
    limits = change.get("limits")
    made = hop_of(hop.name, {**plain, **change, "clock": clock, "limits": limits or {}})
    return made if limits else Hop(**{**made.__dict__, "limits": hop.limits})


def judged(hop: Hop, rule: str, entered: int, times: dict[str, int], end: int, owner: Whose, policy: Version) -> Stand:
    """A known own last decides; else a later milestone says that it ended at an unknown instant; else it is open."""
    dues = tuple((level, limit_of(hop, entered, amount, policy)) for level, amount in hop.limits)
    own = min(ends_of(hop, times, end, policy), default=None)
    later = min(later_of(hop, times, end, policy), default=None) if own is None else None
    first = dues[0][1]
    known = Stand("", entered, dues, own, later, rule, policy.name, owner)
    return Stand(**{**known.__dict__, "name": named(entered, first, own, later)})


def named(entered: int, first: int | None, own: int | None, later: int | None) -> str:
    end = own if own is not None else later
    if end is not None and end < entered:
        return "in_time"  # reversed: two clocks disagree, or something follows a terminal
    if first is None:
        return "undetermined" if own is None and later is not None else "undated"
    if own is not None:
        return "in_time" if own <= first else "late"
    if later is not None:
        return "in_time" if later <= first else "undetermined"
    return "open"


def limit_of(hop: Hop, entered: int, amount: int, policy: Version) -> int | None:
    if hop.clock == "wall":
        return entered + amount
    office = policy.calendars[hop.calendar or ""] if hop.clock == "business_days" else None
    return due(entered, amount, policy.zone, office)


def ends_of(hop: Hop, times: dict[str, int], end: int, policy: Version) -> list[int]:
    known = [times[milestone] for milestone in hop.ends if milestone in times]
    return known + ([end] if policy.begins_attempt in hop.ends and end != FAR else [])


def later_of(hop: Hop, times: dict[str, int], end: int, policy: Version) -> list[int]:
    """Later milestones of the attempt, terminals that are no end of the hop, the next attempt's beginning. Claims never count."""
    last = max(policy.order.index(milestone) for milestone in hop.ends)
    later = [
        time
        for milestone, time in times.items()
        if milestone not in hop.ends
        and milestone not in policy.claims
        and (milestone in policy.terminals or policy.order.index(milestone) > last)
    ]
    return later + ([end] if end != FAR else [])
