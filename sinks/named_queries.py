"""Named questions to history (``queries/*.sql``), and the one layer through which an analyst asks them.

A query reads ``my_hops``, ``my_transitions`` and ``my_events``: the rows of the caller's municipalities, by the kiosk's or the
residence. What compares with others reads ``every_hop``, whose ``own`` says which rows are the caller's, and returns ``own`` and
``people``: then both figures and number of fewer than ``LEAST_PEOPLE`` people elsewhere come out as null. The tables it cannot name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.identity import municipality_ok
from schemas.instants import JAPAN, SECOND_US, from_text
from sinks.query_screening import past_the_layer

FOLDER = Path(__file__).parent / "queries"
LEAST_PEOPLE = 10
EVERYWHERE = "all"
"""In place of municipalities: the operator's own questions."""

_MINE = " OR ".join(f"{town} IN {{municipalities:Array(String)}}" for town in ("kiosk_municipality", "residence_municipality"))
"""Null where it is known of neither."""
OF_NOW = "log_id IN (SELECT argMax(log_id, entered_at) FROM ranges GROUP BY topic)"
"""Of rows: those of the newest log of each topic."""
_HOPS = (
    "SELECT *, ifNull(closed_at, (SELECT instant FROM read_to)) AS left_at,"
    " state = 'late' OR (state = 'open' AND due_at < (SELECT instant FROM read_to)) AS beyond"
)
SOURCES = {
    "read_to": "SELECT max(cut_at) AS instant FROM ranges",
    "my_hops": f"{_HOPS} FROM hops_now WHERE ({{mine}})",
    "my_transitions": f"SELECT * FROM transitions WHERE {OF_NOW} AND ({{mine}})",
    "my_events": f"SELECT * FROM events WHERE {OF_NOW} AND {{of_mine}}",
    "every_hop": f"{_HOPS}, ifNull({{mine}}, 0) AS own FROM hops_now",
    "feeds_read": f"SELECT * FROM coverage WHERE {OF_NOW}",
    "my_curve": (
        "SELECT *, run IN (SELECT argMax(run, at) FROM curves GROUP BY hop) AS newest FROM curve_hops"
        " WHERE run IN (SELECT run FROM curves) AND ({mine})"
    ),
    "least_people": f"SELECT {LEAST_PEOPLE} AS people",
}
"""Name -> what a query finds under it. ``read_to``: up to when history has been read, its *now*; ``feeds_read`` is of no person.

Hops also have ``left_at``, when they ended or else *now*, and ``beyond``: late, or open beyond the first limit (null: it has none)."""
_NAMED = ("-- Parameter ", "-- Fits ", "-- Column ", "-- Figure ")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARAMETER = re.compile(r"(\w+) ([A-Za-z0-9(), ']+?)(?: = (\S*))?: (.+)")
_COLUMN = re.compile(r"(\w+): (.+)")
_TABLE = re.compile(r"\b(?:FROM|JOIN|IN)\s+(?!\()(\w+)", re.IGNORECASE)
_COMMA_JOIN = re.compile(r"\bFROM\s+\w+(?:\s+(?:AS\s+)?\w+)?\s*,", re.IGNORECASE)
_CTE = re.compile(r"\b(\w+) AS \(\s*(?:SELECT|WITH)", re.IGNORECASE)


class QueryError(Exception):
    """A question that cannot be asked so; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    """ClickHouse's."""
    default: str | None
    """None: it must be given."""
    what: str
    fits: str | None = None
    """What its value must match, as a whole; None: anything of its type."""


@dataclass(frozen=True, slots=True)
class Query:
    name: str
    what: str
    parameters: tuple[Parameter, ...]
    columns: Mapping[str, str]
    """Name -> what it tells, in order."""
    figures: frozenset[str]
    """Columns that are null where too few people elsewhere are behind them; so is ``people`` then."""
    order: str
    sql: str

    def bound(self, given: Mapping[str, str], municipalities: Sequence[str]) -> tuple[str, dict[str, object]]:
        """The statement and its parameters, for a caller of these municipalities (or ``[EVERYWHERE]``). QueryError if they do not fit."""
        values: dict[str, object] = dict(self._values(given))
        everywhere = list(municipalities) == [EVERYWHERE]
        if not everywhere:
            values["municipalities"] = _codes(municipalities)
        mine, of_mine = ("1", "token IS NOT NULL") if everywhere else (_MINE, "token IN (SELECT token FROM my_hops)")
        filled = {name: sql.replace("{mine}", mine).replace("{of_mine}", of_mine) for name, sql in SOURCES.items()}
        sources = ", ".join(f"{name} AS ({filled[name]})" for name in _read_in(self.sql, filled))
        shown = ", ".join(f"{self._kept(name)} AS {name}" for name in self.columns)
        return f"WITH {sources} SELECT {shown} FROM ({self.sql}) AS answer ORDER BY {self.order}", values

    def _kept(self, column: str) -> str:
        """Only if enough people are behind it."""
        named = f"answer.{column}"
        return f"if(answer.own OR answer.people >= {LEAST_PEOPLE}, toNullable({named}), NULL)" if column in self.figures else named

    def _values(self, given: Mapping[str, str]) -> Mapping[str, str]:
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(given.keys() - known.keys()):
            raise QueryError(f"{self.name} has no parameter {unknown[0]}: {', '.join(known) or 'none'} it has")
        if missing := [name for name, parameter in known.items() if parameter.default is None and name not in given]:
            raise QueryError(f"{self.name} needs {missing[0]}=…: {known[missing[0]].what}")
        for name, text in given.items():
            fits = known[name].fits
            if fits is not None and re.fullmatch(fits, text) is None:
                raise QueryError(f"{name}: expected {fits}: {known[name].what}")  # never quoted: it may be an application's id
        told = {name: _instant(name, text) if known[name].type.startswith("DateTime64") else text for name, text in given.items()}
        return {name: told.get(name, parameter.default or "") for name, parameter in known.items()}


def _read_in(sql: str, sources: Mapping[str, str]) -> list[str]:
    """The sources that a query reads, those that they read included: what is not read costs time, too."""
    told, found = [sql], set[str]()
    while told:
        words = {*re.findall(r"\w+", told.pop())}
        more = (words & sources.keys()) - found
        found |= more
        told += [sources[name] for name in more]
    return [name for name in sources if name in found]


def _instant(name: str, text: str) -> str:
    """As ClickHouse takes it: seconds since 1970."""
    try:
        instant_us = from_text(f"{text}T00:00:00{JAPAN}" if _DAY.fullmatch(text) else text)
    except ValueError:
        instant_us = None
    if instant_us is None:
        raise QueryError(f"{name}={text}: expected an instant with an offset such as 2026-04-01T09:00:00+09:00, or a day")
    return f"{instant_us // SECOND_US}.{instant_us % SECOND_US:06d}"


def _codes(municipalities: Sequence[str]) -> list[str]:
    if not municipalities:
        raise QueryError(f"for which municipality? Give its code of six digits, several with commas between, or {EVERYWHERE}")
    for code in municipalities:
        if not municipality_ok(code):
            raise QueryError(f"{code!r} is no municipality's code: six digits, of which the last is a check digit")
    return list(municipalities)


@cache
def read_queries(folder: Path = FOLDER) -> Mapping[str, Query]:
    """By name. QueryError for a file that does not say what it answers, or names a table."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.sql"))}


def named_query(name: str) -> Query:
    queries = read_queries()
    if name not in queries:
        raise QueryError(f"no query is named {name}: {', '.join(queries)} are")
    return queries[name]


def _read(path: Path) -> Query:
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
    told: dict[str, list[str]] = {"What": [], "Parameter": [], "Column": [], "Figure": [], "Order": [], "Fits": []}
    for line in head:
        kind, _, text = line.removeprefix("-- ").partition(" " if line.startswith(_NAMED) else ": ")
        if kind not in told or not text:
            raise QueryError(f"{path.name}: {line!r}: a line of the head begins with What:, Parameter, Fits, Column, Figure or Order:")
        told[kind].append(text)
    if len(told["What"]) != 1 or len(told["Order"]) != 1:
        raise QueryError(f"{path.name}: its head has one line What: and one line Order:")
    told_figures = dict(_fit(_COLUMN, text, path) for text in told["Figure"])
    columns = dict(_fit(_COLUMN, text, path) for text in told["Column"]) | told_figures
    _check_sources(path, sql, told["Order"][0], bool(told_figures), columns)
    figures = frozenset([*told_figures, "people"] if told_figures else [])
    fits = dict(_fit(_COLUMN, text, path) for text in told["Fits"])
    given = [_fit(_PARAMETER, text, path) for text in told["Parameter"]]
    parameters = tuple(Parameter(name, kind, default, what, fits.get(name)) for name, kind, default, what in given)
    return Query(path.stem, told["What"][0], parameters, columns, figures, told["Order"][0], sql)


def _fit(pattern: re.Pattern[str], text: str, path: Path) -> tuple[Any, ...]:
    found = pattern.fullmatch(text)
    if found is None:
        raise QueryError(f"{path.name}: {text!r} is not understood: 'Parameter name Type = default: what', 'Column name: what'")
    return found.groups()


def _check_sources(path: Path, sql: str, order: str, has_figures: bool, columns: Mapping[str, str]) -> None:
    read = {*_TABLE.findall(sql)} - {*_CTE.findall(sql)}
    if _COMMA_JOIN.search(sql):
        raise QueryError(f"{path.name}: joins with a comma: say JOIN, so that it can be seen what is read")
    if re.search(r":\s*Identifier\s*\}", sql):
        raise QueryError(f"{path.name}: a parameter cannot be a table's name")
    if foreign := read - SOURCES.keys():
        raise QueryError(f"{path.name}: reads {', '.join(sorted(foreign))}: only {', '.join(SOURCES)} may be read here")
    if past := past_the_layer(f"{order}\n{sql}", columns, _CTE.findall(sql)):
        raise QueryError(f"{path.name}: {past}")
    if "every_hop" in read and not (has_figures and {"own", "people"} <= columns.keys()):
        raise QueryError(f"{path.name}: what reads every_hop has columns own and people, and says which columns are figures")
