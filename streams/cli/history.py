"""``tairyu query``: named queries, and read-only SQL, against history."""

import csv
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from streams.cli import app
from streams.cli.answers import Screen, Sorry, cell
from streams.cli.asking import history_client
from streams.cli.running import Data, settings_of


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def query(
    asked: Annotated[str | None, typer.Argument(help="A named query (see --list), or one statement of SQL; - for SQL from stdin.")] = None,
    given: Annotated[list[str] | None, typer.Argument(help="Of a named query: NAME=VALUE for each of its parameters.")] = None,
    towns: Annotated[str | None, typer.Option("--for", help="Whose question it is: municipalities' codes, with commas, or all.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the named queries; of the one that is named, also its columns.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json: one JSON object a line.")] = False,
    data: Data = None,
) -> None:
    """Ask history, read-only. What is written there is some seconds behind what is held now.

    A named query, for example `tairyu query hop_times hop=forward by=vendor --for 112216`, sees the applications of these
    municipalities alone (by the kiosk or by where the applicant lives); where it compares with others, figures about fewer than ten
    people are left out. `--for all` is the operator's.

    SQL is the operator's, too. Tables of the database tairyu: events, refusals, transitions (every one that was said), hops (with
    superseded versions), applications, coverage (how far each feed was read), ranges. Views: hops_now (each hop of each application, as
    last judged), stalls_now (each stall that is open). Instants are UTC.
    """
    shape, question = Format.JSON if as_json else format_, None
    if list_ or (asked is not None and re.fullmatch(r"\w+", asked)):
        queries = import_module("sinks.named_queries")  # by name, as stages are
        try:
            question = None if asked is None else queries.named_query(asked)
            if list_:
                _print(*(_listed(queries.read_queries().values()) if question is None else _explained(question)), shape)
                return
            assert question is not None
            sql, values = question.bound(_pairs(given or []), [*filter(None, (towns or "").split(","))])
        except queries.QueryError as error:
            raise Sorry(str(error)) from error
    elif asked is None:
        raise Sorry("what is asked? Name a query (tairyu query --list), or give one statement of SQL")
    elif given or towns:
        raise Sorry("SQL has no parameters here, and is the operator's alone: --for and NAME=VALUE go with a named query")
    else:
        sql, values = sys.stdin.read() if asked == "-" else asked, {}
    client = history_client(settings_of(data))
    # Before the question: the answer knows at least as much
    read_to = None if question is None or shape is not Format.TABLE else client.query(queries.SOURCES["read_to"]).result_rows[0][0]
    found = client.query(sql, parameters=values, settings=_only_reading(client))
    _print(list(found.column_names), found.result_rows, shape)
    if read_to is not None and read_to.year > 1970:
        Screen().print(f"as history was read up to {_text(read_to)}")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    for text in given:
        if "=" not in text:
            raise Sorry(f"{text!r}: expected NAME=VALUE, for example hop=forward")
    return {name: value for name, _, value in (text.partition("=") for text in given)}


def _listed(queries: Iterable[Any]) -> tuple[list[str], list[list[str]]]:
    shown = [[query.name, query.what, " ".join(map(_shown, query.parameters))] for query in queries]
    return ["query", "what it answers", "parameters"], shown


def _explained(query: Any) -> tuple[list[str], list[list[str]]]:
    told = [[_shown(parameter), "parameter", parameter.what] for parameter in query.parameters]
    return ["name", "", "what"], told + [[column, "column", what] for column, what in query.columns.items()]


def _shown(parameter: Any) -> str:
    return f"{parameter.name}={'…' if parameter.default is None else parameter.default}"


def _only_reading(client: Any) -> dict[str, int]:
    """The setting by which nothing can be written; where it holds already, as with `tairyu up`, nobody may touch it."""
    return {} if int(client.command("SELECT getSetting('readonly')")) else {"readonly": 2}


def _print(names: list[str], rows: Sequence[Sequence[Any]], format_: Format) -> None:
    if format_ is Format.JSON:
        for row in rows:
            print(orjson.dumps(dict(zip(names, row, strict=True)), default=str, option=orjson.OPT_UTC_Z).decode())
    elif format_ is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in rows)
    else:
        Screen().print(table_of(names, rows))


def table_of(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    table = Table(*names)
    for row in rows:
        table.add_row(*(cell(_text(value)) for value in row))
    return table


def _text(value: object) -> str:
    """As JSON has it: an instant in UTC with Z, nothing for null, lists and maps as JSON."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list | dict | tuple):
        return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
    return str(value)
