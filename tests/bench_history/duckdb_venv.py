"""Runs ``duck.py`` in DuckDB's own venv."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson

from tests.bench.measurement import default_cache
from tests.bench.venvs import venv_python
from tests.bench_history.asking import Known

HERE = Path(__file__).parent
Milliseconds = dict[str, dict[str, list[float]]]
"""Question -> scope -> of each time it was asked."""


def ask_duckdb(folder: Path, known: Known, times: int, say: Callable[[str], None]) -> Milliseconds:
    python = venv_python("duckdb", HERE / "requirements.lock", default_cache(), say)
    command = [python, HERE / "duck.py", folder, known.municipality, known.begins, known.ends, str(times)]
    found: Milliseconds = orjson.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found
