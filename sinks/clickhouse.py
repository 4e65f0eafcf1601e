"""The ClickHouse that history writes: a server, or chDB (the same engine, in this process) over a folder. One class for both."""

import fcntl
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from schemas.codec import encode
from sinks.arrow import ArrowRows, Types, arrow_type
from sinks.columns import COLUMNS, Columns
from sinks.cuts import Range
from sinks.dialects import Dialect
from sinks.migrate import Migration, migrate, missing
from sinks.references import TABLES, Version
from sinks.rows import Rows
from streams.failpoints import reach
from streams.loop import LoopError

DATABASE = "tairyu"
ON_INSERT = {"async_insert": 0, "insert_deduplicate": 1, "input_format_null_as_default": 0}


class StoreError(LoopError):
    """ClickHouse is not there, or refuses; one line, without any row."""


class FolderOpenError(StoreError):
    """Another process has it open."""


@dataclass(frozen=True, slots=True)
class Log:
    """One partition of one log. ``log_id`` is the topic's id: another one after the topic was deleted and made again."""

    log_id: str
    topic: str
    partition: int


@dataclass
class Load:
    """The rows of a range, as they are sent."""

    log: Log
    cut: Range
    tables: dict[str, ArrowRows] = field(default_factory=dict)
    entry: ArrowRows | None = None
    """Its row in ``ranges``; None if it has no rows."""

    @property
    def count(self) -> int:
        return sum(rows.count for rows in self.tables.values())

    @property
    def range(self) -> dict[str, Any]:
        """What each of its rows tells of it."""
        log, cut = self.log, self.cut
        return {"log_id": log.log_id, "topic": log.topic, "partition": log.partition, "lo": cut.lo, "hi": cut.hi, "cut_at": cut.cut_us}


class Store:
    """Rows of ranges, each range once: whoever inserts it again, with the same token, changes nothing.

    Not for two threads at once, but for ``insert``.
    """

    def __init__(self, client: Client, database: str = DATABASE, made_in: Dialect | None = Dialect.SINGLE) -> None:
        """Makes the database if need be; in the dialect of replicas on all of them, in none (None) not at all."""
        self._client = client
        self._known: dict[str, Types] = {}
        with _one_line():
            # Atomic: chDB's own default database is not, and refuses some of what a server's has
            if made_in is not None:
                client.command(made_in.of(f"CREATE DATABASE IF NOT EXISTS {_name(database)} ENGINE = Atomic"), use_database=False)
            client.database = _name(database)

    @classmethod
    def in_folder(cls, folder: Path, database: str = DATABASE, made_in: Dialect | None = Dialect.SINGLE) -> Self:
        """chDB. One process may have a folder open, and a process one folder. To be imported, here or elsewhere, is enough for it to
        load a ``config.xml`` of the working directory in silence: whoever calls this has seen to it that there is none."""
        with _one_line(f"the history folder {folder}"):
            try:
                client = clickhouse_connect.get_client(interface="chdb", path=str(folder), tz_mode="aware")
            except Error as error:
                if _is_locked(folder):
                    raise FolderOpenError(
                        f"the history folder {folder} is open in another process; one at a time may have it open"
                    ) from error
                raise
            return cls(client, database, made_in)

    @classmethod
    def on_server(cls, server: Mapping[str, Any], database: str = DATABASE, made_in: Dialect | None = Dialect.SINGLE) -> Self:
        """``server``: as ``connection.clickhouse`` says."""
        with _one_line(f"ClickHouse at {server['host']}:{server['port']}"):
            client = clickhouse_connect.get_client(
                **server,
                compress=False,
                query_retries=0,
                autogenerate_session_id=False,
                tz_mode="aware",
            )
            return cls(client, database, made_in)

    def migrate(self, migrations: list[Migration], dialect: Dialect | None = None) -> list[str]:
        """Names of those that were missing and are applied now."""
        applied: list[str] = []
        with _one_line():
            migrate(self, migrations, lambda migration: applied.append(migration.name), dialect)
        return applied

    def missing(self, migrations: list[Migration]) -> list[Migration]:
        """What ``migrate`` would apply; nothing is changed."""
        with _one_line():
            there = self._client.command(f"EXISTS DATABASE {self._client.database}", use_database=False)
        return missing(self, migrations) if there else migrations

    def sync_to_disk(self) -> None:
        """From now on a range outlives a loss of power, too, and is never entered before its rows do.

        Tables that do so already are left alone: a definition that is written again on a full disk ends up empty, and chDB never
        opens such a folder again.
        """
        lacking = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine_full NOT LIKE '%fsync_after_insert = 1%'"
        synced = [*COLUMNS, *TABLES, "ranges", "compactions", "hops_compacted"]
        for (table,) in self.query(f"{lacking} AND name IN {{tables:Array(String)}}", {"tables": synced}):
            self.command(f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1")

    def warm_up(self) -> None:
        """chDB's first insert takes up to a second: better before than after it says that it is ready."""
        self.command("CREATE TEMPORARY TABLE warm_up (at DateTime64(6, 'UTC'), word LowCardinality(Nullable(String)))")
        row = ArrowRows(self._types("warm_up"))
        row.add({"at": [0], "word": [None]})
        self._insert("warm_up", row, {}, "warm-up")
        self.command("DROP TEMPORARY TABLE warm_up")

    def last_ranges(self, log_ids: Iterable[str]) -> dict[tuple[str, int], Range]:
        """(Log id, partition) -> the last range that is entered."""
        found = self.query(
            "SELECT log_id, partition, argMax((lo, hi, records, bucket, toUnixTimestamp64Micro(cut_at)), hi) FROM ranges"
            " WHERE log_id IN {ids:Array(String)} GROUP BY log_id, partition",
            {"ids": list(log_ids)},
        )
        return {(log_id, partition): Range(*entry) for log_id, partition, entry in found}

    def write(self, log: Log, cut: Range, rows: Rows) -> int:
        """Inserts the range's rows, then enters it; gives their number. A range without rows is not entered."""
        return self.insert(self.load(log, cut, rows))

    def load(self, log: Log, cut: Range, rows: Rows) -> Load:
        """The range's rows, ready to be inserted."""
        load = Load(log, cut)
        for table, columns in rows:
            load.tables.setdefault(table, ArrowRows(self._types(table))).add(columns)
        if load.count:
            load.entry = ArrowRows(self._types("ranges"))
            load.entry.add({"records": [cut.records], "bucket": [cut.bucket]})
        return load

    def insert(self, load: Load) -> int:
        """May be called in another thread than the rest, one range after the other."""
        reach("history.before_insert")
        for table, rows in load.tables.items():
            if rows.count:
                self._insert(table, rows, load.range, token(load.log, load.cut, table))
                reach("history.after_insert")
        if load.entry is not None:
            reach("history.before_entering")
            self._insert("ranges", load.entry, load.range, token(load.log, load.cut, "ranges"))
            reach("history.after_entering")
        return load.count

    def put(self, table: str, columns: Columns, dedup: str) -> None:
        """Rows that come from no log: nothing happens if their token has been seen."""
        rows = ArrowRows(self._types(table))
        rows.add(columns)
        self._insert(table, rows, {}, dedup)

    def keep(self, version: Version) -> bool:
        """What the files of this deployment say, if it has not said that before; whether it has not."""
        digest = version.digest
        if self.query(f"SELECT 1 FROM {version.table} WHERE digest = {{digest:String}} LIMIT 1", {"digest": digest}):
            return False
        lines = b"\n".join(encode({"digest": digest, **row}) for row in version.rows)
        told = ON_INSERT | {"date_time_input_format": "best_effort", "insert_deduplication_token": f"{version.table}:{digest}"}
        with _one_line(f"table {version.table}"):
            self._client.raw_insert(version.table, None, lines, told, "JSONEachRow")
        reach("history.after_keeping")
        return True

    def types(self, *tables: str) -> dict[str, Types]:
        """As which the values of a table's columns are sent."""
        return {table: self._types(table) for table in tables}

    def send(self, table: str, rows: bytes, dedup: str) -> None:
        """``rows``: an Arrow stream with all columns; ``dedup``: a token that no other insert has."""
        with _one_line(f"table {table}"):
            self._client.raw_insert(table, None, rows, ON_INSERT | {"insert_deduplication_token": dedup}, "ArrowStream")

    def command(self, statement: str) -> object:
        with _one_line():
            return self._client.command(statement)

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with _one_line():
            return [tuple(row) for row in self._client.query(query, parameters=parameters).result_rows]

    def close(self) -> None:
        self._client.close()

    def _types(self, table: str) -> Types:
        """Asked for once per table."""
        if table not in self._known:
            with _one_line(f"table {table}"):
                described = self._client.query(f"DESCRIBE TABLE {table}").result_rows
            self._known[table] = {name: arrow_type(declared) for name, declared, made, *_ in described if made != "ALIAS"}
        return self._known[table]

    def _insert(self, table: str, rows: ArrowRows, same: Mapping[str, Any], dedup: str) -> None:
        """``same``: columns with one value in all rows."""
        self.send(table, rows.stream(same), dedup)


def token(log: Log, cut: Range, table: str) -> str:
    """The same for every insert of this range, and for no other: it names the log itself, not only its topic's name."""
    return f"{log.log_id}:{log.partition}:{cut.lo}-{cut.hi}:{table}"


@contextmanager
def _one_line(what: str = "ClickHouse") -> Iterator[None]:
    try:
        yield
    except (Error, OSError) as error:
        raise StoreError(f"{what}: {_first_line(str(error))}") from error


def _is_locked(folder: Path) -> bool:
    """The engine locks the file ``status``; what it says when it cannot goes to stderr, and its exception does not say why."""
    try:
        with (folder / "status").open() as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _first_line(text: str) -> str:
    """What ClickHouse says, without the version and the query that follow: a query may hold values."""
    found = re.search(r"Code: \d+\. DB::Exception: .*?(?= \(version |$)", text, re.MULTILINE)
    return (found[0] if found else text.splitlines()[0] if text else "no answer")[:300]


def _name(database: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database) is None:
        raise StoreError(f"{database!r} is no name of a database")
    return database
