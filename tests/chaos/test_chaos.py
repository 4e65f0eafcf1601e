"""The short chaos run: six faults at random, and everything counted."""

from pathlib import Path

import pytest

from tests.chaos.run import run

pytestmark = pytest.mark.kafka

SEED, FAULTS = 3, 6


def test_six_faults_at_random_lose_double_and_invent_nothing(kafka_jars: Path, tmp_path: Path) -> None:
    said: list[str] = []

    outcome = run(tmp_path, kafka_jars, SEED, FAULTS, said.append)

    told = "\n".join([*outcome.words, *said])
    assert outcome.sound, told
    wrong = {name: outcome.figures[name] for name in ("lost", "doubled", "invented", "history_mismatches")}
    assert wrong == dict.fromkeys(wrong, 0), told
    assert outcome.figures["faults"] == FAULTS
    assert outcome.figures["transitions"] >= 100 * FAULTS
