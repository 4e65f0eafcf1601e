"""The built wheel in a venv that knows no repository: what a user installs holds all that the command needs."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from streams import tether

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "streams", "sinks")
RUN = {".py", ".yaml", ".sql", ".xml"}
"""What runs, or is read while it runs."""


def run(*command: str | Path, cwd: Path) -> str:
    """What it prints; it inherits nothing that could lead it to the repository."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TAIRYU_", "PYTHON", "COV_", "PIP_"))}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**env, "TMPDIR": str(cwd)}, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves things behind in its tree."""
    copy = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", copy / "dist", copy, cwd=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venv's programs. It sees the locked dependencies where they are already; the wheel alone is installed into it."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=home)
    # A folder that a .pth names is looked into for modules only: the .pth of the repository's own installation has no effect.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_wheel_holds_what_runs_and_what_is_read_while_it_runs(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("*") if path.suffix in RUN}

    assert len(wanted) > 100
    assert wanted - held == set()
    assert {name.split("/")[0] for name in held} - {*PACKAGES} == {f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"}


def test_an_installed_tairyu_is_the_wheels_own(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", f"import {', '.join(PACKAGES)}; print({'.__file__, '.join(PACKAGES)}.__file__)", cwd=tmp_path)

    assert [Path(each).is_relative_to(installed.parent) for each in where.split()] == [True] * len(PACKAGES)


@pytest.mark.embedded
def test_an_installed_tairyu_plays_the_demo(installed: Path, tmp_path: Path) -> None:
    ending_with_us = (sys.executable, "-I", "-S", tether.__file__, str(os.getpid()))
    said = run(*ending_with_us, installed / "tairyu", "demo", "--json", "--held", "5", cwd=tmp_path)

    figures = json.loads(said)
    assert (figures["held"], figures["raised_elsewhere"]) == (5, 0)
    assert figures["clickhouse"] == figures["truth"] == {name: figures[name] for name in figures["truth"]}
