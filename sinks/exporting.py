"""History as files for others: rows of the caller's municipalities, by the layer of ``named_queries``, under a key of this export.

An application's token, an event's identity and a batch become an HMAC under that key: a fresh one each time, so that two exports have no
identity in common, unless somebody gives both the same. Last digits, positions in logs and payloads are left out.
"""

import csv
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.export_words import HEADERS
from sinks.named_queries import Query, read_queries

FOLDER = Path(__file__).parent / "exports"
REKEYED = ("token", "event", "batch")
"""Columns of identities."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With which a text begins that a spreadsheet would calculate."""
Rows = Iterator[pa.RecordBatch]


class Asks(Protocol):
    """As clickhouse_connect's client does."""

    def query_arrow_stream(self, query: str, parameters: Mapping[str, object]) -> Any: ...


class Rekey:
    """Identities under one key. Equal ones stay equal within an export; what they were cannot be had from them without the key."""

    def __init__(self, key: bytes) -> None:
        self._of = lru_cache(100_000)(lambda kind, identity: hmac.digest(key, f"{kind}\0{identity}".encode(), "sha256").hex())

    def column(self, kind: str, values: Iterable[str | None]) -> pa.Array:
        return pa.array([None if value is None else self._of(kind, value) for value in values], pa.string())


def queries() -> Mapping[str, Query]:
    """Table -> the query that gives its rows."""
    return read_queries(FOLDER)


def rows(client: Asks, query: Query, towns: Sequence[str], span: Mapping[str, str], rekey: Rekey) -> Rows:
    """The table's rows in pieces, at least one. QueryError if towns or span do not fit."""
    sql, values = query.bound(span, towns)
    empty = pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in query.columns})
    with client.query_arrow_stream(sql, parameters=values) as found:
        for piece in found:
            for part in _rekeyed(piece if isinstance(piece, pa.Table) else pa.Table.from_batches([piece]), rekey).to_batches():
                empty = None
                yield part
    if empty is not None:
        yield empty


def _rekeyed(table: pa.Table, rekey: Rekey) -> pa.Table:
    for name in (name for name in REKEYED if name in table.column_names):
        table = table.set_column(table.column_names.index(name), name, rekey.column(name, table.column(name).to_pylist()))
    return table


def write_parquet(path: Path, pieces: Rows) -> None:
    first = next(pieces)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as file:
        _each(file.write_batch, first, pieces)


def write_arrow(path: Path, pieces: Rows) -> None:
    """In Arrow's file format."""
    first = next(pieces)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as file:
        _each(file.write_batch, first, pieces)


def write_csv(path: Path, pieces: Rows, zone: ZoneInfo) -> None:
    """UTF-8 with the mark by which a spreadsheet knows it, headers in Japanese, instants in that zone to the second."""
    first = next(pieces)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([HEADERS[name] for name in first.schema.names])

        def write(piece: pa.RecordBatch) -> None:
            columns = [[_cell(value, zone) for value in column.to_pylist()] for column in piece.columns]
            writer.writerows(zip(*columns, strict=True))

        _each(write, first, pieces)


def _each(write: Callable[[pa.RecordBatch], Any], first: pa.RecordBatch, others: Iterable[pa.RecordBatch]) -> None:
    write(first)
    for piece in others:
        write(piece)


def _cell(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
