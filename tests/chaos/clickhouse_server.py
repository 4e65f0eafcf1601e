"""``python -m tests.chaos.clickhouse_server FOLDER PORT``: chDB behind ClickHouse's HTTP interface, with writing allowed."""

import os
import sys
import threading
from pathlib import Path

from sinks.clickhouse import Store
from sinks.clickhouse_http import Front
from streams.logs import log_to_stderr
from streams.loop import Stop
from streams.readiness import tell_ready

LOOK_S = 0.2


def serve(folder: Path, port: int) -> None:
    """Until SIGTERM. Stands in for a server that several histories write to."""
    log_to_stderr()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    stop, waiting = Stop(), threading.Event()
    store = Store.in_folder(folder)
    with Front(folder, port=port, database="default", writable=True):
        tell_ready()
        while not stop:
            waiting.wait(LOOK_S)
    store.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
