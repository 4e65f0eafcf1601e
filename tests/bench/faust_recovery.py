"""Faust's own recovery of a table, as its guide sets one up: how long from the assignment until it says that the table is recovered.

Run as a process: ``python -m tests.bench.faust_recovery BROKERS SOURCE CHANGELOG PARTITIONS``. Prints seconds and records, as JSON.
"""

import os
import sys
import time
from typing import Any

import faust
import orjson


class Kept(faust.Table):
    """Its changelog has a name of its own: that of the topic which is there."""

    changelog = ""

    def _changelog_topic_name(self) -> str:
        return self.changelog


def recover(brokers: str, source: str, changelog: str, partitions: int) -> None:
    app = faust.App(
        "bench-faust-recovery",
        broker="kafka://" + brokers,
        env_prefix="BENCH_FAUST_",
        store="memory://",
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    table = Kept(app, name="applications", partitions=partitions, key_type=bytes, value_type=bytes)
    table.changelog = changelog
    table.key_serializer = table.value_serializer = "raw"
    app.tables.add(table)
    began: list[float] = []

    @app.agent(app.topic(source, key_type=bytes, value_type=bytes))
    async def use(stream: Any) -> None:
        async for _ in stream:
            pass

    @app.on_partitions_assigned.connect
    async def assigned(app: Any, assigned: Any, **more: Any) -> None:
        began.append(time.monotonic())

    @table.on_recover
    async def recovered() -> None:
        print(orjson.dumps({"seconds": time.monotonic() - began[-1], "records": len(table.data)}).decode(), flush=True)
        os._exit(0)

    worker = faust.Worker(app, loglevel="WARN", redirect_stdouts=False, quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    recover(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
