"""A suite that cannot see a broken product proves nothing: each variant, broken on purpose, makes a named check fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parent / "site"
ROOT = Path(__file__).parents[2]

CHECKS = {
    "memory_before_commit": "tests/streams/test_ledger.py::test_whoever_was_fenced_commits_nothing_and_its_memory_does_not_lead",
    "no_fencing": "tests/streams/test_ledger.py::test_whoever_was_fenced_commits_nothing_and_its_memory_does_not_lead",
    "fencing_after_loading": "tests/crash/test_fencing.py::test_whatever_an_earlier_owner_could_still_commit_is_loaded",
    "metadata_at_commit": "tests/streams/test_loop.py::test_a_batch_that_was_read_under_an_earlier_membership_cannot_be_committed",
    "deadline_one_second_early": "tests/properties/test_oracle_agrees.py::test_over_a_log_the_product_says_what_the_oracle_says",
    "clocks_not_in_the_ledger": "tests/streams/test_partition.py::test_batches_cut_anywhere_give_the_same_bytes",
    "no_insert_token": "tests/sinks/test_clickhouse.py::test_a_range_that_is_written_again_stands_there_once",
    "cut_by_poll": "tests/sinks/test_cuts.py::test_the_limit_is_50000_committed_records_whatever_their_offsets",
    "clock_read_after_the_question": "tests/crash/test_evidence_order.py::test_what_was_appended_after_the_question_is_not_vouched_for",
    "aborted_records_read": "tests/crash/test_watch_crashes.py::test_killed_there_the_watch_says_everything_once[watch.after_produce]",
}
"""Variant (``site/broken.py``) -> a check that sees it. `docs/reliability.md` has the same table."""
ON_KAFKA = {"fencing_after_loading", "metadata_at_commit", "aborted_records_read"}


def outcome(variant: str | None, check: str) -> str:
    """What pytest prints of the check, run in a process of its own, broken or not."""
    env = {**os.environ, "PYTHONPATH": str(SITE)} | ({"TAIRYU_TEST_VARIANT": variant} if variant else {})
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "COV_CORE_SOURCE"):
        env.pop(name, None)
    only = [] if variant in ON_KAFKA or variant is None else ["-m", "not kafka"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", *only, check]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr


def check_that_it_is_seen(variant: str) -> None:
    said, check = outcome(variant, CHECKS[variant]), CHECKS[variant]
    assert f"FAILED {check}" in said, said[-3_000:]
    assert "1 failed" in said, said[-3_000:]


@pytest.mark.parametrize("variant", sorted(CHECKS.keys() - ON_KAFKA))
def test_a_check_fails_on(variant: str) -> None:
    check_that_it_is_seen(variant)


@pytest.mark.kafka
@pytest.mark.parametrize("variant", sorted(ON_KAFKA))
def test_a_check_on_kafka_fails_on(variant: str, kafka_jars: Path) -> None:
    check_that_it_is_seen(variant)


def test_every_variant_has_a_check_and_nothing_is_broken_without_one() -> None:
    command = [sys.executable, "-c", "import broken, sys; print(*sorted(broken.VARIANTS))"]
    named = subprocess.run(command, env={"PYTHONPATH": str(SITE)}, capture_output=True, text=True, check=True).stdout.split()
    assert named == sorted(CHECKS)
    unbroken = outcome(None, CHECKS["cut_by_poll"])
    assert "1 passed" in unbroken, unbroken
