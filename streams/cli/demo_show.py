"""What one sees while the demo runs: scenario time, what is held and since when; elsewhere than in a window, a line for each week."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas.instants import DAY_US, from_text, from_us
from schemas.records import Verdict
from streams.cli.answers import Screen
from streams.cli.demo_run import DemoRun, Seen

ROWS = 8
WEEK_US = 7 * DAY_US


def introduce(run: DemoRun, screen: Screen, keep: Path | None) -> None:
    scenario, world, zone = run.story.scenario, run.story.world, run.policies.newest.timezone
    screen.print(f"滞留 Tairyu · {scenario.title}", style="bold", markup=False)
    days = (world.ends_us - world.begins_us) // DAY_US
    span = f"{_day(world.begins_us, zone)} to {_day(world.ends_us - 1, zone)}"
    screen.print(f"Scenario time, {span}: {days} days of events go through the real stages on this machine.", markup=False)
    screen.print(f"Assumed: {'; '.join(scenario.assumed)}.", markup=False)
    screen.print(f"What remains is in {keep}." if keep else "Nothing is kept (--keep DIR keeps all of it).", markup=False)


def show(run: DemoRun, states: Iterable[Seen], screen: Screen) -> None:
    """Until the scenario has been judged to its end."""
    world, zone = run.story.world, run.policies.newest.timezone
    if not screen.is_terminal:
        _show_weeks(states, world.begins_us, world.ends_us, zone, screen)
        return
    with Live(console=screen, refresh_per_second=10, transient=True) as live:
        for seen in states:
            seen.wind(seen.clock_us)
            live.update(_picture(seen, world.begins_us, world.ends_us, zone))


def _show_weeks(states: Iterable[Seen], begins_us: int, ends_us: int, zone: tzinfo, screen: Screen) -> None:
    ends = deque([*range(begins_us + WEEK_US, ends_us, WEEK_US), ends_us])
    for seen in states:
        while ends and ends[0] <= seen.clock_us:
            seen.wind(ends[0])
            screen.print(f"{_minute(ends.popleft(), zone)}  {_line(seen, zone)}", markup=False)


def _line(seen: Seen, zone: tzinfo) -> str:
    if not seen.held:
        return "nothing is held"
    oldest = _oldest(seen.held.values())
    return f"{len(seen.held)} held; the oldest in {oldest.hop} with {oldest.vendor} since {_minute(from_text(oldest.entered_at), zone)}"


def _picture(seen: Seen, begins_us: int, ends_us: int, zone: tzinfo) -> Group:
    clock_us = min(max(seen.clock_us, begins_us), ends_us)
    head = Text.assemble(("Scenario time ", "bold"), (_minute(clock_us, zone), "bold cyan"), f"   {len(seen.held)} held")
    return Group(head, ProgressBar(total=ends_us - begins_us, completed=clock_us - begins_us), _table(seen, zone))


def _table(seen: Seen, zone: tzinfo) -> Table:
    table = Table("kiosk", "hop", "holder", "held", "the oldest since", "level", expand=True)
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in seen.held.values():
        groups.setdefault((verdict.kiosk or "?", verdict.hop), []).append(verdict)
    for (kiosk, hop), verdicts in sorted(groups.items(), key=lambda item: -len(item[1]))[:ROWS]:
        oldest = _oldest(verdicts)
        since = _minute(from_text(oldest.entered_at), zone)
        table.add_row(kiosk, hop, oldest.vendor or oldest.holder, str(len(verdicts)), since, oldest.level, style="bold red")
    if not groups:
        table.add_row("", "nothing is held", "", "0", "", "", style="green")
    return table


def _oldest(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=lambda verdict: from_text(verdict.entered_at))


@contextmanager
def show_writing(screen: Screen, rows: int) -> Iterator[Callable[[int], None]]:
    """While history is still writing what was judged; ``tell`` it how many rows stand there."""
    columns = (TextColumn("History is being written"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("", total=rows)
        yield lambda written: progress.update(task, completed=written)


def _day(instant_us: int, zone: tzinfo) -> str:
    return f"{from_us(instant_us).astimezone(zone):%Y-%m-%d}"


def _minute(instant_us: int, zone: tzinfo) -> str:
    return f"{from_us(instant_us).astimezone(zone):%Y-%m-%d %H:%M}"
