"""Migrations: each once, in order, whatever was interrupted."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import Store, StoreError
from sinks.dialects import OWN, Dialect
from sinks.migrate import FOLDER, REGISTER, Migration, MigrationError, migrate, missing, read_migrations, script
from streams.connection import clickhouse
from streams.settings import Settings

TABLES = {
    *("events", "refusals", "transitions", "hops", "applications", "coverage", "ranges", "stalls_now", "hops_now", "migrations"),
    *("parties", "policies", "calendars", "compactions", "hops_compacted", "uncompacted", "curve_hops", "curves"),
}
GOOD = "-- What: a table.\n-- Why: for this test.\n-- Blocks: nothing.\n\nCREATE TABLE IF NOT EXISTS a (b UInt8) ENGINE = Memory;\n"


def test_a_second_run_changes_nothing(open_store: Callable[[], Store]) -> None:
    first = open_store().migrate(read_migrations())
    store = open_store()

    assert first == ["events", "transitions", "hops", "coverage", "references", "curves", "compacted"]
    assert store.migrate(read_migrations()) == []
    assert {name for (name,) in store.query("SHOW TABLES")} == TABLES
    assert store.query("SELECT number, name FROM migrations ORDER BY number") == [
        (1, "events"),
        (2, "transitions"),
        (3, "hops"),
        (4, "coverage"),
        (5, "references"),
        (6, "curves"),
        (7, "compacted"),
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

        def query(self, query: str) -> list[tuple[Any, ...]]:
            return store.query(query)

    with pytest.raises(Killed):
        migrate(Dying(), read_migrations())
    assert store.query("SELECT count() FROM migrations") == [(0,)]

    assert store.migrate(read_migrations()) == ["events", "transitions", "hops", "coverage", "references", "curves", "compacted"]
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

    with pytest.raises(MigrationError, match="has had migration 7, which this version of Tairyu does not know"):
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
    assert {kind for (kind,) in instants} == {"Date", "Date32", "DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"}


def test_what_is_missing_is_told_and_nothing_is_changed(open_store: Callable[[], Store], database: str) -> None:
    store = open_store()
    first, *others = read_migrations()

    assert store.missing([first, *others]) == [first, *others]
    assert store.query("SHOW TABLES") == []

    store.migrate([first])
    assert store.missing([first, *others]) == others
    assert first.head == (
        "events and refusals, one row for each record of custody-log that is no pulse; and the register of the ranges inserted.",
        "every public record ends here exactly once. A range is entered last, so a start knows behind which record it goes on.",
        "nothing; new tables.",
    )


def test_a_database_that_is_not_there_lacks_everything_and_is_not_made(server: str, database: str) -> None:
    store = Store.on_server(clickhouse(Settings(clickhouse_url=server)) or {}, database, made_in=None)

    assert store.missing(read_migrations()) == read_migrations()
    with pytest.raises(StoreError, match="UNKNOWN_DATABASE"):
        store.query("SELECT 1")
    store.close()


class Replicas:
    """A database whose register is replicated; what is told to it is written down."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def command(self, statement: str) -> object:
        self.told.append(statement)
        return None

    def query(self, query: str) -> list[tuple[Any, ...]]:
        return [("ReplicatedReplacingMergeTree",)] if "system.tables" in query else [(1, read_migrations()[0].sha256)]


def test_whoever_comes_later_goes_on_in_the_dialect_in_which_it_was_begun() -> None:
    first, second, *_ = read_migrations()
    replicas = Replicas()

    migrate(replicas, [first, second])
    assert replicas.told == [*map(Dialect.REPLICATED.of, second.statements), replicas.told[-1]]
    assert replicas.told[-1].startswith("INSERT INTO migrations")
    with pytest.raises(MigrationError, match="in the dialect replicated: go on with that"):
        migrate(replicas, [first, second], dialect=Dialect.SINGLE)
    assert missing(replicas, [first, second]) == [second]


@pytest.fixture
def folder_store(chdb_folder: Path, database: str) -> Iterator[Store]:
    """Without any tables."""
    store = Store.in_folder(chdb_folder, database)
    yield store
    store.close()


STATEMENTS = [REGISTER, *(statement for migration in read_migrations() for statement in migration.statements)]


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: " ".join(statement.split()[:7]))
def test_the_replicated_form_is_what_the_engine_reads_as_such(folder_store: Store, statement: str) -> None:
    """As far as the engine goes without Keeper: it reads the statement, knows the engine's arguments and settings, and then asks for
    Keeper."""
    replicated = Dialect.REPLICATED.of(statement)
    ((read,),) = folder_store.query("SELECT formatQuery({statement:String})", {"statement": replicated})
    defines = not statement.startswith(("INSERT", "SELECT"))

    assert ("ON CLUSTER" in read) is defines
    wanted = 0 if OWN.match(statement) else statement.count("MergeTree")
    assert len(re.findall(r"ENGINE = Replicated\w*MergeTree\('/clickhouse/tables/", read)) == wanted
    assert folder_store.query(f"EXPLAIN AST {replicated}")
    if wanted:
        here = replicated.replace(" ON CLUSTER '{cluster}'", "").replace("{uuid}/{shard}", "1/1").replace("{replica}", "1")
        with pytest.raises(StoreError, match=r"NO_ZOOKEEPER|without ZooKeeper"):
            folder_store.command(re.sub(r"IF NOT EXISTS (\w+)", r"\1_replicated", here))


@pytest.mark.parametrize(
    ("statement", "replicated"),
    [
        ("ALTER TABLE a ADD COLUMN b UInt8", "ALTER TABLE a ON CLUSTER '{cluster}' ADD COLUMN b UInt8"),
        ("DROP VIEW IF EXISTS a", "DROP VIEW IF EXISTS a ON CLUSTER '{cluster}'"),
        ("RENAME TABLE a TO b", "RENAME TABLE a TO b ON CLUSTER '{cluster}'"),
        ("CREATE OR REPLACE VIEW a AS SELECT 1", "CREATE OR REPLACE VIEW a ON CLUSTER '{cluster}' AS SELECT 1"),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS a TO b AS SELECT 1",
            "CREATE MATERIALIZED VIEW IF NOT EXISTS a ON CLUSTER '{cluster}' TO b AS SELECT 1",
        ),
        ("INSERT INTO a SELECT 1", "INSERT INTO a SELECT 1"),
        (
            "CREATE TABLE a (b UInt8)\nENGINE = AggregatingMergeTree\nORDER BY b",
            "CREATE TABLE a ON CLUSTER '{cluster}' (b UInt8)\n"
            "ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')\nORDER BY b",
        ),
    ],
)
def test_what_defines_something_is_said_to_all_replicas(statement: str, replicated: str) -> None:
    assert Dialect.REPLICATED.of(statement) == replicated


def test_a_statement_of_which_no_replicated_form_is_known_is_named() -> None:
    odd = Migration(1, "odd", "-- What: x\n-- Why: x\n-- Blocks: x\nSYSTEM FLUSH LOGS;\n")

    with pytest.raises(MigrationError, match="no replicated form is known of SYSTEM FLUSH LOGS"):
        script([odd], Dialect.REPLICATED, "tairyu")


def test_the_script_does_what_migrating_does(folder_store: Store, database: str) -> None:
    every = read_migrations()
    made, used, *statements = script(every, Dialect.SINGLE, database).rstrip().removesuffix(";").split(";\n\n")
    assert (made, used) == (f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic", f"USE {database}")

    for statement in statements:
        folder_store.command(statement)

    assert folder_store.missing(every) == []
    assert {name for (name,) in folder_store.query("SHOW TABLES")} == TABLES
