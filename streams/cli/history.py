"""``tairyu query``: read-only SQL against history."""

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from streams.cli import app
from streams.cli.answers import Screen, cell
from streams.cli.asking import history_client
from streams.cli.running import Data, settings_of


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One statement, for example: SELECT hop, count() FROM hops_now GROUP BY hop; - for stdin.")],
    format_: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json: one JSON object a line.")] = False,
    data: Data = None,
) -> None:
    """Ask history by SQL, read-only. What is written there is some seconds behind what is held now.

    Tables of the database tairyu: events, refusals, transitions (every one that was said), hops (with superseded versions). Views:
    hops_now (each hop of each application, as last judged), stalls_now (each stall that is open). Instants are UTC.
    """
    client = history_client(settings_of(data))
    found = client.query(sys.stdin.read() if sql == "-" else sql, settings=_only_reading(client))
    _print(list(found.column_names), found.result_rows, Format.JSON if as_json else format_)


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
