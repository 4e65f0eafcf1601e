"""What is wrong with the ClickHouse of history: looked at, never touched."""

import re
from collections.abc import Iterator
from typing import Any

from schemas.instants import SECOND_US
from sinks.migrate import read_migrations
from streams.findings import Finding

LEAST_WINDOW = 10_000
"""Ranges that a table must remember: an insert that is sent again later than that stands there twice."""
CLOCK_S = 5.0
MADE_ANEW = ("migrations", "compactions", "hops_compacted")
"""Tables that nothing is sent to a second time."""


def check_history(client: Any, now_us: int, least_free: float) -> Iterator[Finding]:
    """``client``: of clickhouse_connect, in history's database. ClickHouseError if it may not ask."""
    tables = {name: (engine, full) for name, engine, full in _rows(client, "SELECT name, engine, engine_full FROM system.tables " + _HERE)}
    if "migrations" not in tables:
        yield Finding("ClickHouse", "has no tables of history", "start a history stage once: it makes them")
        return
    yield from _migrations(client)
    for name, (engine, full) in sorted(tables.items()):
        if engine.endswith("MergeTree") and not name.startswith(MADE_ANEW):
            yield from _window(name, engine, full)
    for name, free, total in _rows(client, "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0"):
        if free < least_free * total:
            yield Finding(f"ClickHouse, disk {name}", f"{free / total:.0%} of it is free ({free / 1e9:.1f} GB)", "free some, or enlarge it")
    apart_s = (_rows(client, "SELECT toUnixTimestamp64Micro(now64(6, 'UTC'))")[0][0] - now_us) / SECOND_US
    if abs(apart_s) > CLOCK_S:
        yield Finding("ClickHouse", f"its clock and this machine's are {apart_s:+.0f} s apart", "set both by NTP (chrony)")


_HERE = "WHERE database = currentDatabase()"


def _rows(client: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql).result_rows]


def _migrations(client: Any) -> Iterator[Finding]:
    applied = {number for (number,) in _rows(client, "SELECT DISTINCT number FROM migrations")}
    known = {migration.number: migration.name for migration in read_migrations()}
    for number in sorted(known.keys() - applied):
        yield Finding(
            "ClickHouse",
            f"lacks migration {number:04} ({known[number]})",
            "start a history stage of this version, which applies it, or run `tairyu migrate`",
        )
    for number in sorted(applied - known.keys()):
        yield Finding("ClickHouse", f"has had migration {number:04}, which this version does not know", "use a newer Tairyu here")


def _window(name: str, engine: str, full: str) -> Iterator[Finding]:
    """Of a replicated table, or of one that is not: ClickHouse has a setting for each, and 0 for the latter by default."""
    setting = f"{'' if engine.startswith('Replicated') else 'non_'}replicated_deduplication_window"
    found = re.search(rf"\b{setting} = (\d+)", full)
    window = int(found[1]) if found else 0
    if window < LEAST_WINDOW:
        remedy = f"ALTER TABLE {name} MODIFY SETTING {setting} = 100000"
        yield Finding(
            f"ClickHouse, table {name}", f"remembers {window} inserts, and needs {LEAST_WINDOW}: repeats would stand twice", remedy
        )
