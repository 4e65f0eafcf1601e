"""Ways past the layer of named queries: each was tried on the engine, and those that read something are refused when a file is loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import Store
from sinks.migrate import read_migrations
from sinks.named_queries import QueryError, named_query, read_queries
from sinks.query_screening import TABLES
from tests.sinks.test_named_queries import CHIYODA, SOKA, A, B, History

HEAD = "-- What: x\n-- Column token: x\n-- Order: {order}\n"
PAST = [
    ("SELECT token FROM `hops`", "quotes a name"),
    ('SELECT token FROM "hops"', "quotes a name"),
    ("SELECT token FROM `ho\\x70s`", "quotes a name"),
    ("SELECT token FROM /**/hops", "has a comment within"),
    ("SELECT token FROM -- a word\n hops", "has a comment within"),
    ("SELECT token FROM # a word\n hops", "has a comment within"),
    ("SELECT token FROM\thops_now", "reads hops_now"),
    ("SELECT token FROM(SELECT token FROM hops)", "reads hops"),
    ("SELECT token FROM (SELECT 1) AS one, hops", "reads hops"),
    ("SELECT token FROM my_hops AS h JOIN my_hops AS g USING (token), hops", "reads hops"),
    ("SELECT token FROM (WITH hops AS (SELECT 1 AS token) SELECT token FROM hops) UNION ALL SELECT token FROM hops", "reads hops"),
    ("SELECT token FROM my_hops UNION ALL SELECT token FROM transitions", "reads transitions"),
    ("SELECT token FROM my_hops INTERSECT SELECT token FROM applications", "reads applications"),
    ("SELECT token FROM my_hops EXCEPT (SELECT token FROM events)", "reads events"),
    ("(SELECT token FROM my_hops) UNION ALL FROM hops SELECT token", "reads hops"),
    ("SELECT token FROM my_hops WHERE in((token, 1), hops)", "reads hops"),
    ("SELECT token FROM my_hops WHERE (token, 1) NOT IN(hops)", "reads hops"),
    ("SELECT (SELECT any(token) FROM hops FINAL) AS token", "reads hops"),
    ("SELECT token FROM my_hops ASOF JOIN hops USING (token)", "reads hops"),
    ("SELECT token FROM my_hops SETTINGS additional_table_filters = {'hops': '1'} UNION ALL SELECT token FROM hops", "reads hops"),
    ("WITH system AS (SELECT 1) SELECT name AS token FROM system.tables", "names a database"),
    ("SELECT table_name AS token FROM INFORMATION_SCHEMA.TABLES", "reads INFORMATION_SCHEMA"),
    ("WITH tairyu AS (SELECT 1) SELECT token FROM tairyu . hops", "names a database"),
    ("WITH merge AS (SELECT 1) SELECT token FROM merge(currentDatabase(), 'ho' || 'ps')", "reads from a function"),
    ("WITH url AS (SELECT 1) SELECT token FROM my_hops JOIN url ('http://127.0.0.1/', 'CSV') AS u USING (token)", "reads from a function"),
    ("WITH numbers AS (SELECT 1) SELECT 'x' AS token WHERE 1 IN numbers(2)", "reads from a function"),
    ("SELECT dictGet('towns', 'token', 1) AS token", "has a function that reads past the tables"),
    ("SELECT dictGetOrDefault('towns', 'token', 1, '') AS token", "has a function that reads past the tables"),
    ("SELECT joinGet('some', 'token', 1) AS token", "has a function that reads past the tables"),
    ("SELECT FILE ('/etc/hostname') AS token", "has a function that reads past the tables"),
    ("SELECT token FROM eval('SELECT token FROM ho' || 'ps')", "reads eval"),
    ("SELECT hasColumnInTable('tairyu', 'hops', 'token') AS token", "has a function that reads past the tables"),
]


@pytest.mark.parametrize(("sql", "text"), PAST)
def test_a_query_that_would_read_past_the_layer_is_not_loaded(tmp_path: Path, sql: str, text: str) -> None:
    (tmp_path / "past.sql").write_text(HEAD.format(order="token") + sql + "\n")
    with pytest.raises(QueryError, match=text):
        read_queries(tmp_path)


def test_nor_is_one_whose_order_would(tmp_path: Path) -> None:
    (tmp_path / "past.sql").write_text(HEAD.format(order="(SELECT any(token) FROM hops)") + "SELECT token FROM my_hops\n")
    with pytest.raises(QueryError, match="reads hops"):
        read_queries(tmp_path)


def test_a_text_may_hold_any_word(tmp_path: Path) -> None:
    (tmp_path / "fine.sql").write_text(
        HEAD.format(order="token") + "SELECT 'it''s \\' about hops -- `system`.file(x)' AS token\nFROM my_hops\n"
    )
    assert read_queries(tmp_path)["fine"].name == "fine"


def test_every_table_is_known(history: History) -> None:
    assert {name for (name,) in history.store.query("SHOW TABLES")} == TABLES


@pytest.fixture
def history(chdb_folder: Path, database: str) -> Iterator[History]:
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    yield History(store)
    store.close()


SQL = ["') OR 1 = 1 UNION ALL SELECT token FROM hops --", "{municipalities:Array(String)}", "%", "\\N", "up\tload\0"]


def test_sql_in_a_value_is_a_value_that_nothing_has(history: History) -> None:
    history.hop(A, 1, kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
    history.hop(B, 1, 9, hop="forward")
    history.hop(B, 1, 9, hop="upload")

    for text in SQL:
        assert history.ask("open_now", CHIYODA, hop=text) == []
        assert history.ask("who_was_hit", CHIYODA, kiosk=text) == []
        with pytest.raises(QueryError, match="token: expected"):
            history.ask("timeline", CHIYODA, token=text)


@pytest.mark.parametrize(
    "code",
    [
        *(
            "%",
            "*",
            "",
            "11%",
            "11221_",
            "11....",
            "112216%",
            "112216,131016",
            "112216|131016",
            "112216 OR 1",
            "['112216']",
            "112216\n",
            " 112216",
        ),
        *("１１２２１６", "11221\0", "NULL", "ALL", "All", "all ", "11 2216"),
    ],
)
def test_a_municipality_is_its_six_digits_and_nothing_that_matches_more(code: str) -> None:
    for towns in ([code], [SOKA, code]):
        with pytest.raises(QueryError, match="is no municipality's code"):
            named_query("open_now").bound({}, towns)


def test_whose_question_it_is_is_no_parameter() -> None:
    with pytest.raises(QueryError, match="has no parameter municipalities"):
        named_query("open_now").bound({"municipalities": f"['{CHIYODA}']"}, [SOKA])


def test_no_query_answers_a_town_about_another_ones_people(history: History) -> None:
    """Nine people live elsewhere, and are there no more than nobody: nine are fewer than ten."""
    given = {"hop": "upload", "token": f"{3:064x}", "kiosk": "far-1", "at": "2026-04-09 00:00:00"}
    given |= {"vendor": "plaza", "criterion": "in_time"}

    def ask(name: str) -> list[dict[str, Any]]:
        return history.ask(name, SOKA, **{each.name: given[each.name] for each in named_query(name).parameters if each.default is None})

    empty = {name: ask(name) for name in read_queries()}
    for number in range(9):
        person = f"{number:064x}"
        history.hop(person, 1, 9, hop="upload", kiosk="far-1", kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
        history.said(person, 1, "raised", 4, kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
        history.event(person, "application.submitted", 0, kiosk="far-1")

    for name, query in read_queries().items():
        if query.figures:
            assert all(row[figure] is None for row in ask(name) for figure in query.figures), name
        else:
            assert ask(name) == empty[name], name
