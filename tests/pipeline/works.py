"""All stages as processes on a broker of their own, and a reader of everything that they leave."""

import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import clickhouse_connect
import confluent_kafka as ck
import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.cards import load_cards
from schemas.codec import decode_applied, decode_clock_mark
from schemas.instants import from_text
from schemas.records import APPLIED_KEY, PULSE_KEY, Applied, Mark
from streams.brokers import Broker, EmbeddedBroker, KafkaBroker
from streams.brokers.start import free_ports
from streams.connection import kafka
from streams.parties import load_parties, public_feeds
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.programs import Program
from streams.senders import Senders
from streams.settings import Settings
from streams.topics import ensure_topics
from streams.up import environment

CARDS = load_cards()
CUSTODY, APPLICATIONS, STALL_EVENTS = (CARDS[name].topic() for name in ("custody-log", "applications", "stall-events"))
POLICIES = Path(__file__).parents[2] / "streams" / "policies"
QUICK = {"pulse_interval: 1s": "pulse_interval: 200ms", "settle: 60s": "settle: 1s"}
SESSION_S = 6.0


class Line(NamedTuple):
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


def quick_policy(folder: Path) -> Path:
    """The procedure, but what needs no more than a minute's silence is said after a second; with its calendars and parties."""
    shutil.copytree(POLICIES, folder)
    file = folder / "my-number-card.yaml"
    text = file.read_text()
    for slow, quick in QUICK.items():
        assert slow in text
        text = text.replace(slow, quick)
    file.write_text(text)
    return file


class Works:
    def __init__(self, broker: Broker, folder: Path, **more: object) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key").write_text("a key of the tests, at least as long as 32 bytes")
        given: dict[str, object] = {
            "brokers": broker.bootstrap,
            "embedded": broker.embedded,
            "key_file": folder / "key",
            "policy": quick_policy(folder / "policies"),
            "parties": folder / "policies" / "parties.yaml",
            "history_dir": folder / "history",
            "history_port": free_ports(1)[0],
            "session_timeout_s": SESSION_S,
        }
        self.settings = Settings.model_validate(given | more)
        self.policies: Policies = load_policies(self.settings.policy)
        parties = load_parties(self.settings.parties)
        self.feeds = public_feeds(parties, self.policies.newest, CARDS, self.settings.public_partitions)
        ensure_topics(self.settings, CARDS, self.feeds)
        self._senders = Senders(parties, self.feeds.values(), CARDS)
        self.programs: dict[str, Program] = {}
        self.origins: list[str] = []
        """Of every public record that the broker has taken."""
        self.logs: dict[str, dict[int, list[Line]]] = {
            topic: {partition: [] for partition in range(self.partitions)} for topic in (CUSTODY, APPLICATIONS, STALL_EVENTS)
        }
        """Topic -> partition -> what stands there, as far as it was read."""
        reading = {"isolation.level": "read_committed", "enable.auto.commit": False, "log_level": 0}
        self._reader = ck.Consumer(kafka(self.settings) | reading | {"group.id": "a-reader-of-the-tests"})
        self._reader.assign([ck.TopicPartition(topic, number, 0) for topic, parts in self.logs.items() for number in parts])

    @property
    def partitions(self) -> int:
        return self.settings.log_partitions or CARDS["custody-log"].partitions

    def run(self, stage: str, name: str | None = None, env: Mapping[str, str] | None = None) -> Program:
        """A stage as a process; ``name``: of one among several."""
        name = name or stage
        command = [sys.executable, "-m", "streams.cli", "run", stage]
        told = environment(self.settings) | {"TAIRYU_INTAKE_SLOT": name} | dict(env or {})
        program = self.programs[name] = Program(name, command, self.folder / f"{name}.log", told)
        program.start()
        return program

    def close(self) -> None:
        """Whatever still runs is stopped, clean or not."""
        for program in self.programs.values():
            program.stop()
        self._reader.close()

    def send(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Events as files have them, each to the topic of its ``speaker``. Returns when the broker has them."""
        self.send_raw(
            (*self._senders.route(event["speaker"]), orjson.dumps({k: v for k, v in event.items() if k != "speaker"})) for event in events
        )

    def send_raw(self, records: Iterable[tuple[str, list[tuple[str, bytes]], bytes]]) -> None:
        """Topic, headers, value."""
        producer = ck.Producer(kafka(self.settings) | {"linger.ms": 5, "compression.type": "lz4"})
        for topic, headers, value in records:
            producer.produce(topic, value, headers=[*headers], on_delivery=self._delivered)
            producer.poll(0)
            if len(producer) > 50_000:
                producer.flush(60)
        assert producer.flush(60) == 0

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        assert error is None, error
        self.origins.append(f"{message.topic()}:{message.partition()}:{message.offset()}")

    def wait(self, enough: Callable[[], object], at_most_s: float = 60, why: Callable[[], str] = str) -> None:
        """Reads on until it is enough."""
        give_up = time.monotonic() + at_most_s
        while not enough():
            assert time.monotonic() < give_up, f"waited in vain: {why()}\n{self.last_words()}"
            for message in self._reader.consume(10_000, 0.1):
                assert message.error() is None, message.error()
                line = Line(message.partition() or 0, message.offset() or 0, message.key(), message.value())
                self.logs[message.topic() or ""][line.partition].append(line)

    def last_words(self) -> str:
        counts = {topic: {number: len(lines) for number, lines in parts.items()} for topic, parts in self.logs.items()}
        return f"{counts}\n" + "\n".join(f"--- {name}\n{program.last_words()}" for name, program in self.programs.items())

    def lines(self, topic: str) -> Iterator[Line]:
        for lines in self.logs[topic].values():
            yield from lines

    def handled(self) -> int:
        """How many public records have become an event or a refusal, as far as was read."""
        return sum(line.key != PULSE_KEY for line in self.lines(CUSTODY))

    def said(self, kind: str) -> int:
        """How many transitions of a kind, as far as was read."""
        return sum(
            line.key is not None and f'"jp.tairyu.stall.{kind}"'.encode() in (line.value or b"") for line in self.lines(STALL_EVENTS)
        )

    def marks(self) -> dict[int, Mark]:
        """Partition -> its last clock mark."""
        return {line.partition: decode_clock_mark(line.value or b"").data for line in self.lines(STALL_EVENTS) if line.key is None}

    def applied(self) -> dict[int, Applied]:
        """Partition -> the last applied record."""
        return {line.partition: decode_applied(line.value or b"") for line in self.lines(APPLICATIONS) if line.key == APPLIED_KEY}

    def all_clocks_passed(self, instant_us: int) -> bool:
        """Whether every partition has marked that all silence up to the instant is judged."""
        marks = self.marks().values()
        return len(marks) == self.partitions and all(mark.all is not None and from_text(mark.all) > instant_us for mark in marks)

    def all_applied(self) -> bool:
        """Whether the ledger contains all of custody-log that was read."""
        applied = self.applied()
        ends = {number: lines[-1].offset for number, lines in self.logs[CUSTODY].items() if lines}
        return all(number in applied and applied[number].offset >= end for number, end in ends.items())

    @cached_property
    def history(self) -> Any:
        """ClickHouse's own HTTP client, once history answers."""
        found: list[Any] = []

        def answers() -> bool:
            try:
                found.append(clickhouse_connect.get_client(host="127.0.0.1", port=self.settings.history_port, database="tairyu"))
            except ClickHouseError:
                return False
            return True

        self.wait(answers)
        return found[0]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.history.query(sql).result_rows]


@contextmanager
def own_broker(kind: str, folder: Path, jars: Path | None) -> Iterator[Broker]:
    """A broker for one test: topics have the names of the product."""
    with EmbeddedBroker() if kind == "embedded" else KafkaBroker(folder / "kafka", cache=jars) as broker:
        yield broker


def by_partition(said: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for number, what in said:
        found[number].append(what)
    return dict(found)
