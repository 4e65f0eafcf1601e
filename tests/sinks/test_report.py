"""A municipality's report: what it says first, and that it says nothing it does not know."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from sinks.report import SHOWN, Month, first_lines, report_page
from streams.policy_file import load_policies
from streams.settings import Settings

POLICY = load_policies(Settings().policy).newest
BEGIN = datetime(2026, 4, 1, tzinfo=POLICY.timezone)
END = datetime(2026, 5, 1, tzinfo=POLICY.timezone)
NUMBERS = {"begun": 223, "returned": 1, "held": 146, "held_still": 0, "undetermined": 2, "read_to": datetime(2026, 5, 15, tzinfo=UTC)}
TIMES = {"people": 5, "closed": 3, "open": 2, "undetermined": 0, "naive_median_h": 2.0, "median_h": 4.0, "p90_h": None}


def cause(**more: Any) -> dict[str, Any]:
    first = datetime(2026, 4, 1, 8, 41, tzinfo=POLICY.timezone)
    told = {"hop": "forward", "holder": "vendor", "supervisor": "none", "duty_basis": "none", "vendor": "plaza", "kiosk": "SOKA-01"}
    times = {"first": first, "noticed": first + timedelta(hours=6), "last": first + timedelta(days=43)}
    return {**told, **times, "people": 146, "open": 0, "longest_days": 43.0, "person_days": 3_000.0, **more}


MONTH = Month(
    code="112216",
    town="埼玉県 草加市",
    begin=BEGIN,
    end=END,
    numbers=NUMBERS,
    before=dict.fromkeys(NUMBERS, 0),
    causes=[cause()],
    causes_before=[],
    unsupervised=[
        {"supervisor": "none", "hop": "forward", "holder": "vendor", "people": 146, "person_days": 3_000.0, "longest_days": 43.0},
    ],
    times=[("forward", TIMES)],
    policy=POLICY,
    vendors={"plaza": "プラザ"},
    seen=True,
)


class Page(HTMLParser):
    """Its text, what is open at the end, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said, self.open, self.fetched = "", list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "rect", "line", "circle", "br"}:
            self.open.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href"}] + [tag] * (tag in {"script", "link", "img"})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def test_its_first_five_lines_say_what_one_had_to_find_out_by_asking() -> None:
    assert first_lines(MONTH) == [
        "2026年4月に、146人の申請が期限を超えて止まっていた（同月に始まった申請は223人）。",
        "最も長く止めていたのは「キオスク事業者 プラザ」（事業者サーバーからJ-LISへ、SOKA-01）：146人、"
        "2026-04-01 08:41 から 2026-05-14 08:41 まで。最も長い人で43.0日。",
        "それは 2026-04-01 14:41 に知ることができた。最初の申請が止まってから6時間後である。",
        "この間の義務の根拠は「なし」、監督する者は「なし」である。",
        "いまも期限を超えている申請：0人。区間の終わりが観測されず、早いとも遅いとも言えない申請：2人。",
    ]
    english = first_lines(MONTH, "en")
    assert english[0] == "Applications held beyond a limit in April 2026: 146 (begun in that month: 223)."
    assert english[3] == "What obliged the holder: nothing. Who supervises the holder: nobody."


def test_it_stands_by_itself_and_its_chart_can_be_read_without_being_seen() -> None:
    text = report_page(MONTH)
    page = Page(text)

    assert (page.open, page.fetched) == ([], [])
    assert len(re.findall(r'<svg role="img".*?><title>.+?</title><desc>.*?SOKA-01: 146.*?</desc>', text)) == 2
    assert "キオスク事業者 プラザ" in page.said
    assert "None" not in page.said


def test_of_what_never_arrived_it_says_that_nothing_is_known() -> None:
    nothing = replace(MONTH, seen=False, numbers=dict.fromkeys(NUMBERS, 0) | {"read_to": END}, causes=[], unsupervised=[], times=[])

    assert first_lines(nothing) == [
        "この月の申請について、記録が一件も届いていない。問題がなかったということではなく、分からないということである。"
    ]
    assert "止まっていた申請は知られていない" not in report_page(nothing)


def test_a_month_before_without_records_is_a_dash_and_not_a_nought() -> None:
    known = replace(MONTH, before=NUMBERS | {"begun": 7})
    assert "<td>–</td><td>223</td>" in report_page(MONTH)
    assert "<td>7</td><td>223</td>" in report_page(known)


def test_what_is_held_still_is_said_so_and_what_was_there_before_is_not_new() -> None:
    going_on = replace(MONTH, causes=[cause(last=None, open=3)], causes_before=[cause()], numbers=NUMBERS | {"held_still": 3})
    text = report_page(going_on)

    assert "いまもまで" not in text
    assert "146 (うち3人はいまも)" in text
    assert 'fill="url(#hatched)"' in text
    assert "<td>新規</td>" not in text
    assert "<td>新規</td>" in report_page(MONTH)


def test_the_smaller_causes_are_counted() -> None:
    many = replace(MONTH, causes=[cause(kiosk=f"K-{number}") for number in range(SHOWN + 3)])
    assert "ほかに3件の原因がある" in report_page(many)


@pytest.mark.parametrize("kiosk", ["<script>alert(1)</script>", '"><img src=x>', "a & b"])
def test_what_a_source_has_written_stays_text(kiosk: str) -> None:
    page = Page(report_page(replace(MONTH, causes=[cause(kiosk=kiosk)])))
    assert page.fetched == []
    assert kiosk in page.said
