"""Card applications told by their parties, without end, in the order of arrival: the same seed, the same events.

Twelve events each on average, of 300 to 400 bytes in ``custody-log``; as many applications in flight as are asked for; some are held
at a hop beyond its limits, some returned once, some events come twice, some late.
"""

import heapq
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

import streams
from schemas.events import ENQUIRY, PREFIX, Data, PublicEvent
from schemas.instants import SECOND_US, from_text, to_text
from tests.mixed import VENDORS

TOWNS = sorted(json.loads((Path(streams.__file__).parent / "scenarios" / "municipalities.json").read_text()))
HOUR_US, MS_US = 3_600 * SECOND_US, 1_000
BEGINS_US = from_text("2026-04-01T09:00:00+09:00")
KIOSKS = 100
"""Of each vendor."""
BEFORE_J_LIS = (("application.uploaded", "vendor", 0.2), ("application.forwarded", "vendor", 1.0), ("application.received", "j-lis", 1.0))
AFTER_J_LIS = (
    ("application.accepted", "j-lis", 30.0),
    ("card.issued", "j-lis", 12.0),
    ("card.dispatched", "j-lis", 12.0),
    ("card.arrived", "town", 40.0),
    ("notice.sent", "town", 24.0),
    ("card.handed_over", "town", 40.0),
)
"""Milestone, who says it, hours after the one before: quicker than in life, so that applications come to their end in a run."""
RETURNED = (("application.returned", "j-lis", 30.0), ("application.resubmitted", "vendor", 30.0))
HELD = {"application.uploaded": (0.01, 2, 30), "application.received": (0.03, 7, 100), "card.arrived": (0.01, 150, 300)}
"""Milestone -> the share of applications for which it comes late, and between which hours: beyond the limits of its hop."""
RETURN, AGAIN, LATE, ASKED = 0.2, 0.09, 0.01, 0.1
"""Shares: of applications returned once; of events sent twice, and that arrive hours late; of applications asked about at a counter."""
LIFE_H = 0.2 + 1 + 1 + 30 + 12 + 12 + 40 + 24 + 40 + RETURN * (30 + 30 + 2.2)


class Told(NamedTuple):
    arrived_us: int
    speaker: str
    event: PublicEvent


def told(seed: int, in_flight: int) -> Iterator[Told]:
    """Endless. ``in_flight``: applications under way at once, after the first week."""
    rng, numbers = Random(seed), count()
    waiting: list[tuple[int, int, Told]] = []
    submitted_us, between_us = BEGINS_US, LIFE_H * HOUR_US / in_flight
    while True:
        for said in _Life(rng, submitted_us, next(numbers)).told:
            heapq.heappush(waiting, (said.arrived_us, next(numbers), said))
        submitted_us += int(rng.expovariate(1 / between_us))
        while waiting and waiting[0][0] < submitted_us:
            yield heapq.heappop(waiting)[2]


class _Life:
    def __init__(self, rng: Random, at_us: int, number: int) -> None:
        self._rng, self._number = rng, number
        self._subject = f"{rng.getrandbits(76):023d}"
        self._vendor, kiosk = rng.choice(VENDORS), rng.randrange(KIOSKS)
        self._kiosk = f"{self._vendor}-{kiosk}"
        self._kiosk_town, self._town = TOWNS[kiosk * 7 % len(TOWNS)], rng.choice(TOWNS)
        self.told: list[Told] = []
        self._live(at_us // SECOND_US * SECOND_US)

    def _live(self, at_us: int) -> None:
        self._say("application.submitted", "vendor", at_us)
        way = [*BEFORE_J_LIS]
        if self._rng.random() < RETURN:
            way += [*RETURNED, *BEFORE_J_LIS]
        for milestone, who, hours in [*way, *AFTER_J_LIS]:
            share, least, most = HELD.get(milestone, (0, 0, 0))
            took = self._rng.uniform(least, most) if self._rng.random() < share else self._rng.uniform(0.5, 1.5) * hours
            at_us += int(took * 3_600) * SECOND_US
            self._say(milestone, who, at_us)
        if self._rng.random() < ASKED:
            self._say(ENQUIRY, "town", at_us - 30 * HOUR_US)

    def _say(self, milestone: str, who: str, at_us: int) -> None:
        rng, speaker = self._rng, {"vendor": self._vendor, "j-lis": "j-lis", "town": self._town}[who]
        source = {"vendor": f"/vendors/{speaker}/kiosks/{self._kiosk}", "j-lis": "/j-lis/hq", "town": f"/municipalities/{self._town}/desk"}[
            who
        ]
        towns = {"kiosk_municipality": self._kiosk_town, "residence_municipality": self._town}
        event = PublicEvent(
            specversion="1.0",
            id=f"{self._number}-{len(self.told)}",
            source=source,
            type=PREFIX + milestone,
            time=to_text(at_us),
            subject=self._subject,
            data=Data(kiosk=self._kiosk, **towns) if who == "vendor" else Data(),
        )
        arrived_us = at_us + int(rng.uniform(1, 30 if rng.random() > LATE else 20_000) * 1_000) * MS_US  # as brokers stamp
        self.told.append(Told(arrived_us, speaker, event))
        if rng.random() < AGAIN:
            self.told.append(Told(arrived_us + int(rng.uniform(1, 3_600_000)) * MS_US, speaker, event))
