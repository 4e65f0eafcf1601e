"""``tairyu curve``: how soon a hop would be noticed, and how often in error, were its limits others."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.progress import track

from schemas.events import Event
from schemas.reasons import Refused
from streams import curve as curves
from streams.cli import app
from streams.cli.answers import PartiesFile, PolicyFile, Screen, Sorry, instant, key_from, why
from streams.cli.asking import history_client
from streams.cli.history import table_of
from streams.cli.reading import Reading, Speaker, check_speaker
from streams.cli.running import Data, settings_of
from streams.connection import clickhouse
from streams.gate import Gate
from streams.judge import latest_arrival_us
from streams.loop import LoopError
from streams.parties import load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import Settings, load_settings

FACTORS = "0.5,0.75,1,1.5,2,3"


@app.command()
def curve(
    hop: Annotated[str, typer.Option("--hop", help="Which hop of the policy, for example forward.")],
    factors: Annotated[
        str, typer.Option("--factors", help="By which its limits are multiplied, with commas; 1 is always there.")
    ] = FACTORS,
    file: Annotated[str | None, typer.Option("--file", help="Judge a file of events instead of history; nothing is kept.")] = None,
    speaker: Speaker = None,
    until: Annotated[str | None, typer.Option(help="With --file: judge silence up to this instant; default: the latest arrival.")] = None,
    policy: PolicyFile = None,
    parties: PartiesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    data: Data = None,
) -> None:
    """Detection delay against false alarms: judge all of history again, by the rules of the watch, under other limits of one hop.

    On a ClickHouse server the run is kept, once, and `tairyu query curve hop=HOP --for CODES` shows it to a town for its own applications.
    An alarm is right if the hop was held beyond the first limit of factor 1, false if it ended within it or is void; where neither can be
    known it is undecided.
    """
    if file is None and (speaker is not None or until is not None):
        raise Sorry("--speaker and --until go with --file: history has its own speakers, and its own clock")
    settings = load_settings() if file is not None else settings_of(data)
    policies = load_policies(policy or settings.policy)
    who = load_parties(parties or settings.parties, policies.newest)
    check_speaker(speaker, who)
    try:
        scaled = curves.under(policies, hop, _factors(factors))
    except curves.CurveError as error:
        raise Sorry(str(error)) from error
    rules = import_module("sinks.curve")  # by name, as stages are
    if file is not None:
        source = _of_file(file, Gate(policies, who, key_from(None, told=False)), speaker, instant(until, "--until"))
    else:
        source = _of_history(history_client(settings), policies)
    run = rules.Run(hop, tuple(scaled), source.logs, source.events, source.known_us, rules.rules_of(who, policies))
    try:
        with _store(settings if file is None else None) as store:
            _keep(store, run, scaled, source)
            question = import_module("sinks.named_queries").named_query("curve")
            _print([*question.columns], store.query(*question.bound({"hop": hop, "run": run.name}, ["all"])), as_json)
    except LoopError as error:
        raise Sorry(str(error)) from error


class _Source(NamedTuple):
    """Events by application, and what they are known by."""

    logs: tuple[str, ...]
    known_us: int
    events: int
    applications: int
    read: Iterable[Event]


def _of_file(path: str, gate: Gate, speaker: str | None, until_us: int | None) -> _Source:
    def tell_refused(path: str, number: int, refused: Refused) -> None:
        print(f"{path}:{number}: {why(refused)}", file=sys.stderr)

    def admit(line: bytes, *, origin: str) -> Event:
        return gate.admit_line(line, origin=origin, speaker=speaker)

    events = [event for event in Reading(admit, [path], tell_refused).events() if event.subject is not None]
    events.sort(key=lambda event: event.subject or "")
    known_us = latest_arrival_us(events) if until_us is None else until_us
    return _Source((path,), known_us, len(events), len({event.subject for event in events}), events)


def _of_history(client: Any, policies: Policies) -> _Source:
    rules = import_module("sinks.curve")
    ((logs, known_us, events, applications),) = client.query(rules.SOURCE).result_rows

    def read() -> Iterator[Event]:
        with client.query_rows_stream(rules.EVENTS) as rows:
            for row in rows:
                yield rules.read_event(row, policies)

    return _Source(tuple(logs), known_us, events, applications, read())


@contextmanager
def _store(settings: Settings | None) -> Iterator[Any]:
    """A server's history, which keeps the run; else one that is forgotten: that of a running `tairyu up` only answers."""
    server = None if settings is None else clickhouse(settings)
    store = import_module("sinks.clickhouse").Store
    if server is not None:
        with closing(store.on_server(server, made_in=None)) as opened:
            yield opened
        return
    if settings is not None:
        print("tairyu: not kept: the history of `tairyu up` only answers; a ClickHouse server's is written", file=sys.stderr)
    here = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)  # chDB loads ./config.xml in silence: so to where there is none
        try:
            with closing(store.in_folder(Path(folder) / "history")) as opened:
                opened.migrate(import_module("sinks.migrate").read_migrations())
                yield opened
        finally:
            os.chdir(here)


def _keep(store: Any, run: Any, scaled: Mapping[float, Policies], source: _Source) -> None:
    rules = import_module("sinks.curve")
    if rules.is_whole(store, run):
        return
    judging = rules.keep(store, run, scaled, rules.blocks(source.read))
    screen = Console(stderr=True)
    for _ in track(judging, "judging", total=-(-source.applications // rules.APPLICATIONS), console=screen, disable=not screen.is_terminal):
        pass


def _factors(text: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError as error:
        raise Sorry(f"--factors: expected numbers with commas between, such as {FACTORS}, got {text!r}") from error


def _print(names: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool) -> None:
    if not as_json:
        Screen().print(table_of(names, rows))
        return
    for row in rows:
        print(orjson.dumps(dict(zip(names, row, strict=True))).decode())
