"""The watch beside its peers: the same log, the same work, one after the other in rotating order."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

from rich.table import Table

from tests.bench.contenders import Contender, contenders
from tests.bench.custody import Filled, fill
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.race import Lap, race


class Numbers(NamedTuple):
    events: int
    in_flight: int


NUMBERS = {Size.TINY: Numbers(24_000, 300), Size.QUICK: Numbers(300_000, 2_000), Size.FULL: Numbers(1_200_000, 5_000)}
"""In flight are as many as the slowest, too, comes to know in its share of the log, at twelve events each: state costs all the same."""
LEAST = 24_000
"""Events, also for the slowest."""
RATIOS = {
    "watch_vs_quix": "quix",
    "watch_vs_faust": "faust",
    "watch_vs_kstreams_eos": "kstreams-eos",
    "watch_vs_kstreams_rocksdb": "kstreams-rocksdb",
    "watch_vs_kstreams_memory": "kstreams-memory",
    "watch_vs_ceiling": "ceiling",
}
RATES = {
    "watch_events_per_s": "ours",
    "quix_events_per_s": "quix",
    "faust_events_per_s": "faust",
    "kstreams_eos_events_per_s": "kstreams-eos",
}
PER_CPU = {"watch_vs_kstreams_eos_cpu": "kstreams-eos"}

Laps = Mapping[str, Sequence[Lap]]
"""Contender -> one lap a round."""


def measure(ground: Ground) -> Findings:
    numbers, laps, missing = NUMBERS[ground.size], dict[str, list[Lap]](), dict[str, str]()
    for contender in (chosen := _chosen(ground)):
        with _alone(ground, contender, missing):
            contender.prepare(ground)
    field = [contender for contender in chosen if contender.name not in missing]
    with ground.kafka("watch") as broker:
        ground.say(f"watch: filling custody-log with {numbers.events:,} events, {numbers.in_flight:,} applications in flight")
        filled = fill(ground.settings(broker), ground.seed, numbers.events, numbers.in_flight, ground.say)
        for number in range(ground.rounds):
            first = number % max(1, len(field))
            for contender in [*field[first:], *field[:first]]:
                if contender.name not in missing:
                    with _alone(ground, contender, missing):
                        laps.setdefault(contender.name, []).append(_run(ground, filled, contender, number))
    if not laps:
        raise BenchError("; ".join(missing.values()))
    laps = {contender.name: laps[contender.name] for contender in field if contender.name in laps}
    details = {
        "events": filled.events,
        "bytes_per_event": round(filled.bytes_per_event, 1),
        "in_flight": numbers.in_flight,
        "partitions": filled.partitions,
        "laps": {name: [lap._asdict() for lap in each] for name, each in laps.items()},
    }
    return Findings(figures(laps), [table(laps)], details, {f"watch, {name}": why for name, why in missing.items()})


@contextmanager
def _alone(ground: Ground, contender: Contender, missing: dict[str, str]) -> Iterator[None]:
    """A contender that fails takes no further part, and holds up no other."""
    try:
        yield
    except BenchError as error:
        missing[contender.name] = str(error)
        ground.say(f"NOT MEASURED  {contender.name}: {error}")


def _run(ground: Ground, filled: Filled, contender: Contender, number: int) -> Lap:
    entry = contender.enter(ground, filled, number)
    events = max(int(filled.events * contender.share), min(filled.events, LEAST))
    lap = race(filled, entry.program, entry.output, events)
    ground.say(f"watch: round {number + 1}, {contender.name}: {_in_words(lap)}")
    return lap


def _chosen(ground: Ground) -> Sequence[Contender]:
    known = contenders()
    if unknown := set(ground.contenders) - {contender.name for contender in known}:
        raise BenchError(f"no contender is named {', '.join(sorted(unknown))}: {', '.join(contender.name for contender in known)} are")
    if ground.contenders:
        return [contender for contender in known if contender.name in ground.contenders]
    return [contender for contender in known if contender.quick or ground.size is not Size.QUICK]


def figures(laps: Laps) -> dict[str, float]:
    """Of the medians."""
    rate = {name: median(lap.events_per_s for lap in each) for name, each in laps.items()}
    per_cpu = {name: median(lap.events_per_cpu_s for lap in each) for name, each in laps.items()}
    found: dict[str, Any] = {key: rate.get(name) for key, name in RATES.items()}
    if "ours" in laps:
        found |= {key: rate["ours"] / rate[name] for key, name in RATIOS.items() if name in rate}
        found |= {key: per_cpu["ours"] / per_cpu[name] for key, name in PER_CPU.items() if name in rate}
    return {key: round(figure, 3) for key, figure in found.items() if figure is not None}


def table(laps: Laps) -> Table:
    shown = Table(title="the watch beside its peers (medians; from-to: the slowest and the fastest run)")
    for heading in ("contender", "events/s", "from-to", "ours ×", "events/CPU s", "ours ×", "CPU s", "peak MB", "events"):
        shown.add_column(heading, justify="left" if heading == "contender" else "right")
    ours = laps.get("ours")
    for name, each in laps.items():
        rates, per_cpu = [lap.events_per_s for lap in each], [lap.events_per_cpu_s for lap in each]
        shown.add_row(
            name,
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f}-{max(rates):,.0f}",
            f"{median(lap.events_per_s for lap in ours) / median(rates):.2f}" if ours else "",
            f"{median(per_cpu):,.0f}",
            f"{median(lap.events_per_cpu_s for lap in ours) / median(per_cpu):.2f}" if ours else "",
            f"{median(lap.cpu_s for lap in each):.1f}",
            f"{median(lap.peak_mb for lap in each):,.0f}",
            f"{each[0].events:,}",
        )
    return shown


def _in_words(lap: Lap) -> str:
    used = f"{lap.cpu_s:.1f} CPU s, {lap.peak_mb:,.0f} MB"
    return f"{lap.events_per_s:,.0f} events/s, {used}, {lap.verdicts:,} verdicts (first mark after {lap.started_s:.1f} s)"


MEASUREMENT = Measurement("watch", [*RATES, *RATIOS, *PER_CPU], measure)
