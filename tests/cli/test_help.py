"""``tairyu`` explains itself, and answers a wrong word in a sentence."""

import re
from importlib.metadata import PackageNotFoundError, version

import pytest

from streams.cli import COMMANDS
from tests.cli.house import ROOT, House

README = ROOT / "README.md"
OPTIONS = {
    "demo": ("--held", "--seed", "--scenario", "--kafka", "--keep", "--json", "the year is assumed"),
    "up": ("--data", "--kafka", "--port", "nothing is kept"),
    "run": ("intake|watch|history", "TAIRYU_BROKERS", "SIGTERM"),
    "config": ("show", "as this machine has them"),
    "topics": ("--create", "--check", "--data", "rights", "Print who may do what"),
    "migrate": ("--dry-run", "--dialect", "single|replicated", "not run here"),
    "roles": ("--for", "--prefecture", "--dialect", "Not run here"),
    "doctor": ("--data", "--free", "--json", "Nothing is changed"),
    "key": ("rotate", "show", "The keys of the tokens"),
    "replay": (".ndjson.gz", ".csv", "--speaker", "--json", "received", "Exit code 1"),
    "import": (".parquet", "--name", "--speaker", "--data", "--workers", "--json", "received", "nothing stands twice"),
    "simulate": ("--applications", "--seed", "--days", "--scenario", "--out", "--truth", "--key", "--json", "real codes"),
    "stalls": ("--follow", "--by", "kiosk|vendor|hop", "--json"),
    "where": ("never an argument", "申請書ID", "--json"),
    "query": ("hops_now", "stalls_now", "--format", "read-only", "--for", "--list", "NAME=VALUE"),
    "report": ("--municipality", "--month", "--out", "A4"),
    "scorecard": ("--vendor", "--from", "--to", "table|json|html", "--out", "--for", "silence never improves"),
    "curve": ("--hop", "--factors", "--file", "--speaker", "--json", "false alarms"),
    "check": ("--speaker", "--until", "--json", "received", "Exit code 1"),
    "judge": ("--log", "--policy", "--until", "--verdicts", "--key", "Exit code 1"),
    "export": ("custody-log", "stall-events", "history"),
}


def test_the_version_is_printed(house: House) -> None:
    said = house.tairyu("--version")

    try:
        expected = f"tairyu {version('tairyu')}"
    except PackageNotFoundError:
        expected = "tairyu, not installed: run from its source"
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{expected}\n", "")


def test_help_lists_every_command_in_the_order_in_which_one_needs_them(house: House) -> None:
    lines = house.tairyu("--help").stdout.splitlines()

    words = [line.split()[1] for line in lines if line.startswith("│ ") and line[2] not in " -"]
    assert words == list(COMMANDS) == list(OPTIONS)


def test_the_readme_names_every_command() -> None:
    row = next(line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| the command |"))

    assert re.findall(r"`(\w+)`", row) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(house: House, command: str) -> None:
    said = house.tairyu(command, "--help", env={"COLUMNS": "300"})

    assert said.returncode == 0
    assert f"Usage: tairyu {command}" in said.stdout
    assert [word for word in OPTIONS[command] if word not in said.stdout] == []
    assert "\x1b" not in said.stdout


@pytest.mark.parametrize(
    "arguments", [["nope"], ["stalls", "--nope"], ["run", "nope"], ["stalls", "--by", "nope"], ["demo", "--held", "0"]]
)
def test_a_wrong_word_is_named_with_what_is_there(house: House, arguments: list[str]) -> None:
    said = house.tairyu(*arguments)

    assert (said.returncode, said.stdout) == (2, "")
    assert arguments[-2 if arguments[-1].isdecimal() else -1] in said.stderr
    assert "Traceback" not in said.stderr


def test_a_command_loads_only_what_it_needs(house: House) -> None:
    # judge needs neither ClickHouse nor Faust, nor what the demo and up need
    said = house.tairyu("judge", "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})

    loaded = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "streams.judge" in loaded
    assert loaded & {"clickhouse_connect", "faust", "chdb", "streams.up", "streams.cli.demo_run"} == set()


@pytest.mark.parametrize(
    "command",
    [
        ["stalls"],
        ["where"],
        ["query", "SELECT 1"],
        ["export", "custody-log"],
        ["replay", "-"],
        ["topics", "--check"],
        ["topics", "--create"],
        ["topics", "rights", "--apply"],
    ],
)
def test_where_nothing_runs_it_says_how_to_start_it(house: House, command: list[str]) -> None:
    said = house.tairyu(*command)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "tairyu: no set-up is running here: start one with `tairyu up`, or set TAIRYU_BROKERS\n"


def test_a_folder_in_which_nothing_runs_is_named(house: House) -> None:
    said = house.tairyu("stalls", "--data", house.folder / "d")

    folder = house.folder / "d"
    assert said.returncode == 2
    assert said.stderr == (
        f"tairyu: {folder}: no set-up is running there: start one with `tairyu up --data {folder}`, or set TAIRYU_BROKERS\n"
    )
