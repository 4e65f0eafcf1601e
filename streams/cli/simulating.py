"""``tairyu simulate``: traffic as it might be, from a seed, and what is true of it."""

import gzip
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.cli import app
from streams.cli.answers import PolicyFile, Screen, Sorry, cell
from streams.cli.running import Data, settings_of
from streams.cli.sending import Sender, sending
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import Scenario, load_scenario
from streams.settings import Settings, load_settings
from streams.traffic import EVENTS, TRUTH, Tally, Traffic

STDOUT = Path("-")


@app.command()
def simulate(
    applications: Annotated[int | None, typer.Option(min=1, help="How many are submitted; default: as the scenario has it.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    days: Annotated[int | None, typer.Option(min=1, help="On how many days they are submitted; default: the scenario's.")] = None,
    scenario: Annotated[str, typer.Option(help="nation, town, soka, or a file (.yaml).")] = "nation",
    begins: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day; default: the scenario's, to topics: such that today is its end."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file of events (.ndjson, .ndjson.gz, or - for standard output).")] = None,
    truth: Annotated[Path | None, typer.Option(help="The file of what is true: the final verdict of each hop.")] = None,
    key: Annotated[Path | None, typer.Option(help="The file for the key of the truth's tokens, as `tairyu judge --key` reads it.")] = None,
    policy: PolicyFile = None,
    workers: Annotated[int | None, typer.Option(min=1, help="How many processes; the bytes are the same. Default: one a core.")] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as one line of JSON.")] = False,
) -> None:
    """Make traffic as it might be: kiosks, vendors, municipalities with their real codes, and all that goes wrong, each at its rate.

    Events go to a file by arrival (--out), as `tairyu judge` and `tairyu replay` read them; without --out to the topics of a running
    set-up, where they arrive now. The truth holds at the scenario's end, for events that arrived as the file says.
    """
    settings = settings_of(data) if out is None else None
    policies = load_policies(settings.policy if settings is not None else policy or load_settings().policy)
    told = load_scenario(scenario, applications=applications, days=days, begins=_first_day(begins, settings, scenario, days, policies))
    screen = Screen(stderr=as_json or out == STDOUT)
    with (
        _room(out or truth) as folder,
        _progress() as progress,
        closing(Traffic(told, policies, seed, Path(folder), workers or os.cpu_count() or 1)) as traffic,
    ):
        tally = traffic.tell(_task(progress, "told", told.applications))
        if settings is not None:
            _send(traffic, settings, _task(progress, "sent", tally.events))
        for path, what in ((out, EVENTS), (truth, TRUTH)):
            if path is not None:
                with _written(path) as file:
                    traffic.write(what, file, _task(progress, f"{what} written (bytes)", None))
        if key is not None:
            with _written(key) as file:
                file.write(traffic.key + b"\n")
        kiosks = len(traffic.world.kiosks)
    if as_json:
        print(orjson.dumps(_as_json(tally, kiosks)).decode(), file=sys.stderr if out == STDOUT else sys.stdout)
    else:
        _show(tally, kiosks, told, screen)


def _first_day(begins: datetime | None, settings: Settings | None, scenario: str, days: int | None, policies: Policies) -> Any:
    """A scenario that names its own days (``held``) keeps them."""
    if begins is not None:
        return begins.date()
    own = load_scenario(scenario, days=days)
    if settings is None or own.held is not None:
        return None
    return datetime.now(policies.newest.timezone).date() - timedelta(own.days + own.follow_days)


def _room(path: Path | None) -> "tempfile.TemporaryDirectory[str]":
    """Beside the result: what is made on the way needs as much room."""
    if path is None or path == STDOUT:
        return tempfile.TemporaryDirectory(prefix="tairyu-simulate-")
    try:
        return tempfile.TemporaryDirectory(prefix=".tairyu-simulate-", dir=path.parent)
    except OSError as error:
        raise Sorry(f"{path}: {error.strerror}: nothing can be written there") from error


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with path.open("wb") as file:
            if path.suffix != ".gz":
                yield file
                return
            with gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:  # neither name nor date: the same bytes on every run
                yield packed  # type: ignore[misc]
    except OSError as error:
        raise Sorry(f"{path}: {error.strerror}: the file cannot be written") from error


def _send(traffic: Traffic, settings: Settings, progress: Callable[[int], None]) -> None:
    if settings.simulation:
        raise Sorry("the set-up runs in scenario time: events of today have no place there")
    with sending(settings) as sender:
        for number, line in enumerate(traffic.lines(), 1):
            _check(sender, line, number)
            progress(1)


def _check(sender: Sender, line: bytes, number: int) -> None:
    refused = sender.send(line, f"simulated:{number}")
    if refused is not None:
        raise Sorry(f"simulated event {number}: {refused}: the set-up's parties or policy are not those of the scenario")


def _progress() -> Progress:
    """On stderr, and only where a person looks. Without a thread of its own: processes are forked."""
    console = Screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, auto_refresh=False)


def _task(progress: Progress, name: str, total: int | None) -> Callable[[int], None]:
    task = progress.add_task(name, total=total)

    def advance(more: int) -> None:
        progress.update(task, advance=more)
        if more > 1 or not int(progress.tasks[task].completed) % 1_000:
            progress.refresh()

    return advance


def _as_json(tally: Tally, kiosks: int) -> dict[str, Any]:
    verdicts = [
        {"hop": hop, "verdict": verdict, "level": level, "hops": n} for (hop, verdict, level), n in sorted(tally.verdicts.items(), key=str)
    ]
    counts = {"applications": tally.applications, "kiosks": kiosks, "events": tally.events, "hops": tally.hops}
    return {**counts, "kinds": dict(sorted(tally.kinds.items())), "verdicts": verdicts}


def _show(tally: Tally, kiosks: int, scenario: Scenario, screen: Screen) -> None:
    screen.print(scenario.title, style="bold", markup=False)
    table = Table("kind of traffic", "applications")
    for kind, number in tally.kinds.most_common():
        table.add_row(cell(kind), str(number))
    screen.print(table)
    table = Table("hop", "verdict", "level", "hops")
    for (hop, verdict, level), number in sorted(tally.verdicts.items(), key=str):
        table.add_row(hop, verdict, level or "", str(number))
    screen.print(table)
    screen.print(f"{tally.applications} applications at {kiosks} kiosks, {tally.events} events, {tally.hops} hops", markup=False)
