"""``tairyu doctor``: what is wrong with this machine, or these servers."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated

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


class Looked(str):
    """What was looked at, whether or not something was found there."""


Told = Iterator[Finding | Skipped | Looked]


@app.command()
def doctor(
    data: Data = None,
    free: Annotated[int, typer.Option(help="Percent of each disk that is to be free.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON: what was found, and what was skipped.")] = False,
) -> None:
    """Look at this machine and at the servers of the settings: one line for each thing that is wrong, with what to do.

    Exit code 1 if anything is. Nothing is changed. Without servers it looks at this machine. At the end it says what it looked at.
    """
    told = list(examine(_settings(data), free / 100))
    found = [each for each in told if isinstance(each, Finding)]
    looked, skipped = ([str(each) for each in told if isinstance(each, kind)] for kind in (Looked, Skipped))
    if as_json:
        print(orjson.dumps({"found": [each._asdict() for each in found], "looked_at": looked, "skipped": skipped}).decode())
    else:
        for each in found:
            print(each)
        for line in skipped:
            print(f"not looked at: {line}")
        verdict = f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong" if found else "Nothing is wrong"
        print(f"{verdict}. Looked at: {', '.join(looked)}.")
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
    yield from _at("settings", machine.check_settings(settings))
    if settings.key_file is None:
        yield Skipped("the key of the tokens: none is named here (TAIRYU_KEY_FILE); intake needs one")
    else:
        yield from _at("the key of the tokens", machine.check_key(settings.key_file))
    folders = [Path.cwd(), *([settings.history_dir] if settings.history_dir else [])]
    yield from _at("disks", machine.check_disk(folders, least_free))
    yield Looked("policy and parties")
    try:
        policies = load_policies(settings.policy)
        load_parties(settings.parties, policies.newest)
    except PolicyError as error:
        yield Finding("policy or parties", str(error), "mend the file: no stage starts with it")
        return
    yield from _at("calendars", machine.check_calendars(policies.newest, datetime.now(UTC).date()))


def _at(what: str, look: Iterable[Finding]) -> Told:
    yield Looked(what)
    yield from look


def _brokers(settings: Settings) -> Told:
    admin, cards = admin_client(settings), load_cards()
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
        if (path := settings.key_file) is not None:
            yield from _asked("the key in use", lambda: machine.check_key_in_use(admin, path))
    if settings.simulation:
        yield Skipped("clocks: in a simulation they are the scenario's")
    elif (log := cards["custody-log"].topic()) not in admin.list_topics(timeout=ANSWER_S).topics:
        yield Skipped(f"clocks: {log} is missing, and with it the pulses that tell them")
    else:
        yield from _asked("clocks", lambda: machine.check_pulses(settings, cards, time.time_ns() // 1_000))


def _asked(what: str, look: Callable[[], Iterable[Finding]]) -> Told:
    try:
        yield from _at(what, look())
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
        yield from _at("history", look(history_client(settings), time.time_ns() // 1_000, least_free))
    except (Sorry, ClickHouseError) as error:
        said = str(error) if isinstance(error, Sorry) else first_line(error)
        yield Finding("history", said, "see that the server runs, and user, password and database are right")
