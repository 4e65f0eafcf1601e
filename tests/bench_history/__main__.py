"""``python -m tests.bench_history [--quick]``: a history of 100,000,000 events, and every named query asked of it while rows come in.

``--quick``: 1,000,000 simulated events, through ``tairyu import``. Ends with one line of JSON. No figure is a failure; exit code 1 if
something could not be measured.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from sinks.clickhouse import DATABASE, Store
from sinks.importing import import_files
from sinks.migrate import read_migrations
from streams.settings import Settings
from tests.bench.machine import commit, machine, versions
from tests.bench.measurement import BenchError
from tests.bench_history.asking import MUNICIPALITY, NATION, VENDOR, WANTED_MS, Asked, Inserting, Known, ask_all, p95
from tests.bench_history.building import MONTHS, build
from tests.bench_history.duck import QUESTIONS
from tests.bench_history.duckdb_venv import ask_duckdb

APPLICATIONS = 8_000_000
QUICK_APPLICATIONS = 107_000
"""Of which the simulation makes a million events."""
TIMES = 5
Say = Callable[[str], None]
MIDDLING = """
WITH uploads AS (SELECT residence_municipality AS town, count() AS people FROM hops_now WHERE hop = 'upload' GROUP BY town)
SELECT (SELECT argMin(town, (abs(people - (SELECT avg(people) FROM uploads)), town)) FROM uploads), min(vendor),
       toString(toStartOfMonth(max(entered_at)) - INTERVAL 1 MONTH), toString(toStartOfMonth(max(entered_at)))
FROM hops_now
WHERE hop = 'upload'
"""


def main() -> int:
    asked = _arguments()
    console, began = Console(width=None if sys.stdout.isatty() else 140), time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {text}", highlight=False, markup=False, soft_wrap=True)

    told: dict[str, Any] = {"machine": machine(), "versions": versions(), "commit": commit()}
    say(f"commit {told['commit']}, {told['machine']['cpu']}")
    with tempfile.TemporaryDirectory(prefix="tairyu-bench-history-", dir=asked.dir, ignore_cleanup_errors=True) as folder:
        history = Path(folder) / "history"
        history.mkdir()
        figures = _quick(history, say) if asked.quick else _built(history, asked.applications, asked.months, say)
        store = Store.in_folder(history)
        known = _known(store)
        ((figures["events"],),) = store.query("SELECT count() FROM events")
        ((figures["bytes"],),) = store.query(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE database = '{DATABASE}' AND active")
        say(f"{figures['events']:,} events, {figures['bytes'] / 1e9:.2f} GB; asking every named query, while rows are inserted")
        with Inserting(Store.in_folder(history)) as inserting:
            answers = ask_all(history, known, asked.times)
        figures["insert_rows_per_s"] = round(inserting.per_s)
        figures |= {f"p95_ms_{name}": round(p95(answers, scope), 1) for name, scope in NAMES.items()}
        console.print(_table(answers))
        failed = False
        if not asked.quick and not asked.alone:
            try:
                _beside_duckdb(store, Path(folder), known, answers, asked.times, console, say)
            except BenchError as error:
                failed = True
                say(f"NOT MEASURED  {error}")
        store.close()
    told |= {"figures": figures, "answers": [each._asdict() for each in answers], "seconds": round(time.monotonic() - began, 1)}
    if asked.json is not None:
        asked.json.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    print(orjson.dumps(figures).decode())
    return int(failed)


NAMES = {"municipality": MUNICIPALITY, "vendor": VENDOR, "national": NATION}


def _built(history: Path, applications: int, months: int, say: Say) -> dict[str, Any]:
    store = Store.in_folder(history)
    store.migrate(read_migrations())
    began = time.monotonic()
    build(store, applications, say, months)
    seconds = time.monotonic() - began
    store.close()
    return {"import_events_per_s": None, "build_s": round(seconds, 1)}


def _quick(history: Path, say: Say) -> dict[str, Any]:
    file, key = history.parent / "events.ndjson", history.parent / "key"
    command = [sys.executable, "-m", "streams.cli", "simulate", "--applications", str(QUICK_APPLICATIONS), "--seed", "1"]
    say("simulating a million events")
    subprocess.run([*command, "--out", str(file), "--truth", str(file.with_suffix(".truth"))], check=True, stdout=subprocess.DEVNULL)
    key.touch(0o600)
    key.write_text("a key of the bench, at least as long as 32 bytes")
    say("importing them")
    took = import_files(Settings(history_dir=history, key_file=key), [file], name="bench")
    return {"import_events_per_s": round(took.per_second), "build_s": round(took.seconds, 1)}


def _known(store: Store) -> Known:
    """A municipality of middling size; the kiosk and the application of which there is most to say; the last whole month."""
    ((municipality, vendor, begins, ends),) = store.query(MIDDLING)
    ((kiosk, token),) = store.query(
        "SELECT argMax(kiosk, beyond), argMax(token, beyond) FROM (SELECT any(kiosk) AS kiosk, token, countIf(state = 'late') AS beyond"
        " FROM hops_now WHERE residence_municipality = {town:String} GROUP BY token)",
        {"town": municipality},
    )
    return Known(municipality, vendor, kiosk, token, begins, ends)


def _table(answers: list[Asked]) -> Table:
    table = Table("query", "scope", "median ms", "most ms", "wanted ms", "answers", "rows read", "MB read", title="named queries")
    for each in sorted(answers):
        ms = sorted(each.ms)
        shown = (f"{ms[len(ms) // 2]:,.0f}", f"{ms[-1]:,.0f}", str(WANTED_MS[each.scope]), f"{each.answers:,}", f"{each.rows:,}")
        table.add_row(each.query, each.scope, *shown, f"{each.bytes / 1e6:,.0f}")
    return table


def _beside_duckdb(store: Store, folder: Path, known: Known, answers: list[Asked], times: int, console: Console, say: Say) -> None:
    say("the same five questions to DuckDB, over Parquet")
    for table, source, month in (("hops", "hops_now", "entered_at"), ("transitions", "transitions", "at")):
        (folder / table).mkdir()
        for (number,) in store.query(f"SELECT DISTINCT toYYYYMM({month}) FROM {source} ORDER BY 1"):
            path = folder / table / f"{number}.parquet"
            store.command(
                f"INSERT INTO FUNCTION file('{path}', Parquet) SELECT * FROM {source} WHERE toYYYYMM({month}) = {number}"
                " SETTINGS output_format_parquet_datetime_as_uint32 = 0"
            )
    size = sum(path.stat().st_size for path in folder.glob("*/*.parquet"))
    found = ask_duckdb(folder, known, times, say)
    table = Table(
        "question", "scope", "ClickHouse, median ms", "DuckDB, median ms", title=f"beside DuckDB over {size / 1e9:.2f} GB of Parquet"
    )
    for name in QUESTIONS:
        for scope, label in (("municipality", MUNICIPALITY), ("nation", NATION)):
            ours = next(sorted(each.ms) for each in answers if (each.query, each.scope) == (name, label))
            theirs = sorted(found[name][scope])
            table.add_row(name, label, f"{ours[len(ours) // 2]:,.0f}", f"{theirs[len(theirs) // 2]:,.0f}")
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench_history", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a million events, through tairyu import; under 5 minutes")
    parser.add_argument("--applications", type=int, default=APPLICATIONS, help="of the built history; 12.5 events each")
    parser.add_argument("--months", type=int, default=MONTHS, help="in which they begin")
    parser.add_argument("--times", type=int, default=TIMES, help="that each question is asked")
    parser.add_argument("--alone", action="store_true", help="without DuckDB")
    parser.add_argument("--dir", type=Path, help="where the history stands meanwhile (default: the system's folder for such files)")
    parser.add_argument("--json", type=Path, help="all that was found, with machine, versions and commit, into this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
