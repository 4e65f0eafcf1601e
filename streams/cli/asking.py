"""Asks history: by ClickHouse's own HTTP client, from the server of the settings or the front of a running ``tairyu up``."""

import re
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.cli.answers import Sorry
from streams.settings import Settings

DATABASE = "tairyu"
CONNECT_S = 5


def history_client(settings: Settings) -> Any:
    """A client of the database ``tairyu``; its instants are aware. Sorry if nothing answers there."""
    if settings.clickhouse_url is not None:
        where: dict[str, object] = {"dsn": settings.clickhouse_url}
    elif settings.history_port:
        where = {"host": "127.0.0.1", "port": settings.history_port}
    else:
        raise Sorry("no history is configured: set TAIRYU_CLICKHOUSE_URL, or TAIRYU_HISTORY_PORT of a running history stage")
    try:
        return clickhouse_connect.get_client(**where, database=DATABASE, connect_timeout=CONNECT_S, tz_mode="aware")
    except ClickHouseError as error:
        raise Sorry(f"history does not answer: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """What ClickHouse says, without the version and the address; never a password, which an address may hold."""
    text = str(error).strip()
    found = re.search(r"DB::Exception: (.*?)(?= \(version |\s*$)", text, re.MULTILINE)
    return (found[1] if found else text.splitlines()[0] if text else "no answer")[:500]
