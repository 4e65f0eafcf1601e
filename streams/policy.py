"""The procedure as data: what the policy file says, compiled and checked. Pure; the loader is ``policy_file``.

Levels, milestones, hops and holders are names from the file; their order is the order of the file.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

Clock = Literal["wall", "calendar_days", "business_days"]


class PolicyMissing(LookupError):
    """A version of the policy is named that this judge was not given: it must not judge on."""


@dataclass(frozen=True)
class Speaker:
    """A role. ``own_feed``: each party of the role has a topic of its own, and a clock of its own."""

    name: str
    label: str
    own_feed: bool


@dataclass(frozen=True)
class Milestone:
    name: str
    label: str
    speakers: frozenset[str]
    """The roles that may say it."""
    passes_to: str | None
    """The holder that custody passes to; None: nobody new."""
    claim: bool = False
    """A claim moves nothing: it ends no hop and counts as no later milestone."""


@dataclass(frozen=True)
class Holder:
    name: str
    label: str
    duty_basis: str
    """``statute``, ``contract`` or ``none``."""
    supervisor: str
    """Who supervises; ``none`` is an answer."""
    contact: str


@dataclass(frozen=True)
class Hop:
    """From any of ``begins`` (earliest) to any of ``ends`` (earliest)."""

    name: str
    label: str
    begins: tuple[str, ...]
    ends: tuple[str, ...]
    holder: str
    clock: Clock
    calendar: str | None
    """Name of the calendar, for ``business_days``."""
    limits: tuple[tuple[str, int], ...]
    """(level, limit) in the file's order: microseconds on the wall clock, else whole days."""
    watched: bool = True
    """False: never opens (an override for vendors whose first milestone is not observed)."""

    @cached_property
    def levels(self) -> tuple[str, ...]:
        return tuple(level for level, _ in self.limits)


@dataclass(frozen=True)
class Override:
    """``match`` keys: kiosk, vendor, kiosk_municipality, residence_municipality. ``changed`` is the hop as it then is."""

    name: str
    match: tuple[tuple[str, str], ...]
    hop: str
    changed: Hop

    @cached_property
    def rank(self) -> int:
        """The most specific wins: kiosk, then vendor with municipality, then municipality, then vendor."""
        keys = {key for key, _ in self.match}
        municipality = bool(keys & {"kiosk_municipality", "residence_municipality"})
        return ("kiosk" in keys) * 32 + (municipality * 16) + ("vendor" in keys) * 8 + len(keys)


@dataclass(frozen=True)
class BusinessCalendar:
    """Open days between two dates (both included); what lies outside is past the horizon."""

    name: str
    version: str
    first_day: int
    """Days since 1970-01-01."""
    last_day: int
    open_days: tuple[int, ...]
    """Ascending days since 1970-01-01."""


@dataclass(frozen=True)
class Policy:
    procedure: str
    label: str
    version: str
    effective_us: int
    """A hop is judged by the version in force at its entered_at; the first version's is the epoch."""
    subject: re.Pattern[str]
    epoch_us: int
    timezone: ZoneInfo
    pulse_interval_us: int
    settle_us: int
    grace_us: int
    forget_after_us: int
    speakers: dict[str, Speaker]
    milestones: dict[str, Milestone]
    hops: dict[str, Hop]
    holders: dict[str, Holder]
    attempt_begins: str | None
    """The milestone that begins the next attempt; None: the procedure has one attempt."""
    attempt_stands_for: str | None
    """The milestone for which it stands in its own attempt."""
    attribution_milestone: str
    attribution_role: str
    terminals: tuple[str, ...]
    calendars: dict[str, BusinessCalendar]
    overrides: tuple[Override, ...]

    @cached_property
    def order(self) -> dict[str, int]:
        """Milestone -> its place in the policy's order."""
        return {name: place for place, name in enumerate(self.milestones)}

    @cached_property
    def hop_order(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.hops)}

    @cached_property
    def ranked_overrides(self) -> dict[str, tuple[Override, ...]]:
        """Hop -> its overrides, the most specific first, equally specific ones in the file's order; hops without any are missing."""
        ranked = sorted(self.overrides, key=lambda override: -override.rank)
        return {hop: tuple(o for o in ranked if o.hop == hop) for hop in {o.hop for o in ranked}}

    def ruled_hop(self, hop_name: str, rule: str) -> Hop:
        """The hop as that rule has it: what an override's name, or ``default``, stands for."""
        return self._changed_hops.get(rule) or self.hops[hop_name]

    @cached_property
    def _changed_hops(self) -> dict[str, Hop]:
        return {override.name: override.changed for override in self.overrides}

    def calendar_version(self, hop: Hop) -> str | None:
        """Of the calendar by which the hop's limits are computed; None where none is needed."""
        return self.calendars[hop.calendar].version if hop.clock == "business_days" and hop.calendar is not None else None


@dataclass(frozen=True)
class Policies:
    """All versions of one procedure, by ``effective_us`` ascending."""

    versions: tuple[Policy, ...]

    @property
    def newest(self) -> Policy:
        return self.versions[-1]

    def named(self, version: str) -> Policy | None:
        return self._by_name.get(version)

    def needed(self, version: str) -> Policy:
        """PolicyMissing if it was not loaded."""
        policy = self._by_name.get(version)
        if policy is None:
            raise PolicyMissing(f"a hop was judged by policy version {version!r}, which is not among the versions loaded here")
        return policy

    @cached_property
    def _by_name(self) -> dict[str, Policy]:
        return {policy.version: policy for policy in reversed(self.versions)}

    @cached_property
    def milestones(self) -> frozenset[str]:
        """Those of every version: an application lives through several."""
        return frozenset(name for policy in self.versions for name in policy.milestones)

    @cached_property
    def terminals(self) -> frozenset[str]:
        return frozenset(name for policy in self.versions for name in policy.terminals)

    @cached_property
    def hop_order(self) -> dict[str, int]:
        """Hop -> its place: the newest version's order, then what only earlier ones have."""
        names = dict.fromkeys(name for policy in reversed(self.versions) for name in policy.hops)
        return {name: place for place, name in enumerate(names)}
