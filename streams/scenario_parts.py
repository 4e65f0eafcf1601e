"""The parts of a scenario's file (``scenario``), typed: a key that is not known is an error."""

from datetime import date, datetime, time
from typing import Literal

import msgspec
from msgspec import field


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Opening(Part, frozen=True):
    """On which days, and in which hours, something can happen at a place."""

    begins: time = field(name="from")
    ends: time = field(name="until")
    open_days_of: str | None = None
    """The hop whose business days are its open days; None: it is open every day."""


class Kiosk(Part, frozen=True):
    kiosk: str
    vendor: str
    municipality: str
    opening: str
    per_day: float
    residents: dict[str, int]
    """Municipality of residence -> weight."""


class Booths(Part, frozen=True):
    """Kiosks that are drawn: as many as the applications need."""

    per_day: float
    """Applications per kiosk and day, on average."""
    municipalities: tuple[str, ...]
    """Codes; none: every municipality there is."""
    vendors: dict[str, int]
    openings: dict[str, int]
    """Name -> weight: whose the kiosks are, and where they stand."""
    elsewhere: float
    """Share of the applicants who live in one of two other municipalities of the list, of the same prefecture where it has any."""


class Voice(Part, frozen=True):
    """A source: which speaker it belongs to, what it says. ``{...}`` in its names is filled in from the application."""

    voice: str
    speaker: str
    source: str
    says: tuple[str, ...]
    fields: tuple[str, ...]
    heartbeat_h: int


class Takes(Part, frozen=True):
    """How long something takes: lognormal by median and one percentile, or even between least and most."""

    median: float | None = None
    p95: float | None = None
    p99: float | None = None
    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        lognormal = self.median is not None and (self.p95 is None) != (self.p99 is None) and self.least is None
        even = self.median is None and self.p95 is None and self.p99 is None and None not in (self.least, self.most)
        if not (lognormal or even):
            raise ValueError("expected median with p95 or p99 (and perhaps most), or least with most")


class Instead(Part, frozen=True):
    to: str
    share: float


class Within(Part, frozen=True):
    milestone: str
    part: float


class Way(Part, frozen=True):
    """From one milestone through a hop to the next."""

    hop: str
    to: str
    takes: Takes
    at: str | None = None
    instead: Instead | None = None
    within: Within | None = None


class Reversed(Part, frozen=True):
    share: float
    within_s: int


class Again(Part, frozen=True):
    share: float
    after_h: tuple[int, int]


class Transport(Part, frozen=True):
    latency: Takes
    reversed: Reversed
    again: Again


class Release(Part, frozen=True):
    day: date
    begins: time = field(name="from")
    ends: time = field(name="until")


class Held(Part, frozen=True):
    """A queue that stopped: ``count`` applications of one kiosk stay in one hop until the release."""

    kiosk: str
    hop: str
    count: int
    first_day: date
    last_day: date
    released: Release
    at_least_s: int


class Batches(Part, frozen=True):
    """A vendor that sends at full hours, each so many hours: the hop ends with the next batch."""

    hop: str
    every_h: int


class Resent(Part, frozen=True):
    """A file sent again with other content: that milestone under the same id, at another time."""

    milestone: str
    by_s: tuple[int, int]
    """How much later it then says that it happened (negative: earlier), evenly from least to most."""
    after_h: tuple[int, int]


class Trouble(Part, frozen=True):
    """What goes wrong: where, how often, and with exactly one effect. Its name is a kind of traffic."""

    trouble: str
    share: float
    """Of the applications; elsewhere of the kiosks, or municipalities, that meet it once."""
    where: Literal["application", "kiosk", "municipality", "everywhere"] = "application"
    lasts_h: tuple[int, int] | None = None
    """At a place: for how long, evenly from least to most; who enters the hop meanwhile is hit."""
    begins_d: tuple[int, int] | None = None
    """At a place: on which days of the scenario it begins, evenly from least to most; None: while applications are submitted."""
    hops: tuple[str, ...] = ()
    """In one of them, in its first attempt."""

    takes: Takes | None = None
    """It takes so long, in the hop's own unit."""
    released_s: int | None = None
    """Nothing leaves before the place works again; then everything, within so many seconds."""
    never: bool = False
    """It never ends."""
    instead: str | None = None
    """This happens before the hop has ended, and is the last."""
    untold: str | None = None
    """This milestone is never told."""
    clock_s: int | None = None
    """The kiosk's clock is so many seconds ahead at the first milestone (negative: behind)."""
    clock_at: datetime | None = None
    """The kiosk's clock stands there."""
    resent: Resent | None = None

    def __post_init__(self) -> None:
        effects = (self.takes, self.released_s, self.never or None, self.instead, self.untold, self.clock_s, self.clock_at, self.resent)
        if sum(effect is not None for effect in effects) != 1:
            raise ValueError(f"{self.trouble}: expected one of takes, released_s, never, instead, untold, clock_s, clock_at, resent")
        if (self.where == "application") != (self.lasts_h is None):
            raise ValueError(f"{self.trouble}: lasts_h says how long a place has it; an application has no such time")
        in_hop = self.takes or self.released_s is not None or self.never or self.instead
        if bool(in_hop) != bool(self.hops):
            raise ValueError(f"{self.trouble}: hops says where takes, released_s, never and instead happen; the others happen in no hop")
        if (not in_hop and self.where != "application") or (self.released_s is not None and self.where == "application"):
            raise ValueError(f"{self.trouble}: it cannot happen to this: where: {self.where}")

    @property
    def in_hop(self) -> bool:
        return bool(self.hops)
