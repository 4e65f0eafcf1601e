"""The vendors' scorecard as a page that prints: figures, how sure they are, what is unknown, and what the vendor says of each. Pure.

Every figure is a row of the named query ``scorecard``; the page stands by itself, without scripts or anything from elsewhere.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from sinks.pages import HATCHED, Markup, bar, chart, dot, line, page, small, table, tag, text_at
from sinks.scorecard_words import WORDS
from streams.audits import Inspection, Statement
from streams.parties import Party
from streams.policy import Policy

Row = Mapping[str, Any]
Place = Callable[[float], float]
"""A value's place on a scale."""
CSS = "figure{margin:0 0 2mm}code{font-size:7.5pt}td{line-height:1.35}td:nth-child(n+2):not(:last-child){white-space:nowrap}"
LINE, LABELS, RIGHT = 17, 265, 615
"""Of the charts, in pixels: a line of it; where the scale begins and ends."""
LEAST_H = 1 / 60
"""Where the scale of times begins."""
TICKS = ((1 / 60, "1 min"), (1, "1 h"), (24, "1 d"), (240, "10 d"), (2_400, "100 d"))


@dataclass(frozen=True)
class Cards:
    """What the page is about, and the rows that it shows."""

    rows: Sequence[Row]
    parties: Mapping[str, Party]
    policy: Policy
    towns: Sequence[str]
    """The municipalities whose applications were counted, by name; none: all."""
    asked_for: str
    """The same as it was asked, for the commands that list the evidence."""
    begin: str | None
    end: str | None
    """As they were asked for."""
    read_to: datetime


def scorecard_page(cards: Cards) -> str:
    return page("滞留 Tairyu: 事業者の評価表", [_Part(cards, language).html() for language in ("ja", "en")], CSS)


def statements(party: Party | None, row: Row) -> list[tuple[str, Statement]]:
    """What the vendor says of a figure, by date: whether a reply or a dispute, and the words."""
    if party is None:
        return []
    told = [*(("reply", reply) for reply in party.replies), *(("dispute", dispute) for dispute in party.disputes)]
    return sorted([each for each in told if each[1].concerns(row["criterion"], row["hop"])], key=lambda each: each[1].on)


def inspection_of(party: Party | None, row: Row, read_to: datetime) -> Inspection | None:
    """The inspection that a row is about: the latest of its kind that has been by then."""
    kind = row["criterion"].removeprefix("inspection_")
    been = [] if party is None else [each for each in party.inspections if each.kind == kind and each.on <= read_to.date()]
    return max(been, key=lambda each: each.on, default=None)


def command(row: Row, asked_for: str) -> str | None:
    """What lists the cases of a figure; None where a file does."""
    if not row["evidence"]:
        return None
    given = " ".join(f"{name}={value}" for name, value in row["evidence_parameters"].items())
    return f"tairyu query {row['evidence']} {given} --for {asked_for}"


class _Part:
    """The page in one language."""

    def __init__(self, cards: Cards, language: str) -> None:
        self.cards, self.language, self.words = cards, language, WORDS[language]
        self.vendors = [*dict.fromkeys(row["vendor"] for row in cards.rows)]

    def html(self) -> str:
        first = [*map(self._first, self.vendors), self.say("first_silence"), self._duty()]
        sections = [
            f"<header>{tag('h1', self.say('title'))}{small(self._period())}</header>",
            f"<ol class=first>{''.join(tag('li', told) for told in first)}</ol>",
            self._section("shares", self._shares()),
            self._section("times", self._times()),
            *map(self._vendor, self.vendors),
            self._criteria(),
        ]
        return f'<article lang="{self.language}">{"".join(sections)}</article>'

    def say(self, key: str, **more: object) -> str:
        """Text, not markup yet."""
        return self.words[key].format(**more)

    def _period(self) -> str:
        cards = self.cards
        begin = cards.begin or self.say("always")
        end = cards.end or self.say("now")
        whose = self.say("whose", towns=", ".join(cards.towns)) if cards.towns else self.say("whose_all")
        read_to = f"{cards.read_to.astimezone(cards.policy.timezone):%Y-%m-%d %H:%M}"
        return self.say("period", begin=begin, end=end, read_to=read_to, whose=whose)

    def _first(self, vendor: str) -> str:
        rows = self._of(vendor)
        measured = sum(row["state"] == "measured" for row in rows)
        disputed = sum(any(kind == "dispute" and told.state == "open" for kind, told in self._statements(row)) for row in rows)
        key = "first_disputed" if disputed else "first"
        return self.say(key, vendor=self._name(vendor), measured=measured, unknown=len(rows) - measured, disputed=disputed)

    def _duty(self) -> str:
        holder = self.cards.policy.holders[self.cards.policy.attribution_role]
        supervisor = self.words.get(f"supervisor_{holder.supervisor}", holder.supervisor)
        return self.say("duty", duty=self.words.get(f"duty_{holder.duty_basis}", holder.duty_basis), supervisor=supervisor)

    def _shares(self) -> str:
        named = dict.fromkeys((row["criterion"], row["hop"]) for row in self.cards.rows if row["unit"] == "share")
        return "".join(self._share(criterion, hop) for criterion, hop in named)

    def _share(self, criterion: str, hop: str) -> str:
        """A line for each vendor."""
        rows = [row for row in self.cards.rows if (row["criterion"], row["hop"]) == (criterion, hop)]
        name, end = self._criterion(criterion, hop), LINE * (len(rows) + 1)
        marks = [text_at(0, LINE - 5, name)]
        marks += [line(_share_place(at), LINE - 3, _share_place(at), end, dashed=True) for at in (0, 0.5, 1)]
        marks += [text_at(_share_place(at), LINE - 6, f"{at:.0%}", "middle") for at in (0.5, 1)]  # 0 %: names are long
        for number, row in enumerate(rows, 2):
            marks += [text_at(14, LINE * number - 4, self._name(row["vendor"])), *self._share_marks(row, LINE * number - 8)]
        return chart(name, "; ".join(f"{self._name(row['vendor'])}: {self._value(row)}" for row in rows), end, marks)

    def _share_marks(self, row: Row, y: float) -> list[str]:
        place = _share_place
        if row["value"] is None:
            return [bar(place(0), y - 4, place(1) - place(0), 8, HATCHED), text_at(RIGHT + 8, y + 4, self.say("unknown"))]
        low, high = row["at_least"], row["at_most"]
        spread = (
            [] if low is None else [line(place(low), y, place(high), y), *(line(place(x), y - 3, place(x), y + 3) for x in (low, high))]
        )
        return [*spread, dot(place(row["value"]), y), text_at(RIGHT + 8, y + 4, self._value(row))]

    def _times(self) -> str:
        hours = {
            (row["hop"], row["vendor"], row["criterion"]): row["value"] * (24 if row["unit"] == "days" else 1)
            for row in self.cards.rows
            if row["unit"] in ("h", "days") and row["value"] is not None
        }
        place = _time_place(max(hours.values(), default=24.0))
        hops = dict.fromkeys(row["hop"] for row in self.cards.rows if row["unit"] == "h")
        return "".join(self._time(hop, hours, place) for hop in hops)

    def _time(self, hop: str, hours: Mapping[tuple[str, str, str], float], place: Place) -> str:
        """A line for each vendor: half, nine of ten, the longest."""
        end, told = LINE * (len(self.vendors) + 1), list[str]()
        marks = [text_at(0, LINE - 5, self._hop(hop))]
        for at, words in ((at, words) for at, words in TICKS if place(at) <= RIGHT):
            marks += [line(place(at), LINE - 3, place(at), end, dashed=True), text_at(place(at), LINE - 6, words, "middle")]
        for number, vendor in enumerate(self.vendors, 2):
            known = {name: hours.get((hop, vendor, name)) for name in ("median_h", "p90_h", "longest_days")}
            marks += [text_at(14, LINE * number - 4, self._name(vendor)), *self._time_marks(known, place, LINE * number - 8)]
            told.append(f"{self._name(vendor)}: {self._told_times(known)}")
        return chart(f"{self.say('h_times')}: {self._hop(hop)}", "; ".join(told), end, marks)

    def _time_marks(self, known: Mapping[str, float | None], place: Place, y: float) -> list[str]:
        found = {name: place(hours) for name, hours in known.items() if hours is not None}
        if not found:
            return [bar(LABELS, y - 4, RIGHT - LABELS, 8, HATCHED), text_at(RIGHT + 8, y + 4, self.say("unknown"))]
        marks = [line(min(found.values()), y, max(found.values()), y)]
        if "longest_days" in found:
            marks.append(bar(found["longest_days"] - 3, y - 3, 6, 6))
        marks += [dot(found[name], y, fill) for name, fill in (("p90_h", "#fff"), ("median_h", "#000")) if name in found]
        return marks

    def _told_times(self, known: Mapping[str, float | None]) -> str:
        return ", ".join(f"{self.say(name)} {self.say('unknown') if h is None else f'{h:.2f} h'}" for name, h in known.items())

    def _vendor(self, vendor: str) -> str:
        names = ("criterion", "value", "spread", "cases", "undetermined", "state")
        rows = [
            [
                self._named(row),
                self._value(row),
                "–" if row["at_least"] is None else f"{row['at_least']:.1%} – {row['at_most']:.1%}",
                f"{'–' if row['hits'] is None else row['hits']} / {row['cases']}",
                row["undetermined"],
                self._state(row),
            ]
            for row in self._of(vendor)
        ]
        example = next(told for row in self._of(vendor) if (told := command(row, self.cards.asked_for)))
        told = f"{tag('h2', self._name(vendor))}{tag('p', self.say('p_vendor', example=example))}"
        return f"<section>{told}{table([self.say(name) for name in names], rows)}</section>"

    def _named(self, row: Row) -> Markup:
        """A figure's name, what lists its cases, and what the vendor says of it."""
        been = inspection_of(self.cards.parties.get(row["vendor"]), row, self.cards.read_to)
        if been is not None:
            told = escape(self.say("inspected", on=been.on, valid_until=been.valid_until, source=been.source))
        else:
            told = (
                f"<code>{escape(' '.join(filter(None, (row['evidence'], row['evidence_parameters'].get('criterion'), row['hop']))))}</code>"
            )
        words = "".join(f"<br><b>{escape(kind)}</b> {escape(text)}" for kind, text in self._told_statements(row))
        return Markup(f"{escape(self._criterion(row['criterion'], row['hop']))}<br>{told}{words}")

    def _criteria(self) -> str:
        names = dict.fromkeys(row["criterion"] for row in self.cards.rows)
        told = "".join(tag("dt", self.say(name)) + tag("dd", self.say(f"what_{name}")) for name in names)
        return self._section("criteria", f"<dl>{told}</dl>")

    def _section(self, key: str, inside: str) -> str:
        return f"<section>{tag('h2', self.say(f'h_{key}'))}{tag('p', self.say(f'p_{key}'))}{inside}</section>"

    def _of(self, vendor: str) -> list[Row]:
        return [row for row in self.cards.rows if row["vendor"] == vendor]

    def _statements(self, row: Row) -> list[tuple[str, Statement]]:
        return statements(self.cards.parties.get(row["vendor"]), row)

    def _told_statements(self, row: Row) -> list[tuple[str, str]]:
        return [(f"{self.say(kind)} {told.on} ({self.say(told.state)})", told.text) for kind, told in self._statements(row)]

    def _value(self, row: Row) -> str:
        value, unit = row["value"], row["unit"]
        if value is None:
            return self.say("unknown")
        if unit == "share":
            return f"{value:.1%}"
        return self.say("passed" if value else "failed") if unit == "result" else self.say(unit, value=f"{value:.4g}")

    def _state(self, row: Row) -> str:
        return self.say(f"why_{row['why']}", least=row["least"]) if row["why"] else self.say("measured")

    def _criterion(self, name: str, hop: str) -> str:
        return f"{self.say(name)}{f' ({self._hop(hop)})' if hop else ''}"

    def _hop(self, name: str) -> str:
        hop = self.cards.policy.hops.get(name)
        return hop.label if hop is not None and self.language == "ja" else name

    def _name(self, vendor: str) -> str:
        party = self.cards.parties.get(vendor)
        return party.label if party is not None and self.language == "ja" else vendor


def _share_place(share: float) -> float:
    return LABELS + (RIGHT - LABELS) * share


def _time_place(longest_h: float) -> Place:
    """On a scale from ``LEAST_H`` to the longest: what is shorter stands at its beginning."""
    span = math.log(max(longest_h, 24.0) / LEAST_H)
    return lambda hours: LABELS + (RIGHT - LABELS) * math.log(max(hours, LEAST_H) / LEAST_H) / span
