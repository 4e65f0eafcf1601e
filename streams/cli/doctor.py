"""``tairyu doctor``: what is wrong with this machine, or these servers."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import confluent_kafka as ck
import orjson
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.cards import load_cards
from streams import doctor as machine
from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.asking import first_line, history_client
from streams.cli.running import Data, settings_of, topics_of
from streams.findings import Finding
from streams.log_reader import ANSWER_S
from streams.marked_yaml import PolicyError
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.settings import Settings, load_settings
from streams.topic_check import check_topics
from streams.topics import admin_client


class Skipped(str):
    """What was not looked at, and why."""


Told = Iterator[Finding | Skipped]


@app.command()
def doctor(
    data: Data = None,
    free: Annotated[int, typer.Option(help="Percent of each disk that is to be free.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON: what was found, and what was skipped.")] = False,
) -> None:
    """Look at this machine and at the servers of the settings: one line for each thing that is wrong, with what to do.

    Exit code 1 if anything is. Nothing is changed. Without servers it looks at this machine, and says what it skipped.
    """
    told = list(examine(_settings(data), free / 100))
    found = [each for each in told if isinstance(each, Finding)]
    skipped = [str(each) for each in told if isinstance(each, Skipped)]
    if as_json:
        print(orjson.dumps({"found": [each._asdict() for each in found], "skipped": skipped}).decode())
    else:
        for each in found:
            print(each)
        for line in skipped:
            print(f"not looked at: {line}")
        print(f"{len(found)} found" if found else "Nothing was found.")
    raise typer.Exit(1 if found else 0)


def _settings(data: Path | None) -> Settings | None:
    """None: no servers are named, and no set-up runs here."""
    try:
        return settings_of(data)
    except Sorry:
        if data is not None:
            raise
        return None


def examine(named: Settings | None, least_free: float) -> Told:
    """Everything that can be looked at. ``named``: settings with servers, or None."""
    settings = named or load_settings()
    yield from _machine(settings, least_free)
    if named is None:
        yield Skipped("topics, groups and clocks: no brokers are named (TAIRYU_BROKERS), and no `tairyu up` runs here")
    else:
        yield from _brokers(settings)
    yield from _history(settings, least_free)


def _machine(settings: Settings, least_free: float) -> Told:
    yield from machine.check_settings(settings)
    yield from machine.check_key(settings)
    if settings.key_file is None:
        yield Skipped("the key of the tokens: none is named here (TAIRYU_KEY_FILE); intake needs one")
    folders = [Path.cwd(), *([settings.history_dir] if settings.history_dir else [])]
    yield from machine.check_disk(folders, least_free)
    try:
        policies = load_policies(settings.policy)
        load_parties(settings.parties, policies.newest)
    except PolicyError as error:
        yield Finding("policy or parties", str(error), "mend the file: no stage starts with it")
        return
    yield from machine.check_calendars(policies.newest, datetime.now(UTC).date())


def _brokers(settings: Settings) -> Told:
    admin, cards = admin_client(settings, quiet=True), load_cards()
    try:
        topics_of(admin, settings.brokers)
        policy = load_policies(settings.policy).newest
        parties = load_parties(settings.parties, policy)
        feeds = public_feeds(parties, policy, cards, settings.public_partitions)
    except Sorry as error:
        yield Finding(settings.brokers, str(error), "TAIRYU_BROKERS, its security settings, or the broker's own log tell why")
        return
    except PolicyError:
        yield Skipped("topics, groups and clocks: policy or parties cannot be read")
        return
    yield from _asked("topics", lambda: check_topics(admin, settings, cards, feeds, parties))
    if settings.embedded:
        yield Skipped("groups: the embedded broker does not tell who is in them")
    else:
        yield from _asked("groups", lambda: machine.check_groups(admin, settings))
    if settings.simulation:
        yield Skipped("clocks: in a simulation they are the scenario's")
    elif cards["custody-log"].topic() in admin.list_topics(timeout=ANSWER_S).topics:
        yield from _asked("clocks", lambda: machine.check_pulses(settings, cards, time.time_ns() // 1_000))


def _asked(what: str, look: Any) -> Told:
    try:
        yield from look()
    except ck.KafkaException as error:
        yield Finding(
            what, f"the brokers do not tell ({error.args[0].str()})", "give this user the rights of an operator: `tairyu topics rights`"
        )


def _history(settings: Settings, least_free: float) -> Told:
    if settings.clickhouse_url is None and not settings.history_port:
        yield Skipped("history: no ClickHouse is named (TAIRYU_CLICKHOUSE_URL)")
        return
    try:
        look = import_module("sinks.doctor").check_history  # by name, as stages are
        yield from look(history_client(settings), time.time_ns() // 1_000, least_free)
    except (Sorry, ClickHouseError) as error:
        said = str(error) if isinstance(error, Sorry) else first_line(error)
        yield Finding("history", said, "see that the server runs, and user, password and database are right")
