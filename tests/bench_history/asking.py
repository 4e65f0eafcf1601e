"""Every named query, asked of a history by a municipality, of one vendor, and of the nation, while rows are inserted."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import chdb
import numpy as np

from sinks.clickhouse import DATABASE, Log, Store
from sinks.cuts import Range
from sinks.named_queries import EVERYWHERE, Query, read_queries

MUNICIPALITY, VENDOR, NATION = "one municipality", "one vendor", "the nation"
WANTED_MS = {MUNICIPALITY: 100, VENDOR: 300, NATION: 1_000}
INSERTED_PER_S = 20_000
BLOCK = 10_000
"""Rows of an insert."""


class Asked(NamedTuple):
    query: str
    scope: str
    ms: tuple[float, ...]
    answers: int
    rows: int
    """Read of tables."""
    bytes: int


class Known(NamedTuple):
    """What the questions need to know of the history: somewhere, somebody, and a month."""

    municipality: str
    vendor: str
    kiosk: str
    token: str
    begins: str
    ends: str


def questions(known: Known) -> Iterator[tuple[Query, str, str, dict[str, str]]]:
    """Query, scope, for whom, parameters. Where a query takes a stretch of time, it is the month; where it takes one of anything, that."""
    given = {
        "hop": "forward",
        "token": known.token,
        "kiosk": known.kiosk,
        "vendor": known.vendor,
        "criterion": "in_time",
        "at": known.ends,
        "from": known.begins,
        "to": known.ends,
    }
    for query in read_queries().values():
        takes = {parameter.name for parameter in query.parameters}
        parameters = {name: value for name, value in given.items() if name in takes}
        if "vendor" not in takes:
            yield query, MUNICIPALITY, known.municipality, parameters
            yield query, NATION, EVERYWHERE, parameters
        else:
            yield query, VENDOR, EVERYWHERE, parameters
            yield query, MUNICIPALITY, known.municipality, parameters
            if next(parameter for parameter in query.parameters if parameter.name == "vendor").default is not None:
                yield query, NATION, EVERYWHERE, {name: value for name, value in parameters.items() if name != "vendor"}


def ask_all(folder: Path, known: Known, times: int) -> list[Asked]:
    handle = chdb.connect(str(folder))
    try:
        handle.query(f"USE {DATABASE}")
        return [_ask(handle, *question, times) for question in questions(known)]
    finally:
        handle.close()


def _ask(handle: Any, query: Query, scope: str, whose: str, given: dict[str, str], times: int) -> Asked:
    sql, values = query.bound(given, [whose])
    told = {name: _told(value) for name, value in values.items()}
    took, result = [], None
    for _ in range(times + 1):
        began = time.perf_counter()
        result = handle.query(sql, "JSONCompact", params=told)
        took.append((time.perf_counter() - began) * 1_000)
    # The first time compiles, and reads what others read too
    return Asked(query.name, scope, tuple(took[1:]), result.rows_read(), result.storage_rows_read(), result.storage_bytes_read())


def _told(value: object) -> str:
    """As ClickHouse takes a parameter."""
    return "[" + ",".join(f"'{each}'" for each in value) + "]" if isinstance(value, list) else str(value)


def p95(asked: Sequence[Asked], scope: str) -> float:
    """Milliseconds, of all answers of a scope."""
    return float(np.percentile([ms for each in asked if each.scope == scope for ms in each.ms], 95))


class Inserting:
    """Inserts as history does, so many rows a second, for as long as the ``with`` block lasts."""

    def __init__(self, store: Store, per_s: int = INSERTED_PER_S) -> None:
        self._store, self._per_s = store, per_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inserting")
        self.rows, self._began, self.seconds = 0, 0.0, 0.0

    def __enter__(self) -> "Inserting":
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._began
        self._store.close()

    @property
    def per_s(self) -> float:
        return self.rows / self.seconds

    def _run(self) -> None:
        log = Log("inserted-meanwhile", "inserted-meanwhile", 0)
        now_us = time.time_ns() // 1_000
        while not self._stopped.wait(max(0.0, self._began + self.rows / self._per_s - time.monotonic())):
            cut = Range(self.rows, self.rows + BLOCK - 1, BLOCK, 1, now_us)
            self.rows += self._store.write(log, cut, [("events", _events(self.rows, now_us))])


def _events(first: int, now_us: int) -> dict[str, list[Any]]:
    numbers = range(first, first + BLOCK)
    same: dict[str, Any] = {
        "last4": "0000",
        "speaker": "plaza",
        "role": "vendor",
        "type": "application.uploaded",
        "source": "/vendor/plaza",
        "time": now_us,
        "claimed": "2026-04-01T09:00:00+09:00",
        "received": now_us,
        "vendor": None,
        "kiosk": "K112216-0",
        "kiosk_municipality": None,
        "residence_municipality": None,
        "batch": None,
        "reason": None,
        "data": "{}",
    }
    return {
        "offset": [*numbers],
        "token": [f"{number:064x}" for number in numbers],
        "event_id": [f"meanwhile-{number}" for number in numbers],
        "origin": [f"kiosk-events.plaza:0:{number}" for number in numbers],
        **{name: [value] * BLOCK for name, value in same.items()},
    }
