"""The linter, asked about good folders and bad ones: a linter that misspells a key checks nothing."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from schemas.lint import HERE, lint, main
from schemas.situations import individual_number

BOOTH = "public/kiosk-events/valid/submitted-at-a-city-hall-booth.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of Tairyu's own cards and examples, to be spoilt."""
    for part in ("topics", "examples"):
        shutil.copytree(HERE / part, tmp_path / part)
    return tmp_path


@pytest.fixture
def edit(folder: Path) -> Callable[[str, str, str], None]:
    def replace(file: str, line: str, instead: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert len(re.findall(line, text, re.MULTILINE)) == 1, f"{line!r} must stand once in {file}"
        (folder / file).write_text(re.sub(line, instead, text, flags=re.MULTILINE), encoding="utf-8")

    return replace


Edit = Callable[[str, str, str], None]


def test_tairyus_own_cards_and_examples_agree() -> None:
    assert lint(HERE) == []


def test_an_unspoilt_copy_agrees_too(folder: Path) -> None:
    assert lint(folder) == []


@pytest.mark.parametrize(
    ("file", "line", "instead", "key", "wrong"),
    [
        ("stalls", "^readers:", "reader:", "reader", "no such key"),
        ("stalls", "^owner: .*\n", "", "owner", "is missing"),
        ("stalls", "^owner: .*$", "owner: ''", "owner", "is empty"),
        ("stalls", "^name: stalls$", "name: stall", "name", "not named as its file"),
        ("stalls", "^partitions: 4$", "partitions: 0", "partitions", "at least 1"),
        ("stalls", "^partitions: 4$", "partitions: 8", "partitions", "expected 4, as custody-log has"),
        ("stalls", "^partitioned_as: .*$", "partitioned_as: custody", "partitioned_as", "no card 'custody'"),
        ("stalls", r"^schema: .*$", "schema: [Transitions]", "schema", "no message 'Transitions'"),
        ("stalls", r"^schema: .*$", "schema: [Transition, Exported]", "schema", "line of a file"),
        ("stalls", r"^schema: .*$", "schema: [Transition, ClockMark]", "examples", "no valid example of ClockMark"),
        ("stalls", "^examples: .*$", "examples: records/stall", "examples", "no example in records/stall"),
        ("stalls", "^cleanup: compact$", "cleanup: compacted", "cleanup", "compacted"),
        ("stalls", "^key: .*$", "key: stall_id\nspeakers: [vendor]", "speakers", "no other may have any"),
        ("stalls", "^key: .*$", "key: stall_id\nspeaker_header: x", "speaker_header", "only a public topic"),
        ("jlis-events", r"^speakers: .*$", "speakers: []", "speakers", "is empty"),
        ("jlis-events", r"^speakers: .*\n", "", "speakers", "needs speakers"),
        ("jlis-events", "^timestamp_type: .*$", "timestamp_type: CreateTime", "timestamp_type", "needs LogAppendTime"),
        ("kiosk-events", r"^speakers: .*$", "speakers: [vendor]\nspeaker_header: x", "speaker_header", "several parties share"),
    ],
)
def test_a_bad_card_is_named_with_its_key(folder: Path, edit: Edit, file: str, line: str, instead: str, key: str, wrong: str) -> None:
    edit(f"topics/{file}.yaml", line, instead)
    told = [fault for fault in lint(folder) if fault.file == f"{file}.yaml" and fault.key == key]
    assert told, f"nothing said of {key}"
    assert any(wrong in fault.wrong for fault in told), told


def test_two_cards_of_one_name_are_found(folder: Path, edit: Edit) -> None:
    edit("topics/stalls.yaml", "^name: stalls$", "name: stall-events")
    assert {fault.file for fault in lint(folder) if "the name of 2 cards" in fault.wrong} == {"stalls.yaml", "stall-events.yaml"}


def test_a_message_that_no_topic_holds_is_found(folder: Path) -> None:
    (folder / "topics/dead-letters.yaml").unlink()
    faults = lint(folder)
    assert ("topics", "schema", "no topic holds DeadLetter") in faults
    assert "belongs to no card" in {fault.wrong for fault in faults if fault.file.startswith("records/dead-letters/")}


def test_an_example_that_belongs_to_no_card_is_found(folder: Path) -> None:
    (folder / "examples/public/post-events/valid").mkdir(parents=True)
    shutil.copy(folder / "examples" / BOOTH, folder / "examples/public/post-events/valid/posted.json")
    assert lint(folder) == [("public/post-events/valid/posted.json", "-", "belongs to no card")]


def test_an_example_of_another_topics_schema_is_found(folder: Path) -> None:
    stray = folder / "examples/records/stalls/pulse--astray.json"
    shutil.copy(folder / "examples/records/custody-log/pulse--of-a-simulation.json", stray)
    assert lint(folder) == [("records/stalls/pulse--astray.json", "-", "is a Pulse, which its card does not name")]


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("records/stalls/held.json", "{}", "expected a name SCHEMA--situation"),
        ("records/stalls/transition--empty.json", "{}", "is no Transition: Object missing required field"),
        ("records/stalls/transition--cut.json", '{"id":', "is no Transition"),
        ("public/jlis-events/valid/nobody-speaks.json", '{"specversion":"1.0","id":"1","source":"/a","type":"t"}', "names no speaker"),
        ("public/jlis-events/valid/id-is-a-number.json", '{"specversion":"1.0","id":1,"source":"/a","type":"t"}', "is no PublicEvent"),
        ("public/jlis-events/invalid/no-reason-named.json", "{}", "is named REASON--situation"),
        ("public/jlis-events/invalid/too_large--misspelt.json", "{{megabyte}}", "{{megabyte}} stands for nothing"),
        ("public/jlis-events/invalid/individual_number--roman.json", "{{individual_number:roman}}", "stands for nothing"),
        ("public/jlis-events/valid/notes.txt", "notes", "is no example: none of"),
    ],
)
def test_a_bad_example_is_named(folder: Path, name: str, text: str, wrong: str) -> None:
    (folder / "examples" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "examples" / name).write_text(text, encoding="utf-8")
    (fault,) = lint(folder)
    assert fault.file == name
    assert wrong in fault.wrong


@pytest.mark.parametrize("written", ["{0}", "{0[0]}{0[1]}{0[2]}{0[3]}-{0[4]}{0[5]}{0[6]}{0[7]}-{0[8]}{0[9]}{0[10]}{0[11]}"])
def test_a_number_of_twelve_digits_in_an_example_is_found_and_not_shown(folder: Path, written: str) -> None:
    number = written.format(individual_number(Random(4)))
    path = folder / "examples" / BOOTH
    path.write_text(path.read_text(encoding="utf-8").replace("s-0001", number), encoding="utf-8")
    (fault,) = lint(folder)
    assert "holds a number of 12 digits" in fault.wrong
    assert number not in str(fault)


def test_as_a_command_it_prints_file_key_and_fault_and_ends_with_1(folder: Path, edit: Edit) -> None:
    edit("topics/stalls.yaml", "^readers:", "reader:")
    done = subprocess.run([sys.executable, "-m", "schemas.lint", str(folder)], capture_output=True, text=True, cwd=HERE.parent, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["stalls.yaml: reader: no such key in a card", "stalls.yaml: readers: is missing"]


def test_as_a_command_it_ends_with_0_if_all_agrees(folder: Path) -> None:
    assert main([str(folder)]) == 0
    assert main([]) == 0
