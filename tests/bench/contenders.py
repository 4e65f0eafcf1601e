"""Who takes part, and how each is started: a process of its own, over the same log, with output topics of its own."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.cards import load_cards
from streams.programs import Program
from streams.topics import admin_client, ensure_topics, wait_for_topics
from streams.up import environment
from tests.bench.custody import CARDS, CUSTODY, Filled
from tests.bench.java import class_path
from tests.bench.machine import ROOT
from tests.bench.measurement import Ground
from tests.bench.venvs import venv_python

WRITTEN = tuple(CARDS[name].topic() for name in ("applications", "stall-events", "stalls"))
"""What the watch writes."""
TIMEOUT_S = 30.0
HERE = Path(__file__).parent
QUIX = HERE / "requirements.lock"


class Entry(NamedTuple):
    """A contender ready to start."""

    program: Program
    output: str
    """The topic of its marks."""


@dataclass(frozen=True)
class Contender:
    name: str
    """As tables and figures call it; how each is set up, and why: docs/performance.md."""
    enter: Callable[[Ground, Filled, int], Entry]
    """In this round: its topics are made anew."""
    share: float = 1.0
    """Of the log's events, how many it runs over: those that are slow, fewer."""
    quick: bool = True
    """Whether it takes part in a quick run, too."""
    prepare: Callable[[Ground], None] = lambda ground: None
    """Once: fetch and compile. AbsentError if it cannot be fetched here, BenchError if it does not compile."""


def contenders() -> Sequence[Contender]:
    return (
        Contender("ours", _ours),
        Contender("ceiling", _ceiling),
        _kafka_streams("kstreams-eos", "exactly_once_v2", "rocksdb"),
        _kafka_streams("kstreams-eos-memory", "exactly_once_v2", "memory", quick=False),
        _kafka_streams("kstreams-rocksdb", "at_least_once", "rocksdb"),
        _kafka_streams("kstreams-memory", "at_least_once", "memory"),
        Contender("quix", _quix, 0.25, prepare=_install_quix),
        Contender("faust", _faust, 0.05),
    )


def _ours(ground: Ground, filled: Filled, number: int) -> Entry:
    """As `tairyu run watch` starts it."""
    return _judging(ground, filled, f"ours-{number}", "-m", "streams.cli", "run", "watch")


def _ceiling(ground: Ground, filled: Filled, number: int) -> Entry:
    return _judging(ground, filled, f"ceiling-{number}", "-m", "tests.bench.ceiling")


def _judging(ground: Ground, filled: Filled, name: str, *arguments: str) -> Entry:
    """By our own rules, from an empty ledger."""
    renew(filled)
    own = environment(filled.settings) | {"PYTHONPATH": str(ROOT)}
    return Entry(Program(name, [sys.executable, *arguments], ground.folder / f"{name}.log", own), CARDS["stall-events"].topic())


def _kafka_streams(name: str, guarantee: str, store: str, quick: bool = True) -> Contender:
    def enter(ground: Ground, filled: Filled, number: int) -> Entry:
        own = f"{name}-{number}"
        output, folder = output_topic(filled, own), ground.folder / own
        arguments = [filled.settings.brokers, own, CUSTODY, output, guarantee, store, folder]
        command = [
            "java",
            "-cp",
            class_path(ground.cache, ground.say),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "Watch",
            *arguments,
        ]
        return Entry(Program(own, command, ground.folder / f"{own}.log"), output)

    return Contender(name, enter, quick=quick, prepare=_compile)


def _compile(ground: Ground) -> None:
    class_path(ground.cache, ground.say)


def _quix(ground: Ground, filled: Filled, number: int) -> Entry:
    own = f"quix-{number}"
    output, python = output_topic(filled, own), venv_python("quix", QUIX, ground.cache, ground.say)
    command = [python, HERE / "quix_watch.py", filled.settings.brokers, own, CUSTODY, output, ground.folder / own]
    return Entry(Program(own, command, ground.folder / f"{own}.log", {"PYTHONPATH": str(ROOT)}), output)


def _install_quix(ground: Ground) -> None:
    venv_python("quix", QUIX, ground.cache, ground.say)


def _faust(ground: Ground, filled: Filled, number: int) -> Entry:
    own = f"faust-{number}"
    output, folder = output_topic(filled, own), ground.folder / own
    command = [sys.executable, HERE / "faust_watch.py", "--datadir", folder, "worker", "--loglevel", "warn", "--without-web"]
    told = {"BENCH_BROKERS": filled.settings.brokers, "BENCH_APP": own, "BENCH_LOG": CUSTODY, "BENCH_OUTPUT": output}
    told["BENCH_PARTITIONS"] = str(filled.partitions)
    return Entry(Program(own, command, ground.folder / f"{own}.log", told | {"PYTHONPATH": str(ROOT)}), output)


def renew(filled: Filled) -> None:
    """Empties the topics that the watch writes, by making them anew."""
    admin = admin_client(filled.settings)
    delete(admin, WRITTEN)
    ensure_topics(filled.settings, load_cards(), {})


def delete(admin: AdminClient, names: Sequence[str]) -> None:
    for gone in admin.delete_topics(list(names), operation_timeout=TIMEOUT_S).values():
        gone.result(TIMEOUT_S)
    while set(names) & set(admin.list_topics(timeout=TIMEOUT_S).topics):
        admin.poll(0.05)


def output_topic(filled: Filled, name: str) -> str:
    """A new topic with as many partitions as the log."""
    admin = admin_client(filled.settings)
    for made in admin.create_topics([NewTopic(name, filled.partitions, 1)], operation_timeout=TIMEOUT_S).values():
        made.result(TIMEOUT_S)
    wait_for_topics(admin, [name])
    return name
