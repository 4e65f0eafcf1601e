"""A seeded mix of everything odd: stalls, 不備 loops, corrections, duplicates, reversed events, two vendors, moved applicants.

Nothing in it is expected of a judge by itself; it is a load on which two judges must agree.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.instants import SECOND_US, to_text

HOUR_US = 3_600 * SECOND_US
VENDORS = ("plaza", "tokiwa", "minato")
TOWNS = ("112216", "131016", "111007", "141003", "271004", "011002")
WAY = (
    ("application.submitted", "vendor", 0.0),
    ("application.uploaded", "vendor", 0.2),
    ("application.forwarded", "vendor", 0.5),
    ("application.received", "j-lis", 4.0),
    ("application.accepted", "j-lis", 120.0),
    ("card.issued", "j-lis", 200.0),
    ("card.dispatched", "j-lis", 40.0),
    ("card.arrived", "town", 48.0),
    ("notice.sent", "town", 100.0),
    ("card.handed_over", "town", 300.0),
)
"""Milestone, who says it, mean hours after the one before."""

Sent = dict[str, Any]


@dataclass
class Applicant:
    rng: random.Random
    now_us: int
    subject: str = field(init=False)
    vendor: str = field(init=False)
    town: str = field(init=False)
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.subject = "".join(self.rng.choices("0123456789", k=23))
        self.vendor, self.town = self.rng.choice(VENDORS), self.rng.choice(TOWNS)

    def live(self) -> list[Sent]:
        """Its events, each in the past of ``now_us``, in the order in which they happened; then some oddities."""
        at_us = self.now_us - int(self.rng.uniform(1, 1500) * HOUR_US)
        way = list(WAY)
        while way:
            name, who, hours = way.pop(0)
            at_us += int(self.rng.expovariate(1 / hours) * HOUR_US) if hours else 0
            if at_us > self.now_us or self.rng.random() < 0.02:
                break
            if self.rng.random() > 0.02:  # otherwise nobody ever says it
                self.say(name, who, at_us)
            if name == "application.received" and self.rng.random() < 0.1:
                at_us = self.returned(at_us)
                way = list(WAY[3:])
        self.oddities()
        return self.sent

    def returned(self, at_us: int) -> int:
        at_us += int(self.rng.uniform(1, 200) * HOUR_US)
        if at_us < self.now_us:
            self.say("application.returned", "j-lis", at_us)
        at_us += int(self.rng.uniform(1, 900) * HOUR_US)
        if at_us < self.now_us:
            self.say("application.resubmitted", "vendor", at_us)
        return at_us

    def oddities(self) -> None:
        rng = self.rng
        if rng.random() < 0.05:
            self.say("application.submitted", rng.choice([v for v in VENDORS if v != self.vendor]), self.now_us - HOUR_US)
        if rng.random() < 0.03:
            self.say("application.voided", "town", self.now_us - HOUR_US)
        if self.sent and rng.random() < 0.06:
            self.correct(rng.choice(self.sent))
        if self.sent and rng.random() < 0.03:
            self.sent.append({**rng.choice(self.sent), "time": to_text(self.now_us + rng.choice((-60, 400 * 24)) * HOUR_US)})
        if self.sent and rng.random() < 0.2:
            self.sent.append(dict(rng.choice(self.sent)))
        if rng.random() < 0.3:
            rng.shuffle(self.sent)

    def correct(self, event: Sent) -> None:
        self.sent.append(
            {
                **event,
                "id": self.new_id(),
                "type": "jp.tairyu.event.corrected",
                "data": {"source": event["source"], "id": event["id"], "reason": "wrong application"},
            }
        )
        if self.rng.random() < 0.5:
            self.sent.append({**event, "id": self.new_id()})

    def say(self, name: str, who: str, at_us: int) -> None:
        speaker = {"vendor": self.vendor, "town": self.town}.get(who, who)
        source = f"/vendors/{speaker}/kiosks/1" if speaker in VENDORS else f"/municipalities/{speaker}" if who == "town" else "/j-lis"
        self.sent.append(
            {
                "specversion": "1.0",
                "id": self.new_id(),
                "source": source,
                "type": f"jp.tairyu.{name}",
                "time": to_text(at_us),
                "subject": self.subject,
                "speaker": speaker,
                "data": {"kiosk": f"{self.vendor}-{self.town}", "kiosk_municipality": self.town} if who == "vendor" else {},
            }
        )

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))


def mixed_events(applications: int, seed: int, now_us: int) -> Iterator[Sent]:
    """Events of many applications, some dozens of them in flight at a time."""
    rng = random.Random(seed)
    flying: list[list[Sent]] = []
    for _ in range(applications):
        flying.append(Applicant(rng, now_us).live())
        while len(flying) > 50:
            yield from _some(rng, flying)
    while flying:
        yield from _some(rng, flying)


def _some(rng: random.Random, flying: list[list[Sent]]) -> Iterator[Sent]:
    place = rng.randrange(len(flying))
    if flying[place]:
        yield flying[place].pop(0)
    else:
        flying.pop(place)


def lines(events: Iterator[Sent]) -> Iterator[bytes]:
    return map(orjson.dumps, events)
