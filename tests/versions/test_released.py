"""What a release wrote, the code of today reads, with the same meaning; what today's code writes, a release can read."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas import release
from schemas.codec import decode_application, decode_applied, decode_transition, encode, encode_application
from schemas.json_schemas import MESSAGES, json_schema, kebab
from schemas.lint import BY_KEBAB
from schemas.records import PULSE_KEY
from schemas.release import MEANINGS, PACKED, RECORDS, RELEASED, SCHEMAS, meaning, reader
from schemas.situations import situations
from streams.partition import Batch
from tests.streams.story import Log
from tests.versions.additive import breaking
from tests.versions.lives import told_lives

RELEASES = sorted(path.name for path in RELEASED.iterdir())
GOLDEN = [path for version in RELEASES for path in sorted((RELEASED / version / RECORDS).iterdir())]
RAISED = "/version: means "
"""Of a record whose version was raised, which an older worker does not read."""
ONLY_READ = frozenset({"PublicEvent"})
"""Sources write them, and we read them."""


def named(path: Path) -> str:
    return f"{path.parents[1].name} {path.stem}"


def values(golden: Path) -> list[bytes]:
    raw = golden.read_bytes()
    return raw.splitlines() if golden.suffix == ".ndjson" else [raw]


@cache
def meanings(version: str) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = json.loads((RELEASED / version / MEANINGS).read_text())
    return told


def lost(then: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where today's reading says less or other than what was meant; fields that were added since say nothing of it."""
    if isinstance(then, dict) and isinstance(now, dict):
        yield from (f"{path}/{name}: is gone" for name in then.keys() - now.keys())
        for name in then.keys() & now.keys():
            yield from lost(then[name], now[name], f"{path}/{name}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for place, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from lost(old, new, f"{path}/{place}")
    elif then != now:
        yield f"{path}: {then!r} has become {now!r}"


# --- what a release wrote is read today ----------------------------------------------------------------------------------


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
def test_the_bytes_of_a_release_mean_today_what_they_meant(golden: Path) -> None:
    then = meanings(golden.parents[1].name)[golden.name]
    now = [meaning(reader(golden.name)(value)) for value in values(golden)]
    assert list(lost(then, now)) == []


def test_a_meaning_that_changed_is_seen() -> None:
    then = {"a": [{"b": 1, "c": None}], "d": "x"}
    assert list(lost(then, {"a": [{"b": 1, "c": None, "new": 7}], "d": "x"})) == []
    assert list(lost(then, {"a": [{"b": 2, "c": None}], "d": "x"})) == ["/a/0/b: 1 has become 2"]
    assert list(lost(then, {"a": [{"b": 1}], "d": "x"})) == ["/a/0/c: is gone"]
    assert list(lost(then, {"a": [], "d": "x"})) == ["/a: [{'b': 1, 'c': None}] has become []"]


@pytest.mark.parametrize("version", RELEASES)
def test_a_release_keeps_bytes_of_every_message_and_of_every_kind(version: str) -> None:
    names = {path.name.partition("--")[0] for path in (RELEASED / version / RECORDS).iterdir()}
    schemas = {path.name.removesuffix(".schema.json") for path in (RELEASED / version / SCHEMAS).iterdir()}
    assert names == schemas
    told = meanings(version)
    kinds = {each["data"]["kind"] for name, said in told.items() if name.startswith("transition--") for each in said}
    assert kinds == {"raised", "escalated", "revised", "cleared", "recorded", "retracted"}
    records = [each for name, said in told.items() if name.startswith("application--") for each in said]
    for field in ("contributions", "corrections", "open_hops", "said", "marker"):
        assert any(record[field] for record in records), field


@pytest.mark.parametrize("version", RELEASES)
def test_a_watch_goes_on_from_the_ledger_of_a_release(version: str) -> None:
    """Its records and its applied record are loaded; the next silence is said with the next revision."""
    folder = RELEASED / version / RECORDS
    records = {bytes([place]) * 64: path.read_bytes() for place, path in enumerate(sorted(folder.glob(f"application--*{PACKED}")), 65)}
    applied = decode_applied((folder / "applied--after-a-pulse.json").read_bytes())
    log = Log(feeds={topic: held.vendor for topic, held in applied.inputs.items()})
    log.partition.restore(records, applied)
    log.batch = Batch(log.partition)
    stalled = next(token for token, stored in records.items() if decode_application(stored).said)
    assert log.batch.offset == applied.offset

    width = max(len(held.through_us) for held in applied.inputs.values())
    log.records = [(0, None, None)] * (applied.offset + 1)  # the log goes on behind them
    log.clock("2026-04-09 00:00", input_set=applied.input_set, partitions=width)

    said = [decode_transition(value).data for key, value in log.batch.said if key == stalled]
    assert [(each.kind, each.level, each.revision) for each in said] == [("escalated", "warn", 2), ("escalated", "breach", 3)]


# --- what is written today a release can read ----------------------------------------------------------------------------


def schema_file(version: str, message: str) -> Path:
    return RELEASED / version / SCHEMAS / f"{kebab(message)}.schema.json"


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_has_only_had_additions_since_a_release(version: str, message: str) -> None:
    if schema_file(version, message).exists():  # else it is new since
        released = json.loads(schema_file(version, message).read_text())
        found = breaking(released, json_schema(MESSAGES[message]), only_read=message in ONLY_READ)
        assert [line for line in found if not line.startswith(RAISED)] == []


@pytest.mark.parametrize("version", RELEASES)
def test_a_message_of_a_release_still_exists(version: str) -> None:
    names = {path.name.removesuffix(".schema.json") for path in (RELEASED / version / SCHEMAS).iterdir()}
    assert names <= BY_KEBAB.keys()


@cache
def released_schema(version: str, message: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema_file(version, message).read_text()), format_checker=FormatChecker())


@pytest.mark.parametrize("version", RELEASES)
def test_what_is_written_today_fits_the_schema_of_a_release(version: str) -> None:
    """The examples, and all that a partition with many odd applications writes."""
    written = [*_examples_today(), *_partition_today()]
    assert {message for message, _ in written} == set(MESSAGES)
    for message, value in written:
        if schema_file(version, message).exists():  # else it is new since
            released_schema(version, message).validate(json.loads(value))


def _examples_today() -> Iterator[tuple[str, bytes]]:
    for example in situations():
        if example.reason is None:
            message = BY_KEBAB[example.schema or "public-event"]
            for value in example.values():
                yield message, encode(msgspec.json.decode(value, type=MESSAGES[message]))


def _partition_today() -> Iterator[tuple[str, bytes]]:
    log = told_lives(Log(), seed=5)
    said = [("ClockMark" if key is None else "Transition", value) for key, value in log.batch.said]
    assert len({kind for kind, _ in said}) == 2
    yield from said
    yield "Applied", encode(log.batch.applied())
    for key, stored in log.batch.changed().items():
        assert len(key) == 64
        if stored is not None:
            yield "Application", encode(decode_application(stored))
    yield from (("Pulse", value or b"") for _, key, value in log.records if key == PULSE_KEY)


# --- the command ---------------------------------------------------------------------------------------------------------


def test_a_release_writes_what_it_would_write_and_never_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["9.9.9"], tmp_path) == 0
    whole = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(whole) > len(MESSAGES) + 30

    assert release.main(["9.9.9"], tmp_path) == 1
    assert "what was released never changes" in capsys.readouterr().err
    assert {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == whole


def test_an_application_is_kept_as_it_stands_in_its_topic(tmp_path: Path) -> None:
    release.main(["9.9.9"], tmp_path)
    for path in (tmp_path / "9.9.9" / RECORDS).glob("application--*"):
        assert path.suffix == PACKED
        assert encode_application(decode_application(path.read_bytes())) == path.read_bytes()
