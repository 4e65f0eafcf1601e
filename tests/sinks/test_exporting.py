"""History as files for others: who sees which rows, under which identities, and whether others' tools read them."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinks.clickhouse import Store
from sinks.clickhouse_http import Front
from sinks.export_words import FILES, HEADERS
from sinks.exporting import REKEYED, queries
from sinks.migrate import read_migrations
from tests.cli.house import House
from tests.sinks.test_named_queries import CHIYODA, SOKA, A, B, History

TABLES = ("events", "hops", "transitions")
ELSEWHERE = {"kiosk_municipality": CHIYODA, "residence_municipality": CHIYODA, "vendor": "tokiwa", "kiosk": "tokiwa-1"}


@pytest.fixture(scope="module")
def house(chdb_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Of somebody whose history has two people: A of Soka, and B of Chiyoda."""
    store = Store.in_folder(chdb_folder)
    store.command("DROP DATABASE tairyu")
    store = Store.in_folder(chdb_folder)
    store.migrate(read_migrations())
    history = History(store)
    history.hop(A, 1, 30)
    history.offset -= 1  # of the same record
    history.hop(A, 31, hop="forward", kiosk="=cmd()")
    history.hop(B, 2, **ELSEWHERE)
    for person in (A, B):
        history.event(person, "application.submitted", 0)
        history.event(person, "application.submitted", 0, heard=0.5)  # sent twice
        history.event(person, "application.received", 9.5, kiosk=None)
    history.said(A, 1, "raised", 4)
    history.said(A, 2, "cleared", 30, closed_at="2026-04-02 06:00:00")
    history.said(B, 1, "raised", 4, **ELSEWHERE)
    with Front(chdb_folder) as front:
        env = {"TAIRYU_BROKERS": "127.0.0.1:1", "TAIRYU_CLICKHOUSE_URL": f"http://127.0.0.1:{front.port}"}
        yield House(tmp_path_factory.mktemp("export"), env)
    store.command("DROP DATABASE tairyu")
    store.close()


def exported(house: House, name: str, *arguments: str | Path, towns: str = SOKA) -> Path:
    said = house.tairyu("export", "history", "--out", house.folder / name, "--for", towns, *arguments)
    assert (said.returncode, said.stderr) == (0, ""), said.stderr
    return house.folder / name


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in TABLES}


@pytest.fixture(scope="module")
def own(house: House) -> Path:
    return exported(house, "own")


@pytest.fixture(scope="module")
def every(house: House) -> Path:
    return exported(house, "every", towns="all")


def test_a_town_exports_its_own_and_the_operator_all(own: Path, every: Path) -> None:
    ours, all_of_them = tables(own), tables(every)

    assert {name: len(rows) for name, rows in ours.items()} == {"events": 3, "hops": 2, "transitions": 2}
    assert {name: len(rows) for name, rows in all_of_them.items()} == {"events": 6, "hops": 3, "transitions": 3}
    assert {row["kiosk"] for rows in ours.values() for row in rows} == {"plaza-1", "=cmd()", None}
    assert len({row["token"] for rows in ours.values() for row in rows}) == 1
    assert len({row["token"] for rows in all_of_them.values() for row in rows}) == 2
    assert ours["hops"][0]["entered_at"] == datetime.fromisoformat("2026-04-01T01:00:00+00:00")


def test_two_exports_have_no_identity_in_common_unless_they_have_their_key(house: House, own: Path, every: Path) -> None:
    key = house.folder / "key"
    key.write_text("k" * 64)
    parquet = tables(exported(house, "parquet", "--key-file", key))
    folder = exported(house, "arrow", "--as", "arrow", "--key-file", key)
    arrow = {name: pa.ipc.open_file(folder / f"{name}.arrow").read_all().to_pylist() for name in TABLES}

    def identities(rows: dict[str, list[dict[str, Any]]]) -> set[str]:
        return {row[name] for found in rows.values() for row in found for name in REKEYED if row.get(name)}

    first, second, third = identities(tables(own)), identities(tables(every)), identities(parquet)
    assert arrow == parquet
    assert len(first) == len(third) == 1 + 2
    assert first & second == first & third == second & third == set()
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in first | third)


def test_nothing_by_which_history_knows_an_application_is_in_it(own: Path) -> None:
    columns = {column for query in queries().values() for column in query.columns}

    assert not {"last4", "origin", "data", "claimed", "offset", "log_id", "stall_id", "source", "event_id"} & columns
    assert all(A not in str(row) for rows in tables(own).values() for row in rows)


def test_a_spreadsheet_opens_the_csv_in_japanese_and_calculates_nothing(house: House) -> None:
    folder = exported(house, "as-csv", "--as", "csv")

    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.csv" for name in FILES.values())
    content = (folder / "区間.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (first["区間"], first["設置市区町村コード"], first["開始日時"], first["終了日時"]) == (
        *("upload", SOKA),
        *("2026-04-01 10:00:00", "2026-04-02 15:00:00"),  # in Japan
    )
    assert (second["キオスク"], second["終了日時"]) == ("'=cmd()", "")
    assert {column for query in queries().values() for column in query.columns} == HEADERS.keys()


def test_what_is_asked_for_is_a_stretch_of_time(house: House) -> None:
    found = tables(exported(house, "april-2", "--from", "2026-04-02", "--to", "2026-04-02T18:00:00+09:00"))

    assert [row["hop"] for row in found["hops"]] == ["forward"]  # begun at 07:00 UTC
    assert [row["kind"] for row in found["transitions"]] == ["cleared"]
    assert found["events"] == []
    assert pq.read_schema(house.folder / "april-2" / "events.parquet").names == list(queries()["events"].columns)


def test_the_event_log_is_as_ocel_2_has_it(house: House) -> None:
    """Read by a reader of our own that holds it to the standard's rules: identities are unique, types and attributes declared, values of
    their types, relationships resolve."""
    log = json.loads((exported(house, "log", "--as", "ocel", towns="all") / "history.ocel.json").read_bytes())
    check_ocel(log)

    assert {each["type"] for each in log["events"]} == {"application.submitted", "application.received", "stall.raised", "stall.cleared"}
    counted = [each["type"] for each in log["objects"]]
    assert {kind: counted.count(kind) for kind in counted} == {"application": 2, "kiosk": 3, "vendor": 2, "municipality": 2}
    assert len([each for each in log["events"] if each["type"] == "application.submitted"]) == 2  # each was sent twice
    cleared = next(each for each in log["events"] if each["type"] == "stall.cleared")
    assert {"name": "hop", "value": "upload"} in cleared["attributes"]
    assert {related["qualifier"] for related in cleared["relationships"]} == {
        *("about", "attributed to", "at", "kiosk stands in", "applicant lives in"),
    }


def check_ocel(log: dict[str, Any]) -> None:
    assert {*log} == {"objectTypes", "eventTypes", "events", "objects"}
    values = {"string": str, "integer": int, "time": str}
    kinds = {
        side: {each["name"]: {a["name"]: a["type"] for a in each["attributes"]} for each in log[f"{side}Types"]}
        for side in ("event", "object")
    }
    for side in ("event", "object"):
        told = log[f"{side}s"]
        assert len({each["id"] for each in told}) == len(told)
        for each in told:
            assert {*each} == {"id", "type", "attributes", "relationships"} | ({"time"} if side == "event" else set())
            for attribute in each["attributes"]:
                kind = kinds[side][each["type"]][attribute["name"]]
                assert isinstance(attribute["value"], values[kind])
                if kind == "time":
                    assert datetime.fromisoformat(attribute["value"]).tzinfo is not None
                assert ("time" in attribute) is (side == "object")
            if side == "event":
                assert datetime.fromisoformat(each["time"]).tzinfo is not None
                assert each["relationships"]
    objects = {each["id"] for each in log["objects"]}
    assert {related["objectId"] for each in (*log["events"], *log["objects"]) for related in each["relationships"]} <= objects


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--for", "112217"], "'112217' is no municipality's code"),
        (["--for", "112216", "--from", "yesterday"], "from=yesterday: expected an instant with an offset"),
        (["--for", "112216", "--key-file", "{folder}/short"], "expected 32 bytes or more"),
    ],
)
def test_what_cannot_be_exported_so_is_a_sentence_and_leaves_nothing(house: House, arguments: list[str], text: str) -> None:
    (house.folder / "short").write_text("k" * 31)
    out = house.folder / "wrong"

    said = house.tairyu("export", "history", "--out", out, *(each.format(folder=house.folder) for each in arguments))

    assert (said.returncode, said.stdout) == (2, "")
    assert text.format(folder=house.folder) in said.stderr
    assert not out.exists()


def test_a_folder_with_something_in_it_is_left_alone(house: House) -> None:
    out = house.folder / "full"
    out.mkdir()
    (out / "a").write_text("a")

    said = house.tairyu("export", "history", "--out", out, "--for", SOKA)

    assert (said.returncode, [path.name for path in out.iterdir()]) == (2, ["a"])
    assert "is not empty: name another folder" in said.stderr
