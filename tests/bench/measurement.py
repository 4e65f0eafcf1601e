"""What a measurement is, and which there are: ``MODULES`` names them all, in the order in which they run."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rich.table import Table

from streams.brokers import Broker, KafkaBroker
from streams.settings import Settings


class Size(StrEnum):
    """How much is measured; each measurement has numbers of its own for each."""

    TINY = "tiny"
    """That it runs at all: for the tests."""
    QUICK = "quick"
    FULL = "full"


class BenchError(Exception):
    """What could not be measured, and what to do."""


class AbsentError(BenchError):
    """What a contender needs is not on this machine, and cannot be fetched."""


@dataclass(frozen=True)
class Ground:
    """Where a measurement runs, and how much of it."""

    folder: Path
    """Its own; gone afterwards."""
    jars: Path
    """The cache of Kafka's jars."""
    cache: Path
    """Where what is fetched or compiled for the contenders is kept."""
    seed: int
    size: Size
    rounds: int
    say: Callable[[str], None]
    """Progress, a line for a person."""
    contenders: Sequence[str] = ()
    """These of the watch's only; none named: all."""

    @contextmanager
    def kafka(self, name: str, heap: str = "1g") -> Iterator[Broker]:
        """An Apache Kafka of its own, on a free port; nothing of it stays."""
        with KafkaBroker(self.folder / name / "kafka", cache=self.jars, say=self.say, heap=heap) as broker:
            yield broker

    def settings(self, broker: Broker | None = None, **more: object) -> Settings:
        """Of a set-up on that broker (or on none), with a key."""
        key = self.folder / "key"
        if not key.exists():
            key.touch(0o600)
            key.write_text("a key of the bench, at least as long as 32 bytes")
        reached = {} if broker is None else {"brokers": broker.bootstrap}
        return Settings.model_validate({**reached, "key_file": key, **more})


class Findings(NamedTuple):
    """What a measurement found."""

    figures: Mapping[str, float]
    """Of the closing line: those of ``KEYS`` that it measures."""
    tables: Sequence[Table]
    """For a person."""
    details: Any
    """For ``--json``: every single run."""
    missing: Mapping[str, str] = MappingProxyType({})
    """What of it could not be measured, and why."""


class Measurement(NamedTuple):
    name: str
    keys: Sequence[str]
    """What ``run`` puts into the closing line."""
    run: Callable[[Ground], Findings]
    """BenchError if it cannot be measured here."""


class Bound(NamedTuple):
    """What a figure has to reach. It is told, never asserted."""

    limit: float
    at_least: bool = True

    def holds(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}"


KEYS: Mapping[str, Bound | None] = {
    "watch_events_per_s": None,
    "watch_vs_quix": Bound(3),
    "watch_vs_faust": Bound(20),
    "watch_vs_kstreams_eos": Bound(0.6),
    "watch_vs_kstreams_eos_cpu": Bound(1),
    "watch_vs_kstreams_rocksdb": None,
    "watch_vs_kstreams_memory": Bound(0.5),
    "watch_vs_ceiling": Bound(0.6),
    "quix_events_per_s": None,
    "faust_events_per_s": None,
    "kstreams_eos_events_per_s": None,
    "intake_vs_copy": Bound(0.25),
    "recovery_s_per_million": Bound(10, at_least=False),
    "recovery_vs_faust": Bound(20),
    "bytes_per_open_application": Bound(800, at_least=False),
    "pulse_ms": Bound(1, at_least=False),
    "due_100k_s": Bound(5, at_least=False),
    "latency_p99_ms": Bound(500, at_least=False),
    "history_rows_per_s": Bound(100_000),
    "pipeline_events_per_s": Bound(10_000),
}
"""The closing line's keys, in its order; one that was not measured is null there."""


MODULES = (
    "watch",
    "intake",
    "ledger",
    "growth",
    "rules",
    "history",
    "latency",
    "pipeline",
)
"""Each has a ``MEASUREMENT``; they run in this order."""


def measurements() -> Sequence[Measurement]:
    """All there are. (Their modules are loaded here, since they need what stands above.)"""
    return [import_module(f"tests.bench.{name}").MEASUREMENT for name in MODULES]


def default_cache() -> Path:
    """Where contenders' dependencies are kept: beside Kafka's jars."""
    return Path(os.environ.get("TAIRYU_BENCH_CACHE") or Path(__file__).parents[2] / ".cache" / "bench")
