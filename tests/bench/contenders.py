"""Who takes part, and how each is started: a process of its own, over the same log, with output topics of its own."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.cards import load_cards
from streams.programs import Program
from streams.topics import admin_client, ensure_topics, wait_for_topics
from streams.up import environment
from tests.bench.custody import CARDS, Filled
from tests.bench.measurement import Ground

WRITTEN = tuple(CARDS[name].topic() for name in ("applications", "stall-events", "stalls"))
"""What the watch writes."""
TIMEOUT_S = 30.0


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
    """Of the log's events, how many it runs over: fewer where it is slow."""
    prepare: Callable[[Ground], None] = lambda ground: None
    """Once: fetch and compile. BenchError if that fails."""


def contenders() -> Sequence[Contender]:
    return (Contender("ours", _ours),)


def _ours(ground: Ground, filled: Filled, number: int) -> Entry:
    """As `tairyu run watch` starts it; it starts from an empty ledger."""
    renew(filled)
    command = [sys.executable, "-m", "streams.cli", "run", "watch"]
    program = Program("the watch", command, ground.folder / f"ours-{number}.log", environment(filled.settings))
    return Entry(program, CARDS["stall-events"].topic())


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
