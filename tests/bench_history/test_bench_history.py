"""That the bench of history runs: its figures mean nothing at this size."""

import json
import subprocess
import sys
from pathlib import Path

from sinks.named_queries import read_queries
from tests.bench_history.asking import Known, questions

ROOT = Path(__file__).parents[2]
KEYS = {
    *("events", "import_events_per_s", "build_s", "bytes", "insert_rows_per_s"),
    *("p95_ms_municipality", "p95_ms_vendor", "p95_ms_national"),
}


def test_it_builds_a_history_and_asks_every_named_query(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    small = ["--applications", "2400", "--months", "2", "--times", "1", "--alone", "--dir", str(tmp_path), "--json", str(found)]
    command = [sys.executable, "-m", "tests.bench_history", *small]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures.keys() == KEYS
    assert 12 * 2400 < figures["events"] < 13 * 2400
    answers = {(each["query"], each["scope"]): each["answers"] for each in json.loads(found.read_text())["answers"]}
    assert {query for query, _ in answers} == set(read_queries())
    assert answers["hop_times", "the nation"] == 3
    assert answers["timeline", "one municipality"] > 8


def test_every_named_query_is_asked_in_a_town_and_beyond() -> None:
    scopes: dict[str, set[str]] = {}
    for query, scope, *_ in questions(Known("112216", "plaza", "K112216-0", "0" * 64, "2026-02-01", "2026-03-01")):
        scopes.setdefault(query.name, set()).add(scope)

    assert scopes.keys() == set(read_queries())
    assert all("one municipality" in found and len(found) > 1 for found in scopes.values())
