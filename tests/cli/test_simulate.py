"""``tairyu simulate`` as a process: what it makes can be judged, and is the same on every run."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import House, changed_policy

ASKED = ("--scenario", "town", "--applications", "80", "--days", "10", "--seed", "4")


def simulate(house: House, *more: str | Path) -> dict[str, Any]:
    [made] = house.json("simulate", *ASKED, "--json", *more)
    assert isinstance(made, dict)
    return made


def test_what_it_makes_is_judged_to_be_what_it_says_is_true(house: House) -> None:
    events, truth, key = (house.folder / name for name in ("events.ndjson", "truth.ndjson", "key"))
    made = simulate(house, "--out", events, "--truth", truth, "--key", key)

    # 10 days of applications, 150 more until their ends, from 1 April
    verdicts = house.json("judge", events, "--verdicts", "--key", key, "--until", "2026-09-08T00:00:00+09:00")
    rows = [json.loads(line) for line in truth.read_text().splitlines()]
    assert made["applications"] == 80
    assert made["events"] == len(events.read_bytes().splitlines())
    assert made["hops"] == len(rows) > 400
    assert sum(made["kinds"].values()) == 80
    assert sum(each["hops"] for each in made["verdicts"]) == len(rows)
    assert sorted(map(json.dumps, verdicts)) == sorted(map(json.dumps, rows))
    assert not [path for path in house.folder.iterdir() if path.name.startswith(".tairyu-simulate")]


def test_every_run_writes_the_same_bytes_whatever_the_number_of_processes(house: House) -> None:
    one, two, packed, again = (house.folder / name for name in ("1", "2", "3.ndjson.gz", "4.ndjson.gz"))
    for path, workers in ((one, "1"), (two, "2"), (packed, "2"), (again, "1")):
        simulate(house, "--out", path, "--workers", workers)

    assert one.read_bytes() == two.read_bytes() == gzip.decompress(packed.read_bytes())
    assert packed.read_bytes() == again.read_bytes()


def test_a_pipe_gets_the_events_and_nothing_else(house: House) -> None:
    said = house.tairyu("simulate", *ASKED, "--out", "-")

    assert said.returncode == 0
    assert {json.loads(line)["specversion"] for line in said.stdout.splitlines()} == {"1.0"}
    assert "80 applications at" in said.stderr


def test_the_first_day_can_be_chosen(house: House) -> None:
    simulate(house, "--out", house.folder / "events", "--begins", "2027-02-01")

    first = json.loads((house.folder / "events").read_text().splitlines()[0])
    assert first["received"].startswith("2027-01-31T15:")  # midnight in Japan


def test_what_is_true_is_so_by_the_policy_of_the_settings_unless_an_option_names_another(house: House) -> None:
    lenient = str(changed_policy(house.folder, "{notice: 6h, warn: 24h, breach: 72h}", "{notice: 7d, warn: 8d, breach: 9d}"))
    events, real, told, named = (house.folder / name for name in ("events", "real", "told", "named"))
    simulate(house, "--truth", real, "--out", events)
    simulate(house, "--truth", named, "--out", events, "--policy", lenient)
    house.more = {"TAIRYU_POLICY": lenient}
    simulate(house, "--truth", told, "--out", events)

    assert told.read_bytes() == named.read_bytes() != real.read_bytes()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--out", "nowhere/events"], "nowhere/events: No such file or directory: nothing can be written there"),
        (["--out", "/proc/nope"], "/proc/nope: "),
        (["--scenario", "nope", "--out", "-"], "there is no scenario 'nope' ("),
        (["--scenario", "soka", "--days", "3", "--out", "-"], "held: 2026-05-14 is none of the scenario's days"),
        ([], "no set-up is running here: start one with `tairyu up`, or set TAIRYU_BROKERS"),
    ],
)
def test_a_mistake_is_a_sentence(house: House, more: list[str], sentence: str) -> None:
    said = house.tairyu("simulate", *more)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")
    assert said.stderr.count("\n") == 1


@pytest.mark.embedded
def test_without_a_file_events_go_to_the_topics_of_a_running_set_up(running: House) -> None:
    """They end today: what is open at their end is held now, as the truth has it."""
    truth = running.folder / "truth.ndjson"
    asked = ("--scenario", "town", "--applications", "40", "--days", "5", "--truth", truth, "--json")
    [made] = running.json("simulate", *asked)

    held = {
        (row["subject"][-4:], row["hop"])
        for row in map(json.loads, truth.read_text().splitlines())
        if row["level"] and not row["closed_at"]
    }
    count = "SELECT count() FROM events"
    running.wait_for(lambda: int(running.tairyu("query", count, "--format", "csv").stdout.splitlines()[-1]) >= made["events"])
    assert held
    running.wait_for(lambda: {(each["last4"], each["hop"]) for each in running.json("stalls", "--json")} == held)
