"""The store: each range once, on chDB and over HTTP."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.instants import from_text
from sinks.clickhouse import Log, Store, StoreError, token
from sinks.columns import COLUMNS
from sinks.compact import compact
from sinks.cuts import Range
from sinks.migrate import read_migrations
from sinks.rows import Rows
from streams.connection import clickhouse
from streams.setting_sources import SettingsError
from streams.settings import Settings
from tests.sinks.tables import pieces

Row = tuple[Any, ...]
LOG = Log("bUQpbkrVSc6vYt1sFt5WpA", "stall-events", 3)
APRIL, MAY = from_text("2026-04-30T23:59:55Z"), from_text("2026-05-01T00:00:00Z")
VALUES: dict[str, Any] = {
    "revision": 1,
    "attempt": 1,
    "origin_partition": 0,
    "origin_offset": 5,
    "size": 9,
    "feed_partition": 2,
    "input_set": 1,
    "kind": "raised",
    "level": "notice",
    "hop": "forward",
    "flags": ["conflict", "reversed"],
    "vendors": ["plaza"],
    **dict.fromkeys(("closed_at", "closed_before", "reason", "residence_municipality", "shrinks_at", "through")),
}


def row(table: str, offset: int, **more: Any) -> Row:
    """Instants are at ``offset`` seconds after 1970."""
    given = {**VALUES, "offset": offset, **more}
    instants = ("time", "received", "begun_at", "entered_at", "due_at", "at")
    return tuple(given.get(name, offset * 1_000_000 if name in instants else f"{name}-{offset}") for name in COLUMNS[table])


def rows(lo: int, hi: int, *tables: str) -> Rows:
    return pieces({table: [row(table, offset, reason="r") for offset in range(lo, hi + 1)] for table in tables or COLUMNS})


def cut(lo: int, hi: int, cut_us: int = APRIL) -> Range:
    return Range(lo, hi, hi - lo + 1, cut_us // 5_000_000, cut_us)


def counted(store: Store, table: str) -> int:
    ((count,),) = store.query(f"SELECT count() FROM {table}")
    return int(count)


def test_a_range_that_is_written_again_stands_there_once(open_store: Callable[[], Store], store: Store) -> None:
    store.write(LOG, cut(0, 9), rows(0, 9))
    successor = open_store()

    successor.write(LOG, cut(0, 9), rows(0, 9))
    store.write(LOG, cut(10, 11), rows(10, 11))
    store.write(LOG, cut(0, 9), rows(0, 9))

    assert {table: counted(store, table) for table in COLUMNS} == dict.fromkeys(COLUMNS, 12)
    assert counted(store, "ranges") == 2


def test_what_was_inserted_but_not_entered_is_stopped_by_its_token(open_store: Callable[[], Store], store: Store) -> None:
    # Killed between two inserts: the events are there, refusals and entry are not
    load = store.load(LOG, cut(0, 9), rows(0, 9, "events", "refusals"))
    store._insert("events", load.tables["events"], load.range, token(LOG, cut(0, 9), "events"))
    assert store.last_ranges([LOG.log_id]) == {}

    open_store().write(LOG, cut(0, 9), rows(0, 9, "events", "refusals"))

    assert (counted(store, "events"), counted(store, "refusals")) == (10, 10)
    assert store.last_ranges([LOG.log_id]) == {(LOG.log_id, 3): cut(0, 9)}


def test_a_new_log_of_the_same_name_with_the_same_offsets_is_kept_too(store: Store) -> None:
    again = Log("another-id-for-the-same-name", LOG.topic, LOG.partition)

    store.write(LOG, cut(0, 9), rows(0, 9))
    store.write(again, cut(0, 9), rows(0, 9))

    assert {table: counted(store, table) for table in COLUMNS} == dict.fromkeys(COLUMNS, 20)
    assert set(store.last_ranges([LOG.log_id, again.log_id])) == {(LOG.log_id, 3), (again.log_id, 3)}
    assert store.query("SELECT DISTINCT log_id FROM stalls_now") == [(again.log_id,)]
    assert store.query("SELECT DISTINCT log_id FROM hops_now") == [(again.log_id,)]


def test_the_same_rows_in_another_partition_are_kept_too(store: Store) -> None:
    store.write(LOG, cut(0, 9), rows(0, 9, "events"))
    store.write(Log(LOG.log_id, LOG.topic, 4), cut(0, 9), rows(0, 9, "events"))

    assert store.query("SELECT partition, count() FROM events GROUP BY partition ORDER BY partition") == [(3, 10), (4, 10)]


def test_all_rows_of_a_range_lie_in_the_month_of_its_cut(store: Store, database: str) -> None:
    for number, month in enumerate((APRIL, MAY)):
        store.write(LOG, cut(10 * number, 10 * number + 9, month), rows(10 * number, 10 * number + 9))

    found = store.query(
        "SELECT DISTINCT table, partition, rows FROM system.parts WHERE database = {database:String} AND active"
        " AND table != 'ranges' AND table != 'migrations'",
        {"database": database},
    )
    assert set(found) == {(table, month, 10) for table in COLUMNS for month in ("202604", "202605")}


def test_a_range_of_50000_rows_is_one_even_in_several_blocks(open_store: Callable[[], Store], store: Store) -> None:
    store.write(LOG, cut(0, 49_999), rows(0, 49_999, "events"))
    open_store().write(LOG, cut(0, 49_999), rows(0, 49_999, "events"))

    assert store.query("SELECT count(), uniqExact(offset) FROM events") == [(50_000, 50_000)]


def test_a_range_without_rows_is_not_entered(store: Store) -> None:
    assert store.write(LOG, cut(0, 9), pieces({"events": [], "refusals": []})) == 0

    assert store.last_ranges([LOG.log_id]) == {}


def test_the_last_range_of_each_partition_is_where_a_start_goes_on(store: Store) -> None:
    for found in (cut(0, 9), cut(20, 29, MAY), cut(10, 19)):
        store.write(LOG, found, rows(found.lo, found.hi, "events"))

    assert store.last_ranges([LOG.log_id, "nobody"]) == {(LOG.log_id, 3): cut(20, 29, MAY)}


def test_what_is_written_comes_back_with_its_types(store: Store) -> None:
    store.write(LOG, cut(7, 7), rows(7, 7, "transitions"))

    ((due_at, closed_at, flags, municipality, residence, lo, hi, cut_at),) = store.query(
        "SELECT due_at, closed_at, flags, kiosk_municipality, residence_municipality, lo, hi, cut_at FROM transitions"
    )
    assert due_at == dt.datetime(1970, 1, 1, 0, 0, 7, tzinfo=dt.UTC)
    assert (closed_at, flags, municipality, residence) == (None, ["conflict", "reversed"], "kiosk_municipality-7", None)
    assert (lo, hi, cut_at) == (7, 7, dt.datetime(2026, 4, 30, 23, 59, 55, tzinfo=dt.UTC))


def test_the_instant_zero_is_not_null(store: Store) -> None:
    store.write(LOG, cut(0, 1), pieces({"events": [row("events", 0, time=0), row("events", 1, time=None)]}))

    assert store.query("SELECT time FROM events ORDER BY offset") == [(dt.datetime(1970, 1, 1, tzinfo=dt.UTC),), (None,)]


def test_stalls_now_holds_the_last_word_on_each_stall_that_is_open(store: Store) -> None:
    said = [("a", 1, "raised"), ("a", 2, "escalated"), ("b", 1, "raised"), ("b", 2, "cleared"), ("c", 1, "recorded"), ("d", 1, "raised")]
    told = [row("transitions", offset, stall_id=stall, revision=revision, kind=kind) for offset, (stall, revision, kind) in enumerate(said)]
    store.write(LOG, cut(0, 4), pieces({"transitions": told[:5]}))
    store.write(LOG, cut(5, 5, MAY), pieces({"transitions": told[5:]}))

    assert store.query("SELECT stall_id, revision, kind FROM stalls_now ORDER BY stall_id") == [("a", 2, "escalated"), ("d", 1, "raised")]


def test_hops_now_forgets_hops_that_the_last_record_has_no_more(store: Store) -> None:
    def record(offset: int, *hops: tuple[str, int, str]) -> Rows:
        told = [row("hops", offset, token="t", hop=hop, attempt=attempt, state=state) for hop, attempt, state in hops]
        return pieces({"hops": told, "applications": [row("applications", offset, token="t")]})

    # A resubmission of before the first one becomes known: what was attempt 2 is attempt 3, and 2 has no screening
    store.write(LOG, cut(0, 0), record(0, ("forward", 1, "in_time"), ("screening", 1, "open"), ("screening", 2, "open")))
    store.write(LOG, cut(9, 9, MAY), record(9, ("forward", 1, "in_time"), ("screening", 1, "late"), ("screening", 3, "open")))

    assert store.query("SELECT hop, attempt, state FROM hops_now ORDER BY hop, attempt") == [
        ("forward", 1, "in_time"),
        ("screening", 1, "late"),
        ("screening", 3, "open"),
    ]


def test_a_municipality_is_found_by_the_primary_key(store: Store) -> None:
    store.write(LOG, cut(0, 9), rows(0, 9))
    compact(store)

    for table, town in (("transitions", "kiosk_municipality"), ("hops_compacted", "residence_municipality")):
        explained = store.query(f"EXPLAIN indexes = 1 SELECT offset FROM {table} WHERE {town} = '112216'")
        plan = "\n".join(line for (line,) in explained)
        assert "PrimaryKey" in plan
        assert f"Condition: ({town} in" in plan


def test_what_clickhouse_refuses_is_said_in_one_line(store: Store) -> None:
    with pytest.raises(StoreError) as told:
        store.query("SELECT nothing_like_it FROM events")

    assert "Code: 47. DB::Exception: Unknown expression" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_range_of_which_one_table_fails_is_not_entered(store: Store) -> None:
    store.write(LOG, cut(0, 9), rows(0, 9, "events", "refusals"))
    store.command("DROP TABLE refusals SYNC")

    with pytest.raises(StoreError, match="table refusals: Code: 60"):
        store.write(LOG, cut(10, 19), rows(10, 19, "events", "refusals"))

    assert (counted(store, "events"), counted(store, "ranges")) == (20, 1)


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreError) as told:
        Store.on_server(clickhouse(Settings(clickhouse_url="http://writer:secret@127.0.0.1:1")) or {})

    assert "ClickHouse at 127.0.0.1:1" in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["clickhouse://h:9000", "h:8123", "http://"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="TAIRYU_CLICKHOUSE_URL: expected http"):
        clickhouse(Settings(clickhouse_url=url))


def test_a_database_that_is_no_name_is_refused(chdb_folder: Path) -> None:
    with pytest.raises(StoreError, match="is no name of a database"):
        Store.in_folder(chdb_folder, "a; DROP DATABASE b")


def test_a_warm_store_is_as_empty_as_before(store: Store) -> None:
    before = store.query("SHOW TABLES")

    store.sync_to_disk()

    assert store.query("SHOW TABLES") == before
    assert store.write(LOG, cut(0, 9), rows(0, 9, "events")) == 10


def test_no_definition_is_written_a_second_time(chdb_folder: Path, database: str) -> None:
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    store.sync_to_disk()
    settings = store.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'events'")
    assert "fsync_after_insert = 1" in settings[0][1]
    before = {path: path.stat().st_mtime_ns for path in chdb_folder.rglob("*.sql")}

    store.migrate(read_migrations())
    store.sync_to_disk()

    assert {path: path.stat().st_mtime_ns for path in chdb_folder.rglob("*.sql")} == before
    store.close()


def test_warming_up_leaves_nothing_behind(chdb_folder: Path, database: str) -> None:
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    before = store.query("SHOW TABLES")

    store.warm_up()

    assert store.query("SHOW TABLES") == before
    store.close()
