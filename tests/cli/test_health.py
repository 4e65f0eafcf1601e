"""What each stage of a running set-up answers: that it lives, that it is ready, and its figures."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka as ck
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import METRICS
from streams.run_file import find_running
from tests.cli.house import READY, House, Sources, impatient_policy, lines_of, read_until, stop

STAGES = ("intake", "watch", "history")
LABELS = ("stage", "version", "topic", "partition", "reason", "clock", "kind", "hop")
NOT_HERE = {"tairyu_unreadable_records_total"}
"""Has no sample until one is met."""
SAID = re.compile(r"(\w+) at http://127\.0\.0\.1:(\d+)")


@pytest.fixture(params=[pytest.param((), marks=pytest.mark.embedded), pytest.param(("--kafka",), marks=pytest.mark.kafka)])
def running(house: House, request: pytest.FixtureRequest) -> Iterator[tuple[House, dict[str, int]]]:
    """The house of a user whose ``tairyu up`` runs, and the ports at which it says that its stages tell their health."""
    if request.param:
        house.more["TAIRYU_KAFKA_JARS"] = str(request.getfixturevalue("kafka_jars"))
    house.more["TAIRYU_POLICY"] = str(impatient_policy(house.folder))
    with house.start("up", *request.param) as process:
        try:
            lines = read_until(process, READY)
            health = next(line for line in lines if line.startswith("health: "))
            yield house, {stage: int(port) for stage, port in SAID.findall(health)}
        finally:
            stop(process)


def ports(house: House) -> dict[str, int]:
    found = find_running(Path((house.folder / "tairyu" / "running").read_text().strip()))
    assert found is not None
    return found.health_ports


def ask(port: int, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def samples(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    """Name -> label values in the order of LABELS -> value; buckets left out."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(ask(port, "/metrics")[1]):
        for sample in family.samples:
            if not sample.name.endswith("_bucket"):
                found.setdefault(sample.name, {})[tuple(sample.labels[name] for name in LABELS if name in sample.labels)] = sample.value
    return found


def test_every_stage_tells_its_health_and_its_figures(running: tuple[House, dict[str, int]], sources: Sources) -> None:
    house, health = running
    assert tuple(health) == STAGES
    assert health == ports(house)
    for port in health.values():
        assert ask(port, "/livez") == (200, "live\n")
        assert ask(port, "/readyz") == (200, "ready\n")

    # Three applications stand with a vendor for two hours, and J-LIS sends something that is no event
    file = house.folder / "events.ndjson"
    file.write_text(lines_of(*(sources.event("plaza", "application.submitted", 2, sources.application(), kiosk="K-1") for _ in range(3))))
    assert house.tairyu("replay", file).stdout == "3 events sent, 0 refused\n"
    running_now = find_running(Path((house.folder / "tairyu" / "running").read_text().strip()))
    assert running_now is not None
    producer = ck.Producer({"bootstrap.servers": running_now.brokers, "log_level": 0})
    producer.produce("jlis-events", b"no event")
    assert producer.flush(30) == 0
    house.wait_for(lambda: len(house.json("stalls", "--json")) == 3)
    house.wait_for(lambda: sum(samples(health["history"]).get("tairyu_rows_total", {}).values()) >= 3 + 1 + 3)

    intake, watch, history = (samples(health[stage]) for stage in STAGES)
    assert intake["tairyu_refusals_total"]["jlis-events", "invalid_json"] == 1
    assert sum(intake["tairyu_refusals_total"].values()) == 1
    assert intake["tairyu_records_total"][()] == 4
    assert all(lag < 60 for lag in intake["tairyu_feed_clock_lag_seconds"].values())
    assert watch["tairyu_transitions_total"]["raised", "upload"] == 3
    assert sum(watch["tairyu_open_applications"].values()) == 3
    assert watch["tairyu_ledger_load_seconds_count"][()] == 1
    assert all(lag < 60 for lag in watch["tairyu_watch_lag_seconds"].values())
    assert {clock for (clock,) in watch["tairyu_clock_lag_seconds"]} >= {"all", "shared", "plaza"}
    assert history["tairyu_insert_seconds_count"][()] == sum(history["tairyu_cuts_total"].values())
    assert {topic for (topic,) in history["tairyu_history_lag_seconds"]} == {"custody-log", "applications", "stall-events"}

    told = {name.removesuffix("_count").removesuffix("_sum") for stage in (intake, watch, history) for name in stage}
    assert {name for name in told if name.startswith("tairyu_")} == set(METRICS) - NOT_HERE
    assert all("process_start_time_seconds" in stage for stage in (intake, watch, history))  # restarts

    # Markers stand behind the last record, and yet nothing is left to read: in every partition, again and again
    for stage in STAGES:
        house.wait_for(lambda: _has_been_read_out(health[stage]))  # noqa: B023


def _has_been_read_out(port: int) -> bool:
    lags = samples(port)["tairyu_lag_records"]
    return bool(lags) and min(lags.values()) == 0 and max(lags.values()) < 10
