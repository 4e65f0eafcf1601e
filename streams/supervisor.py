"""Runs programs until it is told to stop: one that ends is started again, and somebody is told.

Everything it waits for is a file descriptor (an end, a word from a program, the order to stop), so nothing is polled but the size of
logs. Killed itself, its programs are killed with it (``streams.tether``).
"""

import math
import os
import selectors
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.programs import Program
from streams.readiness import READY, VARIABLE
from streams.restarts import Rules, after_exit

Say = Callable[[str], None]


@dataclass
class _Watched:
    """One program, and what is known of its present life."""

    program: Program
    words: socket.socket
    """Where it says that it is ready."""
    started_s: float = 0.0
    end: int | None = None
    """Descriptor that is readable when its process has ended; None while it does not run."""
    start_at_s: float | None = None
    """When it is to be started again; None while it runs."""
    short_lives: int = 0
    ready: bool = False
    doubted: bool = False
    """Whether it was said that it takes long."""


@dataclass
class Supervisor:
    """``run`` blocks; ``stop`` may be called from another thread or a signal handler."""

    programs: Sequence[Program]
    """In the order of starting; they are stopped in reverse. One that runs already is taken over, and counts as ready."""
    say: Say
    on_ready: Callable[[], None] = lambda: None
    """Called whenever all are ready: the first time, and after each new start."""
    irreplaceable: Collection[Program] = ()
    """If one of these ends, all is over."""
    give_up: bool = False
    """Whether a crash loop ends it all, too."""
    stop_within_s: float = 15.0
    slow_after_s: float = 60.0
    """A program that runs so long without being ready is spoken of."""
    logs_every_s: float = 60.0
    """How often long logs are set aside."""
    rules: Rules = field(default_factory=Rules)
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.ready = threading.Event()
        """Set when all are ready for the first time, and at the end (see ``over``)."""
        self.ended = threading.Event()
        """Set when none of them runs any more."""
        self.over: int | None = None
        """What ``run`` returned: 0 if it was told to stop, 1 if a program's end ended it."""
        self._logs_at_s = self.clock() + self.logs_every_s
        self._lock = threading.RLock()  # a signal handler may interrupt its own holder
        self._order: int | None = os.eventfd(0)

    def stop(self) -> None:
        """Told twice, or after the end, it does no more than once."""
        with self._lock:
            if self._order is not None:
                os.eventfd_write(self._order, 1)

    def run(self) -> int:
        """Starts all, and ends when told to, or because of a program's end (1). When it returns, none of them runs."""
        with tempfile.TemporaryDirectory(prefix="tairyu-") as folder, selectors.DefaultSelector() as selector:
            watched = [_Watched(program, _listen(Path(folder) / str(number))) for number, program in enumerate(self.programs)]
            try:
                self.over = self._supervise(watched, selector)
            finally:
                self._end(watched)
        return self.over

    def _supervise(self, watched: list[_Watched], selector: selectors.BaseSelector) -> int:
        assert self._order is not None
        selector.register(self._order, selectors.EVENT_READ)
        for each in watched:
            selector.register(each.words, selectors.EVENT_READ, lambda each=each: self._heard(each, watched))
            self._start(each, selector)
        self._tell_if_all_are_ready(watched)
        while True:
            for key, _ in selector.select(self._pause(watched)):
                if key.fileobj == self._order:
                    return 0
                if not key.data():
                    return 1
            self._look_at_the_clock(watched, selector)

    def _look_at_the_clock(self, watched: list[_Watched], selector: selectors.BaseSelector) -> None:
        for each in watched:
            if each.start_at_s is not None and each.start_at_s <= self.clock():
                self._start(each, selector)
            elif self._doubt_at_s(each) <= self.clock():
                each.doubted = True
                self.say(f"{each.program.name}: not ready after {self.slow_after_s:g} s; its log is {each.program.log}")
        if self._logs_at_s <= self.clock():
            self._logs_at_s = self.clock() + self.logs_every_s
            self._keep_logs_short(watched)

    def _keep_logs_short(self, watched: list[_Watched]) -> None:
        for each in watched:
            try:
                each.program.keep_log_short()
            except OSError as error:
                self.say(f"{each.program.name}: its log {each.program.log} grows, and cannot be set aside ({error.strerror})")

    def _start(self, each: _Watched, selector: selectors.BaseSelector) -> None:
        each.started_s, each.start_at_s, each.doubted = self.clock(), None, False
        if not each.program.running:
            try:
                each.program.start({VARIABLE: str(each.words.getsockname())})
            except OSError as error:  # a full disk, no process to be had: most causes end without us
                each.start_at_s = self.clock() + self.rules.longest_s
                self.say(f"{each.program.name}: cannot be started ({error}); trying again in {self.rules.longest_s:g} s")
                return
            each.ready = each.program.silent
        else:
            each.ready = True
        each.end = os.pidfd_open(each.program.pid)
        selector.register(each.end, selectors.EVENT_READ, lambda: self._ended(each, selector))

    def _heard(self, each: _Watched, watched: list[_Watched]) -> bool:
        if READY in each.words.recv(4096) and each.end is not None:  # its last word may come after its end
            each.ready = True
            self.say(f"{each.program.name}: ready after {self.clock() - each.started_s:.1f} s")
            self._tell_if_all_are_ready(watched)
        return True

    def _tell_if_all_are_ready(self, watched: list[_Watched]) -> None:
        if all(each.ready for each in watched):
            try:
                self.on_ready()
            except OSError as error:
                self.say(f"all are ready, and it cannot be told to other commands: {error}")
            self.ready.set()

    def _ended(self, each: _Watched, selector: selectors.BaseSelector) -> bool:
        """Whether it may go on."""
        assert each.end is not None
        selector.unregister(each.end)
        os.close(each.end)
        each.end, each.ready = None, False
        each.program.wait(None)
        uptime_s = self.clock() - each.started_s
        restart = after_exit(self.rules, each.short_lives, uptime_s)
        each.short_lives, each.start_at_s = restart.short_lives, self.clock() + restart.pause_s
        how = f"{each.program.name}: ended after {uptime_s:.1f} s ({_code(each.program.exit_code)})"
        if each.program in self.irreplaceable:
            self.say(f"{how}; without it nothing can go on\n{_last_words(each.program)}")
            return False
        if not restart.crash_loop:
            self.say(f"{how}; starting it again in {restart.pause_s:g} s")
            return True
        what = "giving up" if self.give_up else f"trying again in {restart.pause_s:g} s"
        self.say(f"{how}: CRASH LOOP, {restart.short_lives} short lives on end; {what}\n{_last_words(each.program)}")
        return not self.give_up

    def _pause(self, watched: list[_Watched]) -> float:
        """Until the clock is to be looked at again."""
        next_s = min(self._doubt_at_s(each) if each.start_at_s is None else each.start_at_s for each in watched)
        return max(0.0, min(next_s, self._logs_at_s) - self.clock())

    def _doubt_at_s(self, each: _Watched) -> float:
        return math.inf if each.ready or each.doubted or each.end is None else each.started_s + self.slow_after_s

    def _end(self, watched: list[_Watched]) -> None:
        for each in reversed(watched):
            if not each.program.stop(self.stop_within_s):
                self.say(f"{each.program.name}: did not stop within {self.stop_within_s:g} s, and was killed")
            if each.end is not None:
                os.close(each.end)
            each.words.close()
        with self._lock:
            if self._order is not None:
                os.close(self._order)
            self._order = None
        self.over = 1 if self.over is None else self.over
        self.ready.set()
        self.ended.set()


def _listen(path: Path) -> socket.socket:
    words = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    words.bind(str(path))
    return words


def _code(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _last_words(program: Program) -> str:
    words = "\n".join(f"    {line}" for line in program.last_words().splitlines())
    return f"  the end of {program.log}:\n{words}"
