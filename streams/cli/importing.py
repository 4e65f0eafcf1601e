"""``tairyu import``: files of events into history, past the topics."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.reasons import Reason, Refused
from streams.cli import app
from streams.cli.answers import Screen, Sorry, why
from streams.cli.reading import Speaker, check_speaker
from streams.files import check_readable
from streams.loop import LoopError
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.run_file import ensure_key, held
from streams.settings import Settings, load_settings


@app.command(name="import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Files of events: .parquet, .ndjson, .ndjson.gz, .csv with a header; more than one is one import.")
    ],
    name: Annotated[str | None, typer.Option(help="What it is called in history: `import:NAME`. Default: the file's name.")] = None,
    speaker: Speaker = None,
    data: Annotated[Path | None, typer.Option(help="The folder of a `tairyu up --data`, which is not running.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="How many processes; the rows are the same. Default: one a core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was imported as one line of JSON.")] = False,
) -> None:
    """Load what happened before into history, in bulk: ClickHouse's tables get the rows, and nobody is told.

    Each line is checked by intake's own code: a refused one is named on stderr with its number and what to do, the rest is imported (exit
    code 1). Events are judged as of their arrival (`received`, else `time`), as `tairyu judge` does. Killed, it is run again: nothing is
    missing then, and nothing stands twice. The same files again are there already; other files of the same name take their place.
    """
    for path in files:
        if str(path) == "-":
            raise Sorry("-: import reads its files twice: name files")
        check_readable(str(path))
    settings, title = _settings(data), name or _title(files)
    check_speaker(speaker, load_parties(settings.parties, load_policies(settings.policy).newest))
    importing = import_module("sinks.importing")  # by name, as stages are
    with nullcontext() if data is None else held(data), _progress() as (console, progress):

        def tell_refused(path: Path, number: int, reason: Reason, fault: str) -> None:
            said = f"{given[path]}:{number}: {why(Refused(reason, fault))}"
            console.print(said, markup=False, highlight=False, soft_wrap=True)

        given = {path.resolve(): path for path in files}
        try:
            done = importing.import_files(
                settings, files, name=title, speaker=speaker, workers=workers, tell_refused=tell_refused, progress=progress
            )
        except LoopError as error:
            raise Sorry(str(error)) from error
    print(orjson.dumps(_as_json(done)).decode() if as_json else _as_text(done))
    raise typer.Exit(1 if done.refused else 0)


def _settings(data: Path | None) -> Settings:
    settings = load_settings()
    if data is None:
        return settings
    if not data.is_dir():
        raise Sorry(f"{data}: no such folder; `tairyu up --data {data}` makes it")
    own = {"clickhouse_url": None, "history_dir": data / "history", "key_file": settings.key_file or ensure_key(data)}
    return settings.model_copy(update=own)


def _title(files: list[Path]) -> str:
    if len(files) > 1:
        raise Sorry("several files are one import: say by --name what it is called")
    return files[0].name.partition(".")[0]


def _as_json(done: Any) -> dict[str, Any]:
    rows = {table: done.rows[table] for table in ("hops", "transitions", "applications")}
    counts = {"name": done.name, "there_as": done.there_as, "events": done.events, "refused": done.refused, **rows}
    return {**counts, "seconds": round(done.seconds, 2), "events_per_second": round(done.per_second)}


def _as_text(done: Any) -> str:
    if done.there_as is not None:
        return f"these files are in history already, as import:{done.there_as}: nothing was inserted"
    rows = f"{done.rows['hops']} hops, {done.rows['transitions']} transitions"
    speed = f"{done.seconds:.1f} s, {done.per_second:,.0f} events/s"
    return f"import:{done.name}: {done.events} events, {done.refused} refused; {rows}; {speed}"


@contextmanager
def _progress() -> Iterator[tuple[Any, Callable[[str, int, int | None], None]]]:
    """On stderr, and only where a person looks: its console, and what is told of each step."""
    console = Screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def progress(step: str, more: int, of: int | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task({"read": "lines read", "judged": "shares judged"}[step], total=of)
            bars.update(tasks[step], advance=more)

        yield console, progress
