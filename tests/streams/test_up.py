"""``tairyu up`` with real brokers, and stages that only say they are ready."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from schemas.cards import load_cards
from streams.brokers import BrokerError
from streams.restarts import Rules
from streams.run_file import announced, held
from streams.settings import Settings
from streams.up import Plan, SetUpError, find_running, start_set_up

ROOT = Path(__file__).parents[2]
STAGE = "import os, signal; from streams.readiness import tell_ready; tell_ready(); signal.pause()"
UP = f"""
import sys
from streams.up import up
sys.exit(up(command=lambda stage: [sys.executable, "-c", {STAGE!r}]))
"""
IN_FOLDER = f"""
import sys
from pathlib import Path
from streams.up import Plan, start_set_up
with start_set_up(Plan(Path(sys.argv[1]), command=lambda stage: [sys.executable, "-c", {STAGE!r}])) as set_up:
    print("inside", flush=True)
    set_up.wait()
"""


def idle(stage: str) -> Sequence[str]:
    return [sys.executable, "-c", STAGE]


def test_inside_it_everything_is_ready_and_afterwards_nothing_runs(tmp_path: Path) -> None:
    said: list[str] = []
    with start_set_up(Plan(tmp_path, command=idle), said.append) as set_up:
        running = find_running(tmp_path)
        topics = AdminClient({"bootstrap.servers": set_up.settings.brokers}).list_topics(timeout=10).topics
        assert all(program.running for program in set_up.programs)

    assert running is not None
    assert sorted(running.programs) == ["history", "intake", "the embedded broker", "watch"]
    assert {"custody-log", "kiosk-events.plaza", "jlis-events"} <= set(topics)
    assert [line.split(":")[0] for line in said[:1]] == ["the embedded broker"]
    assert sorted(line.split(":")[0] for line in said[1:]) == ["history", "intake", "watch"]
    assert find_running(tmp_path) is None
    assert not any(program.running for program in set_up.programs)


def test_other_commands_get_the_settings_of_the_stages(tmp_path: Path) -> None:
    settings = Settings(simulation=True, log_partitions=2, stuck_after_s=7)
    with start_set_up(Plan(tmp_path, settings=settings, command=idle), print) as set_up:
        running = find_running(tmp_path)
        stage = running.programs["watch"] if running else 0
        environment = dict(entry.split("=", 1) for entry in Path(f"/proc/{stage}/environ").read_text().split("\0") if "=" in entry)

    assert running is not None
    assert running.settings() == set_up.settings
    assert (set_up.settings.simulation, set_up.settings.log_partitions, set_up.settings.embedded) == (True, 2, True)
    assert environment["TAIRYU_BROKERS"] == running.brokers == set_up.settings.brokers
    assert environment["TAIRYU_HISTORY_PORT"] == str(running.history_port)
    assert environment["TAIRYU_SIMULATION"] == "True"
    assert set_up.settings.history_port > 0


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with start_set_up(Plan(tmp_path, command=idle, stages=("intake",)), print) as set_up:
            assert set_up.settings.key_file == tmp_path / "key"
            keys.append((tmp_path / "key").read_text())

    assert keys[0] == keys[1]
    assert re.fullmatch(r"[0-9a-f]{64}\n", keys[0])
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_stage_in_a_crash_loop_ends_a_set_up_that_gives_up(tmp_path: Path) -> None:
    said: list[str] = []
    rules = Rules(first_s=0.05, longest_s=0.1, loop_after=3)
    fails = [sys.executable, "-c", "raise SystemExit('no')"]
    plan = Plan(tmp_path, command=lambda stage: fails, stages=("watch",), give_up=True, rules=rules)

    with pytest.raises(SetUpError, match="ended while it was starting"), start_set_up(plan, said.append):
        pass

    assert "CRASH LOOP" in said[-1]
    assert not (tmp_path / "run.json").exists()


def test_a_folder_held_by_another_is_refused_with_its_pid(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(SetUpError) as raised, start_set_up(Plan(tmp_path, command=idle), print):
        pass

    assert str(raised.value).startswith(f"{tmp_path} is held by another tairyu up (pid {os.getpid()})")


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("plan", [lambda port: {"port": port}, lambda port: {"settings": Settings(history_port=port)}])
def test_a_port_in_use_is_refused(tmp_path: Path, listener: int, plan: Callable[[int], dict[str, object]]) -> None:
    options: dict[str, object] = plan(listener)

    with (
        pytest.raises(BrokerError, match=f"port {listener} is in use by another program"),
        start_set_up(Plan(tmp_path, command=idle, **options), print),  # type: ignore[arg-type]
    ):
        pass


def test_a_set_up_that_was_killed_is_not_found(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with start(tmp_path, IN_FOLDER, folder) as process:
        wait_for(process, "inside")
        assert find_running(folder) is not None
        process.kill()

    assert (folder / "run.json").exists()
    assert find_running(folder) is None  # its process is none, or a younger one of that number
    with held(folder):
        pass  # and the folder is free


def start(tmp_path: Path, script: str, *arguments: Path) -> "subprocess.Popen[str]":
    """The script as a process whose temporary and runtime folders are the test's own."""
    (tmp_path / "runtime").mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "TMPDIR": str(tmp_path)}
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=env)


def wait_for(process: "subprocess.Popen[str]", text: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"it ended without saying {text!r}: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_says_that_nothing_is_kept_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path, UP) as process:
        lines = wait_for(process, "Ctrl-C stops everything")
        process.send_signal(number)
        rest = process.stdout.read() if process.stdout else ""

    assert process.returncode == 0
    assert lines[0].startswith("NOTHING IS KEPT")
    assert [f"{stage}: ready after" in "".join(lines) for stage in ("intake", "watch", "history")] == [True, True, True]
    assert rest == "stopping …\n"
    assert [path.name for path in tmp_path.iterdir()] == ["runtime"]
    assert list((tmp_path / "runtime" / "tairyu").iterdir()) == []


def test_ctrl_c_while_a_stage_is_still_starting_stops_all(tmp_path: Path) -> None:
    with start(tmp_path, UP.replace(repr(STAGE), repr("import signal; signal.pause()"))) as process:
        wait_for(process, "the embedded broker: ready")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read() if process.stdout else ""

    assert (process.returncode, rest) == (0, "stopping …\n")
    assert [path.name for path in tmp_path.iterdir()] == ["runtime"]


def test_without_a_folder_the_users_last_set_up_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert find_running() is None

    with start_set_up(Plan(tmp_path / "a", command=idle, stages=("watch",)), print) as set_up, announced(tmp_path / "a"):
        found = find_running()

    assert found is not None
    assert found.settings() == set_up.settings
    assert find_running() is None


@pytest.mark.kafka
def test_with_a_folder_kafka_keeps_the_topics_and_the_key(kafka_jars: Path, tmp_path: Path) -> None:
    plan = Plan(tmp_path, kafka=True, settings=Settings(kafka_jars=kafka_jars, log_partitions=3), command=idle, stages=("watch",))
    seen = []
    for _ in range(2):
        with start_set_up(plan, print) as set_up:
            metadata = AdminClient({"bootstrap.servers": set_up.settings.brokers}).list_topics(timeout=10)
            seen.append((metadata.cluster_id, len(metadata.topics["custody-log"].partitions), (tmp_path / "key").read_text()))

    assert seen[0] == seen[1]
    assert seen[0][1] == 3
    assert set(load_cards()) - {"kiosk-events"} <= set(metadata.topics)
