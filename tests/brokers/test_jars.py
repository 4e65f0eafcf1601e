"""Fetching Kafka's jars: whole or not at all. Maven's part is played by a script."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from streams.brokers import BrokerError, kafka_missing
from streams.brokers.jars import fetch_jars, jars_in

OUTPUT = 'for a; do case $a in -DoutputDirectory=*) out=${a#*=};; esac; done; mkdir -p "$out"; echo one > "$out/one.jar"'


def script(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_jars_are_fetched_once(tmp_path: Path) -> None:
    cache, said = tmp_path / "cache", list[str]()
    maven = script(tmp_path, "mvn", OUTPUT, f"echo ran >> {tmp_path}/runs")

    first, second = (fetch_jars(cache, said.append, maven) for _ in range(2))

    assert first == second == jars_in(cache)
    assert [jar.name for jar in first.iterdir()] == ["one.jar"]
    assert (tmp_path / "runs").read_text() == "ran\n"
    assert "fetching Apache Kafka" in said[0]


def test_a_fetch_that_broke_off_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    broken = script(tmp_path, "mvn", OUTPUT, "echo 'Could not transfer artifact'", "exit 1")

    with pytest.raises(BrokerError, match="Could not transfer artifact"):
        fetch_jars(cache, print, broken)

    assert kafka_missing(cache, str(java(tmp_path / "bin", "17.0.15"))) is not None
    assert [path.name for path in cache.iterdir()] == ["lock"]
    assert fetch_jars(cache, print, script(tmp_path, "mvn", OUTPUT)).is_dir()


def java(folder: Path, version: str) -> Path:
    script(folder, "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")
    return folder


def test_without_java_the_sentence_names_java_and_maven(tmp_path: Path) -> None:
    missing = kafka_missing(tmp_path / "cache", str(tmp_path))

    assert missing is not None
    assert "Java 17" in missing
    assert "Maven" in missing
    assert "no `java`" in missing


def test_an_old_java_is_told_from_none(tmp_path: Path) -> None:
    missing = kafka_missing(tmp_path / "cache", str(java(tmp_path / "bin", "1.8.0_402")))

    assert missing is not None
    assert "1.8.0_402" in missing


def test_maven_is_needed_only_until_the_jars_are_there(tmp_path: Path) -> None:
    path = str(java(tmp_path / "bin", "21"))
    before = kafka_missing(tmp_path / "cache", path)

    jars_in(tmp_path / "cache").mkdir(parents=True)

    assert before is not None
    assert "no `mvn`" in before
    assert kafka_missing(tmp_path / "cache", path) is None


def test_make_fetches_them_before_anything_waits(tmp_path: Path) -> None:
    script(tmp_path / "bin", "mvn", OUTPUT)
    env = {**os.environ, "PATH": f"{java(tmp_path / 'bin', '17.0.15')}:{os.environ['PATH']}", "TAIRYU_KAFKA_JARS": str(tmp_path / "cache")}
    command = [sys.executable, "-c", "from streams.brokers.jars import main; main()"]

    fetched = subprocess.run(command, cwd=Path(__file__).parents[2], env=env, capture_output=True, text=True, check=True)

    assert "fetching Apache Kafka" in fetched.stdout
    assert [jar.name for jar in jars_in(tmp_path / "cache").iterdir()] == ["one.jar"]
