"""``tairyu demo``: the Soka case, played through the real stages, and what would have been known when."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas.instants import from_text, from_us
from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.demo_figures import SQL, Figures, from_clickhouse, from_stream, raised_elsewhere
from streams.cli.demo_run import DemoRun, Player, Seen
from streams.cli.history import table_of
from streams.up import SetUp

REALITY = """\
草加市役所の証明写真機から申請された 193 件は、4月1日から5月13日まで事業者のサーバーに留まり、5月14日に送信された。
気づいたのは市でも J-LIS でもなく、窓口で問い合わせた申請者だった。（年は公表資料になく、2026年と仮定している）"""


@app.command()
def demo(
    held: Annotated[int | None, typer.Option(min=1, help="How many applications are held; default: as in the scenario (193).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
    scenario: Annotated[str, typer.Option(help="The scenario's name.")] = "soka",
    kafka: Annotated[bool, typer.Option("--kafka", help="On Apache Kafka (Java 17 and Maven) instead of the embedded broker.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Leave events, truth, logs, policy and history in this new folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON; nothing else on stdout.")] = False,
) -> None:
    """Watch the Soka case being found: 193 applications held on a vendor's server, within hours of the first instead of 43 days.

    The real stages run on this machine in scenario time (1 April to 14 May 2026; the year is assumed). Exit code 1 if what they say
    differs from what is true of the scenario.
    """
    console = Console(stderr=as_json)
    with _folder(keep) as folder:
        run = DemoRun(folder, scenario, seed, held, kafka)
        outcome = _play(run, console, keep is not None)
        if keep is not None:
            console.print(f"left in {keep}: events.ndjson, truth.ndjson, custody-log.ndjson, stall-events.ndjson, policies/, history/")
    _report(outcome, console)
    if as_json:
        print(orjson.dumps({**outcome.stream, "clickhouse": outcome.clickhouse, "truth": outcome.truth}).decode())
    raise typer.Exit(0 if outcome.sound else 1)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tairyu-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise Sorry(f"{keep}: not empty: --keep needs a folder of its own, an earlier run's files would be mixed with this one's")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


@dataclass(frozen=True)
class Outcome:
    truth: Figures
    stream: Figures
    clickhouse: Figures
    raised_elsewhere: int
    """Stalls of any hop that were raised though they were in time."""
    events: int
    transitions: int
    wall_s: float
    sql: str
    first_notice_at: str | None
    first_breach_at: str | None

    @property
    def sound(self) -> bool:
        return self.truth == self.stream == self.clickhouse and self.raised_elsewhere == 0


def _play(run: DemoRun, console: Console, keep: bool) -> Outcome:
    began = time.monotonic()
    hop = run.story.scenario.held.hop
    with run.set_up(lambda text: console.print(text, style="dim", highlight=False)) as set_up:
        player = Player(run, set_up.settings)
        player.start()
        seen = Seen()
        _show(run, set_up, seen, console)
        events = player.finish()
        client = run.wait_for_history(set_up, events, len(seen.transitions))
        clickhouse = from_clickhouse(client, hop)
        if keep:
            run.keep(set_up.settings)
    stream = from_stream(seen.transitions, run.story.truth, hop)
    raised = [t.data for t in seen.transitions if t.data.hop == hop and t.data.kind in ("raised", "escalated")]
    return Outcome(
        run.story.figures,
        stream,
        clickhouse,
        len(raised_elsewhere(seen.transitions, run.story.truth)),
        events,
        len(seen.transitions),
        time.monotonic() - began,
        SQL.replace("{hop:String}", f"'{hop}'").strip(),
        min((v.due_at for v in raised if v.kind == "raised"), key=from_text, default=None),
        min((v.due_at for v in raised if v.level == "breach"), key=from_text, default=None),
    )


def _show(run: DemoRun, set_up: SetUp, seen: Seen, console: Console) -> None:
    """Scenario time, what is held and since when, live where a person looks; elsewhere a line for each scenario week."""
    world, zone = run.story.world, run.policies.newest.timezone
    if not console.is_terminal:
        week = 0
        for now in run.watch(set_up, seen):
            if (reached := (now.clock_us - world.begins_us) // (7 * 86_400 * 1_000_000)) > week:
                week = reached
                console.print(f"{from_us(now.clock_us).astimezone(zone):%Y-%m-%d}  {_line(now)}", highlight=False)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        for now in run.watch(set_up, seen):
            live.update(_picture(now, world.begins_us, world.ends_us, lambda us: f"{from_us(us).astimezone(zone):%Y-%m-%d %H:%M}"))


def _open(seen: Seen) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for transition in seen.transitions:
        if transition.data.kind in ("raised", "escalated", "revised"):
            held[transition.data.stall_id] = transition.data
        else:
            held.pop(transition.data.stall_id, None)
    return held


def _line(seen: Seen) -> str:
    held = list(_open(seen).values())
    if not held:
        return "nothing is held"
    oldest = min(held, key=lambda verdict: from_text(verdict.entered_at))
    return f"{len(held)} held; the oldest in {oldest.hop} with {oldest.vendor} since {oldest.entered_at} ({oldest.level})"


def _picture(seen: Seen, begins_us: int, ends_us: int, when: Callable[[int], str]) -> Group:
    table = Table("kiosk", "hop", "holder", "held", "the oldest since", "level", expand=True)
    groups: dict[tuple[str, str], list[Any]] = {}
    for verdict in _open(seen).values():
        groups.setdefault((verdict.kiosk or "?", verdict.hop), []).append(verdict)
    for (kiosk, hop), verdicts in sorted(groups.items(), key=lambda item: -len(item[1]))[:10]:
        oldest = min(verdicts, key=lambda verdict: from_text(verdict.entered_at))
        table.add_row(
            kiosk,
            hop,
            oldest.vendor or oldest.holder,
            str(len(verdicts)),
            when(from_text(oldest.entered_at)),
            oldest.level,
            style="bold red",
        )
    if not groups:
        table.add_row("", "nothing is held", "", "", "", "", style="green")
    clock_us = max(seen.clock_us, begins_us)
    bar = ProgressBar(total=ends_us - begins_us, completed=min(clock_us, ends_us) - begins_us)
    return Group(Text(f"Scenario time {when(clock_us)}", style="bold"), bar, table)


def _report(outcome: Outcome, console: Console) -> None:
    table = Table("", "Tairyu 滞留", "in reality", title="The Soka case")
    notice, breach = outcome.stream["first_notice_after_s"], outcome.stream["first_breach_after_s"]
    table.add_row(
        "first notice",
        f"{_span(notice)} after the first held upload ({outcome.first_notice_at or '-'})",
        "none: applicants asked at the counter",
    )
    table.add_row("first breach", f"{_span(breach)} after it ({outcome.first_breach_at or '-'})", "-")
    table.add_row("applications held", f"{outcome.stream['held']} of {outcome.truth['held']}, each named", "193, counted afterwards")
    table.add_row("cleared", f"{outcome.stream['cleared']}, on the day they were sent", "sent on 14 May, 43 days after the first")
    table.add_row("false alarms", f"{outcome.stream['false_alarms']} (all hops: {outcome.raised_elsewhere})", "-")
    console.print()
    console.print(table)
    console.print(REALITY, highlight=False)
    console.print(
        f"\n{outcome.events} events, {outcome.transitions} transitions, {outcome.wall_s:.0f} s. The same, counted in ClickHouse:",
        highlight=False,
    )
    console.print(outcome.sql, style="dim", highlight=False, markup=False)
    console.print(table_of(list(outcome.clickhouse), [list(outcome.clickhouse.values())]))
    if not outcome.sound:
        console.print(f"THIS DIFFERS FROM THE TRUTH: {outcome.truth}", style="bold red", highlight=False)


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    hours, rest = divmod(seconds, 3_600)
    return f"{hours} h {rest // 60} min" if hours < 72 else f"{hours // 24} d {hours % 24} h"
