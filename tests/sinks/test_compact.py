"""Hops are compacted: what hops_now answers never changes by it, whatever comes before, between and after, or dies on the way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas.instants import from_text
from sinks.clickhouse import Log, Store
from sinks.compact import NEXT, Compactor, compact
from sinks.cuts import Range
from tests.sinks.house import patience
from tests.sinks.tables import pieces
from tests.sinks.test_clickhouse import row

LOG = Log("first-log", "applications", 0)
APRIL, MAY, JUNE = (from_text(f"2026-{month:02}-03T00:00:00Z") for month in (4, 5, 6))
Hop = tuple[str, int, str]
"""Hop, attempt, state."""


class Written:
    """Records of applications, as history writes them, a range for each."""

    def __init__(self, store: Store) -> None:
        self.store, self.offsets = store, dict[Log, int]()

    def record(self, token: str, *hops: Hop, log: Log = LOG, cut_us: int = APRIL, entered_us: int = APRIL) -> None:
        offset = self.offsets[log] = self.offsets.get(log, -1) + 1
        told = [
            row("hops", offset, token=token, hop=hop, attempt=attempt, state=state, entered_at=entered_us) for hop, attempt, state in hops
        ]
        found = pieces({"hops": told, "applications": [row("applications", offset, token=token)]})
        self.store.write(log, Range(offset, offset, 1, 1, cut_us), found)


@pytest.fixture
def written(store: Store) -> Written:
    return Written(store)


def now(store: Store) -> list[tuple[Any, ...]]:
    return store.query("SELECT token, hop, attempt, state, offset FROM hops_now ORDER BY ALL")


def compacted(store: Store) -> list[tuple[Any, ...]]:
    return store.query("SELECT token, hop, attempt, state, offset FROM hops_compacted WHERE log_id != '' ORDER BY ALL")


def test_what_is_compacted_answers_as_before_and_what_comes_later_counts_at_once(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"))
    written.record("b", ("upload", 1, "open"))
    written.record("a", ("upload", 1, "in_time"), ("forward", 1, "open"))
    before = [("a", "forward", 1, "open", 2), ("a", "upload", 1, "in_time", 2), ("b", "upload", 1, "open", 1)]
    assert now(store) == before

    compact(store)
    assert now(store) == compacted(store) == before

    # a's forward was never opened, a correction says; c is new
    written.record("a", ("upload", 1, "late"), cut_us=MAY)
    written.record("c", ("upload", 1, "open"), cut_us=MAY)
    after = [("a", "upload", 1, "late", 3), ("b", "upload", 1, "open", 1), ("c", "upload", 1, "open", 4)]
    assert now(store) == after
    assert compacted(store) == before

    compact(store)
    assert now(store) == compacted(store) == after


def test_months_of_which_nothing_has_changed_stay_as_they_are(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"))
    written.record("b", ("upload", 1, "open"), entered_us=MAY)
    written.record("z", ("upload", 1, "open"), entered_us=0)  # 1970: a claim like any other
    compact(store)

    # b's upload had been entered in June: so May has changed, too
    written.record("b", ("upload", 1, "late"), cut_us=JUNE, entered_us=JUNE)
    compact(store)

    assert now(store) == compacted(store) == [("a", "upload", 1, "open", 0), ("b", "upload", 1, "late", 3), ("z", "upload", 1, "open", 2)]
    made = store.query(
        "SELECT token, compaction = (SELECT max(compaction) FROM hops_compacted WHERE token = 'b') FROM hops_compacted ORDER BY token"
    )
    assert made[1:] == [("a", 0), ("b", 1), ("z", 1)]


def test_an_application_that_loses_all_its_hops_has_none(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"))
    compact(store)

    written.record("a", cut_us=MAY)

    assert now(store) == []


def test_another_partition_and_another_log_are_found_though_they_are_of_an_earlier_month(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"), cut_us=JUNE)
    compact(store)

    written.record("b", ("upload", 1, "open"), log=Log(LOG.log_id, LOG.topic, 1), cut_us=MAY)
    written.record("c", ("upload", 1, "open"), log=Log("imported", "import:2025", 0), cut_us=APRIL)

    assert [token for token, *_ in now(store)] == ["a", "b", "c"]
    compact(store)
    assert [token for token, *_ in now(store)] == ["a", "b", "c"]


def test_of_a_log_that_was_made_again_only_the_newer_counts(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"))
    compact(store)

    written.record("b", ("upload", 1, "open"), log=Log("second-log", LOG.topic, 0))

    assert [token for token, *_ in now(store)] == ["b"]
    compact(store)
    assert [token for token, *_ in compacted(store)] == ["b"]


class Killed(Exception):
    pass


class Dying:
    """Dies before the statement that begins so; or does something else first."""

    def __init__(self, store: Store, begins: str, instead: Callable[[], None]) -> None:
        self.store, self._begins, self._instead = store, begins, instead

    def command(self, statement: str) -> object:
        if statement.startswith(self._begins):
            self._instead()
        return self.store.command(statement)

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self.store.query(query, parameters)


def die() -> None:
    raise Killed


@pytest.mark.parametrize("begins", ["CREATE TABLE", f"INSERT INTO {NEXT}", "EXCHANGE", "DROP TABLE hops_compacted_next"])
def test_killed_anywhere_it_answers_as_before_and_the_next_compaction_tidies_up(store: Store, written: Written, begins: str) -> None:
    written.record("a", ("upload", 1, "open"))
    compact(store)
    written.record("a", ("upload", 1, "late"), cut_us=MAY)

    with pytest.raises(Killed):
        compact(Dying(store, begins, die))

    assert now(store) == [("a", "upload", 1, "late", 1)]
    written.record("a", ("upload", 1, "void"), cut_us=MAY)
    assert now(store) == [("a", "upload", 1, "void", 2)]
    compact(store)
    assert now(store) == compacted(store) == [("a", "upload", 1, "void", 2)]
    assert store.query(f"SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '{NEXT}')") == []


def test_one_that_has_slept_over_another_compaction_fails_or_changes_no_answer(store: Store, written: Written) -> None:
    written.record("a", ("upload", 1, "open"))

    def meanwhile() -> None:
        written.record("a", ("upload", 1, "late"), cut_us=MAY)
        compact(store)
        written.record("b", ("upload", 1, "open"), cut_us=MAY)

    for begins in (f"INSERT INTO {NEXT}", "EXCHANGE"):
        with pytest.raises(Exception, match=NEXT):
            compact(Dying(store, begins, meanwhile))
        assert {(token, state) for token, _, _, state, _ in now(store)} == {("a", "late"), ("b", "open")}


@pytest.fixture
def compactor(open_store: Callable[[], Store], store: Store) -> Iterator[Compactor]:
    with Compactor(open_store, every_s=0, look_every_s=0.01) as compactor:
        yield compactor


def test_a_history_settles_by_itself_when_rows_have_come(store: Store, written: Written, compactor: Compactor) -> None:
    written.record("a", ("upload", 1, "open"))

    wait_until_compacted(store, "a")

    written.record("b", ("upload", 1, "open"))
    wait_until_compacted(store, "a", "b")


def wait_until_compacted(store: Store, *tokens: str) -> None:
    for _ in patience(f"{tokens} compacted"):
        if [token for token, *_ in compacted(store)] == [*tokens]:
            return
