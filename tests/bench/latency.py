"""From the instant at which a limit passes until its transition can be read from ``stall-events``: seen from outside, under load.

Intake and watch run as ``tairyu up`` runs them, with pulses every 100 ms. A sender keeps them busy with ordinary events, and lets some
applications reach their first limit each second, at instants that it chose when it sent them. One clock tells both instants: all run on one
machine.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import confluent_kafka as ck
import orjson
from rich.table import Table

from schemas.codec import decode_transition
from schemas.instants import from_text
from schemas.records import STALL_PREFIX
from streams.connection import kafka
from streams.programs import Program
from streams.settings import Settings
from streams.topics import partitions_of
from streams.up import Plan, SetUp, start_set_up
from tests.bench.custody import CARDS
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.sending import HELD_HOP
from tests.pipeline.works import POLICIES

STALL_EVENTS = CARDS["stall-events"].topic()
RATES = {Size.TINY: (200,), Size.QUICK: (10_000,), Size.FULL: (1_000, 10_000)}
WINDOW_S = {Size.TINY: 3.0, Size.QUICK: 10.0, Size.FULL: 60.0}
HELD_PER_S = 50
SETTLE_S = 5
QUICK = {"pulse_interval: 1s": "pulse_interval: 100ms", "settle: 60s": f"settle: {SETTLE_S}s"}
DUE_AFTER_S = SETTLE_S + 5
"""Sent so long before its limit; what is measured begins so long after the load."""
LATE_S = 15.0
"""How long after the load the last transition that was due under it is waited for, at most."""
MS = 1_000


class Latency(NamedTuple):
    events_per_s: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    transitions: int


def measure(ground: Ground) -> Findings:
    found = []
    for rate in RATES[ground.size]:
        with _set_up(ground, rate) as set_up:
            found.append(_latency(ground, set_up.settings, rate))
        ground.say(f"latency: at {rate:,} events/s p50 {found[-1].p50_ms:.0f} ms, p99 {found[-1].p99_ms:.0f} ms")
    shown = Table(title="from a limit to its transition, readable (ms)")
    for heading in ("events/s", "p50", "p99", "worst", "transitions"):
        shown.add_column(heading, justify="right")
    for each in found:
        shown.add_row(f"{each.events_per_s:,}", *(f"{ms:.0f}" for ms in each[1:4]), str(each.transitions))
    return Findings({"latency_p99_ms": round(found[-1].p99_ms, 1)}, [shown], [each._asdict() for each in found])


@contextmanager
def _set_up(ground: Ground, rate: int) -> Iterator[SetUp]:
    folder = ground.folder / f"latency-{rate}"
    settings = Settings.model_validate({"policy": _policy(folder / "policies"), "kafka_jars": ground.jars})
    with start_set_up(Plan(folder, kafka=True, settings=settings, stages=("intake", "watch")), lambda said: None) as set_up:
        yield set_up


def _policy(folder: Path) -> Path:
    """The procedure with pulses every 100 ms, and silence that is said after a few seconds."""
    folder.mkdir(parents=True)
    (folder / "calendars").symlink_to(POLICIES / "calendars")
    text = (POLICIES / "my-number-card.yaml").read_text()
    for slow, quick in QUICK.items():
        assert slow in text
        text = text.replace(slow, quick)
    file = folder / "my-number-card.yaml"
    file.write_text(text)
    return file


def sending(folder: Path, settings: Settings, rate: int, seconds: float, seed: int, held_per_s: float, due_after_s: float) -> Program:
    told = orjson.dumps(settings.model_dump(mode="json", exclude_defaults=True)).decode()
    arguments = map(str, (rate, seconds, seed, held_per_s, due_after_s))
    return Program("the sender", [sys.executable, "-m", "tests.bench.sending", told, *arguments], folder / f"sender-{rate}.log")


def said_by(sender: Program, event: str) -> dict[str, Any] | None:
    lines = (orjson.loads(line) for line in sender.log.read_bytes().splitlines() if line.startswith(b'{"event"'))
    return next((line for line in lines if line["event"] == event), None)


def _latency(ground: Ground, settings: Settings, rate: int) -> Latency:
    sender = sending(ground.folder, settings, rate, DUE_AFTER_S + WINDOW_S[ground.size], ground.seed, HELD_PER_S, DUE_AFTER_S)
    reader = _reader(settings)
    sender.start()
    try:
        seen, ended = _read(reader, sender)
    finally:
        sender.stop()
        reader.close()
    under_load = sorted(read_us - due_us for due_us, read_us in seen if due_us <= ended["at_us"])
    if len(under_load) < (expected := _due(ended)):
        raise BenchError(f"only {len(under_load)} of {expected} transitions could be read {LATE_S:.0f} s after the load")
    return Latency(rate, median(under_load) / MS, _percentile(under_load, 0.99) / MS, under_load[-1] / MS, len(under_load))


def _reader(settings: Settings) -> ck.Consumer:
    """From the beginning: nothing has been said yet."""
    reader = ck.Consumer(kafka(settings) | {"group.id": "bench-reader", "enable.auto.commit": False, "isolation.level": "read_committed"})
    partitions = partitions_of(settings, "custody-log", CARDS["custody-log"])
    reader.assign([ck.TopicPartition(STALL_EVENTS, number, 0) for number in range(partitions)])
    return reader


def _read(reader: ck.Consumer, sender: Program) -> tuple[list[tuple[int, int]], dict[str, Any]]:
    """When each limit passed, and when that could be read, of all that fell due under load; and what the sender said at its end."""
    seen, until, ended = list[tuple[int, int]](), float("inf"), None
    raised = f'"{STALL_PREFIX}raised"'.encode()
    while time.monotonic() < until:
        message = reader.poll(0.1)
        read_us = time.time_ns() // 1_000
        value = (message.value() or b"") if message is not None else b""
        if raised in value:
            told = decode_transition(value)
            if told.data.hop == HELD_HOP:
                seen.append((from_text(told.time), read_us))
        if ended is None and not sender.running:
            ended, until = said_by(sender, "ended"), time.monotonic() + LATE_S
            if ended is None:
                raise BenchError(f"the sender failed:\n{sender.last_words()}")
        if ended is not None and sum(due_us <= ended["at_us"] for due_us, _ in seen) >= _due(ended):
            return seen, ended
    return seen, ended or {}


def _due(ended: dict[str, Any]) -> int:
    """How many of the held were due when the sender ended; one or two may have been sent a moment late."""
    return int(ended["held"] - DUE_AFTER_S * HELD_PER_S) - 2


def _percentile(ascending: Sequence[int], share: float) -> int:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


MEASUREMENT = Measurement("latency", ["latency_p99_ms"], measure)
