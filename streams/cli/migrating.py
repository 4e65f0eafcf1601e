"""``tairyu migrate``: history's tables, as this version needs them."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

import typer

from streams.cli import app
from streams.cli.answers import Sorry
from streams.connection import clickhouse
from streams.loop import LoopError
from streams.settings import Settings, load_settings


class Form(StrEnum):
    SINGLE = "single"
    REPLICATED = "replicated"


NOT_RUN = "-- The replicated form is generated from the same files, and has not been run on replicas by those who wrote it: try it first."


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be applied, and change nothing.")] = False,
    dialect: Annotated[
        Form | None, typer.Option(help="For a first time: tables of one server, or replicated ones. With --dry-run: print its SQL.")
    ] = None,
) -> None:
    """Apply the migrations that history's database lacks (TAIRYU_CLICKHOUSE_URL, or the folder TAIRYU_HISTORY_DIR).

    A history stage does it by itself as it starts. Beforehand, somebody with more rights can do it, or see what it would be. Replicas (one
    shard; macros cluster, shard, replica; not run here) are begun with --dialect replicated: whoever comes later goes on with that.
    """
    migrations = import_module("sinks.migrate")  # by name, as stages are
    every, spoken = migrations.read_migrations(), dialect and import_module("sinks.dialects").Dialect(dialect.value)
    settings = load_settings()
    try:
        if not dry_run:
            if dialect is Form.REPLICATED and clickhouse(settings) is None:
                raise Sorry("--dialect replicated: only servers have replicas: name one of them (TAIRYU_CLICKHOUSE_URL)")
            with _history(settings, spoken or import_module("sinks.dialects").Dialect.SINGLE) as store:
                applied = store.migrate(every, spoken)
            print(f"applied: {', '.join(applied)}" if applied else "nothing was missing")
            return
        found = _missing(settings, every, nowhere=spoken is not None)
        if spoken is not None and found:
            print(f"{NOT_RUN}\n\n" if dialect is Form.REPLICATED else "", migrations.script(found, spoken, "tairyu"), sep="", end="")
            return
    except LoopError as error:
        raise Sorry(str(error)) from error
    for migration in found:
        what, why, blocks = migration.head
        print(f"{migration.number:04} {migration.name}\n  what: {what}\n  why: {why}\n  blocks: {blocks}")
    if not found:
        print("nothing is missing")


def _missing(settings: Settings, every: Sequence[Any], *, nowhere: bool) -> Sequence[Any]:
    """``nowhere``: without any history in the settings, everything."""
    folder = settings.history_dir
    if clickhouse(settings) is None and (nowhere if folder is None else not [*folder.glob("*")]):
        print("tairyu: no history stands there yet: this is for an empty one", file=sys.stderr)
        return every
    with _history(settings, None) as store:
        found: Sequence[Any] = store.missing(every)
    return found


@contextmanager
def _history(settings: Settings, made_in: Any) -> Iterator[Any]:
    """``made_in``: the dialect in which the database is made if need be; None: it is not."""
    server, folder = clickhouse(settings), settings.history_dir
    if server is None and folder is None:
        raise Sorry("no history is configured: set TAIRYU_CLICKHOUSE_URL or TAIRYU_HISTORY_DIR; `tairyu up` migrates its own as it starts")
    store = import_module("sinks.clickhouse").Store
    if server is not None:
        with closing(store.on_server(server, made_in=made_in)) as opened:
            yield opened
        return
    assert folder is not None
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)  # chDB loads ./config.xml in silence: so to where there is none
    with closing(store.in_folder(folder, made_in=made_in)) as opened:
        yield opened
