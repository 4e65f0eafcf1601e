"""Roles as SQL. chDB knows no users: so the engine reads each statement, and what a row policy lets through is asked as a condition."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinks.clickhouse import Store
from sinks.compact import compact
from sinks.dialects import Dialect
from sinks.migrate import read_migrations
from sinks.roles import RolesError, read_roles, role_statements, rows
from tests.cli.house import House
from tests.sinks.test_named_queries import AT_SOKA, CHIYODA, SOKA, A, B, History, at

ROLES = read_roles()
STATEMENTS = {dialect: [*role_statements(ROLES, [SOKA, CHIYODA], ["11"], dialect)] for dialect in (Dialect.SINGLE, Dialect.REPLICATED)}


@pytest.mark.parametrize("dialect", Dialect)
def test_the_engine_reads_every_statement(chdb_folder: Path, database: str, dialect: Dialect) -> None:
    store = Store.in_folder(chdb_folder, database)
    for statement in STATEMENTS[dialect]:
        ((read,),) = store.query("SELECT formatQuery({statement:String})", {"statement": statement})
        assert read.split()[0] in ("CREATE", "GRANT")
        assert ("ON CLUSTER" in read) is (dialect is Dialect.REPLICATED), statement
    store.close()


def test_every_setting_and_every_table_that_is_named_is_one(history: History) -> None:
    store = history.store
    settings = {line.split(" = ")[0] for lines in ROLES.profiles.values() for line in lines}
    found = store.query("SELECT name FROM system.settings WHERE name IN {names:Array(String)}", {"names": sorted(settings)})
    assert {name for (name,) in found} == settings

    named = {*ROLES.tables.everybody, *ROLES.tables.of_people}
    assert named <= {name for (name,) in store.query("SHOW TABLES")}
    columns = dict(store.query("SELECT table, groupArray(name) FROM system.columns WHERE database = currentDatabase() GROUP BY table"))
    assert all({"kiosk_municipality", "residence_municipality"} <= {*columns[table]} for table in ROLES.tables.by_place)
    assert all("token" in columns[table] for table in ROLES.tables.by_application)
    about_people = {table for table, names in columns.items() if "token" in names} - {"hops_now", "stalls_now"}
    assert about_people & {*ROLES.tables.everybody} == set()


def test_whoever_has_no_role_sees_no_row_and_each_role_its_own() -> None:
    policies = [statement for statement in STATEMENTS[Dialect.SINGLE] if "ROW POLICY" in statement]

    for table in ROLES.tables.of_people:
        of_table = [each for each in policies if f" ON tairyu.{table} " in each]
        assert of_table[0] == f"CREATE ROW POLICY OR REPLACE tairyu_nobody ON tairyu.{table} FOR SELECT USING 0 TO ALL"
        assert [each.rpartition(" TO ")[2] for each in of_table[1:]] == [
            f"tairyu_town_{SOKA}",
            f"tairyu_town_{CHIYODA}",
            "tairyu_prefecture_11",
            "tairyu_operator",
            "tairyu_writer",
        ]
        assert [" USING 1 TO " in each for each in of_table[1:]] == [False, False, False, True, True]


def test_a_town_is_granted_neither_what_is_not_named_nor_to_write() -> None:
    granted = [each for each in STATEMENTS[Dialect.SINGLE] if each.startswith("GRANT") and each.endswith(f"tairyu_town_{SOKA}")]

    tables = {found[1] for each in granted if (found := re.fullmatch(rf"GRANT SELECT ON tairyu\.(\w+) TO tairyu_town_{SOKA}", each))}
    assert tables == {*ROLES.tables.everybody, *ROLES.tables.of_people}
    assert len(granted) == len(tables)
    assert "refusals" not in tables


@pytest.fixture
def history(chdb_folder: Path, database: str) -> Iterator[History]:
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    yield History(store)
    store.close()


def test_a_role_sees_what_the_layer_of_named_queries_shows(history: History, database: str) -> None:
    elsewhere = {"kiosk_municipality": CHIYODA, "residence_municipality": CHIYODA}
    for person, place in (
        (A, {}),
        (B, elsewhere),
        ("c", {**elsewhere, "residence_municipality": SOKA}),
        ("d", {"kiosk_municipality": None}),
    ):
        history.hop(person, 1, **place)
        history.said(person, 1, "raised", 4, **place)
        history.event(person, "application.received", 5, kiosk=None)
        towns = {town: {**AT_SOKA, **place}[town] for town in ("kiosk_municipality", "residence_municipality")}
        judged = {"run": "r", "hop": "upload", "factor": 1, "token": person, "attempt": 1, "state": "late", "entered_at": at(1)}
        history._insert("curve_hops", {**judged, **towns, "known_to": at(9)})
    history.hop("e", 1, kiosk_municipality=None, residence_municipality=None)
    compact(history.store)

    def seen(kind: str, code: str, table: str) -> list[str]:
        condition = rows(ROLES, ROLES.roles[kind], table, code).replace("tairyu.", f"{database}.")
        return sorted(token for (token,) in history.store.query(f"SELECT DISTINCT token FROM {table} WHERE {condition}"))

    for table in ROLES.tables.of_people:
        assert seen("town", SOKA, table) == [A, "c", "d"]
        assert seen("town", CHIYODA, table) == [B, "c"]
        assert seen("prefecture", "11", table) == [A, "c", "d"]
        assert seen("prefecture", "13", table) == [B, "c"]
        assert seen("prefecture", "01", table) == []
        assert len(seen("operator", "", table)) >= 4


@pytest.mark.parametrize(
    ("towns", "prefectures", "text"),
    [
        (["112217"], [], "'112217' is no municipality's code"),
        (["%"], [], "'%' is no municipality's code"),
        (["112216' OR 1 --"], [], "is no municipality's code"),
        ([], ["1"], "'1' is no prefecture's code: 01 to 47"),
        ([], ["48"], "'48' is no prefecture's code"),
        ([], ["1%"], "is no prefecture's code"),
    ],
)
def test_a_code_that_is_none_makes_no_role(towns: list[str], prefectures: list[str], text: str) -> None:
    with pytest.raises(RolesError, match=re.escape(text)):
        list(role_statements(ROLES, towns, prefectures))


def test_the_command_prints_it_and_says_that_it_has_not_been_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    said = house.tairyu("roles", "--for", f"{SOKA},{CHIYODA}", "--prefecture", "11")

    assert said.returncode == 0, said.stderr
    assert "It has not been run on a server" in said.stdout
    assert said.stdout.endswith("".join(f"{statement};\n" for statement in STATEMENTS[Dialect.SINGLE]))
    said = house.tairyu("roles", "--for", "112217")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "tairyu: '112217' is no municipality's code: six digits, of which the last is a check digit\n"
