"""A set-up with Apache Kafka in a folder, started and stopped as an operator does, and all that it knows, to compare."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import orjson
from confluent_kafka.admin import AdminClient

from schemas.cards import load_cards
from streams.connection import kafka
from streams.export import read_log
from streams.held import held_now
from streams.parties import load_parties, public_feeds
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.restarts import Rules
from streams.senders import Senders
from streams.settings import Settings
from streams.up import STAGES, Plan, SetUp, start_set_up
from tests.cli.house import Sources
from tests.pipeline.works import quick_policy

CARDS = load_cards()
CUSTODY, APPLICATIONS, STALL_EVENTS, STALLS = (CARDS[name].topic() for name in ("custody-log", "applications", "stall-events", "stalls"))
CONTENT = {
    "events": "SELECT token, type, event_id, source, claimed, received, data FROM events ORDER BY ALL",
    "transitions": "SELECT stall_id, revision, kind, level, reason, entered_at, due_at, closed_at, at FROM transitions ORDER BY ALL",
    "hops": "SELECT token, hop, attempt, state, level, entered_at, due_at, closed_at FROM hops_now ORDER BY ALL",
}
"""What analysts see; not in which range it was inserted."""
FIRST, SECOND = 30, 12
"""Applications before and after a backup: of three, one is in time, one was late, one is held; two of three have a second event."""
ONCE = Rules(first_s=0.1, longest_s=0.2, short_life_s=60.0, loop_after=2)
"""Who ends at once twice is not tried again."""

Content = dict[str, list[tuple[Any, ...]]]
Events = list[dict[str, Any]]


@dataclass
class Box:
    """``tairyu up --data`` in ``folder``."""

    folder: Path
    jars: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policy = quick_policy(self.folder.with_name("policies"))
        self.policies: Policies = load_policies(self.policy)
        self.sources = Sources(random.Random(str(self.folder)))

    @contextmanager
    def running(self, stages: Sequence[str] = STAGES) -> Iterator[SetUp]:
        given: dict[str, object] = {"policy": self.policy, "parties": self.policy.with_name("parties.yaml"), "kafka_jars": self.jars}
        settings = Settings.model_validate(given | {"log_partitions": 2, "public_partitions": 1})
        plan = Plan(self.folder, kafka=True, settings=settings, stages=stages, give_up=True, rules=ONCE)
        with start_set_up(plan, self.said.append) as set_up:
            yield set_up

    def applications(self, count: int) -> Events:
        """Each was submitted three hours ago; every third was uploaded in time, every third too late, every third stands."""
        made: Events = []
        for number in range(count):
            subject = self.sources.application()
            made.append(self.sources.event("plaza", "application.submitted", 3, subject, kiosk=f"K-{number % 4}"))
            if number % 3:
                made.append(self.sources.event("plaza", "application.uploaded", number % 3 + 0.5, subject))
        return made

    def send(self, set_up: SetUp, events: Iterable[Mapping[str, Any]]) -> None:
        parties = load_parties(set_up.settings.parties, self.policies.newest)
        feeds = public_feeds(parties, self.policies.newest, CARDS, set_up.settings.public_partitions)
        senders = Senders(parties, feeds.values(), CARDS)
        producer = ck.Producer(kafka(set_up.settings))
        for event in events:
            topic, headers = senders.route(event["speaker"])
            producer.produce(topic, orjson.dumps({k: v for k, v in event.items() if k != "speaker"}), headers=[*headers])
        assert producer.flush(30) == 0


def content(set_up: SetUp, applications: int, at_most_s: float = 60) -> Content:
    """All of ClickHouse, once the events and stalls of so many applications (as ``Box.applications`` makes them) are there, each once."""
    from streams.cli.asking import history_client

    give_up, client = time.monotonic() + at_most_s, history_client(set_up.settings)
    while True:
        found: Content = {name: [tuple(row) for row in client.query(sql).result_rows] for name, sql in CONTENT.items()}
        now = len(found["events"]), len(held_now(set_up.settings, STALLS).oldest_first()), len(found["transitions"])
        if now == (events(applications), held(applications), len(transitions(set_up.settings))) and hops_are_whole(found):
            return found
        assert time.monotonic() < give_up, f"(events, held, transitions) are {now}, not {events(applications)}, {held(applications)}"
        time.sleep(0.3)


def hops_are_whole(found: Content) -> bool:
    """They come by a log of their own: each event opens one, and each is as its last transition says."""
    said = {stall: (level, closed) for stall, _, _, level, _, _, _, closed, _ in found["transitions"]}  # by revision: the last one counts
    beyond = {f"{token}:{hop}:{number}": (level, closed) for token, hop, number, _, level, *_, closed in found["hops"] if level is not None}
    return len(found["hops"]) == len(found["events"]) and beyond == said


def events(applications: int) -> int:
    return applications + applications * 2 // 3


def held(applications: int) -> int:
    return applications // 3


def transitions(settings: Settings) -> list[bytes]:
    return [bytes(message.value() or b"") for message in read_log(settings, STALL_EVENTS) if message.key() is not None]


def delete_topics(settings: Settings, *names: str) -> None:
    """As ``kafka-topics.sh --delete`` does."""
    admin = AdminClient(kafka(settings))
    for deleted in admin.delete_topics(list(names)).values():
        deleted.result(30)
    while set(names) & set(admin.list_topics(timeout=10).topics):
        admin.poll(0.1)
