"""The supervisor with small real processes."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from streams.programs import Program
from streams.restarts import Rules
from streams.supervisor import Supervisor

ROOT = Path(__file__).parents[2]
SOON = Rules(first_s=0.05, longest_s=0.1, short_life_s=10, loop_after=3)
TIMEOUT_S = 20.0

READY = "from streams.readiness import tell_ready; tell_ready()"
WAIT = "import signal; signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}; [signal.pause() for _ in range(9)]"

SUPERVISED = f"""
import sys
from pathlib import Path
from streams.programs import Program
from streams.supervisor import Supervisor
program = Program("child", [sys.executable, "-c", "{READY}; {WAIT}"], Path(sys.argv[1]))
Supervisor([program], print, on_ready=lambda: print(program.pid, flush=True)).run()
"""


class Run:
    """A supervisor in a thread of its own, and what it says."""

    def __init__(self, supervisor: Supervisor, said: "SimpleQueue[str]") -> None:
        self.supervisor = supervisor
        self._said = said
        self.lines: list[str] = []
        self._thread = threading.Thread(target=supervisor.run)
        self._thread.start()

    def wait_for(self, text: str) -> str:
        while not (self.lines and text in self.lines[-1]):
            self.lines.append(self._said.get(timeout=TIMEOUT_S))
        return self.lines[-1]

    def join(self) -> int | None:
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()
        while not self._said.empty():
            self.lines.append(self._said.get())
        return self.supervisor.over

    def stop(self) -> int | None:
        self.supervisor.stop()
        return self.join()


Start = Callable[..., Run]


@pytest.fixture
def start() -> Iterator[Start]:
    runs: list[Run] = []

    def make(*programs: Program, **options: object) -> Run:
        said: SimpleQueue[str] = SimpleQueue()
        supervisor = Supervisor(programs, said.put, rules=SOON, **options)  # type: ignore[arg-type]
        runs.append(Run(supervisor, said))
        return runs[-1]

    yield make
    for run in runs:
        run.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(name: str, code: str) -> Program:
        return Program(name, [sys.executable, "-c", code], tmp_path / f"{name}.log", {"PYTHONPATH": str(ROOT), "HERE": str(tmp_path)})

    return make


def test_it_is_ready_when_every_program_has_said_so(start: Start, program: Callable[..., Program], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    run = start(program("quick", f"{READY}; {WAIT}"), program("slow", f"open('{tmp_path}/go').read(); {READY}; {WAIT}"))
    run.wait_for("quick: ready after")
    assert not run.supervisor.ready.is_set()

    (tmp_path / "go").write_text("go")

    run.wait_for("slow: ready after")
    assert run.supervisor.ready.wait(TIMEOUT_S)
    assert run.stop() == 0


WRITES = """
def tell(first):
    for number in range(first, first + 100):
        print(f"line {number}", flush=True)
"""


def test_a_log_that_has_grown_long_is_set_aside_while_its_program_writes(tmp_path: Path) -> None:
    for name in ("told", "go"):
        os.mkfifo(tmp_path / name)
    code = f"{WRITES}\ntell(0); open('{tmp_path}/told', 'w').close(); open('{tmp_path}/go').read(); tell(100)"
    writer = Program("writer", [sys.executable, "-c", code], tmp_path / "writer.log", {"PYTHONPATH": str(ROOT)}, kept_log=500)
    writer.start()
    (tmp_path / "told").read_text()

    writer.keep_log_short()
    (tmp_path / "go").write_text("go")

    assert writer.wait(TIMEOUT_S)
    assert (tmp_path / "writer.log.1").read_text().split("\n") == [*(f"line {number}" for number in range(100)), ""]
    assert writer.log.read_text().split("\n") == [*(f"line {number}" for number in range(100, 200)), ""]


def test_the_supervisor_looks_for_logs_that_have_grown_long(start: Start, tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"{WRITES}\ntell(0); {READY}; {WAIT}"]
    kept = {"long": 500, "short": 5_000}
    programs = [Program(name, command, tmp_path / name, {"PYTHONPATH": str(ROOT)}, kept_log=size) for name, size in kept.items()]
    run = start(*programs, logs_every_s=0.0)
    assert run.supervisor.ready.wait(TIMEOUT_S)
    run.stop()

    assert (tmp_path / "long.1").read_text().startswith("line 0\n")
    assert (tmp_path / "short").read_text().startswith("line 0\n")
    assert not (tmp_path / "short.1").exists()


def test_a_program_that_ends_is_started_again_and_it_says_so(start: Start, program: Callable[..., Program]) -> None:
    stage = program("watch", f"{READY}; {WAIT}")
    run = start(stage)
    run.wait_for("ready")
    first = stage.pid

    os.kill(first, signal.SIGKILL)

    assert "(killed by SIGKILL); starting it again in 0.05 s" in run.wait_for("ended")
    run.wait_for("ready")
    assert stage.pid != first


def test_an_exit_code_of_zero_is_an_end_like_any_other(start: Start, program: Callable[..., Program]) -> None:
    run = start(program("history", "pass"))

    assert "(exit code 0); starting it again" in run.wait_for("ended")


def test_a_crash_loop_is_reported_with_its_last_words_and_goes_on(start: Start, program: Callable[..., Program]) -> None:
    run = start(program("intake", "raise SystemExit('no broker at 127.0.0.1:1')"))

    line = run.wait_for("CRASH LOOP, 3 short lives on end; trying again in 0.1 s")

    assert "no broker at 127.0.0.1:1" in line
    run.wait_for("CRASH LOOP, 4 short lives")
    assert run.stop() == 0


def test_a_demo_gives_up_on_a_crash_loop(start: Start, program: Callable[..., Program]) -> None:
    healthy = program("healthy", f"{READY}; {WAIT}")
    run = start(healthy, program("intake", "raise SystemExit(3)"), give_up=True)

    assert run.join() == 1
    assert "giving up" in run.lines[-1]
    assert not healthy.running


def test_without_what_cannot_be_replaced_all_is_over(start: Start, program: Callable[..., Program]) -> None:
    broker, stage = program("the embedded broker", WAIT), program("watch", f"{READY}; {WAIT}")
    broker.start()  # it runs already, and is taken over
    run = start(broker, stage, irreplaceable=[broker])
    run.wait_for("watch: ready")
    assert run.supervisor.ready.wait(TIMEOUT_S)

    os.kill(broker.pid, signal.SIGKILL)

    assert run.join() == 1
    assert "without it nothing can go on" in run.lines[-1]
    assert not stage.running


def test_they_stop_in_reverse_order(start: Start, program: Callable[..., Program], tmp_path: Path) -> None:
    told = (
        "import os, signal, sys; "
        "signal.signal(signal.SIGTERM, lambda *_: (open(os.environ['HERE'] + '/order', 'a').write('{0} '), sys.exit(0))); "
        f"{READY}; signal.pause()"
    )
    run = start(*(program(name, told.format(name)) for name in ("broker", "intake", "watch")))
    assert run.supervisor.ready.wait(TIMEOUT_S)

    assert run.stop() == 0

    assert (tmp_path / "order").read_text().split() == ["watch", "intake", "broker"]


def test_one_that_will_not_stop_is_killed_and_named(start: Start, program: Callable[..., Program]) -> None:
    stage = program("stubborn", STUBBORN)
    run = start(stage, stop_within_s=0.2)
    run.wait_for("ready")

    assert run.stop() == 0

    assert run.lines[-1] == "stubborn: did not stop within 0.2 s, and was killed"
    assert not stage.running


def test_one_that_never_becomes_ready_is_spoken_of_once(start: Start, program: Callable[..., Program]) -> None:
    run = start(program("watch", WAIT), slow_after_s=0.1)

    run.wait_for("watch: not ready after 0.1 s; its log is")
    run.stop()

    assert len(run.lines) == 1


def test_its_programs_die_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISED, str(tmp_path / "log")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as supervisor:
        assert supervisor.stdout is not None
        child = next(int(line) for line in supervisor.stdout if line.strip().isdigit())
        handle = os.pidfd_open(child)
        supervisor.send_signal(signal.SIGKILL)

    ends = select.poll()  # and not select(): it takes no handle above 1,023
    ends.register(handle, select.POLLIN)
    ended = ends.poll(TIMEOUT_S * 1_000)

    os.close(handle)
    assert ended


def test_a_program_that_this_machine_cannot_start_yet_is_started_later(start: Start, tmp_path: Path) -> None:
    in_the_way = tmp_path / "logs"
    in_the_way.write_text("a file where the logs' folder is to be")

    run = start(Program("child", [sys.executable, "-c", f"{READY}; {WAIT}"], in_the_way / "child.log"))

    assert "trying again in 0.1 s" in run.wait_for("child: cannot be started")
    in_the_way.unlink()
    run.wait_for("child: ready")
    assert run.stop() == 0


def test_a_set_up_that_cannot_be_told_of_goes_on(start: Start, tmp_path: Path) -> None:
    def on_ready() -> None:
        raise OSError("the disk is full")

    run = start(Program("child", [sys.executable, "-c", f"{READY}; {WAIT}"], tmp_path / "child.log"), on_ready=on_ready)

    run.wait_for("cannot be told to other commands: the disk is full")
    assert run.supervisor.over is None
    assert run.stop() == 0
