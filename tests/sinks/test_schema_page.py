"""``docs/schema.md`` says what the tables and the named queries are now."""

from collections.abc import Callable

import pytest

from sinks.clickhouse import Store
from sinks.migrate import read_migrations
from sinks.named_queries import read_queries
from sinks.schema_page import PAGE, main, page
from streams.policy_file import load_policies
from streams.settings import Settings

POLICY = load_policies(Settings.model_construct().policy).newest
VIEWS = "(SELECT name FROM system.tables WHERE engine = 'View')"


def test_the_page_is_what_would_be_written() -> None:
    assert main(["--check"]) == 0


def test_every_table_view_and_column_of_the_database_stands_in_it(open_store: Callable[[], Store]) -> None:
    store = open_store()
    store.migrate(read_migrations())
    text = PAGE.read_text(encoding="utf-8")

    here = "WHERE database = currentDatabase() AND {} != 'migrations'"
    for name, is_view in store.query(f"SELECT name, engine = 'View' FROM system.tables {here.format('name')}"):
        assert f"## {'View' if is_view else 'Table'} `{name}`" in text
    columns = store.query(f"SELECT table, name, type, comment FROM system.columns {here.format('table')} AND table NOT IN {VIEWS}")
    assert len(columns) > 50
    for table, name, kind, comment in columns:
        section = text.partition(f"## Table `{table}`")[2].partition("\n## ")[0]
        assert f"| `{name}` | `{kind}` | {comment} |" in section


def test_every_hop_and_every_query_is_found_from_the_questions_and_hops_at_the_head() -> None:
    text = PAGE.read_text(encoding="utf-8")
    asked = text.partition("| one asks |")[2].partition("\n\n")[0]
    hops = text.partition("## Hops of the packaged policy")[2].partition("\n## ")[0]

    assert [name for name in read_queries() if f"`{name}`" not in asked] == []
    assert [name for name in POLICY.hops if f"| `{name}` |" not in hops] == []


@pytest.mark.parametrize("name", sorted(read_queries()))
def test_every_query_says_what_each_column_and_parameter_is(name: str) -> None:
    query = read_queries()[name]
    section = page([], [query], POLICY).partition(f"### `{name}`")[2]

    for parameter in query.parameters:
        assert f"| `{parameter.name}` | `{parameter.type}` |" in section
        assert f"{{{parameter.name}:{parameter.type}}}" in query.sql
    for column, what in query.columns.items():
        assert f"| `{column}`{' †' if column in query.figures else ''} | {what} |" in section
