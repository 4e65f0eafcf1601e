"""``tairyu export``: a log as lines, and history as files for others."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.cards import load_cards
from streams.cli import app
from streams.cli.answers import Screen, Sorry, print_lines
from streams.cli.asking import history_client
from streams.cli.running import Data, settings_of
from streams.export import line_of, read_log
from streams.policy_file import load_policies

export_app = typer.Typer(no_args_is_help=True, help="Print a log as JSON lines, or write history as files for others.")
app.add_typer(export_app, name="export")
LEAST_KEY = 32
LINES = "Every committed record to its end as it is now: partition, offset, key, value."
Tell = Callable[[int], None]
Write = Callable[[Path, Iterator[Any]], None]


class Form(StrEnum):
    OCEL = "ocel"
    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"


@export_app.command(name="custody-log", help=f"Print the custody-log as JSON lines. {LINES}")
def custody_log(data: Data = None) -> None:
    _print_log("custody-log", data)


@export_app.command(name="stall-events", help=f"Print the stall-events as JSON lines. {LINES}")
def stall_events(data: Data = None) -> None:
    _print_log("stall-events", data)


def _print_log(card: str, data: Path | None) -> None:
    print_lines(map(line_of, read_log(settings_of(data), load_cards()[card].name)))


@export_app.command()
def history(
    out: Annotated[Path, typer.Option("--out", help="The folder; it is made, and must be empty.")],
    towns: Annotated[str, typer.Option("--for", help="Whose applications: municipalities' codes, with commas, or all.")],
    form: Annotated[Form, typer.Option("--as", help="ocel: one OCEL 2.0 file (JSON); the others: a file for each table.")] = Form.PARQUET,
    since: Annotated[str | None, typer.Option("--from", help="From this instant, or day, on: events arrived, hops entered.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this instant, or day.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="A key of 32 bytes or more, to join exports on purpose; default: a fresh one.")
    ] = None,
    data: Data = None,
) -> None:
    """Write history as files for others: hops, events and transitions of these municipalities' applications.

    ocel is for process mining; csv has Japanese headers and opens in Excel; parquet and arrow are for programs. Applications, events and
    batches have identities of this export alone: two exports can be joined by them only where both were given the same --key-file. What
    happened when and where stands there as it is, and may still be recognised by who knows it.
    """
    key, settings = _key(key_file), settings_of(data)
    exporting, named = import_module("sinks.exporting"), import_module("sinks.named_queries")  # by name, as stages are
    span = {name: text for name, text in (("from", since), ("to", until)) if text is not None}
    asked = [town for town in towns.split(",") if town]
    try:
        for query in exporting.queries().values():
            query.bound(span, asked)  # said before anything is written
    except named.QueryError as error:
        raise Sorry(str(error)) from error
    _empty(out)
    client, rekey = history_client(settings), exporting.Rekey(key)

    def pieces(table: str, tell: Tell) -> Iterator[Any]:
        for piece in exporting.rows(client, exporting.queries()[table], asked, span, rekey):
            tell(piece.num_rows)
            yield piece

    if form is Form.OCEL:
        told = [_written(out / "history.ocel.json", partial(_write_ocel, pieces))]
    else:
        zone = load_policies(settings.policy).newest.timezone
        told = [_written(path, partial(_write_table, exporting, form, zone, pieces, table)) for table, path in _paths(out, form).items()]
    print("\n".join(told))
    if key_file is None:
        print("identities are of this export alone: their key is not kept")


def _paths(out: Path, form: Form) -> Mapping[str, Path]:
    names = import_module("sinks.export_words").FILES
    return {table: out / f"{names[table] if form is Form.CSV else table}.{form}" for table in import_module("sinks.exporting").queries()}


def _write_table(exporting: Any, form: Form, zone: Any, pieces: Any, table: str, path: Path, tell: Tell) -> None:
    writers: dict[Form, Write] = {
        Form.PARQUET: exporting.write_parquet,
        Form.ARROW: exporting.write_arrow,
        Form.CSV: partial(exporting.write_csv, zone=zone),
    }
    writers[form](path, pieces(table, tell))


def _write_ocel(pieces: Any, path: Path, tell: Tell) -> None:
    def rows(table: str) -> Iterator[Mapping[str, Any]]:
        return (row for piece in pieces(table, tell) for row in piece.to_pylist())

    log = import_module("sinks.ocel").Log()
    log.add_hops(rows("hops"))
    with path.open("wb") as file:
        file.writelines(log.parts(rows("events"), rows("transitions")))


def _written(path: Path, write: Callable[[Path, Tell], None]) -> str:
    """Under its name only when it is whole; what to say of it."""
    unfinished = path.with_name(f"{path.name}.part")
    with _progress(path.name) as progress:
        write(unfinished, partial(progress.advance, progress.tasks[0].id))
        count = int(progress.tasks[0].completed)
    unfinished.rename(path)
    return f"{path}: {count} rows"


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    screen = Screen(stderr=True)
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TextColumn("rows"), TimeElapsedColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        progress.add_task(name, total=None)
        yield progress


def _key(path: Path | None) -> bytes:
    if path is None:
        return secrets.token_bytes(LEAST_KEY)
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise Sorry(f"--key-file: {path}: {error.strerror}") from error
    if len(key) < LEAST_KEY:
        raise Sorry(f"--key-file: {path}: expected {LEAST_KEY} bytes or more: openssl rand -hex 32 > {path}")
    return key


def _empty(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise Sorry(f"--out: {out} is not empty: name another folder, so that no two exports lie in one")
    except OSError as error:
        raise Sorry(f"--out: {out}: {error.strerror}") from error
