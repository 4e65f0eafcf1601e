"""Asks history: by ClickHouse's own HTTP client, from the server of the settings or the front of a running ``tairyu up``."""

import logging
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.cli.answers import Sorry
from streams.connection import clickhouse
from streams.settings import Settings

DATABASE = "tairyu"
CONNECT_S = 5

logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # what goes wrong is raised, not printed


def history_client(settings: Settings) -> Any:
    """A client of the database ``tairyu``; its instants are aware. Sorry if nothing answers there."""
    server = clickhouse(settings) or _front(settings)
    try:
        return clickhouse_connect.get_client(**server, database=DATABASE, connect_timeout=CONNECT_S, tz_mode="aware")
    except ClickHouseError as error:
        raise Sorry(f"history at {server['host']}:{server['port']} does not answer: {first_line(error)}") from error


def ask(client: Any, name: str, given: Mapping[str, str], municipalities: Sequence[str], option: str = "") -> list[dict[str, Any]]:
    """The rows of a named query. Sorry, with the option that is wrong if it is told, where it cannot be asked so."""
    named = import_module("sinks.named_queries")  # by name, as stages are
    question = named.named_query(name)
    try:
        sql, values = question.bound(given, municipalities)
    except named.QueryError as error:
        raise Sorry(f"{option}{error}") from error
    return [dict(zip(question.columns, row, strict=True)) for row in client.query(sql, parameters=values).result_rows]


def _front(settings: Settings) -> dict[str, Any]:
    if not settings.history_port:
        raise Sorry("no history is configured: set TAIRYU_CLICKHOUSE_URL, or TAIRYU_HISTORY_PORT of a running history stage")
    return {"interface": "http", "host": "127.0.0.1", "port": settings.history_port}


def first_line(error: Exception) -> str:
    """What ClickHouse says, or why it was not reached, without version and address."""
    text = str(error).strip()
    found = re.search(r"DB::Exception: (.*?)(?= \(version |\s*$)", text, re.MULTILINE) or re.search(r"\[Errno -?\d+\] ([^\"')]+)", text)
    return (found[1] if found else text.splitlines()[0] if text else "no answer")[:500]
