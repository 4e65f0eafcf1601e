"""One run of the demo: a scenario played through the real stages by the simulation clock, read back from where it ends up."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import confluent_kafka as ck

from schemas.cards import Card, load_cards
from schemas.codec import decode_clock_mark, decode_transition
from schemas.instants import SECOND_US, from_text
from schemas.records import MARK_TYPE, Transition, Verdict
from streams.cli.answers import Sorry
from streams.cli.asking import history_client
from streams.export import line_of, read_log
from streams.log_reader import reader
from streams.parties import Feed, Parties, load_parties, public_feeds
from streams.player import BUCKET_S, last_tick_us, play, records_of
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.senders import Senders
from streams.settings import Settings
from streams.stalls import OPEN
from streams.story import Story
from streams.up import Plan, SetUp, start_set_up

LOG_PARTITIONS = 2
"""Enough to show that there are several. History writes each partition's quarter days one by one: more would only take longer."""
SHOWN_IN_S = 20.0
"""A scenario that somebody watches is played in so many seconds at least."""
STANDS_STILL_S = 90.0
"""Nothing new for so long: something is wrong, and waiting on would hide it."""

Say = Callable[[str], None]
HOPS_S = 10.0
"""For so long history may stand still before it is taken for all that it will say."""
LATE = "SELECT uniqExactIf(token, state = 'late') FROM hops_now WHERE hop = {hop:String}"


@dataclass
class Seen:
    """What the stream has said so far."""

    transitions: list[Transition] = field(default_factory=list)
    held: dict[str, Verdict] = field(default_factory=dict)
    """Open stalls by ``stall_id``, at the instant to which it was wound last."""
    clock_us: int = 0
    """Scenario time that every partition has reached: so far, all has been said."""
    marks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Partition -> (bucket, at) of its last clock mark."""
    _ahead: list[tuple[int, int, Verdict]] = field(default_factory=list)

    def take(self, message: ck.Message) -> None:
        value = bytes(message.value() or b"")
        if message.key() is None:
            mark = decode_clock_mark(value)
            assert mark.type == MARK_TYPE
            self.marks[message.partition() or 0] = mark.data.bucket, from_text(mark.data.at)
        else:
            transition = decode_transition(value)
            heappush(self._ahead, (from_text(transition.data.at), len(self.transitions), transition.data))
            self.transitions.append(transition)

    def wind(self, until_us: int) -> None:
        """Brings ``held`` forward to an instant, at most ``clock_us``: the same then on every run."""
        while self._ahead and self._ahead[0][0] <= until_us:
            verdict = heappop(self._ahead)[2]
            if verdict.kind in OPEN:
                self.held[verdict.stall_id] = verdict
            else:
                self.held.pop(verdict.stall_id, None)


@dataclass
class DemoRun:
    """Everything the demo needs, made from its options."""

    folder: Path
    scenario: str
    seed: int
    held: int | None
    kafka: bool
    settings: Settings

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
    def parties(self) -> Parties:
        return load_parties(self.settings.parties, self.policies.newest)

    @cached_property
    def feeds(self) -> dict[str, Feed]:
        """By public topic. One partition each: a scenario has one intake, and its order is time."""
        return public_feeds(self.parties, self.policies.newest, self.cards, 1)

    @contextmanager
    def set_up(self, say: Say) -> Iterator[SetUp]:
        """The broker and the stages, running in scenario time."""
        key = self.folder / "key"
        key.touch(mode=0o600)
        key.write_bytes(self.story.key)
        given = {"simulation": True, "key_file": key, "public_partitions": 1, "log_partitions": LOG_PARTITIONS}
        settings = self.settings.model_copy(update=given)
        with start_set_up(Plan(self.folder, self.kafka, settings, give_up=True), say) as set_up:
            yield set_up

    def play(self, settings: Settings, at_least_s: float) -> int:
        """Play the whole scenario in ``at_least_s`` seconds or more; how many events there were."""
        senders = Senders(self.parties, self.feeds.values(), self.cards)
        world, began_s = self.story.world, time.monotonic()

        def pace(tick_us: int) -> None:
            due_s = began_s + at_least_s * (tick_us - world.begins_us) / (world.ends_us - world.begins_us)
            time.sleep(max(0.0, due_s - time.monotonic()) if at_least_s and tick_us < world.ends_us else 0.0)

        records = records_of(self.story.tidings, senders)
        return play(records, dict.fromkeys(self.feeds, 1), settings, begins_us=world.begins_us, ends_us=world.ends_us, progress=pace)

    def watch(self, set_up: SetUp, seen: Seen) -> Iterator[Seen]:
        """Follow ``stall-events`` until every partition has marked the scenario's last bucket. Sorry if it stands still."""
        last = last_tick_us(self.story.world.ends_us) // (BUCKET_S * SECOND_US)
        consumer = reader(set_up.settings)
        topic = self.cards["stall-events"].name
        consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING) for number in range(LOG_PARTITIONS)])
        try:
            moved_s = time.monotonic()
            while len(seen.marks) < LOG_PARTITIONS or min(bucket for bucket, _ in seen.marks.values()) < last:
                messages = consumer.consume(1_000, 0.1)
                for message in messages:
                    _check(message)
                    seen.take(message)
                moved_s = time.monotonic() if messages else moved_s
                if len(seen.marks) == LOG_PARTITIONS:
                    seen.clock_us = min(at for _, at in seen.marks.values())
                self._check_moves(set_up, moved_s)
                yield seen
        finally:
            consumer.close()

    def wait_for_history(self, set_up: SetUp, events: int, transitions: int, tell: Callable[[int], None]) -> Any:
        """A client of history once it holds all that the logs hold. Sorry if it does not get there."""
        client = history_client(set_up.settings)
        moved_s, before = time.monotonic(), (-1, -1)
        while before != (events, transitions):
            found = client.query("SELECT (SELECT count() FROM events), (SELECT count() FROM transitions)").result_rows[0]
            moved_s, before = time.monotonic() if found != before else moved_s, found
            tell(sum(found))
            self._check_moves(set_up, moved_s)
            set_up.wait(0.0 if found == (events, transitions) else 0.3)
        return client

    def wait_for_hops(self, set_up: SetUp, client: Any) -> None:
        """Until history holds the hops of what was held, which it reads from a log of their own; or stands still for long: what it
        then says is shown beside the truth."""
        moved_s, before = time.monotonic(), -1
        while before != self.story.figures["held"] and time.monotonic() - moved_s < HOPS_S:
            found = client.query(LATE, parameters={"hop": self.story.held_hop}).result_rows[0][0]
            moved_s, before = time.monotonic() if found != before else moved_s, found
            set_up.wait(0.0 if found == self.story.figures["held"] else 0.3)

    def _check_moves(self, set_up: SetUp, moved_s: float) -> None:
        if set_up.failed or time.monotonic() - moved_s > STANDS_STILL_S:
            logs = "\n".join(f"{program.name}:\n{program.last_words(5)}" for program in set_up.programs)
            raise Sorry(f"the demo stands still; what its stages said last:\n{logs}")

    def keep(self, settings: Settings) -> None:
        """Leave what was sent, what was true, and both logs as ``export`` writes them."""
        _write_lines(self.folder / "events.ndjson", self.story.event_lines())
        _write_lines(self.folder / "truth.ndjson", self.story.truth_lines())
        for log in ("custody-log", "stall-events"):
            lines = (line_of(message) + b"\n" for message in read_log(settings, self.cards[log].name))
            _write_lines(self.folder / f"{log}.ndjson", lines)
        policies = self.settings.policy.parent
        shutil.copytree(policies, self.folder / "policies", dirs_exist_ok=True)


def _check(message: ck.Message) -> None:
    error = message.error()
    if error is not None:
        raise ck.KafkaException(error)


def _write_lines(path: Path, lines: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


class Player(threading.Thread):
    """Plays in the background; its error, if any, is raised by ``finish``."""

    def __init__(self, run: DemoRun, settings: Settings, at_least_s: float) -> None:
        super().__init__(name="player", daemon=True)
        self._run, self._settings, self._at_least_s = run, settings, at_least_s
        self._error: Exception | None = None
        self.events = 0

    def run(self) -> None:
        try:
            self.events = self._run.play(self._settings, self._at_least_s)
        except Exception as error:  # told to the thread that waits
            self._error = error

    def finish(self) -> int:
        """How many events were played."""
        self.join()
        if self._error is not None:
            raise self._error
        return self.events
