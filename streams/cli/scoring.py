"""``tairyu scorecard``: what can be measured of each vendor, by published criteria, and where nothing can be said."""

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from streams.booths import municipalities
from streams.cli import app
from streams.cli.answers import Screen, Sorry, cell
from streams.cli.asking import ask, history_client
from streams.cli.running import Data, settings_of
from streams.parties import Parties, load_parties
from streams.policy import Policy
from streams.policy_file import load_policies
from streams.settings import Settings

EVERYWHERE = "all"


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    HTML = "html"


@app.command()
def scorecard(
    towns: Annotated[str, typer.Option("--for", help="Whose applications: municipalities' codes, with commas, or all.")],
    vendor: Annotated[str | None, typer.Option("--vendor", help="Only this vendor; default: every vendor of the parties file.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="What began on or after this day (2026-04-01) or instant.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="And before this one.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="A table, a JSON object a line, or a page that prints on A4.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file; default: standard output.")] = None,
    data: Data = None,
) -> None:
    """How each vendor does by the published criteria (docs/scorecard.md), with the command that lists the cases of each figure.

    Where records are missing, too few, or do not tell the end, a figure is unknown, and said to be: silence never improves one. Of
    inspections, replies and disputes the parties file tells.
    """
    cards = cards_of(settings_of(data), towns, vendor, begin, end)
    if format_ is Format.TABLE and out is None:
        Screen().print(_table(cards))
        return
    text = {Format.TABLE: _plain, Format.JSON: _lines, Format.HTML: import_module("sinks.scorecard").scorecard_page}[format_](cards)
    if out is None:
        print(text, end="")
        return
    out.write_text(text, encoding="utf-8")
    print(f"{out} written")


def cards_of(settings: Settings, towns: str, vendor: str | None, begin: str | None, end: str | None) -> Any:
    """The ``Cards`` of that time. Sorry for a vendor, a municipality or an instant that is none."""
    policy = load_policies(settings.policy).newest
    parties = load_parties(settings.parties, policy)
    role = policy.attribution_role
    known = [name for name, party in parties.parties.items() if party.role == role]
    if vendor is not None and vendor not in known:
        raise Sorry(f"--vendor: no {role} is named {vendor!r}: {', '.join(known)} are")
    spans = {name: text for name, text in (("from", begin), ("to", end)) if text is not None}
    codes = [*filter(None, towns.split(","))]
    client = history_client(settings)
    asked = {"vendor": vendor or "", "holder": role, "register": _register(parties, policy).decode(), **_claims(policy), **spans}
    rows = ask(client, "scorecard", asked, codes)
    (numbers,) = ask(client, "numbers", {}, codes)
    return import_module("sinks.scorecard").Cards(
        rows=rows,
        parties=parties.parties,
        policy=policy,
        towns=[] if codes == [EVERYWHERE] else [" ".join(municipalities().get(code, (code,))) for code in codes],
        asked_for=",".join(codes),
        begin=begin,
        end=end,
        read_to=numbers["read_to"],
    )


def _register(parties: Parties, policy: Policy) -> bytes:
    """What the query cannot know from history: who there is, which hops they have, and what was inspected."""
    role = policy.attribution_role
    vendors = parties.of_role(role)
    inspections = [
        {"vendor": name, "kind": each.kind, "day": each.on, "valid_until": each.valid_until, "result": each.result}
        for name in vendors
        for each in parties.parties[name].inspections
    ]
    hops = [name for name, hop in policy.hops.items() if hop.holder == role and hop.watched]
    return orjson.dumps({"vendors": vendors, "hops": hops, "inspections": inspections})


def _claims(policy: Policy) -> dict[str, str]:
    """The milestone that is but a claim, and the next that is none: the one that bears it out."""
    names = [*policy.milestones]
    claimed = next((name for name in names if policy.milestones[name].claim), None)
    if claimed is None:
        return {"claimed": ""}
    after = names[names.index(claimed) + 1 :]
    return {"claimed": claimed, "received": next((name for name in after if not policy.milestones[name].claim), "")}


def _table(cards: Any) -> Table:
    names = (
        "vendor",
        "criterion",
        "hop",
        "value",
        "95 % interval",
        "for / cases",
        "undetermined",
        "state",
        "the vendor's word",
        "evidence",
    )
    table = Table(*names)
    page = import_module("sinks.scorecard")
    for row in cards.rows:
        said = [f"{kind} {told.on} ({told.state}): {told.text}" for kind, told in page.statements(cards.parties.get(row["vendor"]), row)]
        spread = "" if row["at_least"] is None else f"{row['at_least']:.1%} - {row['at_most']:.1%}"
        counted = f"{'-' if row['hits'] is None else row['hits']} / {row['cases']}"
        state = f"{row['state']}: {row['why']}" if row["why"] else row["state"]
        shown = (row["vendor"], row["criterion"], row["hop"], _value(row), spread, counted, row["undetermined"], state, "; ".join(said))
        table.add_row(*(cell(str(text)) for text in (*shown, page.command(row, cards.asked_for) or "the parties file")))
    return table


def _value(row: Mapping[str, Any]) -> str:
    value = row["value"]
    if value is None:
        return "unknown"
    if row["unit"] == "result":
        return "passed" if value else "failed"
    return f"{value:.1%}" if row["unit"] == "share" else f"{value:.4g} {row['unit']}"


def _plain(cards: Any) -> str:
    screen = Screen()
    with screen.capture() as captured:
        screen.print(_table(cards))
    return captured.get()


def _lines(cards: Any) -> str:
    """A row of the query each, with what the parties file says of the figure."""
    page = import_module("sinks.scorecard")
    lines = []
    for row in cards.rows:
        party = cards.parties.get(row["vendor"])
        said = [{"kind": kind, "on": told.on, "state": told.state, "text": told.text} for kind, told in page.statements(party, row)]
        been = page.inspection_of(party, row, cards.read_to) if row["unit"] == "result" else None
        more = {"label": party.label if party else row["vendor"], "statements": said, "inspection": been}
        lines.append(orjson.dumps({**row, **more}, default=str).decode() + "\n")
    return "".join(lines)
