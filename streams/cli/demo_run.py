"""One run of the demo: a scenario played through the real stages by the simulation clock, read back from where it ends up."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import msgspec

from schemas.cards import Card, load_cards
from schemas.instants import SECOND_US, from_text
from schemas.records import MARK_TYPE, ClockMark, Transition
from streams.cli.answers import Sorry
from streams.cli.asking import history_client
from streams.export import line_of, read_log
from streams.parties import load_parties, public_feeds
from streams.player import BUCKET_S, last_tick_us, play, records_of
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.senders import Senders
from streams.settings import Settings
from streams.story import Story
from streams.topics import partitions_of
from streams.up import Plan, SetUp, start_set_up

STANDS_STILL_S = 90.0
"""No transition and no clock mark for so long: something is wrong, and waiting on would hide it."""

Say = Callable[[str], None]
_transition = msgspec.json.Decoder(Transition)
_mark = msgspec.json.Decoder(ClockMark)


@dataclass
class Seen:
    """What the stream has said so far."""

    transitions: list[Transition] = field(default_factory=list)
    clock_us: int = 0
    """Scenario time that every partition has reached."""
    marks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Partition -> (bucket, at) of its last clock mark."""

    def take(self, message: ck.Message) -> None:
        value = bytes(message.value() or b"")
        if message.key() is None:
            mark = _mark.decode(value)
            assert mark.type == MARK_TYPE
            self.marks[message.partition() or 0] = mark.data.bucket, from_text(mark.data.at)
        else:
            self.transitions.append(_transition.decode(value))


@dataclass
class DemoRun:
    """Everything the demo needs, made from its options."""

    folder: Path
    scenario: str
    seed: int
    held: int | None
    kafka: bool
    settings: Settings = field(default_factory=Settings.model_construct)

    @cached_property
    def policies(self) -> Policies:
        return load_policies(self.settings.policy)

    @cached_property
    def story(self) -> Story:
        return Story(load_scenario(self.scenario, self.held), self.policies, self.seed)

    @cached_property
    def cards(self) -> dict[str, Card]:
        return load_cards()

    @cached_property
    def public(self) -> dict[str, int]:
        """Public topic -> partitions. One each: a scenario has one intake, and its order is time."""
        parties = load_parties(self.settings.parties, self.policies.newest)
        return dict.fromkeys(public_feeds(parties, self.policies.newest, self.cards, 1), 1)

    @contextmanager
    def set_up(self, say: Say) -> Iterator[SetUp]:
        """The broker and the stages, running in scenario time."""
        key = self.folder / "key"
        key.touch(mode=0o600)
        key.write_bytes(self.story.key)
        settings = self.settings.model_copy(update={"simulation": True, "key_file": key, "public_partitions": 1})
        with start_set_up(Plan(self.folder, self.kafka, settings, give_up=True), say) as set_up:
            yield set_up

    def play(self, settings: Settings) -> int:
        """Play the whole scenario; how many events there were."""
        parties = load_parties(self.settings.parties, self.policies.newest)
        senders = Senders(parties, public_feeds(parties, self.policies.newest, self.cards, 1).values(), self.cards)
        world = self.story.world
        return play(
            records_of(self.story.tidings, senders), self.public, settings.brokers, begins_us=world.begins_us, ends_us=world.ends_us
        )

    def watch(self, set_up: SetUp, seen: Seen) -> Iterator[Seen]:
        """Follow ``stall-events`` until every partition has marked the scenario's last bucket. Sorry if it stands still."""
        topic = self.cards["stall-events"].name
        partitions = partitions_of(set_up.settings, "stall-events", self.cards["stall-events"])
        last = last_tick_us(self._ends_us) // (BUCKET_S * SECOND_US)
        consumer = _follower(set_up.settings, topic, partitions)
        try:
            moved_s = time.monotonic()
            while len(seen.marks) < partitions or min(bucket for bucket, _ in seen.marks.values()) < last:
                messages = [message for message in consumer.consume(5_000, 0.1) if message.error() is None]
                for message in messages:
                    seen.take(message)
                moved_s = time.monotonic() if messages else moved_s
                if len(seen.marks) == partitions:
                    seen.clock_us = min(at for _, at in seen.marks.values())
                if set_up.failed or time.monotonic() - moved_s > STANDS_STILL_S:
                    raise Sorry(f"the demo stands still; what its stages said is in {self.folder / 'logs'}")
                yield seen
        finally:
            consumer.close()

    @cached_property
    def _ends_us(self) -> int:
        return max(self.story.world.ends_us, max(tiding.arrived_us for tiding in self.story.tidings))

    def wait_for_history(self, set_up: SetUp, events: int, transitions: int) -> Any:
        """A client of history once it holds all that the logs hold. Sorry if it does not get there."""
        client = history_client(set_up.settings)
        until = time.monotonic() + STANDS_STILL_S
        counts = "SELECT (SELECT count() FROM events), (SELECT count() FROM transitions)"
        while (found := client.query(counts).result_rows[0]) != (events, transitions):
            if set_up.failed or time.monotonic() > until:
                raise Sorry(f"history holds {found[0]} of {events} events and {found[1]} of {transitions} transitions, and stands still")
            time.sleep(0.2)
        return client

    def keep(self, settings: Settings) -> None:
        """Leave what was sent, what was true, and both logs as ``export`` writes them."""
        _write_lines(self.folder / "events.ndjson", self.story.event_lines())
        _write_lines(self.folder / "truth.ndjson", self.story.truth_lines())
        for log in ("custody-log", "stall-events"):
            lines = (line_of(message) + b"\n" for message in read_log(settings, self.cards[log].name))
            _write_lines(self.folder / f"{log}.ndjson", lines)
        policies = self.settings.policy.parent
        shutil.copytree(policies, self.folder / "policies", dirs_exist_ok=True)


def _follower(settings: Settings, topic: str, partitions: int) -> ck.Consumer:
    consumer = ck.Consumer(
        {
            "bootstrap.servers": settings.brokers,
            "group.id": "tairyu-demo",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING) for number in range(partitions)])
    return consumer


def _write_lines(path: Path, lines: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


class Player(threading.Thread):
    """Plays in the background; its error, if any, is raised by ``finish``."""

    def __init__(self, run: DemoRun, settings: Settings) -> None:
        super().__init__(name="player", daemon=True)
        self._run, self._settings = run, settings
        self._error: Exception | None = None
        self.events = 0

    def run(self) -> None:
        try:
            self.events = self._run.play(self._settings)
        except Exception as error:  # told to the thread that waits
            self._error = error

    def finish(self) -> int:
        """How many events were played."""
        self.join()
        if self._error is not None:
            raise self._error
        return self.events
