"""``tairyu demo``: the Soka case, played through the real stages, and what would have been known when."""

import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from streams.cli import app
from streams.cli.answers import Screen, Sorry
from streams.cli.demo_figures import from_clickhouse, from_stream, raised_elsewhere
from streams.cli.demo_report import Outcome, report
from streams.cli.demo_run import SHOWN_IN_S, DemoRun, Player, Seen
from streams.cli.demo_show import introduce, show, show_writing
from streams.cli.reporting import month_of
from streams.settings import Settings, load_settings

KEPT = "report.html, events.ndjson, truth.ndjson, custody-log.ndjson, stall-events.ndjson, key, policies/, history/, logs/"

MOST_HELD = """
SELECT kiosk_municipality, formatDateTime(min(entered_at), '%Y-%m', {zone:String})
FROM hops_now
WHERE hop = {hop:String} AND state = 'late'
GROUP BY kiosk_municipality
ORDER BY count() DESC
LIMIT 1
"""


@app.command()
def demo(
    held: Annotated[int | None, typer.Option(min=1, help="How many applications are held; default: as in the scenario (193).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
    scenario: Annotated[str, typer.Option(help="The scenario's name, or its file (.yaml).")] = "soka",
    kafka: Annotated[bool, typer.Option("--kafka", help="On Apache Kafka (Java 17 and Maven) instead of the embedded broker.")] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Leave the report page, events, truth, logs, policy and history in this new folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON; nothing else on stdout.")] = False,
) -> None:
    """Watch the Soka case being found: 193 applications held on a vendor's server, within hours of the first instead of 43 days.

    The real stages run on this machine in scenario time (1 April to 14 May 2026; the year is assumed). Exit code 1 if what they say
    differs from what is true of the scenario.
    """
    signal.signal(signal.SIGTERM, _end)
    screen = Screen(stderr=as_json)
    with _folder(keep) as folder:
        # Other settings of the environment do not count: the same seed is to give the same run everywhere
        run = DemoRun(folder, scenario, seed, held, kafka, Settings.model_construct(kafka_jars=load_settings().kafka_jars))
        introduce(run, screen, keep)
        outcome = _play(run, screen, keep is not None)
    report(outcome, run, screen)
    if keep is not None:
        screen.print(f"\nleft in {keep}: {KEPT}")
    if as_json:
        print(orjson.dumps(outcome.as_json()).decode())
    raise typer.Exit(0 if outcome.sound else 1)


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)  # through every `finally`: nothing is left behind


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tairyu-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise Sorry(f"{keep}: not empty: --keep needs a folder of its own, an earlier run's files would be mixed with this one's")
    except OSError as error:
        raise Sorry(f"{keep}: {error.strerror}: --keep needs a folder that can be made") from error
    yield keep.resolve()


def _play(run: DemoRun, screen: Screen, keep: bool) -> Outcome:
    began_s = time.monotonic()
    hop = run.story.held_hop
    with run.set_up(lambda text: screen.print(text, style="dim", markup=False)) as set_up:
        player = Player(run, set_up.settings, SHOWN_IN_S if screen.is_terminal else 0.0)
        player.start()
        seen = Seen()
        show(run, run.watch(set_up, seen), screen)
        events = player.finish()
        with show_writing(screen, events + len(seen.transitions)) as tell:
            client = run.wait_for_history(set_up, events, len(seen.transitions), tell)
        clickhouse = from_clickhouse(client, hop)
        run.wait_for_hops(set_up, client)
        told = _report(client, run, set_up.settings, run.folder / "report.html" if keep else None)
        if keep:
            run.keep(set_up.settings)
    return Outcome(
        truth=run.story.figures,
        stream=from_stream(seen.transitions, run.story.truth, hop),
        clickhouse=clickhouse,
        raised_elsewhere=len(raised_elsewhere(seen.transitions, run.story.truth)),
        events=events,
        transitions=seen.transitions,
        hop=hop,
        seconds=time.monotonic() - began_s,
        told=told,
    )


def _report(client: Any, run: DemoRun, settings: Settings, path: Path | None) -> Sequence[str]:
    """The first lines of the report of the town and month in which most were held; the page itself goes into the file."""
    asked = {"hop": run.story.held_hop, "zone": str(run.policies.newest.timezone)}
    found = client.query(MOST_HELD, parameters=asked).result_rows
    if not found:
        return ()
    page = import_module("sinks.report")
    month = month_of(client, settings, *map(str, found[0]))
    if path is not None:
        path.write_text(page.report_page(month), encoding="utf-8")
    return tuple(page.first_lines(month))
