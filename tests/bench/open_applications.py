"""Open applications as the watch keeps them, and the pulses that make them due.

The real rules judge five events of each of some thousand applications: submitted, uploaded, forwarded, received, accepted. Their records
stand for as many applications as are asked for, each under a token of its own: they are as long, and as different, as real ones are.
"""

from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import confluent_kafka as ck

from schemas.codec import encode
from schemas.events import PREFIX, Data, PublicEvent
from schemas.instants import DAY_US, SECOND_US, from_text, to_text
from streams.gate import Gate
from streams.inputs import Inputs
from streams.intake import BUCKET_S
from streams.keys import load_key
from streams.parties import load_parties, public_feeds
from streams.partition import Partition, Record
from streams.policy_file import load_policies
from streams.senders import public_value
from streams.settings import Settings
from tests.bench.custody import CARDS
from tests.bench.traffic import TOWNS

MONDAY_US = from_text("2026-04-06T09:00:00+09:00")
WORKDAYS = tuple(MONDAY_US + (day + day // 5 * 2) * DAY_US for day in range(10))
"""On which they are accepted: those of one day fall due together, at midnight after the 18th business day."""
STEPS = (("submitted", -70_000), ("uploaded", -69_000), ("forwarded", -68_000), ("received", -50_000), ("accepted", 0))
"""What happens, and how many seconds before it is accepted."""
DIFFERENT = 1_000
"""Records of each day that are told apart."""


class Kept(NamedTuple):
    """One record of ``applications``."""

    token: bytes
    stored: bytes


class Day(NamedTuple):
    """What was accepted on one day."""

    due_us: int
    """At which all of it falls due."""
    stored: Sequence[bytes]


class OpenApplications:
    def __init__(self, settings: Settings, seed: int, different: int = DIFFERENT) -> None:
        self._policies = load_policies(settings.policy)
        self._parties = load_parties(settings.parties, self._policies.newest)
        assert settings.key_file is not None
        self._gate = Gate(self._policies, self._parties, load_key(settings.key_file))
        self._vendors = self._parties.vendors(self._policies.newest)
        self._rng, self._numbers = Random(seed), count()
        self.days = [self._day(workday_us, different) for workday_us in WORKDAYS]

    def some(self, day: int, number: int) -> Iterator[Kept]:
        """``number`` applications that fall due together."""
        for stored in islice(cycle(self.days[day].stored), number):
            yield Kept(f"{self._rng.getrandbits(256):064x}".encode(), stored)

    def _day(self, accepted_us: int, different: int) -> Day:
        partition = Partition(self._policies, 0)
        batch = partition.judge(line for _ in range(different) for line in self._life(accepted_us))
        records = [stored for stored in batch.changed().values() if stored is not None]
        due_us = batch.first_due()
        assert len(records) == different
        assert due_us is not None
        return Day(due_us, records)

    def _life(self, accepted_us: int) -> Iterator[Record]:
        rng, subject = self._rng, f"{self._rng.getrandbits(76):023d}"
        vendor, accepted_us = rng.choice(self._vendors), accepted_us + rng.randrange(20_000) * SECOND_US
        data = Data(kiosk=f"{vendor}-{rng.randrange(100)}", kiosk_municipality=rng.choice(TOWNS), residence_municipality=rng.choice(TOWNS))
        for step, before_s in STEPS:
            own = before_s < -60_000
            at_us, number = accepted_us + (before_s + rng.randrange(900)) * SECOND_US, next(self._numbers)
            event = PublicEvent(
                specversion="1.0",
                id=f"{number}",
                source=f"/vendors/{vendor}/kiosks/{data.kiosk}" if own else "/j-lis/hq",
                type=f"{PREFIX}application.{step}",
                time=to_text(at_us),
                subject=subject,
                data=data if own else Data(),
            )
            arrived_us = at_us + rng.randrange(1_000, 30_000) * 1_000
            speaker = vendor if own else "j-lis"
            admitted = self._gate.admit(public_value(event), None, speaker=speaker, arrived_us=arrived_us, origin=f"bench:0:{number}")
            yield number, (admitted.subject or "").encode(), encode(admitted)


class Pulses:
    """As intake writes them when it has read everything up to an instant."""

    def __init__(self, settings: Settings) -> None:
        policies = load_policies(settings.policy)
        parties = load_parties(settings.parties, policies.newest)
        feeds = public_feeds(parties, policies.newest, CARDS, settings.public_partitions)
        self._inputs = Inputs(feeds, parties.input_set, policies.newest.version, BUCKET_S, low_ends=False)
        self._inputs.take(ck.TopicPartition(topic, number, 0) for topic, feed in feeds.items() for number in range(feed.partitions))

    def at(self, instant_us: int) -> bytes:
        for reading in self._inputs.readings.values():
            reading.vouch(instant_us)
        return encode(self._inputs.pulse(instant_us))


def parties_file(folder: Path, vendors: int) -> Path:
    """Parties with so many vendors."""
    told = {name: {"role": "vendor", "label": name, "contact": "none", "sources": [f"/vendors/{name}/"]} for name in _names(vendors)}
    told["j-lis"] = {"role": "j-lis", "label": "J-LIS", "contact": "none", "sources": ["/j-lis/"]}
    family = {
        "names": "municipality_code",
        "role": "municipality",
        "label": "town",
        "contact": "none",
        "sources": ["/municipalities/{party}/"],
    }
    path = folder / f"parties-{vendors}.yaml"
    path.write_bytes(encode({"input_set": 1, "parties": told, "families": [family]}))  # JSON is YAML
    return path


def _names(vendors: int) -> list[str]:
    return [f"vendor-{number}" for number in range(vendors)]
