"""Files are loaded into history: the rows are those of the rules, each once, whatever the number of processes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.identity import keyed_hash
from schemas.instants import from_text, from_us
from schemas.reasons import Reason
from sinks.clickhouse import Store
from sinks.importing import Imported, ImportingError, import_files
from streams.connection import clickhouse
from streams.keys import load_key
from streams.settings import Settings
from tests.sinks.import_house import HOPS, SAID, in_order, judged, simulate

Refusals = list[tuple[str, int, Reason, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import")


@pytest.fixture(scope="module")
def town(folder: Path) -> Path:
    return simulate(folder)


@pytest.fixture(scope="module")
def settings(server: str, town: Path) -> Settings:
    return Settings(clickhouse_url=server, key_file=town.parent / "key")


@pytest.fixture(scope="module")
def history(settings: Settings) -> Iterator[Store]:
    store = Store.on_server(clickhouse(settings) or {})
    yield store
    store.close()


@pytest.fixture(scope="module")
def imported(settings: Settings, town: Path) -> Imported:
    """The town, by three processes."""
    return import_files(settings, [town], name="town", workers=3)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def of_others(lines: list[bytes], shift: int) -> list[bytes]:
    """The same of other applications."""
    events = [json.loads(line) for line in lines]
    return [json.dumps(event | ({"subject": _other(event["subject"], shift)} if "subject" in event else {})).encode() for event in events]


def _other(subject: str, shift: int) -> str:
    return f"{(int(subject[0]) + shift) % 10}{subject[1:]}"


def rows(history: Store, table: str, name: str, columns: str) -> list[tuple[object, ...]]:
    return in_order(history.query(f"SELECT {columns} FROM {table} WHERE topic = 'import:{name}'"))


def test_history_then_says_what_judge_says_of_the_file(imported: Imported, settings: Settings, town: Path, history: Store) -> None:
    rules = judged(settings, town)

    assert rows(history, "hops_now", "town", HOPS) == rules.hops
    assert rows(history, "transitions", "town", SAID) == rules.said
    assert len(rules.said) > 10
    assert rows(history, "events", "town", "event_id, source, token") == in_order(
        (event.id, event.source, event.subject) for event in rules.events
    )
    counted = {"hops": len(rules.hops), "transitions": len(rules.said), "events": len(rules.events), "applications": 60}
    assert (imported.events, imported.refused, dict(imported.rows)) == (len(rules.events), 0, counted)


def test_how_many_processes_it_takes_changes_no_row(imported: Imported, settings: Settings, town: Path, history: Store) -> None:
    # the same town of other people: the same people would be there already
    lines = town.read_bytes().splitlines()
    first = written(town.with_name("one.ndjson"), *of_others(lines, 1))

    import_files(settings, [first], name="one", workers=1)

    rules = judged(settings, first)
    assert rows(history, "hops_now", "one", HOPS) == rules.hops
    assert rows(history, "transitions", "one", SAID) == rules.said
    places = "partition, lo, hi, records, cut_at"
    assert len(rows(history, "ranges", "one", places)) == 8
    assert {row[-1] for row in rows(history, "ranges", "one", places)} == {row[-1] for row in rows(history, "ranges", "town", places)}


def test_each_row_lies_in_the_range_that_is_entered_for_it(imported: Imported, history: Store) -> None:
    for table in imported.rows:
        rows_outside = f"SELECT count() FROM {table} WHERE topic = 'import:town' AND (log_id, partition, lo, hi, cut_at) NOT IN"
        assert history.query(f"{rows_outside} (SELECT log_id, partition, lo, hi, cut_at FROM ranges)") == [(0,)]
        if table != "transitions":  # they are counted by themselves
            assert history.query(f"SELECT count() FROM {table} WHERE topic = 'import:town' AND NOT offset BETWEEN lo AND hi") == [(0,)]


def test_the_same_files_again_are_there_already_under_any_name(imported: Imported, settings: Settings, town: Path, history: Store) -> None:
    before = history.query("SELECT count() FROM events")

    again = import_files(settings, [town], name="town")
    other = import_files(settings, [town], name="village")

    assert (again.there_as, other.there_as, again.events) == ("town", "town", 0)
    assert history.query("SELECT count() FROM events") == before


def test_other_files_of_the_same_name_take_the_place_of_the_first(settings: Settings, town: Path, history: Store) -> None:
    lines = of_others(town.read_bytes().splitlines(), 2)
    early, whole = written(town.with_name("early.ndjson"), *lines[:300]), written(town.with_name("whole.ndjson"), *lines)

    import_files(settings, [early], name="replaced")
    assert rows(history, "hops_now", "replaced", HOPS) == judged(settings, early).hops

    import_files(settings, [whole], name="replaced")
    assert rows(history, "hops_now", "replaced", HOPS) == judged(settings, whole).hops

    with pytest.raises(ImportingError, match="imported as replaced before, and replaced by other files since: take another --name"):
        import_files(settings, [early], name="replaced")


def test_files_that_share_applications_are_one_import_or_none(settings: Settings, town: Path, history: Store) -> None:
    lines = of_others(town.read_bytes().splitlines(), 3)
    april, may = written(town.with_name("april.ndjson"), *lines[:300]), written(town.with_name("may.ndjson"), *lines[300:])

    import_files(settings, [april], name="april")
    with pytest.raises(
        ImportingError, match=r"of its applications, others have told already \(\d+ in import:april\), so nothing is entered"
    ):
        import_files(settings, [may], name="may")
    assert rows(history, "hops_now", "may", HOPS) == []

    import_files(settings, [april, may], name="april")
    both = written(town.with_name("both.ndjson"), *lines)
    assert rows(history, "hops_now", "april", HOPS) == judged(settings, both).hops


def test_a_refused_line_is_told_and_kept_as_a_refusal_and_the_rest_is_imported(settings: Settings, town: Path, history: Store) -> None:
    good = of_others(town.read_bytes().splitlines()[:200], 4)
    last = max(json.loads(line)["received"] for line in good)
    number = json.loads(good[0]) | {"id": "1234 5678 9012", "received": "2026-04-02T00:00:00+09:00"}
    wrong = json.dumps(number).encode()
    nobody = b'{"speaker":"mallory"}'
    far = json.dumps(json.loads(good[1]) | {"received": "1800-01-01T00:00:00Z"}).encode()
    path = written(town.with_name("wrong.ndjson"), *good[:100], wrong, nobody, *good[100:], far)
    told: Refusals = []

    done = import_files(settings, [path], name="wrong", tell_refused=lambda file, line, why, at: told.append((file.name, line, why, at)))

    assert [(name, line, at) for name, line, _, at in told] == [
        ("wrong.ndjson", 101, "/id"),
        ("wrong.ndjson", 102, "/specversion"),
        ("wrong.ndjson", 203, "/received"),
    ]
    assert (done.events, done.refused, done.rows["refusals"]) == (200, 3, 3)
    assert settings.key_file is not None
    key = load_key(settings.key_file)
    known = json.loads(good[0])["speaker"], json.loads(good[1])["speaker"]
    columns = "reason, path, origin_topic, origin_partition, origin_offset, speaker, size, hmac, received"
    assert rows(history, "refusals", "wrong", columns) == in_order(
        (why.value, at, "import:wrong", 0, line, speaker, len(text), keyed_hash(key, text), from_us(from_text(received)))
        for (_, line, why, at), speaker, text, received in zip(
            told, (known[0], None, known[1]), (wrong, nobody, far), (number["received"], last, last), strict=True
        )
    )


def test_what_cannot_be_imported_is_a_sentence(settings: Settings, town: Path) -> None:
    nothing = written(town.with_name("nothing.ndjson"), b"{}")
    for name, files, given, sentence in (
        ("nothing", [nothing], settings, "nothing.ndjson: no line was taken, so nothing is imported"),
        ("../x", [town], settings, "'../x' is no name of an import: up to 64 letters, digits, dots, hyphens and underscores"),
        ("x", [town.with_name("away")], settings, f"{town.with_name('away')}: No such file or directory"),
        ("x", [town], settings.model_copy(update={"key_file": None}), "import needs the deployment's key, or no application would be"),
        ("x", [town], settings.model_copy(update={"clickhouse_url": None}), "import needs TAIRYU_CLICKHOUSE_URL (a server), "),
    ):
        with pytest.raises(ImportingError) as raised:
            import_files(given, files, name=name)
        assert str(raised.value).startswith(sentence)
