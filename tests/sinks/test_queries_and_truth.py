"""Named queries over a simulated town, imported: their answers are those of the simulation's truth, counted here in another way."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from schemas.instants import from_text, from_us
from sinks.clickhouse import DATABASE, Store
from sinks.importing import import_files
from sinks.named_queries import EVERYWHERE, named_query
from streams.connection import clickhouse
from streams.settings import Settings
from tests.sinks.import_house import ROOT

APPLICATIONS = 120
JAPAN = ZoneInfo("Asia/Tokyo")


class Hop(NamedTuple):
    """What truly happened, and how it is judged."""

    token: str
    hop: str
    attempt: int
    entered_at: datetime
    closed_at: datetime | None
    verdict: str
    level: str | None


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    named = ["--out", folder / "events.ndjson", "--truth", folder / "truth.ndjson", "--key", folder / "key"]
    size = ["--scenario", "town", "--applications", APPLICATIONS, "--seed", 3, "--workers", 1]
    command = [sys.executable, "-m", "streams.cli", "simulate", *map(str, [*size, *named])]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (folder / "key").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def truth(simulated: Path) -> list[Hop]:
    lines = map(json.loads, (simulated / "truth.ndjson").read_text().splitlines())
    return [Hop(**{name: _at(line[name]) if name.endswith("_at") else line[name] for name in Hop._fields}) for line in lines]


@pytest.fixture(scope="module")
def history(server: str, simulated: Path) -> Iterator[Store]:
    settings = Settings(clickhouse_url=server, key_file=simulated / "key")
    store = Store.on_server(clickhouse(settings) or {})
    store.command(f"DROP DATABASE {DATABASE} SYNC")
    import_files(settings, [simulated / "events.ndjson"], name="town", workers=2)
    yield store
    store.command(f"DROP DATABASE {DATABASE} SYNC")
    store.close()


@pytest.fixture(scope="module")
def read_to(history: Store) -> datetime:
    ((instant,),) = history.query("SELECT max(cut_at) FROM ranges")
    assert isinstance(instant, datetime)
    return instant


def ask(history: Store, name: str, **given: str) -> list[dict[str, Any]]:
    query = named_query(name)
    sql, values = query.bound(given, [EVERYWHERE])
    return [dict(zip(query.columns, row, strict=True)) for row in history.query(sql, values)]


def _at(text: str | None) -> datetime | None:
    return None if text is None else from_us(from_text(text))


def _hours(length: timedelta) -> float:
    return int(length.total_seconds()) / 3600


def by_hop(hops: Iterable[Hop]) -> dict[str, list[Hop]]:
    found: dict[str, list[Hop]] = defaultdict(list)
    for hop in hops:
        found[hop.hop].append(hop)
    return found


def product_limit_median(ended: list[float], open_: list[float]) -> float | None:
    """Kaplan and Meier's: the first length after which half of all that are at risk are gone."""
    left = 1.0
    for hours in sorted(set(ended)):
        at_risk = sum(each >= hours for each in (*ended, *open_))
        left *= 1 - ended.count(hours) / at_risk
        if left <= 0.5 + 1e-9:
            return hours
    return None


def test_lengths_and_counts_of_each_hop(history: Store, truth: list[Hop], read_to: datetime) -> None:
    assert len(by_hop(truth)) == 8
    for name, hops in by_hop(truth).items():
        (told,) = ask(history, "hop_times", hop=name, by="all")
        ended = [_hours(hop.closed_at - hop.entered_at) for hop in hops if hop.verdict in ("in_time", "late") and hop.closed_at is not None]
        open_ = [_hours(read_to - hop.entered_at) for hop in hops if hop.verdict == "open"]
        assert told["people"] == len({hop.token for hop in hops if hop.verdict != "void"})
        assert (told["closed"], told["open"]) == (len(ended), len(open_))
        assert told["undetermined"] == sum(hop.verdict == "undetermined" for hop in hops)
        assert told["naive_median_h"] == round(sorted(ended)[len(ended) // 2], 2)
        median = product_limit_median(ended, open_)
        assert told["median_h"] == (None if median is None else round(median, 2))


def test_what_is_open(history: Store, truth: list[Hop]) -> None:
    told = {row["hop"]: row["people"] for row in ask(history, "open_now")}

    assert sum(told.values()) >= 3
    assert told == Counter(hop.hop for hop in truth if hop.verdict == "open")


def test_what_is_known_to_be_held_at_the_end(history: Store, truth: list[Hop], read_to: datetime) -> None:
    told = {(row["hop"], row["level"]): row["people"] for row in ask(history, "known_at", at=read_to.isoformat())}

    assert told == Counter((hop.hop, hop.level) for hop in truth if hop.verdict == "open" and hop.level is not None)


def test_how_many_began_and_were_held(history: Store, truth: list[Hop]) -> None:
    (told,) = ask(history, "numbers")
    held = {hop.token for hop in truth if hop.verdict == "late" or (hop.verdict == "open" and hop.level is not None)}

    assert told["begun"] == len({hop.token for hop in truth}) == APPLICATIONS
    assert told["returned"] == len({hop.token for hop in truth if hop.attempt > 1 and hop.verdict != "void"})
    assert told["undetermined"] == len({hop.token for hop in truth if hop.verdict == "undetermined"})
    assert told["held"] == len(held) > 5


def test_each_day_and_attempt(history: Store, truth: list[Hop]) -> None:
    days: Counter[tuple[str, str]] = Counter()
    for row in ask(history, "hop_days"):
        days[str(row["day"]), row["hop"]] += row["entered"]
    whole = [hop for hop in truth if hop.verdict != "void"]

    assert days == Counter((str(hop.entered_at.astimezone(JAPAN).date()), hop.hop) for hop in whole)
    told = {(row["attempt"], row["hop"]): row["people"] for row in ask(history, "attempts")}
    assert told == Counter((hop.attempt, hop.hop) for hop in whole)


def test_person_days_where_nobody_supervises(history: Store, truth: list[Hop], read_to: datetime) -> None:
    told = {row["hop"]: row["person_days"] - row["of_undetermined"] for row in ask(history, "unsupervised") if row["supervisor"] == "none"}
    ends = {"in_time": lambda hop: hop.closed_at, "late": lambda hop: hop.closed_at, "open": lambda hop: read_to}

    for name in ("upload", "forward", "correction", "pickup"):
        lengths = [ends[hop.verdict](hop) - hop.entered_at for hop in by_hop(truth)[name] if hop.verdict in ends]
        assert told[name] == pytest.approx(sum(length.total_seconds() for length in lengths) / 86_400, abs=0.2)
