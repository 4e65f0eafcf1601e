"""Child processes that never outlive the process that started them.

This file is also run as a script, between parent and command: it asks Linux for SIGKILL at the parent's death, then becomes the
command. (A ``preexec_fn`` can deadlock in a process with threads, so it is not used.)
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1

# Linux sends the signal when the *thread* that started the child ends: so one thread starts them all, and lives as long as we do.
_starter = ThreadPoolExecutor(1, "tether")


def start_tethered(command: Sequence[str | Path], log: IO[bytes], env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts ``command`` in a session of its own (a terminal's Ctrl-C does not reach it), both outputs into ``log``."""
    arguments = [sys.executable, "-I", "-S", __file__, str(os.getpid()), *map(str, command)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(arguments, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    return _starter.submit(start).result()


def stay_with(parent: int) -> None:
    """Ends this process when the thread that started it does, in whatever way; at once if ``parent`` is no more."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def _become(parent: int, command: list[str]) -> None:
    stay_with(parent)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a command would inherit that
    os.execvp(command[0], command)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
