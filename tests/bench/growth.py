"""How cost grows with open applications, partitions and vendors: each point a process of its own, one number changed at a time."""

import math
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from rich.table import Table

from tests.bench.growing import Point
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.open_applications import parties_file


class Place(NamedTuple):
    open: int
    partitions: int = 4
    vendors: int = 3


PLACES = {
    Size.TINY: [Place(1_000), Place(2_000)],
    Size.QUICK: [Place(10_000), Place(100_000), Place(1_000_000)],
    Size.FULL: [
        *(Place(10_000), Place(100_000), Place(1_000_000)),
        *(Place(1_000_000, partitions=1), Place(1_000_000, partitions=12)),
        Place(1_000_000, vendors=30),
    ],
}
DUE = 100_000


def measure(ground: Ground) -> Findings:
    points = []
    for place in PLACES[ground.size]:
        point = _point(ground, place)
        ground.say(f"growth: {place.open:,} open, {place.partitions} partitions, {place.vendors} vendors: {_in_words(point)}")
        points.append((place, point))
    largest = max((place for place, _ in points if place == Place(place.open)), key=lambda place: place.open)
    details = [place._asdict() | point._asdict() for place, point in points]
    return Findings({"pulse_ms": round(dict(points)[largest].pulse_ms, 3)}, [_table(points)], details)


def _point(ground: Ground, place: Place) -> Point:
    settings = ground.settings(parties=parties_file(ground.folder, place.vendors))
    due = min(DUE, place.open // 2)
    told = orjson.dumps(settings.model_dump(mode="json", exclude_defaults=True)).decode()
    command = [sys.executable, "-m", "tests.bench.growing", told, *map(str, (place.open, place.partitions, due, ground.seed))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise BenchError(f"{place}: {ended.stderr[-1_500:]}")
    return Point(**orjson.loads(ended.stdout))


def _in_words(point: Point) -> str:
    return f"{point.bytes_per_open:,.0f} bytes each, a pulse {point.pulse_ms:.3f} ms, {point.due:,} due {point.due_s:.2f} s"


def _table(points: Sequence[tuple[Place, Point]]) -> Table:
    shown = Table(title="how cost grows: the rules alone (in brackets the slope: at 1 it grows with what is open, at 0 not at all)")
    for heading in ("open", "parts", "vendors", "bytes each", "index s", "pulse ms", "due", "us each"):
        shown.add_column(heading, justify="right")
    known = dict(points)
    for place, point in points:
        before = known.get(place._replace(open=place.open // 10))
        shown.add_row(
            *(f"{place.open:,}", str(place.partitions), str(place.vendors), f"{point.bytes_per_open:,.0f}"),
            *(_with_slope(before, point, name) for name in ("index_s", "pulse_ms")),
            *(f"{point.due:,}", f"{point.due_s / point.due * 1e6:.0f}"),
        )
    return shown


def _with_slope(before: Point | None, point: Point, name: str) -> str:
    """``before``: with a tenth open."""
    figure = getattr(point, name)
    return f"{figure:.2f}" if before is None else f"{figure:.2f} ({math.log10(figure / getattr(before, name)):.1f})"


MEASUREMENT = Measurement("growth", ["pulse_ms"], measure)
