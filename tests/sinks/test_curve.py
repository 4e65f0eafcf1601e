"""Hops judged again under other limits: figures worked out by hand, under factor 1 what history says, and each run once."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.codec import encode
from schemas.events import PREFIX, Event
from schemas.instants import SECOND_US, from_text, to_text
from schemas.records import PULSE_KEY, Input, Pulse
from sinks import curve
from sinks.clickhouse import Log, Store
from sinks.clickhouse_http import Front
from sinks.curve import Run, blocks, is_whole, keep
from sinks.cuts import Range
from sinks.history import KnownHops
from sinks.migrate import read_migrations
from sinks.named_queries import named_query
from sinks.rows import Applications, CustodyLog, StallEvents
from streams.curve import CurveError, under
from streams.gate import Gate
from streams.parties import load_parties
from streams.partition import Partition
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.settings import Settings
from streams.traffic import Traffic
from tests.cli.house import lines_of
from tests.sinks.test_named_queries import only
from tests.streams.story import EVENT, MY_NUMBER, override, policy_with, token_of

ROOT = Path(__file__).parents[2]
HOUR_US = 3_600 * SECOND_US
BEGIN_US = from_text("2026-04-01T00:00:00Z")
UNTIL = 40
"""Hours to which everything is known."""
PEOPLE = dict(zip("abcde", map(token_of, range(5)), strict=True))
FIGURES = ("factor", "alarms", "right", "wrong", "undecided", "missed", "alarms_per_1000", "wrong_share")
DELAYS = ("factor", "median_h", "p90_h", "median_after_h", "p90_after_h")


def told(person: str, milestone: str, hour: float) -> Event:
    speaker, role = ("plaza", "vendor") if milestone == "uploaded" else ("j-lis", "j-lis")
    at = to_text(BEGIN_US + int(hour * HOUR_US))
    return replace(
        EVENT,
        subject=PEOPLE[person],
        id=f"{person}-{milestone}",
        type=f"{PREFIX}application.{milestone}",
        speaker=speaker,
        role=role,
        own_feed=role == "vendor",
        time=at,
        received=at,
    )


FIVE = [
    *(told("a", "uploaded", 0), told("a", "received", 4)),  # in time: six hours are the limit
    *(told("b", "uploaded", 0), told("b", "received", 10)),  # late
    told("c", "uploaded", 0),  # held still
    *(told("d", "uploaded", 0), told("d", "accepted", 20)),  # when it was received nobody has said
    told("e", "uploaded", UNTIL - 2),  # open, and its limit has not passed
]


def run_of(events: Sequence[Event], factors: Sequence[float] = (0.5, 1, 2), hop: str = "forward") -> Run:
    return Run(hop, tuple(factors), ("log",), len(events), BEGIN_US + UNTIL * HOUR_US, ("rules",))


def sorted_by_application(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.subject or "")


def ask(store: Store, run: str = "", hop: str = "forward", towns: Sequence[str] = ("all",)) -> list[dict[str, Any]]:
    query = named_query("curve")
    rows = store.query(*query.bound({"hop": hop, "run": run}, towns))
    return [dict(zip(query.columns, row, strict=True)) for row in rows]


@pytest.fixture
def store(chdb_folder: Path, database: str) -> Iterator[Store]:
    opened = Store.in_folder(chdb_folder, database)
    opened.migrate(read_migrations())
    yield opened
    opened.close()


def test_the_curve_of_five_applications_is_as_worked_out_by_hand(store: Store) -> None:
    run = run_of(FIVE)

    assert list(keep(store, run, under(MY_NUMBER, "forward", run.factors), blocks(sorted_by_application(FIVE)))) == [5]

    rows = ask(store)
    assert {row["applications"] for row in rows} == {5}
    assert only(rows, *FIGURES) == [
        (0.5, 4, 2, 1, 1, 0, 800.0, 0.3333),  # after three hours: b and c rightly, a in error, d unknown
        (1.0, 3, 2, 0, 1, 0, 600.0, 0.0),  # after six: not a
        (2.0, 2, 1, 0, 1, 1, 400.0, 0.0),  # after twelve: b has gone on by then, and is missed
    ]
    assert only(rows, *DELAYS) == [(0.5, 3.0, 3.0, -3.0, -3.0), (1.0, 6.0, 6.0, 0.0, 0.0), (2.0, 12.0, 12.0, 6.0, 6.0)]


def test_a_town_sees_the_curve_of_its_own_applications(store: Store) -> None:
    run = run_of(FIVE)
    elsewhere = [
        replace(event, data=replace(event.data, kiosk_municipality="131016", residence_municipality="131016"))
        if event.subject == PEOPLE["c"]
        else event
        for event in FIVE
    ]
    list(keep(store, run, under(MY_NUMBER, "forward", run.factors), blocks(sorted_by_application(elsewhere))))

    assert [row["right"] for row in ask(store)] == [2, 2, 1]
    assert [row["right"] for row in ask(store, towns=["131016"])] == [1, 1, 1]


def test_a_run_that_is_broken_off_is_shown_to_nobody_and_then_stands_there_once(store: Store) -> None:
    run, policies = run_of(FIVE), under(MY_NUMBER, "forward", (0.5, 1, 2))
    pieces = list(blocks(sorted_by_application(FIVE), 2))

    broken = keep(store, run, policies, pieces)
    assert [next(broken), next(broken)] == [2, 2]  # two of three blocks stand there
    broken.close()
    assert store.query("SELECT count() > 0 FROM curve_hops") == [(1,)]
    assert (ask(store), is_whole(store, run)) == ([], False)

    for _ in range(2):
        assert list(keep(store, run, policies, pieces)) == [2, 2, 1]
        assert store.query("SELECT count(), uniqExact(factor, token, attempt) FROM curve_hops") == [(15, 15)]
        assert (len(ask(store)), is_whole(store, run)) == (3, True)


def test_the_newest_whole_run_of_a_hop_is_shown_and_an_earlier_one_by_its_name(store: Store) -> None:
    first, second = run_of(FIVE), run_of(FIVE[:4])
    for run, events in ((first, FIVE), (second, FIVE[:4])):
        list(keep(store, run, under(MY_NUMBER, "forward", run.factors), blocks(sorted_by_application(events))))

    assert first.name != second.name
    assert {row["applications"] for row in ask(store)} == {2}
    assert {row["applications"] for row in ask(store, first.name)} == {5}
    assert ask(store, hop="upload") == []


def test_overrides_are_multiplied_and_days_are_whole_ones() -> None:
    policies = under(MY_NUMBER, "screening", [0.3])
    assert sorted(policies) == [0.3, 1.0]
    assert policies[1.0].newest.hops["screening"] == MY_NUMBER.newest.hops["screening"]
    assert policies[0.3].newest.hops["screening"].limits == (("notice", 2), ("warn", 4), ("breach", 6))
    batches = override("batches", "forward", {"vendor": "tokiwa"}, limits=(("notice", 24 * HOUR_US), ("warn", 48 * HOUR_US)))
    other = override("other", "upload", {"vendor": "tokiwa"}, watched=False)
    (doubled,) = under(policy_with(overrides=(batches, other)), "forward", [2])[2.0].newest.overrides
    assert doubled.changed.limits == (("notice", 48 * HOUR_US), ("warn", 96 * HOUR_US))


@pytest.mark.parametrize(
    ("hop", "factor", "text"),
    [
        ("nothing", 1, "no hop is named 'nothing': upload, forward"),
        ("forward", 0, "0: limits are multiplied by more than 0"),
        ("forward", -1, "-1: limits are multiplied by more than 0"),
        ("screening", 0.05, r"0.05: two limits of screening would fall on one day"),
    ],
)
def test_limits_that_cannot_be_are_a_sentence(hop: str, factor: float, text: str) -> None:
    with pytest.raises(CurveError, match=text):
        under(MY_NUMBER, hop, [factor])


# Against history


def town(folder: Path) -> list[Event]:
    """A month of a small town, with all that goes wrong, in the order of arrival."""
    policies = load_policies(Settings().policy)
    traffic = Traffic(load_scenario("town", applications=150, days=20), policies, 3, folder, 1)
    try:
        traffic.tell(lambda more: None)
        gate = Gate(policies, load_parties(Settings().parties, policies.newest), traffic.key)
        events = [gate.admit_line(line, origin=f"file:{number}") for number, line in enumerate(traffic.lines(), 1)]
    finally:
        traffic.close()
    return sorted((event for event in events if event.subject is not None), key=lambda event: from_text(event.received))


def kept_as_history(store: Store, events: Sequence[Event]) -> int:
    """What the stages would have written of them, with a pulse every six hours; gives up to when all is read."""
    partition, custody, said, records = Partition(MY_NUMBER, 0), [], [], []
    at_us, end_us, offset = from_text(events[0].received), from_text(events[-1].received) + 30 * 24 * HOUR_US, 0
    left = list(reversed(events))
    while at_us < end_us:
        at_us += 6 * HOUR_US
        batch = partition.judge([])
        while left and from_text(left[-1].received) <= at_us:
            event = left.pop()
            custody.append((offset := offset + 1, (event.subject or "").encode(), encode(event)))
            batch.handle(*custody[-1])
        feeds = {"jlis-events": None, "municipal-events": None, **{f"kiosk-events.{name}": name for name in ("plaza", "tokiwa", "minato")}}
        through = {0: to_text(at_us)}
        inputs = {topic: Input(vendor=vendor, partitions=1, through=through, heard={}) for topic, vendor in feeds.items()}
        batch.handle(offset := offset + 1, PULSE_KEY, encode(pulse(at_us, inputs)))
        said += batch.said
        changed = batch.changed()
        records += [pair for pair in (*batch.ended().items(), *changed.items()) if pair[1] is not None]
        partition.keep(batch, changed, batch.applied())
    tables = (
        ("custody-log", CustodyLog(), custody),
        ("applications", Applications(KnownHops(MY_NUMBER).rows), [(number, *pair) for number, pair in enumerate(records)]),
        ("stall-events", StallEvents(), [(number, *pair) for number, pair in enumerate(said) if pair[0] is not None]),
    )
    for name, source, rows in tables:
        cut = Range(0, rows[-1][0], len(rows), 1, at_us)
        store.write(Log(name, name, 0), cut, source.rows(rows, pytest.fail))
    return at_us


def pulse(at_us: int, inputs: dict[str, Input]) -> Pulse:
    return Pulse(at=to_text(at_us), bucket_s=5, policy=MY_NUMBER.newest.version, input_set=1, inputs=inputs)


def test_under_factor_1_the_curve_says_what_history_says(store: Store, tmp_path: Path) -> None:
    """Of each hop the same verdict. Whoever was woken is an alarm; and who was not, is one only where news came before the next pulse."""
    known_us = kept_as_history(store, town(tmp_path))
    ((logs, until_us, count, applications),) = store.query(curve.SOURCE)
    events = [curve.read_event(row, MY_NUMBER) for row in store.query(curve.EVENTS)]
    assert (until_us, len(events), len({event.subject for event in events})) == (known_us, count, applications)

    for hop in ("forward", "issuance", "delivery", "pickup"):
        run = Run(hop, (1.0, 2.0), tuple(logs), count, until_us, ())
        list(keep(store, run, under(MY_NUMBER, hop, [2]), blocks(events, 25)))
        columns = "token, attempt, vendor, kiosk, policy_version, state, entered_at, due_at, closed_at, closed_before"
        of_curve = f"SELECT {columns} FROM curve_hops WHERE hop = '{hop}' AND factor = 1 AND NOT (state = 'void' AND closed_before IS NULL)"
        of_history = f"SELECT {columns} FROM hops_now WHERE hop = '{hop}' AND NOT (state = 'void' AND closed_before IS NULL)"
        assert sorted(store.query(of_curve), key=str) == sorted(store.query(of_history), key=str)

        alarms = {*store.query(f"SELECT token, attempt FROM curve_hops WHERE hop = '{hop}' AND factor = 1 AND raised_at IS NOT NULL")}
        raised = {*store.query(f"SELECT token, attempt FROM transitions WHERE hop = '{hop}' AND kind = 'raised'")}
        recorded = {*store.query(f"SELECT token, attempt FROM transitions WHERE hop = '{hop}' AND kind = 'recorded'")}
        assert raised <= alarms
        still_open = {*store.query(f"SELECT token, attempt FROM hops_now WHERE hop = '{hop}' AND state = 'open'")}
        assert not (alarms - raised) & still_open
        assert {*store.query(f"SELECT token, attempt FROM hops_now WHERE hop = '{hop}' AND state = 'late'")} <= raised | recorded
    ((late, undetermined),) = store.query(
        "SELECT countIf(state = 'late'), countIf(state = 'undetermined') FROM curve_hops WHERE factor = 1"
    )
    assert min(late, undetermined) > 0


# The command


def tairyu(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAIRYU_")}
    line = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(line, env={**clean, **more}, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def lines_of_a(subject: str, ended: float) -> str:
    event = {"specversion": "1.0", "subject": subject, "data": {"kiosk": "k", "kiosk_municipality": "112216"}}
    return lines_of(
        {
            **event,
            "id": "1",
            "source": "/vendors/plaza/k",
            "type": f"{PREFIX}application.uploaded",
            "speaker": "plaza",
            "time": "2026-04-01T00:00:00Z",
        },
        {
            **event,
            "id": "2",
            "source": "/j-lis/x",
            "type": f"{PREFIX}application.received",
            "speaker": "j-lis",
            "time": to_text(BEGIN_US + int(ended * HOUR_US)),
        },
    )


def test_a_file_is_judged_without_any_set_up(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(lines_of_a("1" * 23, 4) + lines_of_a("2" * 23, 10).replace('"id": "', '"id": "x') + "no event\n", encoding="utf-8")

    said = tairyu("curve", "--hop", "forward", "--file", str(file), "--factors", "0.5,2", "--json")

    rows = [msgspec.json.decode(line) for line in said.stdout.splitlines()]
    assert said.returncode == 0, said.stderr
    assert only(rows, "factor", "alarms", "right", "wrong", "missed") == [(0.5, 2, 1, 1, 0), (1.0, 1, 1, 0, 0), (2.0, 0, 0, 0, 1)]
    assert said.stderr.startswith(f"{file}:5: ")  # a refused line is named, and the rest is judged


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hop", "nothing", "--file", "x"], "no hop is named 'nothing'"),
        (["--hop", "forward", "--file", "x", "--factors", "1,two"], "--factors: expected numbers with commas between"),
        (["--hop", "forward", "--file", "/nowhere"], "/nowhere: No such file"),
        (["--hop", "forward", "--speaker", "plaza"], "--speaker and --until go with --file"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: list[str], sentence: str) -> None:
    said = tairyu("curve", *arguments)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")


def test_the_history_of_a_server_is_judged_and_the_run_kept_once(chdb_folder: Path) -> None:
    kept = Store.in_folder(chdb_folder)
    kept.migrate(read_migrations())
    records = [(number, (event.subject or "").encode(), encode(event)) for number, event in enumerate(FIVE)]
    cut = Range(0, 9, 10, 1, BEGIN_US + UNTIL * HOUR_US)
    kept.write(Log("log", "custody-log", 0), cut, CustodyLog().rows(records, pytest.fail))
    try:
        with Front(chdb_folder, writable=True) as front:
            url = {"TAIRYU_CLICKHOUSE_URL": f"http://127.0.0.1:{front.port}", "TAIRYU_BROKERS": "127.0.0.1:1"}
            for _ in range(2):
                said = tairyu("curve", "--hop", "forward", "--factors", "0.5,2", "--json", **url)
                rows = [msgspec.json.decode(line) for line in said.stdout.splitlines()]
                assert (said.returncode, said.stderr) == (0, "")
                assert only(rows, *FIGURES[:6]) == [(0.5, 4, 2, 1, 1, 0), (1.0, 3, 2, 0, 1, 0), (2.0, 2, 1, 0, 1, 1)]
            assert kept.query("SELECT count(), (SELECT count() FROM curves) FROM curve_hops") == [(15, 1)]
            asked = tairyu("query", "curve", "hop=forward", "--for", "112216", "--json", **url)
            assert [msgspec.json.decode(line)["alarms"] for line in asked.stdout.splitlines()] == [4, 3, 2]
    finally:
        kept.command("DROP DATABASE tairyu")
        kept.close()
