"""The rules alone, in one process without a broker: what an event costs on the ordinary way, and where everything is derived anew."""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

from rich.table import Table

from schemas.codec import decode_event
from schemas.events import Event
from schemas.identity import content_hash, event_hash
from schemas.instants import from_text
from schemas.records import TOKEN_LENGTH
from schemas.stored import Stored, decode_stored, encode_stored
from streams.ordinary import Ordinary
from streams.partition import Partition, Record
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.bench.custody import stretches
from tests.bench.measurement import Findings, Ground, Measurement, Size

EVENTS = {Size.TINY: 2_000, Size.QUICK: 20_000, Size.FULL: 200_000}
IN_FLIGHT = {Size.TINY: 200, Size.QUICK: 3_000, Size.FULL: 20_000}
RUN = 8_000
TIMES = 5


class Never(Ordinary):
    """No event takes the short cut."""

    def step(self, record: Stored | None, name: str, event: Event, arrived_us: int) -> Stored | None:
        return None


class Counting(Ordinary):
    taken = 0

    def step(self, record: Stored | None, name: str, event: Event, arrived_us: int) -> Stored | None:
        after = super().step(record, name, event, arrived_us)
        type(self).taken += after is not None
        return after


class Cost(NamedTuple):
    cpu_us: float
    """Of an event, everything but Kafka: decode, judge, encode what changed."""
    record_bytes: float


def measure(ground: Ground) -> Findings:
    settings, events = ground.settings(), EVENTS[ground.size]
    log = list(_log(settings, ground.seed, IN_FLIGHT[ground.size], events))
    ways = {"the ordinary way": Ordinary, "derived from all events, each time": Never}
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(ground.rounds):
        for name, ordinary in ways.items():
            costs[name].append(_cost(settings, log, ordinary))
            ground.say(f"rules: round {number + 1}, {name}: {costs[name][-1].cpu_us:.1f} us an event")
    Counting.taken = 0
    _cost(settings, log, Counting)
    share = Counting.taken / events
    parts = _parts(settings, log)
    laps = {name: [cost._asdict() for cost in each] for name, each in costs.items()}
    details = {"events": events, "short_cuts": share, "parts_us": parts, "costs": laps}
    return Findings({}, [_table(costs, share), _parts_table(parts)], details)


def _log(settings: Settings, seed: int, in_flight: int, events: int) -> Iterator[Record]:
    offset = 0
    for stretch in stretches(settings, seed, in_flight, 1):
        for line in [*stretch.events, *stretch.pulses]:
            yield offset, line.key, line.value
            offset += 1
        if offset >= events:
            return


def _cost(settings: Settings, log: Sequence[Record], ordinary: type[Ordinary]) -> Cost:
    policies = load_policies(settings.policy)
    partition = Partition(policies, 0)
    partition.ordinary = ordinary(policies)
    began = time.process_time()
    for start in range(0, len(log), RUN):
        batch = partition.judge(log[start : start + RUN])
        partition.keep(batch, batch.changed(), batch.applied())
    took = time.process_time() - began
    return Cost(took / len(log) * 1e6, sum(map(len, partition.records.values())) / len(partition.records))


def _parts(settings: Settings, log: Sequence[Record]) -> dict[str, float]:
    """CPU microseconds of an event for what every event needs, whatever the rules: each by itself, the least of several times."""
    partition = Partition(load_policies(settings.policy), 0)
    batch = partition.judge(log)
    kept = [record for record in batch.changed().values() if record is not None]
    values = [value for _, key, value in log if key is not None and value is not None and len(key) == TOKEN_LENGTH]
    events, records = [decode_event(value) for value in values], [decode_stored(record) for record in kept]
    tried: dict[str, tuple[int, Callable[[], object]]] = {
        "decode the event": (len(values), lambda: [decode_event(value) for value in values]),
        "its two instants": (len(values), lambda: [(from_text(event.time), from_text(event.received)) for event in events]),
        "its two hashes": (len(values), lambda: [(event_hash(e.speaker, e.source, e.id), content_hash(e)) for e in events]),
        "decode the record": (len(kept), lambda: [decode_stored(record) for record in kept]),
        "encode the record": (len(kept), lambda: [encode_stored(record) for record in records]),
    }
    return {name: min(_took(work) for _ in range(TIMES)) / number * 1e6 for name, (number, work) in tried.items()}


def _took(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _parts_table(parts: dict[str, float]) -> Table:
    shown = Table(title="what every event needs, whatever the rules")
    shown.add_column("part")
    shown.add_column("CPU us", justify="right")
    for name, took in parts.items():
        shown.add_row(name, f"{took:.2f}")
    shown.add_row("all", f"{sum(parts.values()):.2f}")
    return shown


def _table(costs: dict[str, list[Cost]], share: float) -> Table:
    shown = Table(title=f"the rules alone: {share:.0%} of the events go the ordinary way (medians; in brackets the least and the most)")
    for heading in ("an event is judged", "CPU us", "events/CPU s", "bytes a record"):
        shown.add_column(heading, justify="left" if heading == "an event is judged" else "right")
    for name, each in costs.items():
        took = sorted(cost.cpu_us for cost in each)
        middle = median(took)
        shown.add_row(name, f"{middle:.1f} ({took[0]:.1f}-{took[-1]:.1f})", f"{1e6 / middle:,.0f}", f"{each[0].record_bytes:,.0f}")
    return shown


MEASUREMENT = Measurement("rules", [], measure)
