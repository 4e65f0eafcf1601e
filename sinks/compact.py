"""Compacts hops: ``hops_compacted`` is made anew from ``hops_now``, then takes its place at once (migration 0007).

What is compacted need not be looked for again among all that was ever judged; what comes later, ``hops_now`` adds. Killed anywhere, the
last compaction holds, and the next one begins afresh.
"""

import secrets
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, Protocol, Self

import structlog

from sinks.clickhouse import Store, StoreError
from streams.failpoints import reach

log = structlog.get_logger()

BLOCK = 4_000_000
"""Rows that are sorted at once: months times blocks are the parts that are made."""
LOOK_EVERY_S = 60.0
NEXT = "hops_compacted_next_"
LAST = 197001
"""The month of the row that names the last compaction: never linked."""
CHANGED = """
SELECT DISTINCT toYYYYMM(entered_at) FROM hops_compacted WHERE (log_id, application) IN (SELECT log_id, application FROM uncompacted)
UNION DISTINCT
SELECT DISTINCT toYYYYMM(entered_at) FROM hops
WHERE cut_at >= (SELECT minOrNull(since) FROM uncompacted)
  AND (log_id, application, offset) IN (SELECT log_id, application, offset FROM uncompacted)
"""
UNCHANGED = """
SELECT DISTINCT partition_id FROM system.parts
WHERE database = currentDatabase() AND table = 'hops_compacted' AND active
  AND NOT has({changed:Array(UInt32)}, toUInt32(partition_id))
"""
MERGEABLE = """
SELECT partition_id FROM system.parts
WHERE database = currentDatabase() AND table = {made:String} AND active
GROUP BY partition_id
HAVING count() > 1
"""
DUE = """
SELECT max(compacted_at) < (SELECT max(entered_at) FROM ranges) AND max(compacted_at) < now64(6) - toIntervalSecond({every:UInt32})
FROM compactions
"""


class Database(Protocol):
    def command(self, statement: str) -> object: ...

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]: ...


def compact(database: Database) -> None:
    """Of two at the same moment one may fail; no answer is wrong for it."""
    for (left,) in database.query(f"SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '{NEXT}')"):
        database.command(f"DROP TABLE IF EXISTS {left} SYNC")
    number = secrets.randbits(63)  # no other's: how far the logs were read belongs to these hops and no others
    # First how far the logs have been read, then the hops: those that come between are compacted, and looked for once more
    read = f"SELECT {number}, log_id, partition, max(hi) + 1 FROM ranges GROUP BY log_id, partition"
    database.command(f"INSERT INTO compactions (compaction, log_id, partition, next) {read}")
    made = f"{NEXT}{number:x}"
    database.command(f"CREATE TABLE {made} AS hops_compacted")
    changed = [LAST, *(month for (month,) in database.query(CHANGED))]
    for (month,) in database.query(UNCHANGED, {"changed": changed}):
        database.command(f"ALTER TABLE {made} ATTACH PARTITION ID '{month}' FROM hops_compacted")
    reach("history.in_compacting")
    database.command(
        f"INSERT INTO {made} SELECT {number} AS compaction, * FROM hops_now WHERE toYYYYMM(entered_at) IN ({', '.join(map(str, changed))})"
        f" SETTINGS max_partitions_per_insert_block = 0, min_insert_block_size_rows = {BLOCK}, min_insert_block_size_bytes = 0"
    )
    for (month,) in database.query(MERGEABLE, {"made": made}):
        # A question looks into every part of each month that it may concern: one instead of five halves what a town's takes
        try:
            database.command(f"OPTIMIZE TABLE {made} PARTITION ID '{month}' FINAL")
        except StoreError as error:
            log.warning("a month of compacted hops stays in several parts; answers are right, and slower", error=str(error))
    database.command(f"INSERT INTO {made} (compaction, entered_at) VALUES ({number}, 0)")
    reach("history.before_exchange")
    database.command(f"EXCHANGE TABLES {made} AND hops_compacted")
    reach("history.after_exchange")
    database.command(f"DROP TABLE {made} SYNC")


class Compactor:
    """Compacts in a thread of its own while the ``with`` block lasts: whenever ``every_s`` have passed and rows have come since."""

    def __init__(self, open_store: Callable[[], Store], every_s: float, look_every_s: float = LOOK_EVERY_S) -> None:
        """``open_store``: a store for this thread alone, closed again after each look."""
        self._open_store, self._every_s, self._look_every_s = open_store, every_s, look_every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="compact", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        """Waits for a compaction that has begun: a process that ends with chDB at work in it may never end. Killed meanwhile, nothing
        is lost."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._look_every_s):
            try:
                self._look()
            except StoreError as error:
                log.warning("hops could not be compacted, and will be later; answers are right, and slower", error=str(error))

    def _look(self) -> None:
        with closing(self._open_store()) as store:
            ((due,),) = store.query(DUE, {"every": int(self._every_s)})
            if due:
                compact(store)
                log.info("compacted hops")
