"""Failpoints do what they are told, at the place and the time that they are told, and nothing otherwise."""

import dis
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from streams import failpoints
from streams.failpoints import VARIABLE, Place, reach

ROOT = Path(__file__).parents[2]
THREE_TIMES = """
from streams.failpoints import reach
for number in range(3):
    print("before", number, flush=True)
    reach("watch.after_commit", lambda: print("settled", flush=True))
print("over", flush=True)
"""


def ran(order: str | None, script: str = THREE_TIMES) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(ROOT)} | ({} if order is None else {VARIABLE: order})
    return subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=30, check=False)


def test_a_process_without_an_order_passes_every_place() -> None:
    done = ran(None)
    assert (done.returncode, done.stdout.split("\n")) == (0, ["before 0", "before 1", "before 2", "over", ""])


def test_without_an_order_nothing_but_the_order_is_looked_at() -> None:
    assert failpoints._order is None
    names = {instruction.argval for instruction in dis.get_instructions(reach) if instruction.opname == "LOAD_GLOBAL"}
    assert names == {"_order"}  # no environment, no clock, no file
    for place in get_args(Place):
        reach(place, settle=lambda: pytest.fail("it was settled"))


def test_the_order_is_carried_out_the_first_time() -> None:
    done = ran("watch.after_commit")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "before 0\nsettled\n")


def test_the_order_is_carried_out_the_nth_time() -> None:
    done = ran("watch.after_commit:3")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "before 0\nbefore 1\nbefore 2\nsettled\n")


def test_another_place_is_passed() -> None:
    assert ran("watch.before_memory").returncode == 0


def test_a_frozen_process_goes_on_when_it_is_woken() -> None:
    env = {"PYTHONPATH": str(ROOT), VARIABLE: "watch.after_commit:2:freeze"}
    frozen = subprocess.Popen([sys.executable, "-c", THREE_TIMES], env=env, stdout=subprocess.PIPE, text=True)
    assert frozen.stdout is not None
    assert [frozen.stdout.readline() for _ in range(3)] == ["before 0\n", "before 1\n", "settled\n"]
    stopped(frozen.pid)
    frozen.send_signal(signal.SIGCONT)
    assert frozen.communicate(timeout=30)[0] == "before 2\nover\n"
    assert frozen.returncode == 0


def stopped(pid: int) -> None:
    """Returns when the child is stopped."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


@pytest.mark.parametrize("order", ["watch.after_comit", "watch.after_commit:0", "watch.after_commit:1:2", "watch.after_commit:x"])
def test_an_order_with_a_mistake_in_it_is_an_error_and_not_a_run_without_a_crash(order: str) -> None:
    done = ran(order)
    assert (done.returncode, done.stdout) == (1, "")


def test_every_place_is_reached_somewhere_in_the_code_and_explained() -> None:
    code = "\n".join(path.read_text() for folder in ("streams", "sinks") for path in (ROOT / folder).rglob("*.py"))
    source = (ROOT / "streams" / "failpoints.py").read_text().split("\n")
    for place in get_args(Place):
        assert code.count(f'reach("{place}"') == 1, place
        line = source.index(f'    "{place}",')
        assert source[line - 1].strip().startswith(f"# {place.split('.')[0]}: ")
