"""The scorecard as a page and as a command: what is unknown is said to be, and the vendor's word stands beside its figure."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import Store
from sinks.clickhouse_http import Front
from sinks.migrate import read_migrations
from sinks.scorecard import Cards, command, inspection_of, scorecard_page
from streams.audits import Inspection, Statement
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.sinks.test_report import Page
from tests.sinks.test_scorecard import Filled, read_well, twenty

ROOT = Path(__file__).parents[2]
POLICY = load_policies(Settings().policy).newest
PARTIES = load_parties(Settings().parties, POLICY).parties
REPLY = Statement(date(2026, 4, 9), "in_time", "upload", "published", "a line was <cut>")
DISPUTE = Statement(date(2026, 4, 10), "in_time", None, "open", "the clock was wrong")
INSPECTION = Inspection("technical", date(2026, 2, 10), date(2027, 2, 9), "passed", "report 7")


def row(criterion: str = "in_time", **more: Any) -> dict[str, Any]:
    told = {"vendor": "plaza", "criterion": criterion, "hop": "upload", "unit": "share", "better": "more", "state": "measured", "why": ""}
    figures = {"value": 0.8, "at_least": 0.58, "at_most": 0.92, "hits": 16, "cases": 20, "undetermined": 1, "least": 20}
    evidence = {"evidence": "scorecard_cases", "evidence_parameters": {"criterion": criterion, "vendor": "plaza", "hop": "upload"}}
    return {**told, **figures, **evidence, **more}


def unknown(criterion: str, why: str, **more: Any) -> dict[str, Any]:
    return row(criterion, state="unknown", why=why, value=None, at_least=None, at_most=None, **more)


CARDS = Cards(
    rows=[
        row(),
        unknown("median_h", "open", unit="h", hits=None),
        unknown("inspection_technical", "never", unit="result", hits=None, hop=""),
    ],
    parties={**PARTIES, "plaza": replace(PARTIES["plaza"], replies=(REPLY,), disputes=(DISPUTE,))},
    policy=POLICY,
    towns=["埼玉県 草加市"],
    asked_for="112216",
    begin="2026-04-01",
    end=None,
    read_to=datetime(2026, 4, 11, tzinfo=UTC),
)


def test_it_stands_by_itself_and_each_chart_can_be_read_without_being_seen() -> None:
    text = scorecard_page(CARDS)
    page = Page(text)

    assert (page.open, page.fetched) == ([], [])
    assert len(re.findall(r'<svg role="img".*?><title>.+?</title><desc>.+?</desc>', text)) == 4
    assert "None" not in page.said


def test_it_says_what_is_measured_what_is_unknown_and_why() -> None:
    said = Page(scorecard_page(CARDS)).said

    assert "プラザ（架空の事業者）：1項目を測定、2項目は不明。事業者が争っている数値が1ある。" in said
    assert "80.0%" in said
    assert "58.0% – 92.0%" in said
    assert "まだ終わっていないものが多い" in said
    assert "no inspection is on record" in said
    assert "tairyu query scorecard_cases criterion=in_time vendor=plaza hop=upload --for 112216" in said


def test_what_is_unknown_is_hatched() -> None:
    share = replace(CARDS, rows=[unknown("in_time", "few")])
    assert scorecard_page(share).count('fill="url(#hatched)"') == 2
    assert 'fill="url(#hatched)"' not in scorecard_page(replace(CARDS, rows=[row()]))


def test_a_reply_and_a_dispute_stand_with_their_state_beside_the_figure_they_name() -> None:
    text = scorecard_page(CARDS)
    cell = re.search(r"<td>期限内に進めたと示されたもの.*?</td>", text)

    assert cell is not None
    assert "<b>回答 2026-04-09 (公表)</b> a line was &lt;cut&gt;" in cell[0]
    assert "<b>異議 2026-04-10 (審査中)</b> the clock was wrong" in cell[0]
    assert text.count("a line was") == 2  # once in each language
    other = scorecard_page(replace(CARDS, rows=[row(hop="forward")]))
    assert "a line was" not in other  # it names the upload
    assert "the clock was wrong" in other  # it names no hop


def test_of_inspections_the_latest_counts_that_has_been() -> None:
    earlier = replace(INSPECTION, on=date(2025, 2, 10), source="report 3")
    party = replace(PARTIES["plaza"], inspections=(INSPECTION, earlier))
    asked = row("inspection_technical", evidence="", evidence_parameters={})

    assert inspection_of(party, asked, datetime(2026, 4, 11, tzinfo=UTC)) == INSPECTION
    assert inspection_of(party, asked, datetime(2026, 1, 1, tzinfo=UTC)) == earlier
    assert inspection_of(party, asked | {"criterion": "inspection_financial"}, datetime(2026, 4, 11, tzinfo=UTC)) is None
    assert command(asked, "all") is None


# The command


@pytest.fixture
def asked(chdb_folder: Path, tmp_path: Path) -> Iterator[Any]:
    """Runs ``tairyu scorecard`` against a history of twenty applications; every feed was read."""
    store = Store.in_folder(chdb_folder)
    store.migrate(read_migrations())
    history = Filled(store)
    read_well(history, "plaza")
    twenty(history)
    history.ask("open_now", "all")
    parties = tmp_path / "parties.yaml"
    entry = "    sources: [/vendors/plaza/]\n"
    more = f"{entry}    inspections: [{{kind: financial, on: 2026-02-10, valid_until: 2027-02-09, result: failed, source: report 7}}]\n"
    parties.write_text(Settings().parties.read_text(encoding="utf-8").replace(entry, more), encoding="utf-8")
    with Front(chdb_folder) as front:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TAIRYU_")}
        told = {"TAIRYU_BROKERS": "127.0.0.1:1", "TAIRYU_CLICKHOUSE_URL": f"http://127.0.0.1:{front.port}", "TAIRYU_PARTIES": str(parties)}

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            line = [sys.executable, "-m", "streams.cli", *arguments]
            return subprocess.run(line, env={**clean, **told}, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

        yield run
    store.command("DROP DATABASE tairyu")
    store.close()


def test_the_command_prints_a_table_lines_and_a_page(asked: Any, tmp_path: Path) -> None:
    said = asked("scorecard", "--for", "112216", "--format", "json")
    rows = {(line["vendor"], line["criterion"], line["hop"]): line for line in map(json.loads, said.stdout.splitlines())}
    assert (said.returncode, said.stderr) == (0, "")
    assert rows["plaza", "in_time", "upload"]["value"] == 0.8
    assert rows["plaza", "inspection_financial", ""]["value"] == 0.0
    assert rows["plaza", "inspection_financial", ""]["inspection"]["source"] == "report 7"
    assert {line["state"] for (vendor, *_), line in rows.items() if vendor == "minato"} == {"unknown"}  # nothing is heard of it

    evidence = rows["plaza", "in_time", "upload"]
    given = [f"{name}={value}" for name, value in evidence["evidence_parameters"].items()]
    assert len(asked("query", evidence["evidence"], *given, "--for", "112216", "--json").stdout.splitlines()) == evidence["cases"]

    table = asked("scorecard", "--for", "112216", "--vendor", "plaza", "--from", "2026-04-01").stdout
    assert "16 / 20" in table
    assert "minato" not in table

    page = tmp_path / "card.html"
    assert asked("scorecard", "--for", "all", "--format", "html", "--out", str(page)).stdout == f"{page} written\n"
    assert "不合格" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--for", "112217"], "'112217' is no municipality's code"),
        (["--for", "all", "--vendor", "nobody"], "--vendor: no vendor is named 'nobody': plaza, tokiwa, minato are"),
        (["--for", "all", "--from", "April"], "from=April: expected an instant with an offset"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(asked: Any, arguments: list[str], sentence: str) -> None:
    said = asked("scorecard", *arguments)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")
