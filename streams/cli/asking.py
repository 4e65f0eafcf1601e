"""Asks history: by ClickHouse's own HTTP client, from the server of the settings or the front of a running ``tairyu up``."""

from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.cli.answers import Sorry
from streams.settings import Settings

DATABASE = "tairyu"


def history_client(settings: Settings) -> Any:
    """A client of the database ``tairyu``. Sorry if nothing answers there."""
    try:
        if settings.clickhouse_url is not None:
            return clickhouse_connect.get_client(dsn=settings.clickhouse_url, database=DATABASE)
        if settings.history_port:
            return clickhouse_connect.get_client(host="127.0.0.1", port=settings.history_port, database=DATABASE)
    except ClickHouseError as error:
        raise Sorry(f"history does not answer: {first_line(error)}") from error
    raise Sorry("no history is configured: set TAIRYU_CLICKHOUSE_URL, or TAIRYU_HISTORY_PORT of a running history stage")


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
