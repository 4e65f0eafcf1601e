"""Settings that are wrong, and servers that are not there: a sentence each, soon."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from streams.brokers import Broker
from tests.cli.house import House, read_until, stop


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers: taken, and never listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LOG_PARTITIONS", "four", "TAIRYU_LOG_PARTITIONS: a valid integer, unable to parse string as an integer, got 'four'"),
        ("EMBEDDED", "perhaps", "TAIRYU_EMBEDDED: a valid boolean, unable to interpret input, got 'perhaps'"),
        ("SESSION_TIMEOUT_S", "", "TAIRYU_SESSION_TIMEOUT_S: a valid number, unable to parse string as a number, got ''"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(house: House, name: str, value: str, sentence: str) -> None:
    said = house.tairyu("run", "watch", env={f"TAIRYU_{name}": value})

    assert (said.returncode, said.stderr) == (2, f"tairyu: {sentence}\n")


@pytest.mark.parametrize("command", ["up", "stalls", "demo", "topics"])
def test_a_wrong_setting_stops_every_command_that_would_need_it(house: House, command: str) -> None:
    said = house.tairyu(command, env={"TAIRYU_STUCK_AFTER_S": "soon", "TAIRYU_BROKERS": "127.0.0.1:1"})

    assert said.returncode == 2
    assert said.stderr == "tairyu: TAIRYU_STUCK_AFTER_S: a valid number, unable to parse string as a number, got 'soon'\n"


def test_every_wrong_setting_is_named_at_once(house: House) -> None:
    said = house.tairyu("topics", env={"TAIRYU_LOG_PARTITIONS": "x", "TAIRYU_STUCK_AFTER_S": "y"})

    assert [line.split(":")[-2 if line.startswith("tairyu") else 0].strip() for line in said.stderr.splitlines()] == [
        "TAIRYU_LOG_PARTITIONS",
        "TAIRYU_STUCK_AFTER_S",
    ]


def test_a_misspelt_setting_is_an_error_with_the_nearest_one(house: House) -> None:
    said = house.tairyu("topics", env={"TAIRYU_LOG_PARTITION": "7", "TAIRYU_ZZZ": "1"})

    assert said.returncode == 2
    assert said.stderr.splitlines() == [
        "tairyu: TAIRYU_LOG_PARTITION is no setting: did you mean TAIRYU_LOG_PARTITIONS? (`tairyu config show` lists all)",
        "TAIRYU_ZZZ is no setting (`tairyu config show` lists all)",
    ]


@pytest.mark.parametrize("stage", ["intake", "watch", "history"])
def test_a_stage_without_its_policy_says_which_file(house: House, stage: str) -> None:
    said = house.tairyu("run", stage, env={"TAIRYU_POLICY": "/nowhere/policy.yaml"})

    assert said.returncode == 2
    assert said.stderr.splitlines()[-1].startswith("tairyu: /nowhere/policy.yaml: cannot be read: ")
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("command", [["stalls"], ["stalls", "--follow"], ["export", "custody-log"], ["replay", "-"]])
def test_a_broker_that_does_not_answer_is_named_within_seconds(house: House, nobody: str, command: list[str]) -> None:
    began_s = time.monotonic()
    said = house.tairyu(*command, env={"TAIRYU_BROKERS": nobody})

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: the broker at {nobody} does not answer (")
    assert said.stderr.count("\n") == 1
    assert time.monotonic() - began_s < 25


@pytest.mark.parametrize("stage", ["intake", "watch", "history"])
def test_a_stage_to_which_no_broker_answers_says_so_within_seconds(house: House, nobody: str, stage: str) -> None:
    key = house.folder / "key"
    key.write_text("k" * 64)
    env = {"TAIRYU_BROKERS": nobody, "TAIRYU_KEY_FILE": str(key), "TAIRYU_HISTORY_DIR": str(house.folder / "history")}
    began_s = time.monotonic()
    said = house.tairyu("run", stage, env=env)

    *logged, last = said.stderr.splitlines()
    assert (said.returncode, said.stdout) == (2, "")
    assert last.startswith(f"tairyu: no broker answers at {nobody} (")
    assert "Connection refused" in last
    assert last.endswith("): does it run, and is its address right?")
    assert [line for line in logged if not line.startswith("{")] == []
    assert time.monotonic() - began_s < 25


def test_topics_cannot_be_created_where_no_broker_answers(house: House, nobody: str) -> None:
    said = house.tairyu("topics", "--create", env={"TAIRYU_BROKERS": nobody})

    assert said.returncode == 2
    assert said.stderr.startswith(f"tairyu: the broker at {nobody} does not answer (")
    assert said.stderr.count("\n") == 1


def test_topics_are_listed_without_any_broker(house: House) -> None:
    said = house.tairyu("topics", env={"TAIRYU_PUBLIC_PARTITIONS": "3"})

    assert said.returncode == 0
    assert next(line for line in said.stdout.splitlines() if "kiosk-events.plaza" in line).split()[3] == "3"
    assert "custody-log" in said.stdout


@pytest.mark.parametrize("command", [["query", "SELECT 1"], ["where"]])
def test_a_history_that_does_not_answer_is_said_without_its_password(house: House, nobody: str, command: list[str]) -> None:
    env = {"TAIRYU_BROKERS": nobody, "TAIRYU_CLICKHOUSE_URL": f"http://reader:hunter2@{nobody}"}
    said = house.tairyu(*command, text="1" * 23, env=env)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"tairyu: history at {nobody} does not answer: Connection refused\n"


def test_without_any_history_it_says_what_to_set(house: House, nobody: str) -> None:
    said = house.tairyu("query", "SELECT 1", env={"TAIRYU_BROKERS": nobody})

    assert said.returncode == 2
    assert said.stderr.startswith("tairyu: no history is configured: set TAIRYU_CLICKHOUSE_URL")


@pytest.mark.embedded
def test_a_stage_runs_until_sigterm(house: House, embedded: Broker) -> None:
    house.more = {"TAIRYU_BROKERS": embedded.bootstrap, "TAIRYU_EMBEDDED": "true", "TAIRYU_HISTORY_DIR": str(house.folder / "history")}
    assert house.tairyu("topics", "--create").returncode == 0
    with house.start("run", "history") as process:
        read_until(process, '"event": "reading"')
        rest = stop(process)

    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"


@pytest.mark.embedded
@pytest.mark.parametrize("stage", ["intake", "history"])
def test_a_stage_that_is_told_to_stop_as_soon_as_it_is_ready_ends_well(house: House, embedded: Broker, stage: str) -> None:
    (house.folder / "key").write_text("k" * 64)
    address = house.folder / "ready"
    house.more = {
        "TAIRYU_BROKERS": embedded.bootstrap,
        "TAIRYU_EMBEDDED": "true",
        "TAIRYU_KEY_FILE": str(house.folder / "key"),
        "TAIRYU_HISTORY_DIR": str(house.folder / "history"),
        "NOTIFY_SOCKET": str(address),
    }
    assert house.tairyu("topics", "--create").returncode == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        supervisor.bind(str(address))
        others.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                others.sendto(b"WATCHDOG=1", str(address))
        with house.start("run", stage) as process:
            # It cannot say that it is ready before somebody listens: by then it must be able to be stopped.
            house.wait_for(lambda: catches(process.pid, signal.SIGTERM))
            process.send_signal(signal.SIGTERM)
            while supervisor.recv(64) != b"READY=1":
                pass
            process.communicate(timeout=60)

    assert process.returncode == 0


def catches(pid: int, number: signal.Signals) -> bool:
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
