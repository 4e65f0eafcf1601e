"""chDB's engine as the history process has its folder open: a question over HTTP, and ClickHouse's answer.

A handle for each question: nothing set in one is there in the next, and a long one does not hold up the writer.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import chdb
from starlette.responses import PlainTextResponse, Response

from sinks.screening import SETTINGS, forbidden, format_of, gives_rows

AT_ONCE = 4
LIMITS = {"max_execution_time": 120, "max_memory_usage": 2_000_000_000, "max_result_bytes": 500_000_000, "max_result_rows": 10_000_000}
"""What one question may take of the process that also writes: seconds, bytes, rows. A reader may set less, and not more."""
DEFAULT_FORMAT = "TabSeparated"
CONTENT_TYPES = {
    "Native": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
}
SYNTAX_ERROR, BAD_ARGUMENTS, NOT_IMPLEMENTED, UNKNOWN_TABLE, UNKNOWN_DATABASE, READONLY = 62, 36, 48, 60, 81, 164
NO_SESSION, BEYOND_LIMIT = 372, 452
STATUS = {
    NO_SESSION: 404,
    BEYOND_LIMIT: 403,
    SYNTAX_ERROR: 400,
    BAD_ARGUMENTS: 400,
    UNKNOWN_TABLE: 404,
    UNKNOWN_DATABASE: 404,
    READONLY: 403,
    NOT_IMPLEMENTED: 501,
}
"""HTTP status by ClickHouse's code; 400 for what is not listed: the question is at fault."""
INSERT = re.compile(rb"\s*(INSERT\s+INTO\s[^\n]*?)\s+FORMAT\s+(\w+)[^\S\n]*(?:\n|\Z)", re.IGNORECASE)


class Refused(Exception):
    """Answered as ClickHouse answers an exception."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}. ({name})")


@dataclass(frozen=True)
class Question:
    """A request, taken apart."""

    body: bytes
    """The statement; for an insert with data, the data follow."""
    database: str
    default_format: str
    query_id: str
    parameters: dict[str, str]
    settings: dict[str, str]


class Engine:
    """chDB's engine as this process has it open: a handle for each question."""

    def __init__(self, path: str, writable: bool) -> None:
        self._path, self._writable = path, writable
        self._places = threading.BoundedSemaphore(AT_ONCE)
        with self._handle() as handle:
            self._version, self._timezone = _text(handle.query("SELECT version(), timezone()", "TSV")).split("\t")

    def answer(self, question: Question) -> Response:
        with self._places, self._handle() as handle:
            try:
                response = self._write(handle, question) if self._writable else self._read(handle, question)
            except (chdb.ChdbError, RuntimeError) as error:
                return error_response(f"{str(error).strip()} (version {self._version})")
        response.headers["X-ClickHouse-Query-Id"] = question.query_id
        response.headers["X-ClickHouse-Timezone"] = self._timezone
        return response

    def _read(self, handle: Any, question: Question) -> Response:
        formatted = _formatted(handle, question.body)
        if word := forbidden(formatted):
            raise Refused(READONLY, "READONLY", f"Cannot execute query in readonly mode: {word} is not for readers")
        for name, value in question.settings.items():
            if SETTINGS.fullmatch(name) is None:
                raise Refused(READONLY, "READONLY", f"Cannot modify '{name}' setting in readonly mode")
            _check_limit(name, value)
        for name, value in {**{name: str(limit) for name, limit in LIMITS.items()}, **question.settings}.items():
            _set(handle, name, value)
        _use(handle, question.database)
        _set(handle, "readonly", "1")
        # What runs is what was judged, not what was sent
        return _rows(handle, question, formatted, formatted)

    def _write(self, handle: Any, question: Question) -> Response:
        for name, value in question.settings.items():
            _set(handle, name, value)
        _use(handle, question.database)
        if insert := INSERT.match(question.body):
            inserter = handle.send_insert(insert[1].decode(), insert[2].decode())
            inserter.append(question.body[insert.end() :])
            inserter.finish()
            return Response()
        return _rows(handle, question, question.body.decode(), _formatted(handle, question.body))

    @contextmanager
    def _handle(self) -> Iterator[Any]:
        handle = chdb.connect(self._path)
        try:
            yield handle
        finally:
            handle.close()


def _rows(handle: Any, question: Question, statement: str, formatted: str) -> Response:
    named = format_of(formatted) or question.default_format
    result = handle.query(statement, named, params=question.parameters)
    if not gives_rows(formatted):
        return Response()
    response = Response(result.bytes() or b"", media_type=CONTENT_TYPES.get(named, "text/plain; charset=UTF-8"))
    response.headers["X-ClickHouse-Format"] = named
    response.headers["X-ClickHouse-Summary"] = f'{{"read_rows":"{result.rows_read()}","read_bytes":"{result.bytes_read()}"}}'
    return response


def _formatted(handle: Any, body: bytes) -> str:
    """The statement as the engine reads it; its own error if it cannot, or if there are several."""
    try:
        # A parameter is escaped as in TabSeparated
        query = body.decode().replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    except UnicodeDecodeError as error:
        code, name = (READONLY, "READONLY") if body.lstrip()[:6].upper() == b"INSERT" else (SYNTAX_ERROR, "SYNTAX_ERROR")
        raise Refused(code, name, "Not a statement that can be read here: it is no UTF-8") from error
    return _text(handle.query("SELECT formatQuery({query:String})", "TSVRaw", params={"query": query}))


def _check_limit(name: str, value: str) -> None:
    """0 would be no limit at all."""
    if name in LIMITS and not (re.fullmatch(r"\d{1,12}", value) and 0 < int(value) <= LIMITS[name]):
        raise Refused(BEYOND_LIMIT, "SETTING_CONSTRAINT_VIOLATION", f"Setting {name} is to be from 1 to {LIMITS[name]} here")


def _set(handle: Any, name: str, value: str) -> None:
    if re.fullmatch(r"\w+", name) is None:
        raise Refused(BAD_ARGUMENTS, "BAD_ARGUMENTS", "No setting has a name like this")
    handle.query(f"SET {name} = '{_escaped(value)}'")


def _use(handle: Any, database: str) -> None:
    handle.query(f"USE `{_escaped(database).replace('`', '``')}`")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _text(result: Any) -> str:
    text: str = result.bytes().decode()
    return text.rstrip("\n")


def error_response(text: str) -> Response:
    found = re.search(r"Code: (\d+)\.", text)
    code = int(found[1]) if found else 0
    headers = {"X-ClickHouse-Exception-Code": str(code)}
    return PlainTextResponse(f"{text}\n", STATUS.get(code, 400 if code else 500), headers)
