"""What stands in docker/: it holds against the compose specification, and says the same as code and settings. No engine runs it here."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.brokers.kafka import Node, node_properties
from streams.cli.stages import Stage
from streams.settings import SECRETS, Settings
from tests.conftest import ABSENT

DOCKER = Path(__file__).parents[2] / "docker"
FILES = ("compose.yaml", "compose.cluster.yaml")
IMAGE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = dict(line.split("=", 1) for line in (DOCKER / ".env.example").read_text(encoding="utf-8").splitlines() if re.match(r"\w+=", line))
KNOWN = {f"TAIRYU_{name.upper()}" for name in Settings.model_fields} | {f"TAIRYU_{name.upper()}_FILE" for name in SECRETS}


def services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / file).read_text(encoding="utf-8"))["services"]
    return found


def ours(file: str) -> dict[str, Any]:
    return {name: service for name, service in services(file).items() if service["image"] == "${TAIRYU_IMAGE}"}


@pytest.mark.parametrize("file", FILES)
def test_it_holds_against_the_compose_specification(file: str) -> None:
    found = shutil.which("docker-compose")
    if found is None:
        pytest.skip(f"docker-compose {ABSENT}: Debian's package docker-compose has it")
    clean = {name: value for name, value in os.environ.items() if name not in EXAMPLE}
    command = [found, "--env-file", ".env.example", "-f", file, "config"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=DOCKER, env=clean, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert "variable is not set" not in done.stderr
    told = set(yaml.safe_load(done.stdout)["services"])
    assert set(services(file)) - {"prometheus"} <= told <= set(services(file))  # of a profile: newer versions leave it out


@pytest.mark.parametrize("file", FILES)
def test_every_stage_runs_with_as_little_as_it_needs(file: str) -> None:
    for name, service in ours(file).items():
        assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"]), name
        assert service["restart"] in ("unless-stopped", "on-failure")
        assert "user" not in service  # the image's own: no root


@pytest.mark.parametrize("file", FILES)
def test_every_stage_is_there_with_settings_that_are_some(file: str) -> None:
    commands = [service["command"] for service in ours(file).values()]
    assert {command[1] for command in commands if command[0] == "run"} == {stage.value for stage in Stage}
    assert ["topics", "--create"] in commands
    for name, service in ours(file).items():
        assert set(service["environment"]) <= KNOWN, name
        files = [value for key, value in service["environment"].items() if key.endswith("_FILE")]
        assert files == [f"/run/secrets/{secret}" for secret in service.get("secrets", [])], name


@pytest.mark.parametrize(("file", "brokers"), [("compose.yaml", 1), ("compose.cluster.yaml", 3)])
def test_the_brokers_are_those_that_are_tested(file: str, brokers: int) -> None:
    found = {name: service["environment"] for name, service in services(file).items() if name.startswith("kafka")}
    assert len(found) == brokers
    assert len({settings["KAFKA_NODE_ID"] for settings in found.values()}) == brokers
    nodes = [Node(number + 1, 9092, 9093, Path("/"), None) for number in range(brokers)]
    tested = dict(line.split("=", 1) for line in node_properties(nodes[0], nodes, None).splitlines())
    for settings in found.values():
        told = {name.removeprefix("KAFKA_").replace("_", ".").lower(): value for name, value in settings.items()}
        same = {name for name in told if re.search(r"replication\.factor|isr|retention|expiration|auto\.create|insync", name)}
        assert same >= {"offsets.topic.replication.factor", "offsets.retention.minutes", "transactional.id.expiration.ms"}
        assert {name: told[name] for name in same & set(tested)} == {name: tested[name] for name in same & set(tested)}


@pytest.mark.parametrize("file", FILES)
def test_stages_are_told_where_the_brokers_and_their_copies_are(file: str) -> None:
    brokers = [name for name in services(file) if name.startswith("kafka")]
    for service in ours(file).values():
        assert service["environment"]["TAIRYU_BROKERS"] == ",".join(f"{name}:9092" for name in brokers)
    assert ours(file)["topics"]["environment"].get("TAIRYU_REPLICATION", "1") == str(len(brokers))


def test_two_histories_of_two_servers_are_two_groups() -> None:
    histories = [service["environment"] for name, service in ours("compose.cluster.yaml").items() if name.startswith("history")]
    for name in ("TAIRYU_HISTORY_GROUP", "TAIRYU_CLICKHOUSE_URL"):
        assert len({settings[name] for settings in histories}) == len(histories) == 2


def test_the_image_is_pinned_runs_as_nobody_special_and_tells_whether_it_lives() -> None:
    (base,) = re.findall(r"^ARG PYTHON=(.*)$", IMAGE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base)
    assert re.findall(r"^FROM (\S+)", IMAGE, re.MULTILINE) == ["${PYTHON}", "${PYTHON}"]
    assert re.search(r"^USER 10001:10001$", IMAGE, re.MULTILINE)
    (port,) = re.findall(r"TAIRYU_HEALTH_PORT=(\d+)", IMAGE)
    assert f"http://127.0.0.1:{port}/livez" in IMAGE.split("HEALTHCHECK")[1]
    assert "--require-hashes" in IMAGE
    targets = re.findall(r'"(\w+):(\d+)"', (DOCKER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert targets == [(stage.value, port) for stage in Stage]


def test_every_variable_of_the_compose_files_is_in_the_example_and_no_secret_is_committed() -> None:
    asked = {name for file in FILES for name in re.findall(r"\$\{(\w+)", (DOCKER / file).read_text(encoding="utf-8"))}
    assert asked | {"COMPOSE_PROJECT_NAME"} == set(EXAMPLE)
    assert (DOCKER / "secrets" / ".gitignore").read_text() == "*\n!.gitignore\n"


@pytest.mark.parametrize("file", ["Dockerfile", *FILES])
def test_what_was_not_run_says_so(file: str) -> None:
    assert "NOT RUN on the development machine" in (DOCKER / file).read_text(encoding="utf-8")
