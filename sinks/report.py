"""A municipality's month as a page that prints: what was held, by whom, since when, and whose duty it was. Japanese, then English. Pure.

Every figure is a row of a named query; the page stands by itself, without scripts or anything from elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sinks.pages import HATCHED, WIDTH, bar, chart, line, page, small, table, tag, text_at
from sinks.report_words import WORDS
from streams.policy import Policy

Row = Mapping[str, Any]
SHOWN = 12
"""Causes of which each has a line of its own."""
BAR, LABELS = 22, 190
"""Of the chart, in pixels: a line of it, and what names the lines."""


@dataclass(frozen=True)
class Month:
    """What the page is about, and the rows of the queries that it shows."""

    code: str
    town: str
    """Its name; the code, where the name is not known."""
    begin: datetime
    end: datetime
    """Instants at which the month begins and ends, in the policy's time zone."""
    numbers: Row
    before: Row
    """The same of the month before."""
    causes: Sequence[Row]
    causes_before: Sequence[Row]
    unsupervised: Sequence[Row]
    times: Sequence[tuple[str, Row]]
    """Hop -> its row of ``hop_times``, of what began in the month."""
    policy: Policy
    vendors: Mapping[str, str]
    """Party -> its label."""
    seen: bool
    """Whether history holds anything of these applications: without a feed nothing is known, and nothing is well."""


def report_page(month: Month) -> str:
    parts = [_Part(month, language).html() for language in ("ja", "en")]
    return page(f"{month.town} {month.begin:%Y-%m} 滞留 Tairyu", parts)


def first_lines(month: Month, language: str = "ja") -> list[str]:
    """What the page says first, as text."""
    return _Part(month, language).first_lines()


class _Part:
    """The page in one language."""

    def __init__(self, month: Month, language: str) -> None:
        self.month, self.language = month, language
        self.words: Mapping[str, str] = WORDS[language]
        self.zone: tzinfo | None = month.begin.tzinfo

    def html(self) -> str:
        month, say = self.month, self.say
        heading = say("title", town=month.town, code=month.code, month=self._month())
        read_to = say("read_to", at=self._at(month.numbers["read_to"]))
        sections = [
            f"<header>{tag('h1', heading)}{small(read_to)}</header>",
            f"<ol class=first>{''.join(tag('li', told) for told in self.first_lines())}</ol>",
        ]
        if month.seen:
            sections += [self._changes(), self._causes(), self._unsupervised(), self._times()]
        sections.append(self._definitions())
        return f'<article lang="{self.language}">{"".join(sections)}</article>'

    def say(self, key: str, **more: object) -> str:
        """Text, not markup yet."""
        return self.words[key].format(**more)

    def first_lines(self) -> list[str]:
        """What one would otherwise have to find out by asking."""
        month, say, numbers = self.month, self.say, self.month.numbers
        if not month.seen:
            return [say("l_not_seen")]
        lines = [
            say("l_held" if numbers["held"] else "l_none_held", **{name: numbers[name] for name in ("held", "begun")}, month=self._month())
        ]
        if month.causes:
            worst = month.causes[0]
            last = say("l_still") if worst["last"] is None else say("l_until", at=self._at(worst["last"]))
            longest = {"people": worst["people"], "first": self._at(worst["first"]), "last": last, "days": worst["longest_days"]}
            lines.append(say("l_worst", who=self._who(worst), hop=self._hop(worst["hop"]), kiosk=worst["kiosk"], **longest))
            after = (worst["noticed"] - worst["first"]) / timedelta(hours=1)
            lines.append(say("l_noticed", at=self._at(worst["noticed"]), hours=f"{after:.0f}"))
            lines.append(say("l_duty", duty=self._duty(worst["duty_basis"]), supervisor=self._supervisor(worst["supervisor"])))
        lines.append(say("l_rest", still=numbers["held_still"], undetermined=numbers["undetermined"]))
        return lines

    def _changes(self) -> str:
        names = ("begun", "returned", "held", "held_still", "undetermined")
        known = any(self.month.before[name] for name in names)  # of a month without records nothing is known
        rows = [[self.say(name), self.month.before[name] if known else "–", self.month.numbers[name]] for name in names]
        return self._section("changes", table(["", self.say("month_before"), self._month()], rows))

    def _causes(self) -> str:
        if not self.month.causes:
            return self._section("causes", tag("p", self.say("no_causes")))
        known = {(row["hop"], row["kiosk"]) for row in self.month.causes_before}
        names = ("where", "who_held", "people", "since", "until", "longest_days", "duty_basis", "supervisor", "new")
        rows = [
            [
                f"{self._hop(row['hop'])}: {row['kiosk'] or '–'}",
                self._who(row),
                f"{row['people']} ({self.say('still_open', open=row['open'])})" if row["open"] else row["people"],
                self._at(row["first"]),
                self.say("still") if row["last"] is None else self._at(row["last"]),
                row["longest_days"],
                self._duty(row["duty_basis"]),
                self._supervisor(row["supervisor"]),
                "" if (row["hop"], row["kiosk"]) in known else self.say("yes"),
            ]
            for row in self.month.causes[:SHOWN]
        ]
        rest = len(self.month.causes) - SHOWN
        more = small(self.say("more_causes", rest=rest)) if rest > 0 else ""
        return self._section("causes", self._chart() + table([self.say(name) for name in names], rows) + more)

    def _chart(self) -> str:
        """A line for each cause: from when the first came to stand until the last went on."""
        month, causes = self.month, self.month.causes[:SHOWN]
        now = month.numbers["read_to"]
        begin = min([month.begin, *(row["first"] for row in causes)])
        end = max([month.end, *(row["last"] or now for row in causes)])
        place = _scale(begin, end)
        marks = []
        for number, row in enumerate(causes):
            left, right = place(row["first"]), place(row["last"] or now)
            top = number * BAR + 4
            marks.append(text_at(0, top + 12, f"{self._hop(row['hop'])}: {row['kiosk']}"[:26]))
            marks.append(bar(left, top, max(right - left, 2), BAR - 8, HATCHED if row["last"] is None else "#333"))
            marks.append(text_at(min(right + 4, WIDTH - 40), top + 12, str(row["people"])))
        height = len(causes) * BAR
        for instant in (month.begin, month.end):
            x = place(instant)
            marks.append(line(x, 0, x, height, dashed=True))
            marks.append(text_at(x, height + 14, f"{instant:%m-%d}", "middle"))
        return chart(self.say("chart", count=len(causes)), "; ".join(self._told(row) for row in causes), height + 20, marks)

    def _told(self, row: Row) -> str:
        last = self.say("still") if row["last"] is None else self._at(row["last"])
        return f"{self._hop(row['hop'])}, {row['kiosk']}: {row['people']}, {self._at(row['first'])} – {last}"

    def _unsupervised(self) -> str:
        names = ("hop", "who_held", "supervisor", "people", "person_days", "longest_days")
        rows = [
            [
                *(self._hop(row["hop"]), self._holder(row["holder"]), self._supervisor(row["supervisor"])),
                *(row["people"], row["person_days"], row["longest_days"]),
            ]
            for row in self.month.unsupervised
        ]
        return self._section("unsupervised", table([self.say(name) for name in names], rows))

    def _times(self) -> str:
        names = ("hop", "people", "closed", "open", "undetermined", "naive_median_h", "median_h", "p90_h")
        rows = [[self._hop(hop), *("–" if row[name] is None else row[name] for name in names[1:])] for hop, row in self.month.times]
        return self._section("times", table([self.say(name) for name in names], rows))

    def _definitions(self) -> str:
        terms = ("hop", "limit", "undetermined", "median_h", "person_days", "duty_basis", "supervisor")
        told = "".join(tag("dt", self.say(term)) + tag("dd", self.say(f"what_{term}")) for term in terms)
        limits = [
            [self._hop(name), " / ".join(self._span(hop.clock, limit) for _, limit in hop.limits)]
            for name, hop in self.month.policy.hops.items()
        ]
        return self._section("definitions", f"<dl>{told}</dl>" + table([self.say("hop"), self.say("limits")], limits))

    def _section(self, key: str, inside: str) -> str:
        return f"<section>{tag('h2', self.say(f'h_{key}'))}{tag('p', self.say(f'p_{key}'))}{inside}</section>"

    def _month(self) -> str:
        begin = self.month.begin
        return f"{begin.year}年{begin.month}月" if self.language == "ja" else f"{begin:%B %Y}"

    def _at(self, instant: datetime) -> str:
        return f"{instant.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def _who(self, row: Row) -> str:
        """The holder, and which, where the vendor itself has it."""
        holder = self._holder(row["holder"])
        if row["holder"] != self.month.policy.attribution_role:
            return holder
        return f"{holder} {self.month.vendors.get(row['vendor'], row['vendor'])}"

    def _hop(self, name: str) -> str:
        hop = self.month.policy.hops.get(name)
        return hop.label if hop is not None and self.language == "ja" else name

    def _holder(self, name: str) -> str:
        holder = self.month.policy.holders.get(name)
        return holder.label if holder is not None and self.language == "ja" else name

    def _supervisor(self, name: str) -> str:
        return self.words.get(f"supervisor_{name}", name)

    def _duty(self, name: str) -> str:
        return self.words.get(f"duty_{name}", name)

    def _span(self, clock: str, limit: int) -> str:
        """A limit, as the policy counts it."""
        units = ("営業日", "日") if self.language == "ja" else (" business days", " days")
        return f"{limit // 3_600_000_000} h" if clock == "wall" else f"{limit}{units[clock != 'business_days']}"


def _scale(begin: datetime, end: datetime) -> Callable[[datetime], float]:
    span = max((end - begin).total_seconds(), 1.0)
    return lambda instant: LABELS + (WIDTH - LABELS - 40) * (instant - begin).total_seconds() / span
