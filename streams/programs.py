"""One process of a set-up: a broker's node, a stage. Started, told from dead, stopped."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.tether import start_tethered

KEPT_LOG = 10 * 1024 * 1024
"""Bytes beyond which a log is set aside (``NAME.log.1``): at a start, and whenever somebody asks."""


class Program:
    """A command and, between ``start`` and ``stop``, its process. It ends when this process ends, in whatever way."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        *,
        silent: bool = False,
        kept_log: int = KEPT_LOG,
    ) -> None:
        """``env`` is added to this process's environment; ``log`` is appended to. ``silent``: it never says that it is ready."""
        self.name = name
        self.log = log
        self.silent = silent
        self._kept_log = kept_log
        self._command = command
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the last start; ValueError before the first."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it. ValueError before the first start."""
        return self._started().poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """``env`` is for this start only, added to the rest."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.keep_log_short()
        with self.log.open("ab") as log:
            self._process = start_tethered(self._command, log, {**os.environ, **self._env, **(env or {})})

    def keep_log_short(self) -> None:
        """Sets a long log aside, also while the program writes: it appends, so it goes on at the new end. OSError if that fails.

        A line that is written in the moment between copy and cut is lost.
        """
        if self.log.exists() and self.log.stat().st_size > self._kept_log:
            shutil.copyfile(self.log, f"{self.log}.1")
            os.truncate(self.log, 0)

    def wait(self, at_most_s: float | None) -> bool:
        """True as soon as it has ended, False after ``at_most_s``."""
        try:
            self._started().wait(at_most_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, within_s: float = 10.0) -> bool:
        """SIGTERM, and after ``within_s`` SIGKILL. True if it ended by itself (or had ended, or was never started)."""
        if self._process is None:
            return True
        self._process.terminate()
        ended = self.wait(within_s)
        if not ended:
            self._process.kill()
            self._process.wait()
        return ended

    def last_words(self, lines: int = 15) -> str:
        """The end of its log, for a person who asks why it ended."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 16_384))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ValueError(f"{self.name} has not been started")
        return self._process
