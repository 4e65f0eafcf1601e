"""History, killed between its effects, and between a migration's: its tables are those of a run that nobody killed."""

from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.brokers.start import free_ports
from tests.crash.crashing import PATIENCE_S, crash, stop
from tests.crash.logs import write_custody_log
from tests.pipeline.works import Works

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("crash-history")]

FILES = ("parties", "policies", "calendars")
TABLES = (
    *("events", "refusals", "transitions", "hops", "applications", "coverage", "ranges", "hops_now", "stalls_now", "migrations"),
    *FILES,
)
NEVER_EQUAL = ("entered_at", "applied_at", "first_used_at")
"""When it was written: in `ranges`, `migrations` and what the files said. (`entered_at` of a hop says when the hop began.)"""
ORDERS = [
    "history.in_migration",
    "history.in_migration:5",
    "history.before_registering:2",
    "history.after_keeping:2",
    "history.before_insert",
    "history.after_insert",
    "history.after_insert:4",
    "history.before_entering:2",
    "history.after_entering:3",
]

Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def uncrashed(works: Works) -> Tables:
    """What a history holds that nobody killed."""
    written = write_custody_log(works, seed=1, applications=40)
    works.run("watch")
    works.wait(lambda: works.handled() == written and works.all_applied(), PATIENCE_S)
    stop(works, "watch")
    with_history = running(works, "uncrashed")
    tables = next(with_history)
    assert min(len(rows) for name, rows in tables.items() if name not in ("refusals", "stalls_now")) > 2
    return tables


def running(works: Works, name: str, complete: int | None = None) -> Iterator[Tables]:
    """A history run until it stands still (or holds so many ranges); its tables."""
    env = own(works, name)
    works.run("history", name, env)
    client = answering(works, int(env["TAIRYU_HISTORY_PORT"]))
    last: list[int] = []

    def standing() -> bool:
        last.append(int(client.query("SELECT count() FROM ranges").result_rows[0][0]))
        return last[-1] == complete if complete is not None else last[-1] > 0 and len(last) > 30 and len(set(last[-30:])) == 1

    works.wait(standing, PATIENCE_S)
    tables = {table: rows_of(client, table) for table in TABLES}
    client.close()
    stop(works, name)
    yield tables


def own(works: Works, name: str) -> dict[str, str]:
    """A folder, a port and a group of its own: so nobody waits for a dead member."""
    folder = works.folder / f"of-{name}"
    return {"TAIRYU_HISTORY_DIR": str(folder), "TAIRYU_HISTORY_PORT": str(free_ports(1)[0]), "TAIRYU_HISTORY_GROUP": f"of-{name}"}


def answering(works: Works, port: int) -> Any:
    found: list[Any] = []

    def answers() -> bool:
        try:
            found.append(clickhouse_connect.get_client(host="127.0.0.1", port=port, database="tairyu"))
        except ClickHouseError:
            return False
        return True

    works.wait(answers, PATIENCE_S)
    return found[0]


def rows_of(client: Any, table: str) -> list[tuple[Any, ...]]:
    names = [name for name, *_ in client.query(f"DESCRIBE TABLE {table}").result_rows]
    kept = [name for name in names if name not in NEVER_EQUAL or table not in ("ranges", "migrations", *FILES)]
    found = client.query(f"SELECT {', '.join(f'toString({name})' for name in kept)} FROM {table}").result_rows
    return sorted(tuple(map(str, row)) for row in found)


@pytest.mark.parametrize("order", ORDERS)
def test_killed_there_history_holds_what_it_would_have_held(works: Works, uncrashed: Tables, order: str) -> None:
    name = order.replace(".", "-").replace(":", "-")
    env = own(works, name)
    crash(works, "history", order, env | {"TAIRYU_HISTORY_GROUP": f"crashing-{name}"})

    tables = next(running(works, name, complete=len(uncrashed["ranges"])))

    assert {table: len(rows) for table, rows in tables.items()} == {table: len(rows) for table, rows in uncrashed.items()}
    assert tables == uncrashed
