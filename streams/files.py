"""Files of events: ``.ndjson``, ``.ndjson.gz``, ``.csv`` with a header, ``.parquet``, ``-`` for standard input. One event a line."""

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO

import orjson

from schemas.events import Data
from schemas.masking import mask

ENVELOPE = ("speaker", "received", "specversion", "id", "source", "type", "time", "subject")
DATA = {{"source": "corrected_source", "id": "corrected_id"}.get(name, name): name for name in Data.__struct_fields__}
"""Column -> field of ``data``; a correction's own ``source`` and ``id`` would be taken for the event's."""
COLUMNS = (*ENVELOPE, *DATA)
ROWS_AT_ONCE = 1_000
"""Of a Parquet file."""
WHOLE = re.compile(r"[0-9]{1,18}")
REQUIRED = ("speaker", "id", "source", "type", "time")


class FileError(Exception):
    """A file that cannot be read as events; says which, where, and what was expected."""


def read_lines(path: str) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, the event as CloudEvents JSON). Empty lines are skipped; a row of CSV or Parquet becomes the event it stands
    for, and its number is its place in the file.

    FileError if there is no such file, it is no gzip or no Parquet, or its columns are not as documented.
    """
    if path.endswith(".parquet"):
        yield from _parquet_rows(path)
        return
    try:
        with _open(path) as file:
            yield from _csv_lines(path, file) if path.removesuffix(".gz").endswith(".csv") else _json_lines(file)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def check_readable(path: str) -> None:
    """FileError if there is no such file, or it may not be read."""
    if path == "-":
        return
    try:
        _open(path).close()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _json_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(file, 1):
        if text := line.strip():
            yield number, text


def _csv_lines(path: str, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield from _rows(path, csv.DictReader(text))


def _rows(path: str, rows: "csv.DictReader[str]") -> Iterator[tuple[int, bytes]]:
    try:
        _check_header(path, list(rows.fieldnames or ()))
        for row in rows:
            yield rows.line_num, _event(row)
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: a CSV must be UTF-8") from error
    except csv.Error as error:
        raise FileError(f"{path}:{rows.line_num}: {error}") from error


def _parquet_rows(path: str) -> Iterator[tuple[int, bytes]]:
    from pyarrow import ArrowException, parquet  # a fifth of a second, and nobody else here needs it

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _check_header(path, file.schema_arrow.names)
            for batch in file.iter_batches(ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, _event({name: _plain(value) for name, value in row.items()})
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or 'cannot be read as Parquet'}") from error
    except ArrowException as error:
        raise FileError(f"{path}: cannot be read as Parquet{f' behind row {number}' if number else ''}") from error


def _plain(value: object) -> object:
    """As JSON has it; the gate refuses what is none of the field's. An instant without a time zone stays one without an offset."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _check_header(path: str, names: list[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    # A file without a header: its first event stands here.
    wrong = [
        f"{how} column {mask(name)!r}"
        for how, found in (("unknown", unknown), ("missing", missing), ("twice the", twice))
        for name in found
    ]
    if wrong:
        raise FileError(f"{path}:1: {', '.join(wrong)}; the columns are {', '.join(COLUMNS)}")


def _event(row: Mapping[str, object]) -> bytes:
    """Without what is empty."""
    event = {name: value for name in ENVELOPE if (value := row.get(name)) not in (None, "")}
    data = {name: value for column, name in DATA.items() if (value := row.get(column)) not in (None, "")}
    if isinstance(count := data.get("count"), str) and WHOLE.fullmatch(count):
        data["count"] = int(count)  # any other stays text, and is refused as that
    # What stands behind the last column belongs to no field; the number rule must still see it.
    beyond = row.get(None)  # type: ignore[call-overload]
    return orjson.dumps({"specversion": "1.0", **event, "data": data, **({"beyond_the_header": beyond} if beyond else {})})
