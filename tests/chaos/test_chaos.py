"""The short chaos run: six faults at random, and everything counted. Asked for by TAIRYU_TEST_CHAOS=1.

Three brokers beside the other tests did not always answer within 60 s on two cores; until that is settled it is a run of its own.
"""

import os
from pathlib import Path

import pytest

from tests.chaos.run import run

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(
        "TAIRYU_TEST_CHAOS" not in os.environ,
        reason="not run: the short chaos; ask for it with TAIRYU_TEST_CHAOS=1, or make chaos FAULTS=6",
    ),
]

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
