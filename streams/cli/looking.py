"""``tairyu stalls`` and ``tairyu where``: what is held now, and where one application is."""

import getpass
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from schemas.cards import load_cards
from schemas.instants import from_text, from_us
from schemas.records import Verdict
from streams.cli import app
from streams.cli.running import settings_of
from streams.held import Held, counts, follow, held_now
from streams.policy import Policy
from streams.policy_file import load_policies

SHOWN = 200
"""Rows of a table for people; --json has all."""


class By(StrEnum):
    KIOSK = "kiosk"
    VENDOR = "vendor"
    HOP = "hop"


@app.command()
def stalls(
    follow_: Annotated[bool, typer.Option("--follow", help="Stay, and show every change.")] = False,
    by: Annotated[By | None, typer.Option(help="Count instead of listing, with the oldest.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines; with --follow, the whole list in one line at each change.")] = False,
    data: Annotated[Path | None, typer.Option(help="The folder of a running `tairyu up --data`.")] = None,
) -> None:
    """What is held now, oldest first: application, hop, holder, since when, level, kiosk, both municipalities."""
    settings, topic = settings_of(data), load_cards()["stalls"].name
    policy = load_policies(settings.policy).newest
    if not follow_:
        _show(held_now(settings, topic), policy, by, as_json)
        return
    before: list[Any] | None = None
    with Live(console=Console(), auto_refresh=False, screen=False) if not as_json else _Quiet() as live:
        for held in follow(settings, topic, Held()):
            now = _rows(held, by)
            if now != before:
                before = now
                if as_json:
                    print(orjson.dumps(now).decode(), flush=True)
                else:
                    live.update(_table(held, policy, by), refresh=True)


class _Quiet:
    def __enter__(self) -> Any:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def _rows(held: Held, by: By | None) -> list[Any]:
    verdicts = held.oldest_first()
    return [msgspec.to_builtins(verdict) for verdict in verdicts] if by is None else [vars(c) for c in counts(verdicts, by.value)]


def _show(held: Held, policy: Policy, by: By | None, as_json: bool) -> None:
    if as_json:
        for row in _rows(held, by):
            print(orjson.dumps(row).decode())
    else:
        Console().print(_table(held, policy, by))


def _table(held: Held, policy: Policy, by: By | None) -> Table | str:
    verdicts = held.oldest_first()
    if not verdicts:
        return "Nothing is held."
    return _list(verdicts, policy) if by is None else _counted(verdicts, policy, by)


def _list(verdicts: Sequence[Verdict], policy: Policy) -> Table:
    hidden = len(verdicts) - SHOWN
    table = Table(title=f"{len(verdicts)} held" + (f", the oldest {SHOWN} shown" if hidden > 0 else ""))
    for column in ("application", "hop", "holder", "since", "level", "kiosk", "kiosk in", "lives in"):
        table.add_column(column)
    for verdict in verdicts[:SHOWN]:
        table.add_row(
            f"{verdict.token[:8]}…{verdict.last4}",
            verdict.hop,
            verdict.vendor if verdict.holder == policy.attribution_role and verdict.vendor else verdict.holder,
            local(verdict.entered_at, policy.timezone),
            verdict.level,
            verdict.kiosk or "?",
            verdict.kiosk_municipality or "?",
            verdict.residence_municipality or "?",
        )
    return table


def _counted(verdicts: Sequence[Verdict], policy: Policy, by: By) -> Table:
    table = Table(title=f"{len(verdicts)} held")
    for column in (by.value, "held", "the oldest since"):
        table.add_column(column)
    for count in counts(verdicts, by.value):
        table.add_row(count.name, str(count.held), local(count.oldest_at, policy.timezone))
    return table


def local(text: str, zone: ZoneInfo) -> str:
    """An instant for people, in the policy's time zone."""
    return from_us(from_text(text)).astimezone(zone).strftime("%Y-%m-%d %H:%M")


@app.command()
def where(
    data: Annotated[Path | None, typer.Option(help="The folder of a running `tairyu up --data`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Where one application is: for the person at the counter.

    Asks for the application's id (申請書ID), or reads it from standard input. It is never an argument, never echoed, never logged.
    "Nobody has reported it to us" is an answer: exit code 0.
    """
    from streams.cli.whereabouts import answer, sentence

    typed = getpass.getpass("申請書ID（23桁）: ") if sys.stdin.isatty() else sys.stdin.readline()
    settings = settings_of(data)
    policies = load_policies(settings.policy)
    found = answer(settings, policies, typed)
    print(orjson.dumps(found).decode() if as_json else sentence(found, policies.newest))
