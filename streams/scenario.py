"""A scenario as data: dates, kiosks, who says what, how long each hop takes, and what goes wrong (``scenarios/*.yaml``).

What follows from it is in ``lives`` (what happened), ``tidings`` (what was sent of it) and ``truth`` (what is to be judged).
"""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import field

FOLDER = Path(__file__).parent / "scenarios"
OWN_KIOSK = "kiosk"
"""In place of an opening: that of the application's own kiosk."""


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message says where and why, for a person."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a scenario: a key that is not known is an error."""


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


class Scenario(Part, frozen=True):
    scenario: str
    title: str
    procedure: str
    assumed: tuple[str, ...]
    begins: date
    ends: date
    """The first day that is no longer part of it."""
    openings: dict[str, Opening]
    kiosks: tuple[Kiosk, ...]
    voices: tuple[Voice, ...]
    first: str
    way: dict[str, Way]
    transport: Transport
    held: Held

    def kiosk(self, name: str) -> Kiosk:
        return next(kiosk for kiosk in self.kiosks if kiosk.kiosk == name)

    def voice_of(self, milestone: str) -> Voice:
        return next(voice for voice in self.voices if milestone in voice.says)

    def opening_at(self, place: str, kiosk: Kiosk) -> Opening:
        return self.openings[kiosk.opening if place == OWN_KIOSK else place]


def load_scenario(name: str, held: int | None = None) -> Scenario:
    """A scenario that comes with Tairyu, by name, or a file's; ``held`` replaces its count. ScenarioError says what is wrong."""
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    scenario = _read(path)
    if held is not None:
        if held < 0:
            raise ScenarioError(f"held: {held} applications cannot be held")
        scenario = msgspec.structs.replace(scenario, held=msgspec.structs.replace(scenario.held, count=held))
    return scenario


def _read(path: Path) -> Scenario:
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        scenario = msgspec.convert(raw, Scenario)
    except FileNotFoundError as error:
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise ScenarioError(f"there is no scenario {path.stem!r} ({path}); known: {known}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    faults = list(_unknown_names(scenario))
    if faults:
        raise ScenarioError("\n".join(f"{path}: {fault}" for fault in faults))
    return scenario


def _unknown_names(scenario: Scenario) -> Iterator[str]:
    """What a part names, and no other part has."""
    ways = scenario.way.values()
    told = {scenario.first, *scenario.way, *(way.to for way in ways)}
    told |= {way.instead.to for way in ways if way.instead} | {way.within.milestone for way in ways if way.within}
    places = {kiosk.opening for kiosk in scenario.kiosks} | {way.at for way in ways if way.at and way.at != OWN_KIOSK}
    checks = (
        ("no voice says", told, {milestone for voice in scenario.voices for milestone in voice.says}),
        ("there is no opening", places, {*scenario.openings}),
        ("there is no kiosk", {scenario.held.kiosk}, {kiosk.kiosk for kiosk in scenario.kiosks}),
        ("no way begins with", {scenario.first}, {*scenario.way}),
        ("no way goes through", {scenario.held.hop}, {way.hop for way in ways}),
    )
    for wrong, named, known in checks:
        yield from (f"{wrong} {name!r}" for name in sorted(named - known))
