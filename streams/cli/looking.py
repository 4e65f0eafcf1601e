"""``tairyu stalls``: what is held now."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.live import Live
from rich.table import Table

from schemas.cards import load_cards
from schemas.instants import from_text, from_us
from schemas.records import Verdict
from streams.cli import app
from streams.cli.answers import Screen, cell
from streams.cli.running import Data, settings_of
from streams.held import Held, counts, follow, held_now
from streams.policy import Policy
from streams.policy_file import load_policies

SHOWN = 200
"""Rows of a table in a window; a pipe and --json get all."""


class By(StrEnum):
    KIOSK = "kiosk"
    VENDOR = "vendor"
    HOP = "hop"


@app.command()
def stalls(
    follow_: Annotated[bool, typer.Option("--follow", help="Stay, and show every change.")] = False,
    by: Annotated[By | None, typer.Option(help="Count instead of listing, with the oldest.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines; with --follow, the whole list in one line at each change.")] = False,
    data: Data = None,
) -> None:
    """What is held now, oldest first: application, hop, holder, since when, level, kiosk, both municipalities.

    An application is shown by the first 8 digits of its token, and the last 4 of its id.
    """
    settings, topic = settings_of(data), load_cards()["stalls"].name
    policy = load_policies(settings.policy).newest
    if not follow_:
        _print(held_now(settings, topic), policy, by, as_json)
        return
    changes = _changes(follow(settings, topic, Held()), by)
    screen = Screen()
    if as_json or not screen.is_terminal:
        for held in changes:
            _print_change(held, policy, by, as_json, screen)
        return
    with Live(console=screen, auto_refresh=False) as live:
        for held in changes:
            live.update(_picture(held, policy, by, SHOWN), refresh=True)


def _changes(states: Iterator[Held], by: By | None) -> Iterator[Held]:
    """Each state that differs from the one before, the first one too."""
    before: list[Any] | None = None
    for held in states:
        now = _rows(held, by)
        if now != before:
            before = now
            yield held


def _rows(held: Held, by: By | None) -> list[Any]:
    verdicts = held.oldest_first()
    return [msgspec.to_builtins(verdict) for verdict in verdicts] if by is None else [vars(c) for c in counts(verdicts, by.value)]


def _print(held: Held, policy: Policy, by: By | None, as_json: bool) -> None:
    screen = Screen()
    if as_json:
        for row in _rows(held, by):
            print(orjson.dumps(row).decode())
    else:
        screen.print(_picture(held, policy, by, SHOWN if screen.is_terminal else None))


def _print_change(held: Held, policy: Policy, by: By | None, as_json: bool, screen: Screen) -> None:
    if as_json:
        print(orjson.dumps(_rows(held, by)).decode(), flush=True)
    else:
        screen.print(_picture(held, policy, by, None))


def _picture(held: Held, policy: Policy, by: By | None, shown: int | None) -> Table | str:
    verdicts = held.oldest_first()
    if not verdicts:
        return "Nothing is held."
    return _list(verdicts, policy, shown) if by is None else _counted(verdicts, policy, by)


def _list(verdicts: Sequence[Verdict], policy: Policy, shown: int | None) -> Table:
    hidden = shown is not None and len(verdicts) > shown
    table = Table(title=f"{len(verdicts)} held" + (f", the oldest {shown} shown" if hidden else ""))
    for column in ("application", "hop", "holder", "since", "level", "kiosk", "kiosk in", "lives in"):
        table.add_column(column)
    for verdict in verdicts[:shown]:
        row = (
            f"{verdict.token[:8]}…{verdict.last4}",
            verdict.hop,
            verdict.vendor if verdict.holder == policy.attribution_role and verdict.vendor else verdict.holder,
            local(verdict.entered_at, policy.timezone),
            verdict.level,
            verdict.kiosk or "?",
            verdict.kiosk_municipality or "?",
            verdict.residence_municipality or "?",
        )
        table.add_row(*map(cell, row))
    return table


def _counted(verdicts: Sequence[Verdict], policy: Policy, by: By) -> Table:
    table = Table(by.value, "held", "the oldest since", title=f"{len(verdicts)} held")
    for count in counts(verdicts, by.value):
        table.add_row(cell(count.name), str(count.held), local(count.oldest_at, policy.timezone))
    return table


def local(text: str, zone: ZoneInfo) -> str:
    """An instant for people, in the policy's time zone."""
    return from_us(from_text(text)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
