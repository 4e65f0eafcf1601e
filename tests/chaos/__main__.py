"""``python -m tests.chaos --seed 7 --faults 6 [--keep DIR]``: ends with one line of JSON; exit code 1 if anything is wrong."""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from streams.brokers import kafka_missing
from streams.brokers.jars import default_cache
from tests.chaos.faults import DECK
from tests.chaos.run import LIVES_PER_S, Outcome, run

KEPT = (
    "custody-log.ndjson",
    "stall-events.ndjson",
    "events.ndjson",
    "truth.ndjson",
    "policies",
    "key",
    "history-1",
    "history-2",
    "logs",
    "kafka",
)


def main() -> int:
    asked = _arguments()
    cache = Path(os.environ.get("TAIRYU_KAFKA_JARS") or default_cache())
    if missing := kafka_missing(cache):
        print(f"chaos: {missing}", file=sys.stderr)
        return 2
    if asked.keep is not None and asked.keep.exists() and any(asked.keep.iterdir()):
        print(f"chaos: {asked.keep} is not empty", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that everything is stopped and unmounted
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # a store that is away is what is waited for
    console, began = Console(), time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {text.splitlines()[0]}", highlight=False, markup=False)

    with tempfile.TemporaryDirectory(prefix="tairyu-chaos-") as folder:
        try:
            outcome = run(Path(folder), cache, asked.seed, asked.faults, say, kinds=asked.kinds, lives_per_s=asked.lives_per_s)
        finally:
            if asked.keep is not None:
                keep(Path(folder), asked.keep)
    report(outcome, console)
    print(orjson.dumps(outcome.figures).decode())
    return 0 if outcome.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=int, default=6)
    parser.add_argument("--keep", type=Path, help="leave logs, events, truth, policy, histories and the brokers' data in this new folder")
    parser.add_argument("--kinds", nargs="*", default=[], choices=[kind for kind, _ in DECK], help="these faults instead of drawn ones")
    parser.add_argument("--lives-per-s", type=float, default=LIVES_PER_S, help="applications that begin each second")
    return parser.parse_args()


def keep(folder: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        source = folder / name
        if source.is_dir():
            shutil.copytree(source, to / name, symlinks=True)  # ClickHouse links its databases
        elif source.exists():  # of a run that broke off, what there is
            shutil.copy2(source, to / name)


def report(outcome: Outcome, console: Console) -> None:
    faults = Table("fault", "recovered", title="faults, and how long each recovery took")
    for wait in outcome.waits:
        times = ", ".join(f"{part} {second:.1f} s" for part, second in wait.seconds.items())
        faults.add_row(f"{wait.number}: {wait.what}", times if wait.over else "[red]NOT RECOVERED[/red]")
    console.print(faults)
    ends = Table("process", "ended", title="how each process ended")
    for name, ended in outcome.ends.items():
        ends.add_row(name, ", ".join(f"{count} x {_how(code)}" for code, count in sorted(ended.items())))
    console.print(ends)
    for what in outcome.not_run:
        console.print(f"NOT RUN  {what}", style="bold red")
    for what in outcome.words:
        console.print(f"WRONG  {what}", style="bold red", markup=False)


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
