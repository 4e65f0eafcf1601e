"""Files of events: each form gives the same lines, and what cannot be read is said with file, line and what was expected."""

import gzip
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from streams.files import COLUMNS, FileError, check_readable, read_lines

HEADER = "speaker,id,source,type,time"
ROW = "plaza,e-1,/vendors/plaza/x,jp.tairyu.application.submitted,2026-04-01T09:00:00+09:00"
EVENT = {
    "specversion": "1.0",
    "speaker": "plaza",
    "id": "e-1",
    "source": "/vendors/plaza/x",
    "type": "jp.tairyu.application.submitted",
    "time": "2026-04-01T09:00:00+09:00",
    "data": {},
}


def read(path: Path) -> list[tuple[int, Any]]:
    return [(number, json.loads(line)) for number, line in read_lines(str(path))]


def csv_file(folder: Path, text: str, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_lines_are_numbered_as_an_editor_numbers_them_and_empty_ones_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"a":1}\n\n   \n{"b":2}\r\n{"c":3}')

    assert list(read_lines(str(path))) == [(1, b'{"a":1}'), (4, b'{"b":2}'), (5, b'{"c":3}')]


def test_a_line_that_is_no_json_is_given_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\xff\x00{\n")

    assert list(read_lines(str(path))) == [(1, b"\xff\x00{")]


def test_a_packed_file_has_the_same_lines(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson.gz").write_bytes(gzip.compress(b'{"a":1}\n{"b":2}\n', mtime=0))

    assert list(read_lines(str(tmp_path / "events.ndjson.gz"))) == [(1, b'{"a":1}'), (2, b'{"b":2}')]


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_a_row_is_the_event_it_stands_for(tmp_path: Path, name: str) -> None:
    path = csv_file(tmp_path, f"{HEADER}\n{ROW}\n", name)

    assert read(path) == [(2, EVENT)]


def test_every_column_finds_its_field(tmp_path: Path) -> None:
    values = [f"v{number}" for number in range(len(COLUMNS))]
    path = csv_file(tmp_path, ",".join(COLUMNS) + "\n" + ",".join(values) + "\n")

    [(_, event)] = read(path)

    fields = {f"data.{name}": value for name, value in event.pop("data").items()} | event
    named = {"corrected_source": "data.source", "corrected_id": "data.id"}
    envelope = {"speaker", "received", "specversion", "id", "source", "type", "time", "subject"}
    assert fields == {
        named.get(name, name if name in envelope else f"data.{name}"): value for name, value in zip(COLUMNS, values, strict=True)
    }


def test_an_empty_cell_and_a_short_row_are_fields_left_out(tmp_path: Path) -> None:
    path = csv_file(tmp_path, f"{HEADER},subject,kiosk\n{ROW},,\n{ROW}\n")

    assert read(path) == [(2, EVENT), (3, EVENT)]


def test_a_mark_at_the_beginning_quotes_and_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    path = csv_file(tmp_path, f'\ufeff{HEADER},reason\r\n{ROW},"two\r\nlines, ""quoted"""\r\n{ROW},x\r\n')

    assert [(number, event["data"]["reason"]) for number, event in read(path)] == [(3, 'two\r\nlines, "quoted"'), (4, "x")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12", 12),
        ("0", 0),
        ("9" * 18, 999_999_999_999_999_999),
        ("9" * 19, "9" * 19),
        ("9" * 5_000, "9" * 5_000),
        ("-1", "-1"),
        ("１２", "１２"),
    ],
)
def test_a_count_is_a_number_where_it_is_one_and_text_for_the_gate_to_refuse_elsewhere(tmp_path: Path, text: str, count: object) -> None:
    path = csv_file(tmp_path, f"{HEADER},count\n{ROW},{text}\n")

    assert read(path)[0][1]["data"] == {"count": count}


def test_what_stands_behind_the_last_column_is_still_seen(tmp_path: Path) -> None:
    # by the gate, which looks for individual numbers everywhere
    path = csv_file(tmp_path, f"{HEADER}\n{ROW},more,123\n")

    assert read(path) == [(2, {**EVENT, "beyond_the_header": ["more", "123"]})]


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        (f"{HEADER},when", "unknown column 'when'"),
        ("speaker,id,source,type", "missing column 'time'"),
        (f"{HEADER},kiosk,kiosk", "twice the column 'kiosk'"),
        ("a,speaker,b", "unknown column 'a', unknown column 'b', missing column 'id', "),
        ("", "missing column 'speaker', missing column 'id'"),
    ],
)
def test_a_header_that_is_not_as_documented_is_refused_with_all_columns(tmp_path: Path, header: str, wrong: str) -> None:
    path = csv_file(tmp_path, f"{header}\n{ROW}\n" if header else "")

    with pytest.raises(FileError) as raised:
        read(path)

    assert str(raised.value).startswith(f"{path}:1: {wrong}")
    assert str(raised.value).endswith(f"; the columns are {', '.join(COLUMNS)}")


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("events.ndjson.gz", b"no gzip", "Not a gzipped file (b'no')"),
        (
            "events.ndjson.gz",
            gzip.compress(b"x" * 99_999, mtime=0)[:-30],
            "Compressed file ended before the end-of-stream marker was reached",
        ),
        ("events.ndjson.gz", gzip.compress(b"abc", mtime=0)[:10] + b"\xff" * 20, "Error -3 while decompressing data: "),
        ("events.csv", f"{HEADER}\n".encode() + b"\xff\xfe\n", "a CSV must be UTF-8"),
    ],
)
def test_a_damaged_file_is_said_in_a_sentence(tmp_path: Path, name: str, content: bytes, wrong: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FileError) as raised:
        list(read_lines(str(tmp_path / name)))

    assert str(raised.value).startswith(f"{tmp_path / name}: {wrong}")


def parquet_file(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "events.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def test_a_row_of_parquet_is_the_event_it_stands_for(tmp_path: Path) -> None:
    at = datetime(2026, 4, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    whole = {name: [value, value] for name, value in zip(HEADER.split(","), ROW.split(","), strict=True)}
    times = pa.array([at, at], pa.timestamp("us", "Asia/Tokyo"))
    words = pa.array(["SOKA-01", None]).dictionary_encode()
    path = parquet_file(tmp_path, whole | {"time": times, "count": pa.array([7, None]), "kiosk": words, "batch": ["", ""]})

    assert read(path) == [(1, {**EVENT, "data": {"count": 7, "kiosk": "SOKA-01"}}), (2, EVENT)]


def test_what_parquet_has_in_another_type_is_for_the_gate_to_refuse(tmp_path: Path) -> None:
    whole = {name: [value] for name, value in zip(HEADER.split(","), ROW.split(","), strict=True)}
    odd = {"time": pa.array([datetime(2026, 4, 1, 9)]), "kiosk": pa.array([b"\xff1"]), "batch": pa.array([Decimal("1.5")]), "count": [0]}

    [(_, event)] = read(parquet_file(tmp_path, whole | odd))

    # a time without an offset; what is no text; a count of none, which is a count
    assert event == {**EVENT, "time": "2026-04-01T09:00:00", "data": {"kiosk": "\ufffd1", "batch": "1.5", "count": 0}}


def test_parquet_that_is_none_or_has_other_columns_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "none.parquet").write_bytes(b"no parquet at all")
    for path, wrong in (
        (tmp_path / "none.parquet", "cannot be read as Parquet"),
        (tmp_path / "not.parquet", "No such file or directory"),
        (parquet_file(tmp_path, {"when": ["x"]}), "unknown column 'when', missing column 'speaker'"),
    ):
        with pytest.raises(FileError, match=wrong):
            read(path)


def test_a_file_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "there.ndjson").write_text("")
    check_readable(str(tmp_path / "there.ndjson"))
    check_readable("-")

    for path, wrong in ((tmp_path / "not.ndjson", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(FileError) as raised:
            check_readable(str(path))
        assert str(raised.value) == f"{path}: {wrong}"
