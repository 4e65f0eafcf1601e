"""Rows by name, and back: what a source makes is columns, in pieces."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from sinks.columns import COLUMNS, Values
from sinks.rows import Rows

Table = list[dict[str, Any]]


class Record(NamedTuple):
    """Of a log, as a source reads it."""

    offset: int
    key: bytes | None
    value: bytes | None


def tables(rows: Rows) -> dict[str, Table]:
    """Table -> its rows."""
    found: dict[str, Table] = {}
    for table, columns in rows:
        assert tuple(columns) == COLUMNS[table]
        rows = zip(*map(plain, columns.values()), strict=True)
        found.setdefault(table, []).extend(dict(zip(columns, row, strict=True)) for row in rows)
    return found


def plain(values: Values) -> Sequence[Any]:
    """Instants as integers."""
    return values.cast(pa.int64()).to_pylist() if isinstance(values, pa.Array) else values


def pieces(found: Mapping[str, Sequence[Sequence[Any]]], size: int = 400) -> Rows:
    """Of rows whose values stand in the order of ``COLUMNS``."""
    return [
        (table, dict(zip(COLUMNS[table], zip(*rows[begin : begin + size], strict=True), strict=True)))
        for table, rows in found.items()
        for begin in range(0, len(rows), size)
    ]
