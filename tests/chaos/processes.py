"""The stages of a chaos run: each with a supervisor of its own, frozen and woken, armed with failpoints, and counted when it ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from streams.failpoints import VARIABLE
from streams.programs import Program
from streams.restarts import Rules
from streams.supervisor import Supervisor

RULES = Rules(first_s=0.3, longest_s=2.0, short_life_s=5.0, loop_after=10_000)
"""While a broker is away stages end again and again: that is as it should be, and no crash loop."""
LOOK_S = 0.05


class Stage(Program):
    """Remembers how it ended each time, and can be armed for one start."""

    def __init__(self, name: str, command: list[str], log: Path, env: Mapping[str, str]) -> None:
        super().__init__(name, command, log, env)
        self.ends: list[int] = []
        self._order: str | None = None
        self._counted = True

    def arm(self, order: str) -> None:
        """The next start, and only that, obeys this failpoint."""
        self._order = order

    def start(self, env: Mapping[str, str] | None = None) -> None:
        self.count()
        order, self._order = self._order, None
        super().start({**(env or {}), **({VARIABLE: order} if order else {})})
        self._counted = False

    def count(self) -> None:
        """Note how its last life ended, once."""
        if not self._counted and self.exit_code is not None:
            self.ends.append(self.exit_code)
            self._counted = True

    @property
    def frozen(self) -> bool:
        """Whether it stands still now, stopped by a signal."""
        if not self.running:
            return False
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False


class Kept:
    """A program under a supervisor in a thread; started again whenever it ends, until ``stop``."""

    def __init__(self, program: Program, say: Callable[[str], None], stop_within_s: float = 20.0) -> None:
        self.program = program
        self._stop_within_s = stop_within_s
        self._say = say
        self._supervisor: Supervisor | None = None
        self._thread: threading.Thread | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is to run."""
        return self._supervisor is not None

    def start(self) -> None:
        self._supervisor = Supervisor([self.program], self._say, rules=RULES, stop_within_s=self._stop_within_s, slow_after_s=120)
        self._thread = threading.Thread(target=self._supervisor.run, name=self.program.name)
        self._thread.start()

    def wait_ready(self, at_most_s: float) -> None:
        assert self._supervisor is not None
        assert self._supervisor.ready.wait(at_most_s), f"{self.program.name} is not ready\n{self.program.last_words()}"

    def stop(self) -> None:
        """By SIGTERM; it does not come back."""
        if self._supervisor is not None and self._thread is not None:
            self._supervisor.stop()
            self._thread.join()
            self._supervisor = None
        if isinstance(self.program, Stage):
            self.program.count()

    def signal(self, number: signal.Signals) -> bool:
        """False if it does not run now."""
        if not self.program.running:
            return False
        os.kill(self.program.pid, number)
        return True

    def wait_frozen(self, at_most_s: float) -> bool:
        assert isinstance(self.program, Stage)
        until = time.monotonic() + at_most_s
        while not self.program.frozen:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_S)
        return True


def stage_command(stage: str) -> list[str]:
    return [sys.executable, "-m", "streams.cli", "run", stage]
