"""Where the set-up is that a command asks: a running ``tairyu up``, or the servers of the settings."""

import os
from pathlib import Path

from streams.cli.answers import Sorry
from streams.run_file import find_running
from streams.settings import Settings


def settings_of(data: Path | None) -> Settings:
    """``--data DIR``; else the brokers of the environment; else the ``tairyu up`` of this user."""
    if data is None and "TAIRYU_BROKERS" in os.environ:
        return Settings()
    running = find_running(data)
    if running is None:
        where = f"{data}: no set-up is running there" if data else "no set-up is running here"
        raise Sorry(f"{where}: start one with `tairyu up{f' --data {data}' if data else ''}`, or set TAIRYU_BROKERS")
    return running.settings()
