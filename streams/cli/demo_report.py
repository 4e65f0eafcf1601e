"""How a run of the demo ended: what Tairyu would have said, and when, beside what happened; the same by SQL; whether it is true."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from rich.table import Table

from schemas.instants import from_text, from_us
from schemas.records import Transition
from streams.cli.answers import Screen
from streams.cli.demo_figures import SQL, Figures
from streams.cli.demo_run import DemoRun
from streams.cli.history import table_of

REALITY = """\
草加市役所の証明写真機から申請された 193 件は、4月1日から5月13日まで事業者のサーバーに留まり、5月14日に送信された。
気づいたのは市でも J-LIS でもなく、窓口で問い合わせた申請者だった。（年は公表資料になく、2026年と仮定している）"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    truth: Figures
    stream: Figures
    clickhouse: Figures
    raised_elsewhere: int
    """Stalls of any hop that were raised though they were in time."""
    events: int
    transitions: Sequence[Transition]
    hop: str
    """In which the applications were held."""
    seconds: float
    told: Sequence[str]
    """The first lines of the report that a council would read."""

    @property
    def sound(self) -> bool:
        return self.truth == self.stream == self.clickhouse and self.raised_elsewhere == 0

    def as_json(self) -> dict[str, object]:
        return {**self.stream, "clickhouse": self.clickhouse, "truth": self.truth, "raised_elsewhere": self.raised_elsewhere}


def report(outcome: Outcome, run: DemoRun, screen: Screen) -> None:
    screen.print()
    screen.print(_summary(outcome, run.policies.newest.timezone))
    screen.print(REALITY, soft_wrap=True)  # rich breaks Japanese at spaces only
    if outcome.told:
        screen.print("\nThe report that a council would read (tairyu report; --keep DIR leaves the page) begins:")
        for line in outcome.told:
            screen.print(f"  ・{line}", markup=False, soft_wrap=True)
    screen.print(
        f"\n{outcome.events} events, {len(outcome.transitions)} transitions, {outcome.seconds:.0f} s. The same, counted in ClickHouse:\n"
    )
    screen.print(SQL.replace("{hop:String}", f"'{outcome.hop}'").strip(), style="dim", markup=False, soft_wrap=True)
    screen.print(table_of(list(outcome.clickhouse), [list(outcome.clickhouse.values())]))
    if outcome.sound:
        screen.print("Sound: the stream, ClickHouse and what is true of the scenario agree, and nothing healthy was raised.", style="green")
        return
    screen.print("NOT SOUND: this differs from what is true of the scenario.", style="bold red")
    for name, figures in (("truth", outcome.truth), ("stream", outcome.stream), ("ClickHouse", outcome.clickhouse)):
        screen.print(f"  {name}: {figures}", markup=False)
    screen.print(f"  raised though in time, in any hop: {outcome.raised_elsewhere}")


def _summary(outcome: Outcome, zone: tzinfo) -> Table:
    stream, truth = outcome.stream, outcome.truth
    said = [each.data for each in outcome.transitions if each.data.hop == outcome.hop]
    noticed = _first((each.due_at for each in said if each.kind == "raised"), zone)
    breached = _first((each.due_at for each in said if each.kind == "escalated" and each.level == "breach"), zone)
    cleared = _first((each.closed_at for each in said if each.closed_at is not None), zone)
    table = Table("", "with Tairyu", "in reality", title="The Soka case")
    table.add_row(
        "first notice",
        f"{_span(stream['first_notice_after_s'])} after the first held upload: {noticed}",
        "none; applicants asked at the counter",
    )
    table.add_row("first breach", f"{_span(stream['first_breach_after_s'])} after it: {breached}", "none")
    table.add_row("applications held", f"{stream['held']} of {truth['held']}, each named", "193, counted afterwards")
    table.add_row("cleared", f"{stream['cleared']}, the first {cleared}", "sent on 14 May, 43 days after the first")
    table.add_row("false alarms", f"{stream['false_alarms']}; in all hops {outcome.raised_elsewhere}", "-")
    return table


def _first(instants: Iterable[str], zone: tzinfo) -> str:
    first_us = min(map(from_text, instants), default=None)
    return "never" if first_us is None else f"{from_us(first_us).astimezone(zone):%Y-%m-%d %H:%M}"


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    hours, rest = divmod(seconds, 3_600)
    return f"{hours} h {rest // 60} min" if hours < 72 else f"{hours // 24} d {hours % 24} h"
