"""Migrations: each once, in order, whatever was interrupted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.clickhouse import Store
from sinks.migrate import FOLDER, Migration, MigrationError, migrate, read_migrations

TABLES = {"events", "refusals", "transitions", "hops", "applications", "coverage", "ranges", "stalls_now", "hops_now", "migrations"}
GOOD = "-- What: a table.\n-- Why: for this test.\n-- Blocks: nothing.\n\nCREATE TABLE IF NOT EXISTS a (b UInt8) ENGINE = Memory;\n"


def test_a_second_run_changes_nothing(open_store: Callable[[], Store]) -> None:
    first = open_store().migrate(read_migrations())
    store = open_store()

    assert first == ["events", "transitions", "hops", "coverage"]
    assert store.migrate(read_migrations()) == []
    assert {name for (name,) in store.query("SHOW TABLES")} == TABLES
    assert store.query("SELECT number, name FROM migrations ORDER BY number") == [
        (1, "events"),
        (2, "transitions"),
        (3, "hops"),
        (4, "coverage"),
    ]


def test_one_that_was_killed_between_its_statements_is_run_again(open_store: Callable[[], Store]) -> None:
    store = open_store()

    class Killed(Exception):
        pass

    class Dying:
        """Dies before the third statement of a migration."""

        statements = 0

        def command(self, statement: str) -> object:
            self.statements += 1
            if self.statements == 4:
                raise Killed
            return store.command(statement)

        def query(self, query: str) -> list[tuple[int, str]]:
            return [(int(number), str(name)) for number, name in store.query(query)]

    with pytest.raises(Killed):
        migrate(Dying(), read_migrations())
    assert store.query("SELECT count() FROM migrations") == [(0,)]

    assert store.migrate(read_migrations()) == ["events", "transitions", "hops", "coverage"]
    assert {name for (name,) in store.query("SHOW TABLES")} == TABLES


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(open_store: Callable[[], Store]) -> None:
    store = open_store()
    first, *others = read_migrations()
    store.migrate([first, *others])

    with pytest.raises(MigrationError, match="migration 0001 \\(events\\) is not the one that was applied"):
        store.migrate([Migration(first.number, first.name, first.sql + "-- once more\n"), *others])


def test_a_database_of_a_newer_version_is_left_alone(open_store: Callable[[], Store]) -> None:
    store = open_store()
    store.migrate(read_migrations())

    with pytest.raises(MigrationError, match="has had migration 4, which this version of Tairyu does not know"):
        store.migrate(read_migrations()[:2])


def test_every_migration_says_what_why_and_whether_it_blocks() -> None:
    assert [migration.number for migration in read_migrations()] == list(range(1, len(list(FOLDER.glob("*.sql"))) + 1))


@pytest.mark.parametrize(
    ("name", "sql", "wrong"),
    [
        ("0001_a.sql", GOOD.replace("-- Why: for this test.\n", ""), "expected to begin with the lines"),
        ("0001_a.sql", GOOD.replace("-- Blocks: nothing.\n", ""), "expected to begin with the lines"),
        ("1_a.sql", GOOD, "expected a name like 0001_events.sql"),
        ("0002_a.sql", GOOD, "numbered from 0001 without a gap"),
    ],
)
def test_a_migration_out_of_order_or_without_its_header_is_named(tmp_path: Path, name: str, sql: str, wrong: str) -> None:
    (tmp_path / name).write_text(sql)

    with pytest.raises(MigrationError, match=wrong):
        read_migrations(tmp_path)


def test_statements_end_at_semicolons_that_end_a_line(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text(GOOD + "\n-- a word; about it\nINSERT INTO a VALUES (';');\n")

    (migration,) = read_migrations(tmp_path)

    assert migration.statements == ["CREATE TABLE IF NOT EXISTS a (b UInt8) ENGINE = Memory", "INSERT INTO a VALUES (';')"]


def test_every_column_is_explained_or_explains_itself_and_every_table_is(store: Store, database: str) -> None:
    uncommented = store.query("SELECT name FROM system.tables WHERE database = {database:String} AND comment = ''", {"database": database})
    instants = store.query(
        "SELECT DISTINCT type FROM system.columns WHERE database = {database:String} AND type LIKE '%Date%'", {"database": database}
    )

    assert uncommented == []
    assert {kind for (kind,) in instants} == {"DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"}
