"""``python -m tests.bench [--quick] [--json FILE]``: Tairyu beside what one would pick instead, on real Kafka, in one run.

Prints what it found as tables, and ends with one line of JSON. No figure is a failure: exit code 1 only if something could not be
measured, 2 if nothing could.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from streams.brokers import BrokerError, kafka_missing
from streams.brokers.jars import default_cache as jars_cache
from tests.bench.machine import commit, machine, versions
from tests.bench.measurement import KEYS, BenchError, Findings, Ground, Measurement, Size, default_cache, measurements

ROUNDS = 3
WIDTH = 120
"""Of what is printed where no terminal says how wide it is."""


def main() -> int:
    asked = _arguments()
    jars = Path(os.environ.get("TAIRYU_KAFKA_JARS") or jars_cache())
    if missing := kafka_missing(jars):
        print(f"bench: {missing}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that everything is stopped
    console, began = Console(width=None if sys.stdout.isatty() else WIDTH), time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {text}", highlight=False, markup=False, soft_wrap=True)

    told = {
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "seed": asked.seed,
        "size": asked.size,
        "rounds": asked.rounds,
    }
    say(f"{asked.size}, {asked.rounds} rounds, seed {asked.seed}, commit {told['commit']}, {told['machine']['cpu']}")
    chosen = [each for each in measurements() if not asked.only or each.name in asked.only]
    found: dict[str, Findings] = {}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="tairyu-bench-") as folder:
        for measurement in chosen:
            ground = Ground(
                Path(folder) / measurement.name, jars, default_cache(), asked.seed, asked.size, asked.rounds, say, asked.contenders
            )
            ground.folder.mkdir()
            try:
                found[measurement.name] = measurement.run(ground)
                failed |= found[measurement.name].missing
            except (BenchError, BrokerError) as error:
                failed[measurement.name] = str(error)
                say(f"NOT MEASURED  {measurement.name}: {error}")
    figures = report(found, chosen, failed, console)
    told |= {"figures": figures, "details": {name: each.details for name, each in found.items()}, "not_measured": failed}
    told["seconds"] = round(time.monotonic() - began, 1)
    if asked.json is not None:
        asked.json.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    print(orjson.dumps(figures).decode())
    return 1 if failed else 0


def report(found: dict[str, Findings], chosen: Sequence[Measurement], failed: dict[str, str], console: Console) -> dict[str, float | None]:
    """Prints the tables; gives the closing line's figures."""
    figures: dict[str, Any] = dict.fromkeys(KEYS)
    for name, findings in found.items():
        for table in findings.tables:
            console.print(table)
        figures |= {key: figure for key, figure in findings.figures.items() if key in KEYS or sys.exit(f"bench: {name} has no key {key}")}
    summary = Table("figure", "measured", "bound", "", title="what was measured")
    for key in (key for measurement in chosen for key in measurement.keys):
        figure, bound = figures[key], KEYS[key]
        reached = "" if bound is None or figure is None else "reached" if bound.holds(figure) else "[red]not reached[/red]"
        summary.add_row(key, "not measured" if figure is None else f"{figure:,.4g}", str(bound or ""), reached)
    console.print(summary)
    for name, why in failed.items():
        console.print(f"NOT MEASURED  {name}: {why}", style="bold red", markup=False)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", dest="size", action="store_const", const=Size.QUICK, default=Size.FULL, help="under 10 minutes")
    parser.add_argument("--tiny", dest="size", action="store_const", const=Size.TINY, help="only that it runs: its figures mean nothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="all that was found, with machine, versions, commit and seed, into this file")
    parser.add_argument("--only", nargs="*", default=[], choices=[each.name for each in measurements()], help="these measurements")
    parser.add_argument("--contenders", nargs="*", default=[], help="these of the watch's contenders")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
