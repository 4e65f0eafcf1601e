"""A scenario as data: dates, kiosks, who says what, how long each hop takes, and what goes wrong (``scenarios/*.yaml``).

What follows from it is in ``lives`` (what happened), ``hearing`` and ``tidings`` (what was sent of it) and ``truth`` (what is to be
judged). What is expected stands nowhere: it follows from the truth.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import yaml

from streams.scenario_parts import Batches, Booths, Held, Kiosk, Opening, Part, Transport, Trouble, Voice, Way

FOLDER = Path(__file__).parent / "scenarios"
OWN_KIOSK = "kiosk"
"""In place of an opening: that of the application's own kiosk."""
LIKE = frozenset({"procedure", "openings", "voices", "first", "way", "transport", "heartbeats", "batches", "troubles"})
"""What a scenario has from the one that it is ``like``, unless it says otherwise itself."""


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message says where and why, for a person."""


class Scenario(Part, frozen=True):
    scenario: str
    title: str
    procedure: str
    assumed: tuple[str, ...]
    begins: date
    days: int
    """On which applications are submitted."""
    openings: dict[str, Opening]
    voices: tuple[Voice, ...]
    first: str
    way: dict[str, Way]
    transport: Transport
    follow_days: int = 0
    """For how long after that their ways are followed."""
    kiosks: tuple[Kiosk, ...] = ()
    booths: Booths | None = None
    """Instead of kiosks: kiosks that are drawn."""
    applications: int | None = None
    """How many, besides the held ones; None: as many as the kiosks' days bring."""
    heartbeats: tuple[str, ...] | None = None
    """The voices whose sources send heartbeats; None: all of them."""
    batches: dict[str, Batches] = msgspec.field(default_factory=dict)
    """Vendor -> how it sends; the others send each application by itself."""
    troubles: tuple[Trouble, ...] = ()
    held: Held | None = None

    @property
    def last_day(self) -> date:
        """The last on which applications are submitted."""
        return self.begins + timedelta(self.days - 1)

    @property
    def ends(self) -> date:
        """The first day that is no longer part of it."""
        return self.begins + timedelta(self.days + self.follow_days)

    def kiosk(self, name: str) -> Kiosk:
        return next(kiosk for kiosk in self.kiosks if kiosk.kiosk == name)

    def voice_of(self, milestone: str) -> Voice:
        return next(voice for voice in self.voices if milestone in voice.says)


def load_scenario(
    name: str, held: int | None = None, applications: int | None = None, days: int | None = None, begins: date | None = None
) -> Scenario:
    """A scenario that comes with Tairyu, by name, or a file's. ScenarioError says what is wrong.

    ``held``, ``applications``, ``days`` and ``begins`` replace its own.
    """
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    scenario = _read(path)
    others = {"applications": applications, "days": days, "begins": begins}
    given: dict[str, Any] = {name: value for name, value in others.items() if value is not None}
    if held is not None:
        if scenario.held is None:
            raise ScenarioError(f"{path}: no queue stops in this scenario: nothing can be held")
        given["held"] = msgspec.structs.replace(scenario.held, count=held)
    scenario = msgspec.structs.replace(scenario, **given)
    if faults := list(_wrong_numbers(scenario)):
        raise ScenarioError("\n".join(faults))
    return scenario


def _wrong_numbers(scenario: Scenario) -> Iterator[str]:
    if scenario.days < 1:
        yield f"{scenario.days} days: there is at least one on which applications are submitted"
    if scenario.applications is not None and scenario.applications < 0:
        yield f"{scenario.applications} applications cannot be submitted"
    if scenario.held is not None and scenario.held.count < 0:
        yield f"held: {scenario.held.count} applications cannot be held"
    if scenario.held is not None and scenario.held.count and not scenario.begins <= scenario.held.released.day < scenario.ends:
        yield f"held: {scenario.held.released.day} is none of the scenario's days, {scenario.begins} to {scenario.ends} (exclusive)"


def _read(path: Path) -> Scenario:
    try:
        scenario = msgspec.convert(_raw(path), Scenario)
    except FileNotFoundError as error:
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise ScenarioError(f"there is no scenario {path.stem!r} ({path}); known: {known}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    faults = list(_unknown_names(scenario))
    if faults:
        raise ScenarioError("\n".join(f"{path}: {fault}" for fault in faults))
    return scenario


def _raw(path: Path) -> Any:
    """The file, with what it has from the one beside it that it is like."""
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or "like" not in raw:
        return raw
    like = _raw(path.parent / f"{raw.pop('like')}.yaml")
    return {name: part for name, part in like.items() if name in LIKE} | raw


def _unknown_names(scenario: Scenario) -> Iterator[str]:
    """What a part names, and no other part has."""
    ways, troubles, booths, held = scenario.way.values(), scenario.troubles, scenario.booths, scenario.held
    told = {scenario.first, *scenario.way, *(way.to for way in ways), *(each.instead for each in troubles if each.instead)}
    told |= {way.instead.to for way in ways if way.instead} | {way.within.milestone for way in ways if way.within}
    places = {kiosk.opening for kiosk in scenario.kiosks} | {way.at for way in ways if way.at and way.at != OWN_KIOSK}
    hops = {hop for each in troubles for hop in each.hops} | {each.hop for each in scenario.batches.values()}
    checks = (
        ("no voice says", told, {milestone for voice in scenario.voices for milestone in voice.says}),
        ("there is no opening", places | set(booths.openings if booths else ()), {*scenario.openings}),
        ("there is no kiosk", {held.kiosk} if held else set(), {kiosk.kiosk for kiosk in scenario.kiosks}),
        ("there is no voice", set(scenario.heartbeats or ()), {voice.voice for voice in scenario.voices}),
        ("nobody tells", {told for each in troubles for told in (each.untold, each.resent and each.resent.milestone) if told}, told),
        ("no way begins with", {scenario.first}, {*scenario.way}),
        ("no way goes through", hops | ({held.hop} if held else set()), {way.hop for way in ways}),
    )
    for wrong, named, known in checks:
        yield from (f"{wrong} {name!r}" for name in sorted(named - known))
    if bool(scenario.kiosks) == bool(booths):
        yield "it has either kiosks, or booths that are drawn"
