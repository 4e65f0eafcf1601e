"""Runs ``duck.py`` in DuckDB's own venv."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson

from tests.bench.measurement import BenchError, default_cache
from tests.bench.venvs import venv_python
from tests.bench_history.asking import Known

HERE = Path(__file__).parent
Milliseconds = dict[str, dict[str, list[float]]]
"""Question -> scope -> of each time it was asked."""


def ask_duckdb(folder: Path, known: Known, times: int, say: Callable[[str], None]) -> Milliseconds:
    """BenchError if it does not come to its end."""
    python = venv_python("duckdb", HERE / "requirements.lock", default_cache(), say)
    command = [python, HERE / "duck.py", folder, known.municipality, known.begins, known.ends, str(times)]
    asked = subprocess.run(command, check=False, capture_output=True, text=True)
    if asked.returncode:
        said = next((line for line in asked.stderr.splitlines() if "Error:" in line or "Exception:" in line), "without a word")
        raise BenchError(f"DuckDB ended with {asked.returncode}: {said}")
    found: Milliseconds = orjson.loads(asked.stdout)
    return found
