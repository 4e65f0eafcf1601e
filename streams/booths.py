"""Kiosks that are drawn: in municipalities with their real codes, of the scenario's vendors, as many as its applications need."""

from functools import lru_cache
from pathlib import Path
from random import Random

import orjson

from streams.draws import one_of
from streams.scenario import Scenario, ScenarioError
from streams.scenario_parts import Kiosk

MUNICIPALITIES = Path(__file__).parent / "scenarios" / "municipalities.json"
SIZE = {"市": 8, "区": 12, "町": 2, "村": 1}
"""How many kiosks a municipality has, by the last character of its name: assumed, nobody publishes it."""
WEIGHT = 20
"""Of the residents of a kiosk's own municipality and the others together."""


@lru_cache
def municipalities() -> dict[str, tuple[str, str]]:
    """全国地方公共団体コード -> prefecture, name: the 1,741 municipalities (as of 2020, from the list of the Ministry of Internal Affairs).

    Wards of designated cities are not among them: a city's cards are counted under the city.
    """
    return {code: (prefecture, name) for code, (prefecture, name) in orjson.loads(MUNICIPALITIES.read_bytes()).items()}


def draw_kiosks(scenario: Scenario, rng: Random) -> tuple[Kiosk, ...]:
    """As many as bring the scenario's applications in its days. ScenarioError if a municipality is unknown."""
    booths = scenario.booths
    assert booths is not None
    known = municipalities()
    codes = [*(booths.municipalities or known)]
    if unknown := [code for code in codes if code not in known]:
        raise ScenarioError(f"booths: there is no municipality {', '.join(unknown)}")
    wanted = max(1, round((scenario.applications or 0) / scenario.days / booths.per_day))
    where = rng.choices(codes, [SIZE[known[code][1][-1]] for code in codes], k=wanted)
    vendors = rng.choices([*booths.vendors], [*booths.vendors.values()], k=wanted)
    openings = rng.choices([*booths.openings], [*booths.openings.values()], k=wanted)
    near = _by_prefecture(codes)
    return tuple(
        Kiosk(f"K{code}-{place}", vendor, code, opening, 0.5 + rng.random(), _residents(code, near[known[code][0]], booths.elsewhere, rng))
        for place, (code, vendor, opening) in enumerate(zip(where, vendors, openings, strict=True), 1)
    )


def _by_prefecture(codes: list[str]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = {}
    for code in codes:
        near.setdefault(municipalities()[code][0], []).append(code)
    return near


def _residents(own: str, near: list[str], elsewhere: float, rng: Random) -> dict[str, int]:
    """Weights of the kiosk's own municipality, and of two others of its prefecture."""
    others = round(WEIGHT * elsewhere / 2)
    residents = {own: WEIGHT - 2 * others}
    for _ in range(2):
        other = one_of(rng, near)
        residents[other] = residents.get(other, 0) + others
    return residents
