"""The ClickHouse that history writes: a server, or chDB (the same engine, in this process) over a folder. One class for both."""

import fcntl
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.insert import InsertContext

from sinks.cuts import Range
from sinks.migrate import Migration, migrate
from sinks.rows import COLUMNS, Row, Rows
from streams.failpoints import reach
from streams.loop import LoopError

DATABASE = "tairyu"
RANGE = ("log_id", "topic", "partition", "lo", "hi", "cut_at")
"""Columns of every row that tell the range in which it was inserted."""
ENTRY = ("log_id", "topic", "partition", "lo", "hi", "records", "bucket", "cut_at")
ON_INSERT = {"async_insert": 0, "insert_deduplicate": 1}


class StoreError(LoopError):
    """ClickHouse is not there, or refuses; one line, without any row."""


@dataclass(frozen=True, slots=True)
class Log:
    """One partition of one log. ``log_id`` is the topic's id: another one after the topic was deleted and made again."""

    log_id: str
    topic: str
    partition: int


class Store:
    """Rows of ranges, each range once: whoever inserts it again, with the same token, changes nothing.

    Not for two threads at once.
    """

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        """Makes the database if need be."""
        self._client = client
        self._contexts: dict[str, InsertContext] = {}
        with _one_line():
            # Atomic: chDB's own default database is not, and refuses some of what a server's has
            client.command(f"CREATE DATABASE IF NOT EXISTS {_name(database)} ENGINE = Atomic", use_database=False)
            client.database = _name(database)

    @classmethod
    def in_folder(cls, folder: Path, database: str = DATABASE) -> Self:
        """chDB. One process may have a folder open, and a process one folder. To be imported, here or elsewhere, is enough for it to
        load a ``config.xml`` of the working directory in silence: whoever calls this has seen to it that there is none."""
        with _one_line(f"the history folder {folder}"):
            try:
                client = clickhouse_connect.get_client(interface="chdb", path=str(folder), tz_mode="aware")
            except Error as error:
                if _is_locked(folder):
                    raise StoreError(f"the history folder {folder} is open in another process; one at a time may have it open") from error
                raise
            return cls(client, database)

    @classmethod
    def on_server(cls, server: Mapping[str, Any], database: str = DATABASE) -> Self:
        """``server``: as ``connection.clickhouse`` says."""
        with _one_line(f"ClickHouse at {server['host']}:{server['port']}"):
            client = clickhouse_connect.get_client(
                **server,
                compress=False,
                query_retries=0,
                autogenerate_session_id=False,
                tz_mode="aware",
            )
            return cls(client, database)

    def migrate(self, migrations: list[Migration]) -> list[str]:
        """Names of those that were missing and are applied now."""
        applied: list[str] = []
        with _one_line():
            migrate(self, migrations, lambda migration: applied.append(migration.name))
        return applied

    def sync_to_disk(self) -> None:
        """From now on a range outlives a loss of power, too, and is never entered before its rows do.

        Tables that do so already are left alone: a definition that is written again on a full disk ends up empty, and chDB never
        opens such a folder again.
        """
        lacking = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine_full NOT LIKE '%fsync_after_insert = 1%'"
        for (table,) in self.query(f"{lacking} AND name IN {{tables:Array(String)}}", {"tables": [*COLUMNS, "ranges"]}):
            self.command(f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1")

    def warm_up(self) -> None:
        """chDB's first insert takes up to a second: better before than after it says that it is ready."""
        self.command("CREATE TEMPORARY TABLE warm_up (at DateTime64(6, 'UTC'), word LowCardinality(Nullable(String)))")
        self._insert("warm_up", ("at", "word"), [[0], [None]], "warm-up")
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
        written = 0
        reach("history.before_insert")
        for table, found in rows.items():
            if found:
                told = (log.log_id, log.topic, log.partition, cut.lo, cut.hi, cut.cut_us)
                columns: list[Sequence[Any]] = [*zip(*found, strict=True), *([value] * len(found) for value in told)]
                self._insert(table, (*COLUMNS[table], *RANGE), columns, token(log, cut, table))
                written += len(found)
                reach("history.after_insert")
        if written:
            reach("history.before_entering")
            entry: Row = (log.log_id, log.topic, log.partition, cut.lo, cut.hi, cut.records, cut.bucket, cut.cut_us)
            self._insert("ranges", ENTRY, [[value] for value in entry], token(log, cut, "ranges"))
            reach("history.after_entering")
        return written

    def command(self, statement: str) -> object:
        with _one_line():
            return self._client.command(statement)

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with _one_line():
            return [tuple(row) for row in self._client.query(query, parameters=parameters).result_rows]

    def close(self) -> None:
        self._client.close()

    def _insert(self, table: str, names: Sequence[str], columns: Sequence[Sequence[Any]], dedup: str) -> None:
        """Instants are integers (microseconds). The columns' types are asked for once per table."""
        with _one_line(f"table {table}"):
            context = self._contexts.get(table)
            if context is None:
                context = self._contexts[table] = self._client.create_insert_context(table, names, column_oriented=True)
            context.settings = {**ON_INSERT, "insert_deduplication_token": dedup}
            context.data = columns
            self._client.data_insert(context)


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
