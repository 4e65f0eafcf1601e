"""A scenario told from a seed, of any size: the very lines of ``story``, by several processes and through files.

1. Each process tells some kiosks' applications, and puts each line into the file of the day, or so, of its arrival (truth: of the
   first step).
2. Each day's file is sorted by a process; the days one after the other are the result.

A line is determined by its kiosk, its place by what stands in it: how the work is cut changes nothing.
"""

import gc
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from schemas.codec import encode
from streams.policy import Policies
from streams.scenario import Scenario
from streams.story import key_of
from streams.submissions import submissions
from streams.tidings import ARRIVAL, Lines, Tiding, tiding
from streams.truth import TruthOf
from streams.world import World

EVENTS, TRUTH = "events", "truth"
PLACE = {EVENTS: ARRIVAL, TRUTH: ARRIVAL + 23 + 2}
"""Length of what stands before a line, by which it is sorted: arrival; for truth the first step, subject, and number of the row."""
BUCKET = 5
"""Of those digits, the first ones name a file: 100,000 s, about a day."""
AT_ONCE = 1_000
"""Applications that a process tells before it counts them."""
KEPT = 30_000
"""Lines that a process keeps before it writes them."""

Progress = Callable[[int], None]


@dataclass
class Tally:
    """What was told."""

    applications: int = 0
    events: int = 0
    hops: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Kind of traffic -> applications."""
    verdicts: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    """Hop, verdict, level -> hops."""

    def add(self, other: "Tally") -> None:
        self.applications += other.applications
        self.events += other.events
        self.hops += other.hops
        self.kinds += other.kinds
        self.verdicts += other.verdicts


class Traffic:
    """Tells a scenario into a folder of its own; ScenarioError if it cannot be told. Linux only: its processes are forks."""

    def __init__(self, scenario: Scenario, policies: Policies, seed: int, folder: Path, workers: int = 1) -> None:
        self.world, self.key = World(scenario, policies, seed), key_of(seed)
        self._folder = folder
        for what in PLACE:
            (folder / what).mkdir()
        self._pool = ProcessPoolExecutor(workers, get_context("fork"), _prepare, (self.world, self.key, folder))

    def tell(self, progress: Progress | None = None) -> Tally:
        """``progress`` hears how many more applications have been told."""
        tally = Tally()
        for done in self._pool.map(_tell, _cut(self.world)):
            tally.add(done)
            if progress is not None:
                progress(done.applications)
        return tally

    def write(self, what: str, file: BinaryIO, progress: Progress | None = None) -> None:
        """``events`` by arrival, or ``truth`` by first step, as lines of a file; once each. ``progress`` hears of bytes."""
        for path in self._by_day(what):
            with path.open("rb") as day:
                shutil.copyfileobj(day, file, 1 << 22)
            if progress is not None:
                progress(path.stat().st_size)
            path.unlink()

    def lines(self) -> Iterator[bytes]:
        """The events by arrival, instead of writing them."""
        for path in self._by_day(EVENTS):
            with path.open("rb") as day:
                yield from day
            path.unlink()

    def tidings(self) -> Iterator[Tiding]:
        return map(tiding, self.lines())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _by_day(self, what: str) -> Iterator[Path]:
        days = sorted({path.name.split(".")[0] for path in (self._folder / what).iterdir()})
        return self._pool.map(_sort, [what] * len(days), days)


def _cut(world: World) -> Iterator[range | None]:
    """Of which kiosks to tell at once; None: of the heartbeats."""
    yield None
    begin = told = 0
    for place, (kiosk, submitted) in enumerate(zip(world.kiosks, world.submitted, strict=True), 1):
        told += int(kiosk.per_day * world.scenario.days) if submitted is None else submitted
        if told >= AT_ONCE or place == len(world.kiosks):
            yield range(begin, place)
            begin, told = place, 0


# --- in a process of its own


class _Teller:
    def __init__(self, world: World, key: bytes, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.lines, self.judge = Lines(world), TruthOf(world, key)
        self._kept: dict[str, dict[str, list[str]]] = {what: defaultdict(list) for what in PLACE}
        self._count = 0

    def heartbeats(self) -> Tally:
        spoken = set[tuple[str, str]]()
        return Tally(events=self._keep(EVENTS, (line for kiosk in self.world.kiosks for line in self.lines.of_kiosk(kiosk, spoken))))

    def applications(self, places: range) -> Tally:
        tally = Tally()
        for kiosk, submitted in zip(self.world.kiosks[places.start : places.stop], self.world.submitted[places.start :], strict=False):
            for number, told in enumerate(submissions(self.world, kiosk, submitted), 1):
                tally.applications += 1
                tally.kinds[told.life.kind] += 1
                tally.events += self._keep(EVENTS, self.lines.of_life(told, number))
                rows = [*self.judge.rows(told)]
                place = f"{told.life.steps[0].at_us}{told.life.subject}"
                tally.hops += self._keep(TRUTH, (f"{place}{row:02d}{encode(each).decode()}\n" for row, each in enumerate(rows)))
                for each in rows:
                    tally.verdicts[each.hop, each.verdict, each.level] += 1
        return tally

    def _keep(self, what: str, lines: Iterable[str]) -> int:
        kept, count = self._kept[what], 0
        for line in lines:
            kept[line[:BUCKET]].append(line)
            count += 1
        self._count += count
        if self._count > KEPT:
            self.flush()
        return count

    def flush(self) -> None:
        for what, days in self._kept.items():
            for day, lines in days.items():
                with (self.folder / what / f"{day}.{os.getpid()}").open("ab") as file:
                    file.write("".join(lines).encode())
            days.clear()
        self._count = 0


_teller: _Teller | None = None


def _prepare(world: World, key: bytes, folder: Path) -> None:
    global _teller
    gc.disable()  # nothing made here refers to itself, and looking for what does takes a tenth of the time
    _teller = _Teller(world, key, folder)


def _tell(places: range | None) -> Tally:
    assert _teller is not None
    tally = _teller.heartbeats() if places is None else _teller.applications(places)
    _teller.flush()
    return tally


def _sort(what: str, day: str) -> Path:
    assert _teller is not None
    folder, width = _teller.folder / what, PLACE[what]
    parts = [*folder.glob(f"{day}.*")]
    lines = sorted(line for path in parts for line in path.read_bytes().splitlines(keepends=True))
    path = folder.parent / f"{what}-{day}"
    path.write_bytes(b"".join([line[width:] for line in lines]))
    for part in parts:
        part.unlink()
    return path
