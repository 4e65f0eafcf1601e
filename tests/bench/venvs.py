"""A contender's own venv: its dependencies are none of the project's, and may need other versions of some."""

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.measurement import AbsentError


def venv_python(name: str, lock_file: Path, cache: Path, say: Callable[[str], None]) -> Path:
    """The interpreter that has what stands in ``lock_file`` (made by `make lock`), installed once for each. AbsentError if it cannot be."""
    digest = hashlib.sha256(lock_file.read_bytes() + platform.python_version().encode()).hexdigest()[:8]
    folder = cache / f"{name}-{digest}"
    python, ready = folder / "bin" / "python", folder / "ready"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            say(f"installing {name} into a venv of its own (once)")
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", folder], name)
            # As for our own lock: it is complete, and resolving would turn it down once a newer release is out.
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            _run([*install, "-r", lock_file], name)
            ready.touch()
    return python


def _run(command: list[str | Path], name: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AbsentError(f"{name} could not be installed (code {done.returncode}):\n" + "\n".join(done.stdout.splitlines()[-12:]))
