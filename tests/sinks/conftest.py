"""chDB for the tests: one folder per process (chDB can have but one), a database of its own for each test."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinks.clickhouse import Store
from sinks.clickhouse_http import Front
from sinks.migrate import read_migrations
from streams.connection import clickhouse
from streams.settings import Settings


@pytest.fixture(scope="session")
def chdb_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Open for as long as the tests run."""
    folder = tmp_path_factory.mktemp("chdb")
    kept = Store.in_folder(folder, "kept_open")
    yield folder
    kept.close()


@pytest.fixture(scope="session")
def server(chdb_folder: Path) -> Iterator[str]:
    """URL of what stands in for a ClickHouse server: the front, with writing allowed."""
    with Front(chdb_folder, database="default", writable=True) as front:
        yield f"http://writer:word@127.0.0.1:{front.port}"


@pytest.fixture
def database() -> str:
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture(params=["folder", "server"])
def open_store(request: pytest.FixtureRequest, database: str) -> Iterator[Callable[[], Store]]:
    """Each test that takes it runs on a chDB folder and over HTTP. Every call is another writer on the same database."""
    opened: list[Store] = []

    def open_one() -> Store:
        if request.param == "folder":
            opened.append(Store.in_folder(request.getfixturevalue("chdb_folder"), database))
        else:
            reached = clickhouse(Settings(clickhouse_url=request.getfixturevalue("server")))
            opened.append(Store.on_server(reached or {}, database))
        return opened[-1]

    yield open_one
    if opened:  # chDB keeps a handle open for each table
        opened[0].command(f"DROP DATABASE {database} SYNC")
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """With all tables."""
    store = open_store()
    store.migrate(read_migrations())
    return store
