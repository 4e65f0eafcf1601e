"""Alert rules and dashboard go with the figures that the stages tell, and with the document that says what to do."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics import METRICS, Name
from tests.conftest import ABSENT

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "docker" / "prometheus"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docker" / "grafana" / "tairyu.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
TESTS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
TARGET = {"job", "stage", "instance", "le"}
"""Labels that Prometheus itself adds."""
OTHERS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
SHOWN = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
ASKED = [(rule["alert"], rule["expr"]) for rule in RULES] + SHOWN


def names(expression: str) -> set[str]:
    found = set(re.findall(r"\b(?:tairyu_[a-z_]+|process_[a-z_]+|up)\b", expression))
    return {re.sub(r"(_seconds)_(bucket|sum|count)$", r"\1", name) for name in found}


def labels(expression: str) -> set[str]:
    """All that it selects or groups by."""
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    return set(re.findall(r"([a-z]+)=", "".join(re.findall(r"\{[^}]*\}", expression)))) | {
        label.strip() for each in grouped for label in each.split(",")
    }


def known(expression: str) -> set[str]:
    told: list[Name] = [name for name in METRICS if name in names(expression)]
    return TARGET | {label for name in told for label in METRICS[name].labels}


@pytest.mark.parametrize(("where", "expression"), ASKED, ids=[f"{where}: {expression[:40]}" for where, expression in ASKED])
def test_alerts_and_panels_ask_for_what_is_told(where: str, expression: str) -> None:
    assert names(expression)
    assert names(expression) <= set(METRICS) | OTHERS
    assert labels(expression) <= known(expression)


def test_every_figure_is_shown() -> None:
    assert set(METRICS) - {name for _, expression in SHOWN for name in names(expression)} == set()


def test_what_an_alert_asks_for_is_shown() -> None:
    assert {name for rule in RULES for name in names(rule["expr"])} <= {name for _, expression in SHOWN for name in names(expression)}


def test_the_dashboard_is_whole() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert all(place["x"] + place["w"] <= 24 for place in (panel["gridPos"] for panel in panels))
    assert re.fullmatch(r"[ -~]+", DASHBOARD["title"])
    assert {rule["alert"][: len("Tairyu")] for rule in RULES} == {"Tairyu"}  # as its annotation selects them


def test_every_alert_is_tested_silent_and_firing() -> None:
    for rule in RULES:
        cases = [case for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == rule["alert"]]
        assert {bool(case["exp_alerts"]) for case in cases} == {True, False}, rule["alert"]


def test_every_alert_has_its_section_and_no_section_is_left_over() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (Tairyu\w+)$", text, re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]
    assert [rule["annotations"]["runbook"] for rule in RULES] == [f"docs/operations.md#{name.lower()}" for name in sections]


def promtool(*arguments: str | Path) -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip(f"promtool {ABSENT}: Debian's package prometheus has it")
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, cwd=PROMETHEUS, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_rules_and_configuration() -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in promtool("check", "config", "prometheus.yml")


def test_promtool_runs_the_tests_of_the_rules() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")


def test_promtool_takes_what_the_panels_ask(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expression} for number, (_, expression) in enumerate(SHOWN)]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(SHOWN)} rules found" in promtool("check", "rules", file)
