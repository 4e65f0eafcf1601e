"""A set-up of topics with intakes as processes, for the tests of intake."""

import ctypes
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import confluent_kafka as ck
import pytest

from schemas.cards import load_cards
from schemas.instants import from_text
from streams.brokers import Broker, EmbeddedBroker, KafkaBroker
from streams.parties import Feed, load_parties, public_feeds
from streams.policy_file import load_policies
from streams.programs import Program
from streams.settings import Settings
from streams.topics import ensure_topics

INTAKE = [sys.executable, "-m", "streams.cli", "run", "intake"]
SESSION_S = 6.0
LOG = load_cards()["custody-log"].topic()
DEAD_LETTERS = load_cards()["dead-letters"].topic()
BROKERS = [pytest.param("embedded", marks=pytest.mark.embedded), pytest.param("kafka", marks=pytest.mark.kafka)]

Headers = Sequence[tuple[str, bytes]]


class Sent(NamedTuple):
    topic: str
    value: bytes | None
    headers: Headers = ()
    partition: int = -1
    stamp_ms: int = 0


class Line(NamedTuple):
    partition: int
    offset: int
    key: bytes | None
    value: Any
    raw: bytes

    @property
    def kind(self) -> str:
        return (self.key or b"").decode() if self.key in (b"pulse", b"refusal") else "event"

    @property
    def origin(self) -> str:
        """Of an event or a refusal."""
        origin = self.value["origin"]
        return origin if isinstance(origin, str) else f"{origin['topic']}:{origin['partition']}:{origin['offset']}"


class House:
    """A broker with all topics; what is in ``custody-log`` is read on and on into ``lines``."""

    def __init__(self, broker: Broker, folder: Path, *, create: bool = True, **more: object) -> None:
        self.broker, self.folder, self.cards = broker, folder, load_cards()
        (folder / "key").write_text("a key of the tests, at least as long as 32 bytes")
        self.settings = Settings.model_validate(
            {"brokers": broker.bootstrap, "embedded": broker.embedded, "key_file": folder / "key", "session_timeout_s": SESSION_S, **more}
        )
        policy = load_policies(self.settings.policy).newest
        self.feeds: dict[str, Feed] = public_feeds(load_parties(self.settings.parties), policy, self.cards, self.settings.public_partitions)
        if create:
            ensure_topics(self.settings, self.cards, self.feeds)
        self.lines: list[Line] = []
        self._reader: ck.Consumer | None = None
        self._programs: list[Program] = []

    def close(self) -> None:
        for program in self._programs:
            program.stop()
        if self._reader is not None:
            self._reader.close()

    def intake(self, slot: str = "0", **env: str) -> Program:
        told = self.environment() | {"TAIRYU_INTAKE_SLOT": slot} | {f"TAIRYU_{name.upper()}": env[name] for name in env}
        program = Program(f"intake {slot}", INTAKE, self.folder / f"intake-{slot}.log", told)
        self._programs.append(program)
        program.start()
        return program

    def environment(self) -> dict[str, str]:
        """The settings, as a stage is told them."""
        return {f"TAIRYU_{name.upper()}": str(told) for name, told in self.settings.model_dump(exclude_defaults=True).items()}

    def send(self, records: Iterable[Sent]) -> list[str]:
        """The origins of the records, once the broker has them."""
        producer = ck.Producer(
            {
                "bootstrap.servers": self.broker.bootstrap,
                "linger.ms": 5,
                "message.max.bytes": 4_000_000,
                "compression.type": "lz4",
                "enable.idempotence": True,  # else a retry may change the order
            }
        )
        origins: dict[int, str] = {}

        def delivered(place: int) -> Callable[[ck.KafkaError | None, ck.Message], None]:
            def note(error: ck.KafkaError | None, message: ck.Message) -> None:
                assert error is None, error
                origins[place] = f"{message.topic()}:{message.partition()}:{message.offset()}"

            return note

        for place, sent in enumerate(records):
            headers: list[tuple[str, str | bytes | None]] = list(sent.headers)
            producer.produce(
                sent.topic, sent.value, None, sent.partition, on_delivery=delivered(place), headers=headers, timestamp=sent.stamp_ms
            )
            producer.poll(0)
        assert producer.flush(30) == 0
        return [origins[place] for place in sorted(origins)]

    def wait(self, enough: Callable[[list[Line]], bool], at_most_s: float = 40) -> list[Line]:
        """All lines of custody-log so far, once they are enough."""
        self._reader = reader = self._reader or self._read_from_start(LOG)
        give_up = time.monotonic() + at_most_s
        while not enough(self.lines):
            assert time.monotonic() < give_up, f"waited in vain; {Counter(line.kind for line in self.lines)}\n{self.last_words()}"
            self.lines += _lines(reader.consume(5_000, 0.1))
        return self.lines

    def catch_up(self) -> None:
        """Reads what is there already, so that what is waited for later is new."""
        self._reader = reader = self._reader or self._read_from_start(LOG)
        waiting = {each.partition for each in reader.assignment()}
        while waiting:
            messages = reader.consume(5_000, 0.1)
            self.lines += _lines(messages)
            waiting -= {message.partition() for message in messages if message.error() is not None}

    def wait_for(self, origins: Iterable[str], at_most_s: float = 40) -> list[Line]:
        """The lines that these public records became; each stands there at least once."""
        wanted = set(origins)
        self.wait(lambda lines: wanted <= {line.origin for line in lines if line.kind != "pulse"}, at_most_s)
        return [line for line in self.lines if line.kind != "pulse" and line.origin in wanted]

    def pulses(self) -> list[Line]:
        return [line for line in self.lines if line.kind == "pulse"]

    def read_to_end(self, topic: str) -> Iterator[ck.Message]:
        """All committed records of a topic up to now."""
        reader = self._read_from_start(topic)
        waiting = {each.partition for each in reader.assignment()}
        while waiting:
            for message in reader.consume(5_000, 0.1):
                error = message.error()
                if error is None:
                    yield message
                else:
                    assert error.code() == ck.KafkaError._PARTITION_EOF, error
                    waiting.discard(message.partition() or 0)
        reader.close()

    def last_words(self) -> str:
        return "\n".join(path.read_text()[-1500:] for path in self.folder.glob("intake-*.log"))

    def _read_from_start(self, topic: str) -> ck.Consumer:
        reader = ck.Consumer(
            {
                "bootstrap.servers": self.broker.bootstrap,
                "group.id": "a-reader-of-the-tests",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        found = reader.list_topics(topic, 20).topics[topic].partitions
        reader.assign([ck.TopicPartition(topic, partition, ck.OFFSET_BEGINNING) for partition in found])
        return reader


def open_broker(kind: str, request: pytest.FixtureRequest, folder: Path) -> Broker:
    """A broker that no other module uses: topics have the names of the product."""
    if kind == "embedded":
        return EmbeddedBroker()
    return KafkaBroker(folder / "kafka", cache=request.getfixturevalue("kafka_jars"))


def submitted(rng: Random, vendor: str = "plaza", **fields: object) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": str(UUID(int=rng.getrandbits(128))),
        "source": f"/vendors/{vendor}/kiosks/1",
        "type": "jp.tairyu.application.submitted",
        "subject": "".join(rng.choices("0123456789", k=23)),
        "time": "2026-04-01T09:00:00+09:00",
        "data": {"kiosk": "soka-1", "kiosk_municipality": "112216"},
    }
    return event | fields


def submissions(rng: Random, count: int, *, vendors: Sequence[str] = ("plaza", "tokiwa", "minato")) -> list[Sent]:
    names = [rng.choice(vendors) for _ in range(count)]
    return [Sent(f"kiosk-events.{vendor}", json.dumps(submitted(rng, vendor)).encode(), partition=rng.randrange(2)) for vendor in names]


def send_with_header_named(broker: Broker, topic: str, name: bytes, value: bytes) -> None:
    """A record as a client in C can send it: the Python client insists on names in UTF-8."""
    (path,) = (Path(ck.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka*")
    library = ctypes.CDLL(str(path))
    for made in (library.rd_kafka_conf_new, library.rd_kafka_new, library.rd_kafka_headers_new):
        made.restype = ctypes.c_void_p
    why = ctypes.create_string_buffer(256)
    config = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(config, b"bootstrap.servers", broker.bootstrap.encode(), why, len(why))
    producer = ctypes.c_void_p(library.rd_kafka_new(0, config, why, len(why)))
    headers = ctypes.c_void_p(library.rd_kafka_headers_new(1))
    library.rd_kafka_header_add(headers, name, len(name), b"x", 1)
    of_topic, of_value, of_flags, of_headers, end, copied = 1, 4, 7, 10, 0, 2  # as rdkafka.h numbers them
    said = library.rd_kafka_producev(
        producer,
        *(of_topic, ctypes.c_char_p(topic.encode())),
        *(of_value, ctypes.c_char_p(value), ctypes.c_size_t(len(value))),
        *(of_flags, ctypes.c_int(copied)),
        *(of_headers, headers),
        end,
    )
    assert said == 0
    assert library.rd_kafka_flush(producer, 20_000) == 0
    library.rd_kafka_destroy(producer)


def check_promises(lines: Sequence[Line]) -> None:
    """Each public record once; per partition, T never goes back, and what follows a pulse arrived at or after its T."""
    doubled = [origin for origin, count in Counter(line.origin for line in lines if line.kind != "pulse").items() if count > 1]
    assert doubled == []
    for partition in {line.partition for line in lines}:
        through: dict[tuple[str, str], int] = {}
        for line in (line for line in lines if line.partition == partition):
            if line.kind == "pulse":
                _check_pulse(line, through)
            else:
                topic, number, _ = line.origin.split(":")
                assert from_text(line.value["received"]) >= through.get((topic, number), 0), line


def _check_pulse(pulse: Line, through: dict[tuple[str, str], int]) -> None:
    for topic, told in pulse.value["inputs"].items():
        for number, text in told["through"].items():
            assert from_text(text) >= through.get((topic, number), 0), f"T of {topic} {number} went back in {pulse}"
            through[topic, number] = from_text(text)


def vouched(pulse: Line) -> set[tuple[str, int]]:
    return {(topic, int(number)) for topic, told in pulse.value["inputs"].items() for number in told["through"]}


def _lines(messages: Iterable[ck.Message]) -> Iterator[Line]:
    for message in messages:
        error, raw = message.error(), message.value() or b""
        if error is None:
            yield Line(message.partition() or 0, message.offset() or 0, message.key(), json.loads(raw), raw)
        else:
            assert error.code() == ck.KafkaError._PARTITION_EOF, error
