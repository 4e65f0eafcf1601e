"""Reads the hops of a policy file, and the overrides that change them for some applications."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streams.deadlines import DEFAULT
from streams.marked_yaml import Spot
from streams.policy import Clock, Hop, Milestone, Override

CLOCKS: dict[str, Clock] = {"wall": "wall", "calendar_days": "calendar_days", "business_days": "business_days"}
MATCH_KEYS = ("kiosk", "vendor", "kiosk_municipality", "residence_municipality")
SET_KEYS = ("limits", "begins", "watched", "clock", "calendar", "holder")


@dataclass(frozen=True)
class Names:
    """What a hop may name."""

    milestones: Mapping[str, Milestone]
    holders: list[str]
    calendars: list[str]
    terminals: tuple[str, ...]
    attempt_begins: str | None


def read_hops(spot: Spot, names: Names) -> dict[str, Hop]:
    return {name: _hop(name, hop, names) for name, hop in spot.named("hops").items()}


def read_overrides(spot: Spot, hops: Mapping[str, Hop], names: Names) -> tuple[Override, ...]:
    """The overrides in the file's order; two for the same hop and the same applications are a mistake."""
    found: list[Override] = []
    for item in [] if spot.missing or spot.empty else spot.items("overrides"):
        override, name = _override(item, hops, names)
        if override is None:
            continue
        if override.name == DEFAULT or any(other.name == override.name for other in found):
            name.expected("a name that no other rule has")
        if any(other.hop == override.hop and set(other.match) == set(override.match) for other in found):
            item.fault("stands beside another override of this hop with the same match")
        found.append(override)
    return tuple(found)


def _hop(name: str, spot: Spot, names: Names) -> Hop:
    keys = spot.keys(("label", "begins", "ends", "holder", "clock", "limits"), ("calendar",))
    clock = _clock(keys["clock"])
    ends = keys["ends"].list_of(names.milestones, "milestones")
    for item, milestone in zip(keys["ends"].items("milestones") if ends else [], ends, strict=True):
        if milestone in names.milestones and names.milestones[milestone].claim:
            item.expected("a milestone that is no claim (a claim ends nothing)")
    hop = Hop(
        name=name,
        label=keys["label"].text(),
        begins=_begins(keys["begins"], names),
        ends=ends,
        holder=keys["holder"].one_of(names.holders, "a holder"),
        clock=clock,
        calendar=_calendar(keys["calendar"], names),
        limits=_limits(keys["limits"], clock),
    )
    _check(hop, keys, names, spot)
    return hop


def _override(item: Spot, hops: Mapping[str, Hop], names: Names) -> tuple[Override | None, Spot]:
    keys = item.keys(("name", "match", "hop", "set"))
    keys["name"].check_name(name := keys["name"].text())
    hop_name = keys["hop"].one_of(hops, "a hop")
    match = keys["match"].keys((), MATCH_KEYS)
    changes = keys["set"].keys((), SET_KEYS)
    matched = tuple((key, match[key].text()) for key in MATCH_KEYS if not match[key].missing)
    if not matched:
        keys["match"].expected(f"at least one of {', '.join(MATCH_KEYS)}")
    if all(spot.missing for spot in changes.values()):
        keys["set"].expected(f"at least one of {', '.join(SET_KEYS)}")
    if hop_name not in hops:
        return None, keys["name"]
    return Override(name, matched, hop_name, _changed(hops[hop_name], changes, names, keys["set"])), keys["name"]


def _changed(hop: Hop, changes: dict[str, Spot], names: Names, spot: Spot) -> Hop:
    """The hop with what the override sets; ``limits`` are set as a whole."""
    clock, begins, calendar, holder = changes["clock"], changes["begins"], changes["calendar"], changes["holder"]
    new = hop if clock.missing else replace(hop, clock=_clock(clock))
    if new.clock != "business_days":
        new = replace(new, calendar=None)
    if not calendar.missing:
        new = replace(new, calendar=_calendar(calendar, names))
    if (hop.clock == "wall") != (new.clock == "wall") and changes["limits"].missing:
        clock.fault("expected limits beside it: durations on the wall clock, whole days on the others")
    new = new if begins.missing else replace(new, begins=_begins(begins, names))
    new = new if holder.missing else replace(new, holder=holder.one_of(names.holders, "a holder"))
    new = new if changes["limits"].missing else replace(new, limits=_limits(changes["limits"], new.clock))
    new = replace(new, watched=changes["watched"].flag(hop.watched))
    _check(new, changes, names, spot)
    return new


def _check(hop: Hop, keys: Mapping[str, Spot], names: Names, spot: Spot) -> None:
    if (hop.clock == "business_days") != (hop.calendar is not None):
        (spot if keys["calendar"].missing else keys["calendar"]).fault(
            "expected a calendar" if hop.calendar is None else "expected no calendar: only business_days have one"
        )
    places = {name: place for place, name in enumerate(names.milestones)}
    last = max((places[name] for name in hop.ends if name in places), default=len(places))
    if any(places.get(name, -1) >= last for name in hop.begins):
        keys["begins"].expected("milestones that come before the hop's last one, in the order of milestones")


def _begins(spot: Spot, names: Names) -> tuple[str, ...]:
    begins = spot.list_of(names.milestones, "milestones")
    for item, milestone in zip(spot.items("milestones") if begins else [], begins, strict=True):
        if milestone in names.milestones and names.milestones[milestone].claim:
            item.expected("a milestone that is no claim (a claim begins nothing)")
        if milestone in names.terminals:
            item.expected("a milestone that is no terminal (nothing begins after the end)")
        if milestone == names.attempt_begins:
            item.expected("the milestone for which it stands in its own attempt (attempts.stands_for)")
    return begins


def _clock(spot: Spot) -> Clock:
    return CLOCKS.get(spot.one_of(CLOCKS, "one of"), "wall")


def _calendar(spot: Spot, names: Names) -> str | None:
    if spot.missing:
        return None
    if not names.calendars:
        spot.expected("one of the calendars, of which the policy has none")
    return spot.one_of(names.calendars, "a calendar")


def _limits(spot: Spot, clock: Clock) -> tuple[tuple[str, int], ...]:
    """Level -> limit, each longer than the one before."""
    limits: list[tuple[str, int]] = []
    for level, limit in spot.named("limits").items():
        length = limit.span_us() if clock == "wall" else limit.whole("a whole number of days")
        if limits and 0 < length <= limits[-1][1]:
            limit.expected(f"more than the limit of {limits[-1][0]}")
        limits.append((level, length))
    return tuple(limits)
