"""Where the set-up is that a command asks: a running ``tairyu up``, or the servers of the settings."""

from pathlib import Path
from typing import Annotated

import confluent_kafka as ck
import msgspec
import typer
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from streams.cli.answers import Sorry
from streams.run_file import Running, find_running
from streams.settings import Settings, load_settings, origins

Data = Annotated[Path | None, typer.Option(help="The folder of a running `tairyu up --data`; default: the one that runs.")]
ANSWER_S = 5.0


def settings_of(data: Path | None) -> Settings:
    """``--data DIR``; else the brokers that the settings name; else the ``tairyu up`` of this user."""
    if data is None and origins()["brokers"] != "default":
        return load_settings()
    running = _running(data)
    if running is None:
        where = f"{data}: no set-up is running there" if data else "no set-up is running here"
        raise Sorry(f"{where}: start one with `tairyu up{f' --data {data}' if data else ''}`, or set TAIRYU_BROKERS")
    try:
        return running.settings()
    except ValidationError as error:
        raise _other_version(running.folder) from error


def _running(data: Path | None) -> Running | None:
    try:
        return find_running(data)
    except msgspec.MsgspecError as error:
        raise _other_version(str(data or "the running set-up")) from error
    except OSError as error:
        raise Sorry(f"{error.filename}: {error.strerror}: whoever runs the set-up can ask it") from error


def _other_version(where: str) -> Sorry:
    return Sorry(f"{where}: its run.json is not as this version of tairyu writes it: stop that set-up, and start it with this one")


def topics_of(client: ck.Producer | AdminClient, brokers: str) -> set[str]:
    """The names of all topics, at once or not at all. Sorry if the broker does not answer."""
    try:
        return set(client.list_topics(timeout=ANSWER_S).topics)
    except ck.KafkaException as error:
        raise Sorry(f"the broker at {brokers} does not answer ({error.args[0].str()}): does it run?") from error
