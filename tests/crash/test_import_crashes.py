"""An import, killed wherever it may be, and run again: history holds what it would hold otherwise, each row once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from streams.failpoints import VARIABLE
from tests.sinks.import_house import ROOT, simulate

TABLES = ("events", "refusals", "transitions", "hops", "applications", "hops_now", "stalls_now", "ranges")
IN_A_WORKER = ["import.in_reading", "import.in_judging:2"]
"""It alone is killed; the command says so."""
ORDERS = [
    "import.after_insert",
    "import.after_insert:7",
    "import.before_insert:8",
    "import.before_entering",
]
READ = """
import json, os, sys
from pathlib import Path
folder, tables = Path(sys.argv[1]), sys.argv[2:]
os.chdir(folder)
from sinks.clickhouse import Store
store = Store.in_folder(folder)
def rows(table):
    names = [name for name, *_ in store.query(f"DESCRIBE TABLE {table}") if name != "entered_at" or table != "ranges"]
    return sorted(map(list, store.query(f"SELECT {', '.join(f'toString({name})' for name in names)} FROM {table}")), key=str)
print(json.dumps({table: rows(table) for table in tables}))
"""


def command(folder: Path, file: Path, order: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {"TAIRYU_HISTORY_DIR": str(folder), "TAIRYU_KEY_FILE": str(file.parent / "key"), **({VARIABLE: order} if order else {})}
    given = [sys.executable, "-m", "streams.cli", "import", str(file)]
    return subprocess.run(given, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False)


def tables(folder: Path) -> dict[str, list[Any]]:
    told = subprocess.run(
        [sys.executable, "-c", READ, folder, *TABLES], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert told.returncode == 0, told.stderr.decode()
    return dict(json.loads(told.stdout))


def test_killed_anywhere_and_run_again_an_import_leaves_each_row_once(tmp_path: Path) -> None:
    file = simulate(tmp_path)
    with file.open("ab") as added:
        added.write(b"{}\n")  # refused
    uncrashed = command(tmp_path / "uncrashed", file)
    assert uncrashed.returncode == 1, uncrashed.stderr

    crashed = tmp_path / "crashed"
    for order in ORDERS:
        ended = command(crashed, file, order)
        assert ended.returncode == -signal.SIGKILL, f"{order}: {ended}"
    for order in IN_A_WORKER:
        ended = command(crashed, file, order)
        assert ended.returncode == 2
        assert "a worker process was ended from outside" in ended.stderr
    half = tables(crashed)
    # rows of all tables are there, and nobody sees them
    assert half["events"]
    assert half["hops"]
    assert not any(half[name] for name in ("ranges", "hops_now", "stalls_now"))
    assert command(crashed, file, "import.after_entering").returncode == -signal.SIGKILL
    assert command(crashed, file).stdout == "these files are in history already, as import:town: nothing was inserted\n"

    expected = tables(tmp_path / "uncrashed")
    found = tables(crashed)
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in expected.items()}
    assert found == expected
    assert all(expected[name] for name in TABLES if name != "stalls_now")
