"""Keeps what ``streams.curve`` makes of history: whole runs, each once.

A run is known by what it was made of. Its rows are inserted a block of applications at a time, each under a token of its own, and the run
is entered in ``curves`` last. Broken off anywhere, it is run again: blocks that stand there are not inserted twice, and nobody is shown
a run that is not entered.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
import orjson

from schemas.events import PREFIX, Data, Event
from schemas.instants import from_text, to_text
from sinks.clickhouse import Store
from sinks.columns import Columns
from sinks.named_queries import OF_NOW
from sinks.references import versions
from streams.curve import Judged, judged
from streams.parties import Parties
from streams.policy import Policies

APPLICATIONS = 2_000
"""Of a block: they are judged together, and their rows inserted at once."""
SOURCE = (
    "SELECT groupUniqArray(log_id) AS logs, toUnixTimestamp64Micro(max(cut_at)) AS known_us, count() AS events,"
    f" uniqExact(token) AS applications FROM events WHERE {OF_NOW} AND token IS NOT NULL"
)
EVENTS = (
    "SELECT token, last4, speaker, role, type, event_id, source, claimed, toUnixTimestamp64Micro(received) AS received_us, origin, data"
    f" FROM events WHERE {OF_NOW} AND token IS NOT NULL ORDER BY token, received, partition, offset"
)
OTHERWISE = {name: f"{name.removesuffix('_us')}_at" for name in ("entered_us", "due_us", "closed_us", "raised_us")}
OTHERWISE["closed_before_us"] = "closed_before"
"""Fields of ``Judged`` whose columns have other names."""


@dataclass(frozen=True)
class Run:
    """``events``: how many there are; ``known_us``: up to when. The same everything is the same run."""

    hop: str
    factors: tuple[float, ...]
    logs: tuple[str, ...]
    events: int
    known_us: int
    rules: tuple[str, ...]

    @property
    def name(self) -> str:
        told = [self.hop, self.factors, sorted(self.logs), self.events, self.known_us, self.rules, APPLICATIONS]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]


def rules_of(parties: Parties, policies: Policies) -> tuple[str, ...]:
    """What they say, in short."""
    return tuple(version.digest for version in versions(parties, policies) if version.table != "parties")


def read_event(row: Sequence[Any], policies: Policies) -> Event:
    """What custody-log had, from a row of ``EVENTS``."""
    token, last4, speaker, role, name, event_id, source, claimed, received_us, origin, data = row
    known = policies.newest.speakers.get(role)
    return Event(
        specversion="1.0",
        id=event_id,
        source=source,
        type=PREFIX + name,
        time=claimed,
        speaker=speaker,
        role=role,
        own_feed=known is not None and known.own_feed,
        received=to_text(received_us),
        origin=origin,
        subject=token,
        last4=last4,
        data=msgspec.json.decode(data, type=Data),
    )


def blocks(events: Iterable[Event], applications: int = APPLICATIONS) -> Iterator[list[Event]]:
    """Of events sorted by application: so many applications' at a time, in the order of arrival."""
    block, count = list[Event](), 0
    for _, some in groupby(events, key=lambda event: event.subject):
        block += some
        count += 1
        if count == applications:
            yield sorted(block, key=lambda event: from_text(event.received))
            block, count = [], 0
    if block:
        yield sorted(block, key=lambda event: from_text(event.received))


def is_whole(store: Store, run: Run) -> bool:
    return bool(store.query("SELECT 1 FROM curves WHERE run = {run:String}", {"run": run.name}))


def keep(store: Store, run: Run, policies: Mapping[float, Policies], events: Iterable[list[Event]]) -> Iterator[int]:
    """Judges each block, and keeps what is said; gives the number of applications of each that is kept. Exhausted, the run is whole."""
    applications = 0
    for number, block in enumerate(events):
        rows = [*judged(policies, run.hop, block, run.known_us)]
        if rows:
            store.put("curve_hops", _columns(run, rows), f"{run.name}:{number}")
        count = len({event.subject for event in block})
        applications += count
        yield count
    told = {"run": [run.name], "hop": [run.hop], "factors": [[f"{factor:g}" for factor in run.factors]], "known_to": [run.known_us]}
    store.put("curves", {**told, "applications": [applications], "events": [run.events]}, f"{run.name}:whole")


def _columns(run: Run, rows: Sequence[Judged]) -> Columns:
    columns: Columns = {OTHERWISE.get(name, name): [getattr(row, name) for row in rows] for name in Judged.__struct_fields__}
    return {**columns, "run": [run.name] * len(rows), "hop": [run.hop] * len(rows), "known_to": [run.known_us] * len(rows)}
