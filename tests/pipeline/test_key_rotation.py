"""A new key in the middle of applications' lives: what was begun under the old one is ended there, and nobody appears twice."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.codec import decode_event
from schemas.identity import token
from schemas.instants import SECOND_US, to_text
from schemas.records import PULSE_KEY
from streams.keys import key_marks, load_key
from streams.up import environment
from tests.pipeline.works import CUSTODY, Works, own_broker

pytestmark = pytest.mark.kafka
PATIENCE_S = 100.0
HOUR_US = 3_600 * SECOND_US


@pytest.fixture
def works(kafka_jars: Path, tmp_path: Path) -> Iterator[Works]:
    with own_broker("kafka", tmp_path, kafka_jars) as broker:
        works = Works(broker, tmp_path / "works", history_dir=None)
        try:
            yield works
        finally:
            works.close()


def event(subject: str, speaker: str, name: str, hours_ago: float) -> dict[str, Any]:
    at = to_text(time.time_ns() // 1_000 - int(hours_ago * HOUR_US))
    source = "/j-lis/acceptance" if speaker == "j-lis" else f"/vendors/{speaker}/kiosks/1"
    said = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": source, "type": f"jp.tairyu.{name}"}
    return {**said, "time": at, "subject": subject, "speaker": speaker, "data": {}}


def begun(subjects: list[str]) -> list[dict[str, Any]]:
    """Each uploaded ten hours ago and not heard of since: held by its vendor beyond the notice limit."""
    names = ("application.submitted", "application.uploaded")
    return [event(subject, "plaza", name, 10.1 - number / 10) for subject in subjects for number, name in enumerate(names)]


def tairyu(works: Works, *arguments: str, **more: object) -> "subprocess.CompletedProcess[str]":
    """``more``: settings, beside those of the works."""
    command, env = [sys.executable, "-m", "streams.cli", *arguments], environment(works.settings, **more)
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def rotate(works: Works, **more: object) -> "subprocess.CompletedProcess[str]":
    return tairyu(works, "key", "rotate", **more)


def tokens(works: Works) -> set[str]:
    """Of all applications that the log knows."""
    events = [decode_event(line.value or b"") for line in works.lines(CUSTODY) if line.key != PULSE_KEY]
    return {each.subject for each in events if each.subject}


def test_old_applications_keep_their_key_and_new_ones_have_the_new_one(works: Works) -> None:
    rng, file = Random(7), works.settings.key_file
    assert file is not None
    old, late, new = ([("".join(rng.choices("0123456789", k=23))) for _ in range(5)] for _ in range(3))
    first = load_key(file)
    before = file.with_name("before")
    before.write_bytes(file.read_bytes())
    works.run("watch")
    intake = works.run("intake")
    works.send(begun(old))
    works.wait(lambda: works.said("raised") == 5, PATIENCE_S)

    # Not while an intake runs
    said = rotate(works)
    assert (said.returncode, load_key(file)) == (2, first)
    assert said.stderr.startswith("tairyu: 1 intakes run: stop them all first")

    # Some are in the log, and the watch has not seen them yet: they are known all the same
    assert works.programs["watch"].stop()
    works.send(begun(late))
    works.wait(lambda: works.handled() == len(works.origins), PATIENCE_S)
    assert intake.stop()
    said = rotate(works)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("key 2 is for new applications; 10 known ones keep theirs\n")

    works.run("watch")
    intake.start()
    works.send(begun(new))
    works.send([event(subject, "j-lis", "application.received", 0.1) for subject in old + late])
    # The late ones were heard of and received before their silence was judged, or after: cleared, or recorded
    works.wait(lambda: works.said("cleared") + works.said("recorded") == 10 and works.said("raised") >= 10, PATIENCE_S)

    second = load_key(file)
    assert tokens(works) == {token(first, each) for each in old + late} | {token(second, each) for each in new}
    assert not {token(first, each) for each in new} & tokens(works)

    # Who comes with the old file alone would split applications: it ends, and says why
    assert intake.stop()
    with_the_old_key = works.run("intake", "old-key", {"TAIRYU_KEY_FILE": str(before)})
    assert with_the_old_key.wait(PATIENCE_S)
    assert with_the_old_key.exit_code != 0
    marks = key_marks(second)
    said = f"the key file has the key {marks['1']}, and lacks {marks['2']}, with which tokens were made since"
    assert said in with_the_old_key.last_words()


def test_who_comes_with_another_key_ends_before_it_makes_a_token(works: Works) -> None:
    rng, file = Random(8), works.settings.key_file
    assert file is not None
    known, later = ([("".join(rng.choices("0123456789", k=23))) for _ in range(5)] for _ in range(2))
    other = file.with_name("other")
    other.write_bytes(file.read_bytes().replace(b"tests", b"other"))
    other.chmod(0o600)
    intake = works.run("intake")
    works.send(begun(known))
    works.wait(lambda: works.handled() == len(works.origins), PATIENCE_S)
    assert intake.stop()

    # One key each, and both are the first of their file: only their marks tell them apart
    (right,), (wrong,) = (key_marks(load_key(each)).values() for each in (file, other))
    said = f"the key file has the key {wrong}, and lacks {right}, with which tokens were made since: name the right file, or copy it from"
    works.send(begun(later))
    with_another = works.run("intake", "another", {"TAIRYU_KEY_FILE": str(other)})
    assert with_another.wait(PATIENCE_S)
    assert with_another.exit_code != 0
    assert said in with_another.last_words()
    # Nor is it made an old key, of applications that never had it
    assert rotate(works, key_file=other).stderr.startswith(f"tairyu: {said}")
    assert f"{other}: {said}" in tairyu(works, "doctor", key_file=other).stdout
    assert "the key file has" not in tairyu(works, "doctor").stdout
    assert f"1  {wrong}  of all others" in tairyu(works, "key", "show", key_file=other).stdout

    intake.start()
    works.wait(lambda: works.handled() == len(works.origins), PATIENCE_S)
    assert tokens(works) == {token(load_key(file), each) for each in known + later}
