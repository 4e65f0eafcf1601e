"""Backup and restore, as docs/operations.md says, on Apache Kafka: what is there afterwards, and what is not."""

import shutil
from pathlib import Path

import pytest

from tests.operations.house import FIRST, SECOND, Box, content

pytestmark = pytest.mark.kafka


def test_a_history_that_was_lost_or_is_an_older_copy_becomes_whole_from_the_logs(box: Box, tmp_path: Path) -> None:
    with box.running() as set_up:
        box.send(set_up, box.applications(FIRST))
        content(set_up, FIRST)
    shutil.copytree(box.folder / "history", tmp_path / "copy", symlinks=True)  # stopped, and as `cp -a` does: links stay links
    with box.running() as set_up:
        box.send(set_up, box.applications(SECOND))
        before = content(set_up, FIRST + SECOND)

    # Lost: an empty folder is filled again
    shutil.rmtree(box.folder / "history")
    with box.running() as set_up:
        assert content(set_up, FIRST + SECOND) == before

    # An older copy goes on where it stopped
    shutil.rmtree(box.folder / "history")
    shutil.move(tmp_path / "copy", box.folder / "history")
    with box.running() as set_up:
        assert content(set_up, FIRST + SECOND) == before


def test_what_came_after_the_copy_of_a_folder_is_lost_until_it_is_sent_again(box: Box, tmp_path: Path) -> None:
    with box.running() as set_up:
        box.send(set_up, box.applications(FIRST))
        first = content(set_up, FIRST)
    shutil.copytree(box.folder, tmp_path / "copy", symlinks=True)
    later = box.applications(SECOND)
    with box.running() as set_up:
        box.send(set_up, later)
        whole = content(set_up, FIRST + SECOND)

    # The logs come from the copy, ClickHouse is younger: history says so, and writes nothing
    shutil.rmtree(box.folder / "kafka")
    shutil.copytree(tmp_path / "copy" / "kafka", box.folder / "kafka")
    with box.running(stages=("history",)) as set_up:
        assert set_up.wait(60)  # it ends by itself, twice
    assert "it was cut short, or restored from a copy" in (box.folder / "logs" / "history.log").read_text()

    # So ClickHouse begins anew: all of the copy is there, and nothing else
    shutil.rmtree(box.folder / "history")
    with box.running() as set_up:
        assert content(set_up, FIRST) == first
        # The vendor sends the lost time again
        box.send(set_up, later)
        again = content(set_up, FIRST + SECOND)
    assert [row[:5] for row in again["events"]] == [row[:5] for row in whole["events"]]  # arrived is later, all else the same
    assert [row[:5] for row in again["hops"]] == [row[:5] for row in whole["hops"]]
