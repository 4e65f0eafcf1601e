"""``tairyu up`` and ``tairyu run``: the stages, all on this machine or one of them."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from streams.cli import app
from streams.health import serve
from streams.logs import log_to_stderr
from streams.settings import load_settings


class Stage(StrEnum):
    INTAKE = "intake"
    WATCH = "watch"
    HISTORY = "history"


@app.command()
def run(stage: Annotated[Stage, typer.Argument(help="Which stage.")]) -> None:
    """Run one stage against the brokers of the settings, until SIGTERM.

    Settings are environment variables, or names in a TOML file (--config): TAIRYU_BROKERS, TAIRYU_KEY_FILE (intake), TAIRYU_CLICKHOUSE_URL
    or TAIRYU_HISTORY_DIR (history), and others: `tairyu config show`. Logs are JSON lines on stderr. With TAIRYU_HEALTH_PORT it answers
    /livez, /readyz and /metrics.
    """
    log_to_stderr()
    settings = load_settings()
    module = {Stage.INTAKE: "streams.intake", Stage.WATCH: "streams.watch", Stage.HISTORY: "sinks.history"}[stage]
    serve(settings, stage)
    import_module(module).run(settings)  # a stage loads only what it needs


@app.command()
def up(
    data: Annotated[Path | None, typer.Option(help="Keep everything in this folder, with Apache Kafka (needs Java 17 and Maven).")] = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="Apache Kafka instead of the embedded broker; implied by --data.")] = False,
    port: Annotated[int | None, typer.Option(help="The broker's port on loopback; default: a free one.")] = None,
) -> None:
    """Run everything on this machine: broker, intake, watch, history. Ctrl-C stops all. Without --data nothing is kept."""
    from streams.up import up as start

    raise typer.Exit(start(data, kafka=kafka, port=port))
