"""``tairyu report``: a municipality's month, from history, as a page that prints."""

import re
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.booths import municipalities
from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.asking import ask, history_client
from streams.cli.running import Data, settings_of
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings


@app.command()
def report(
    municipality: Annotated[str, typer.Option("--municipality", help="Its code of six digits, of which the last is a check digit.")],
    month: Annotated[str, typer.Option("--month", help="For example 2026-04: from its first to its last day in the policy's time zone.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file; default: report-CODE-MONTH.html here.")] = None,
    data: Data = None,
) -> None:
    """What a council would read of one month: what was held, by whom, since when, whose duty it was, and what changed.

    One HTML page that stands by itself (no scripts, nothing from elsewhere) and prints on A4, Japanese first, then English. It says what
    is known now of that month: applications of people who live there or used a kiosk there.
    """
    settings = settings_of(data)
    page = report_of(history_client(settings), settings, municipality, month)
    path = out or Path(f"report-{municipality}-{month}.html")
    path.write_text(page, encoding="utf-8")
    print(f"{path} written: open it in a browser, and print it from there")


def report_of(client: Any, settings: Settings, municipality: str, month: str) -> str:
    """The page. Sorry if there is no such month or municipality."""
    return str(import_module("sinks.report").report_page(month_of(client, settings, municipality, month)))


def month_of(client: Any, settings: Settings, municipality: str, month: str) -> Any:
    """What the page is about. Sorry if there is no such month or municipality."""
    policy = load_policies(settings.policy).newest
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    if found is None or not 1900 <= int(found[1]) < 2299:
        raise Sorry(f"--month: expected a month such as 2026-04, got {month!r}")
    begin = datetime(int(found[1]), int(found[2]), 1, tzinfo=policy.timezone)
    before, end = _next(begin, -1), _next(begin, 1)

    def rows(query: str, since: datetime = begin, until: datetime = end, **given: str) -> list[dict[str, Any]]:
        spans = {"from": since.isoformat(), "to": until.isoformat()}
        return ask(client, query, {**spans, **given}, [municipality], "--municipality: ")

    (numbers,), (numbers_before,) = rows("numbers"), rows("numbers", before, begin)
    unsupervised = rows("unsupervised")
    return import_module("sinks.report").Month(
        code=municipality,
        town=" ".join(municipalities().get(municipality, (municipality,))),
        begin=begin,
        end=end,
        numbers=numbers,
        before=numbers_before,
        causes=rows("causes"),
        causes_before=rows("causes", before, begin),
        unsupervised=unsupervised,
        times=[(hop, row) for hop in policy.hops for row in rows("hop_times", hop=hop, by="all") if row["own"]],
        policy=policy,
        vendors={name: party.label for name, party in load_parties(settings.parties, policy).parties.items()},
        seen=bool(unsupervised),
    )


def _next(month: datetime, by: int) -> datetime:
    place = month.year * 12 + month.month - 1 + by
    return month.replace(year=place // 12, month=place % 12 + 1)
