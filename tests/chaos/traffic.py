"""Traffic with a known truth: applications that live for some seconds, told by their parties with everything that goes wrong."""

import heapq
import itertools
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import confluent_kafka as ck
import orjson

from schemas.instants import SECOND_US, to_text
from streams.senders import Senders
from tests.mixed import TOWNS, VENDORS

WAY = (
    ("application.submitted", "vendor", 0.0),
    ("application.uploaded", "vendor", 1.0),
    ("application.forwarded", "vendor", 0.2),
    ("application.received", "j-lis", 1.5),
    ("application.accepted", "j-lis", 1.5),
    ("card.issued", "j-lis", 0.5),
    ("card.dispatched", "j-lis", 1.0),
    ("card.arrived", "town", 1.5),
    ("notice.sent", "town", 1.5),
    ("card.handed_over", "town", 2.0),
)
"""Milestone, who says it, mean seconds after the one before."""
MISTAKES = (b"", b"no JSON", b"[" * 200, b"{}", b'{"specversion":"1.0","id":"1","source":"/vendors/plaza/","type":"jp.tairyu.card.lost"}')
REST_S = 0.05

Event = dict[str, Any]


class Planned(NamedTuple):
    """An event, and when it is sent."""

    at_us: int
    event: Event


@dataclass
class Life:
    """One application from ``now_us`` on."""

    rng: random.Random
    now_us: int
    told: list[Planned] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.subject = "".join(self.rng.choices("0123456789", k=23))
        self.vendor, self.town = self.rng.choice(VENDORS), self.rng.choice(TOWNS)

    def live(self) -> list[Planned]:
        at_us, way = self.now_us, list(WAY)
        while way and self.rng.random() > 0.03:  # otherwise it is held here for ever
            name, who, mean_s = way.pop(0)
            at_us += int(self.rng.expovariate(1 / mean_s) * SECOND_US) if mean_s else 0
            if self.rng.random() > 0.02:  # otherwise nobody ever says it
                self.say(name, who, at_us)
            if name == "application.received" and self.rng.random() < 0.1:
                at_us = self.returned(at_us)
                way = list(WAY[3:])
        self.oddities(at_us)
        return self.told

    def returned(self, at_us: int) -> int:
        at_us += int(self.rng.uniform(0.2, 3) * SECOND_US)
        self.say("application.returned", "j-lis", at_us)
        at_us += int(self.rng.uniform(0.2, 5) * SECOND_US)
        self.say("application.resubmitted", "vendor", at_us)
        return at_us

    def oddities(self, at_us: int) -> None:
        rng = self.rng
        if rng.random() < 0.04:
            other = rng.choice([name for name in VENDORS if name != self.vendor])
            self.say("application.submitted", "vendor", at_us, speaker=other)
        if rng.random() < 0.04:
            self.say("application.voided", "town", at_us)
        if self.told and rng.random() < 0.05:
            self.correct(rng.choice(self.told))
        if self.told and rng.random() < 0.03:  # the same id, another content: by a clock of another century
            again = rng.choice(self.told)
            self.told.append(Planned(again.at_us, {**again.event, "time": rng.choice(("1970-01-01T00:00:09Z", "2099-01-01T00:00:00Z"))}))
        if self.told and rng.random() < 0.2:
            again = rng.choice(self.told)
            self.told.append(Planned(again.at_us + int(rng.uniform(0, 5) * SECOND_US), dict(again.event)))

    def correct(self, wrong: Planned) -> None:
        """Sent a little before or after what it corrects; sometimes with a replacement."""
        data = {"source": wrong.event["source"], "id": wrong.event["id"], "reason": "wrong application"}
        at_us = wrong.at_us + int(self.rng.uniform(-1, 3) * SECOND_US)
        self.told.append(Planned(at_us, {**wrong.event, "id": self.new_id(), "type": "jp.tairyu.event.corrected", "data": data}))
        if self.rng.random() < 0.5:
            self.told.append(Planned(at_us, {**wrong.event, "id": self.new_id()}))

    def say(self, name: str, who: str, at_us: int, speaker: str | None = None) -> None:
        speaker = speaker or {"vendor": self.vendor, "town": self.town}.get(who, who)
        source = f"/vendors/{speaker}/kiosks/1" if speaker in VENDORS else f"/municipalities/{speaker}" if who == "town" else "/j-lis"
        event = {
            "specversion": "1.0",
            "id": self.new_id(),
            "source": source,
            "type": f"jp.tairyu.{name}",
            "time": to_text(at_us),
            "subject": self.subject,
            "speaker": speaker,
            "data": {"kiosk": f"{self.vendor}-{self.town}", "kiosk_municipality": self.town} if who == "vendor" else {},
        }
        late_s = self.rng.uniform(2, 6) if self.rng.random() < 0.05 else self.rng.uniform(0.02, 0.3)
        self.told.append(Planned(at_us + int(late_s * SECOND_US), event))

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))


class Traffic:
    """Lives that begin at a steady rate; told in real time from ``start`` until ``finish``."""

    def __init__(self, bootstrap: str, senders: Senders, seed: int, per_s: float) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self._rng, self._per_s, self._senders = random.Random(seed), per_s, senders
        self._producer = ck.Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": 300_000,
                "queue.buffering.max.messages": 1_000_000,
                "log_level": 2,
            }
        )
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, Event | bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="traffic")

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Nothing more is told, in the middle of many lives (their stalls stay open); the broker has everything that was."""
        self._over.set()
        self._thread.join()
        left = self._producer.flush(300)
        assert (left, self.failed) == (0, []), (left, self.failed[:3])

    def _tell(self) -> None:
        begun, started_us = 0, _now_us()
        while not self._over.wait(REST_S):
            now_us = _now_us()
            while begun < (now_us - started_us) * self._per_s / SECOND_US:
                begun += 1
                self._begin(now_us)
            while self._waiting and self._waiting[0][0] <= now_us:
                self._send(heapq.heappop(self._waiting)[2])
            self._producer.poll(0)

    def _begin(self, now_us: int) -> None:
        for at_us, event in Life(self._rng, now_us).live():
            heapq.heappush(self._waiting, (at_us, next(self._order), event))
        if self._rng.random() < 0.1:
            heapq.heappush(self._waiting, (now_us, next(self._order), self._rng.choice(MISTAKES)))

    def _send(self, event: Event | bytes) -> None:
        if isinstance(event, bytes):
            topic, headers, value = f"kiosk-events.{self._rng.choice(VENDORS)}", [], event
        else:
            topic, headers = self._senders.route(event["speaker"])
            value = orjson.dumps({name: what for name, what in event.items() if name != "speaker"})
        self._producer.produce(topic, value, headers=[*headers], on_delivery=self._delivered)
        self.sent += 1

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is not None:
            self.failed.append(error.str())


def _now_us() -> int:
    return time.time_ns() // 1_000
