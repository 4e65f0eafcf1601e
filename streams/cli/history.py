"""``tairyu query``: read-only SQL against history."""

import csv
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from rich.table import Table

from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.asking import first_line, history_client
from streams.cli.running import settings_of


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One statement, for example: SELECT hop, count() FROM hops GROUP BY hop; - for stdin.")],
    format_: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json: one JSON object a line.")] = False,
    data: Annotated[Path | None, typer.Option(help="The folder of a running `tairyu up --data`.")] = None,
) -> None:
    """Ask history by SQL, read-only. Tables: events, refusals, hops, transitions (database tairyu)."""
    client = history_client(settings_of(data))
    try:
        found = client.query(sys.stdin.read() if sql == "-" else sql, settings={"readonly": 2})
    except ClickHouseError as error:
        raise Sorry(f"history could not answer: {first_line(error)}") from error
    _print(list(found.column_names), found.result_rows, Format.JSON if as_json else format_)


def _print(names: list[str], rows: Any, format_: Format) -> None:
    if format_ is Format.JSON:
        for row in rows:
            print(orjson.dumps(dict(zip(names, row, strict=True)), default=str, option=orjson.OPT_UTC_Z).decode())
    elif format_ is Format.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerows([names, *rows])
    else:
        Console().print(table_of(names, rows))


def table_of(names: list[str], rows: Any) -> Table:
    table = Table(*names)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    return table
