"""Histories: what several applicants, vendors and offices do, in which order and how late it is heard, and the pulses between.

A history is a list of plain steps, so that a failing one can be kept as an example; ``told`` makes a log of it. Time only passes by
the steps' ``wait`` (seconds).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.events import CORRECTED, PREFIX, Data, Event
from schemas.instants import SECOND_US, from_text, to_text
from schemas.records import Input, Pulse

Log = list[Event | Pulse]

HOUR, DAY = 3_600, 86_400
BEGINNINGS = ("2026-03-30T01:00:00Z", "2026-04-24T01:00:00Z", "2026-12-25T01:00:00Z", "2030-11-20T01:00:00Z")
"""A plain week; before Golden Week; before the year's end; before the calendar's horizon."""
VENDORS = ("plaza", "tokiwa", "minato")
OFFICES = ("j-lis", "112216", "131016")
ENDS = ("card.handed_over", "card.discarded", "application.voided")
TYPES = {
    **dict.fromkeys(VENDORS, ("application.submitted", "application.uploaded", "application.forwarded", "application.resubmitted")),
    "j-lis": ("application.received", "application.accepted", "application.returned", "card.issued", "card.dispatched", ENDS[2]),
    **dict.fromkeys(OFFICES[1:], ("card.arrived", "notice.sent", ENDS[0], ENDS[2])),
}
WAY = (
    *(("plaza", what) for what in ("application.submitted", "application.uploaded")),
    *(("j-lis", what) for what in ("application.received", "application.accepted", "card.dispatched")),
    *(("112216", what) for what in ("card.arrived", "notice.sent", ENDS[0])),
)
"""How it should go."""
CLAIMS = {"1970": "1970-01-01T00:00:00Z", "2099": "2099-12-31T15:00:00+09:00", "2015": "2015-10-04T23:59:59+09:00"}
SETS: dict[int, dict[str, tuple[str | None, int]]] = {
    1: {"p": ("plaza", 1), "t": ("tokiwa", 1), "m": ("minato", 1), "j": (None, 1), "c": (None, 1)},
    2: {"p": ("plaza", 1), "t": ("tokiwa", 2), "m": ("minato", 1), "j": (None, 2), "c": (None, 1)},
    3: {"p": ("plaza", 1), "m": ("minato", 1), "j": (None, 2), "c": (None, 1)},
    4: {"p": ("plaza", 1), "t": ("tokiwa", 1), "m": ("minato", 1), "j": (None, 2), "c": (None, 1)},
}
"""Partitions are added; ``tokiwa`` is retired, and returns."""


@dataclass(frozen=True)
class Say:
    """A speaker says that a milestone happened ``ago`` seconds before it arrives (or at a claim of CLAIMS); it is read ``late``."""

    app: int
    speaker: str
    what: str
    wait: int = 60
    ago: int | str = 0
    late: int = 0
    name: str | None = None
    """A reused id; None: a fresh one."""
    kiosk: str | None = None
    town: str | None = None


@dataclass(frozen=True)
class Next:
    """The application's next milestone, as it should go; ``after``: it happened so many seconds after the one before, and is heard now."""

    app: int
    wait: int = 60
    ago: int | str = 0
    late: int = 0
    after: int | None = None


@dataclass(frozen=True)
class Again:
    """An earlier event comes once more; it arrived ``late`` seconds before now."""

    of: int
    wait: int = 0
    late: int = 0


@dataclass(frozen=True)
class Void:
    """The speaker of an earlier event corrects it; ``by``: somebody else tries to."""

    of: int
    wait: int = 0
    late: int = 0
    by: str | None = None


@dataclass(frozen=True)
class Beat:
    """A pulse: each topic is read through ``behind`` seconds before now; what is not named, through now; None: not told."""

    wait: int = 1
    behind: tuple[tuple[str, int | None], ...] = ()
    input_set: int = 1


Step = Say | Next | Again | Void | Beat


def token(app: int) -> str:
    return hashlib.sha256(f"history {app}".encode()).hexdigest()


COUNT = [0]
"""How many histories were told so far."""


def told(beginning: str, steps: Sequence[Step]) -> Log:
    """The log of a history."""
    COUNT[0] += 1
    return Telling(from_text(beginning)).tell(steps)


class Telling:
    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.log: Log = []
        self.events: list[Event] = []
        self.gone: dict[int, int] = {}
        """Application -> how far it is on its way."""
        self.at_us: dict[int, int] = {}
        """Application -> when the last of these happened."""

    def tell(self, steps: Sequence[Step]) -> Log:
        for step in steps:
            self.now_us += step.wait * SECOND_US
            if isinstance(step, Beat):
                self.log.append(self.pulse(step))
            else:
                self.put(step)
        return self.log

    def put(self, step: Say | Next | Again | Void) -> None:
        if isinstance(step, Say):
            event = self.said(step)
        elif isinstance(step, Next):
            event = self.next(step)
        elif not self.events:
            return
        elif isinstance(step, Again):
            event = replace(self.events[step.of % len(self.events)], received=self.ago(step.late))
        else:
            event = self.void(step, self.events[step.of % len(self.events)])
        self.events.append(event)
        self.log.append(event)

    def ago(self, seconds: int) -> str:
        return to_text(self.now_us - seconds * SECOND_US)

    def next(self, step: Next) -> Event:
        speaker, what = WAY[self.gone.get(step.app, 0) % len(WAY)]
        self.gone[step.app] = self.gone.get(step.app, 0) + 1
        before_us = self.at_us.get(step.app, self.now_us)
        ago = step.ago if step.after is None else (self.now_us - before_us) // SECOND_US - step.after - step.late
        self.at_us[step.app] = self.now_us - (ago if isinstance(ago, int) else 0) * SECOND_US
        return self.said(Say(step.app, speaker, what, step.wait, ago, step.late))

    def said(self, step: Say) -> Event:
        time = CLAIMS[step.ago] if isinstance(step.ago, str) else self.ago(step.late + step.ago)
        data = Data(kiosk=step.kiosk, kiosk_municipality=step.town, residence_municipality=step.town)
        return self.event(step.app, step.speaker, step.what, time, step.late, step.name, data)

    def void(self, step: Void, other: Event) -> Event:
        app = next(app for app in range(9) if token(app) == other.subject)
        data = Data(source=other.source, id=other.id, reason="a mistake")
        return self.event(app, step.by or other.speaker, CORRECTED, self.ago(step.late), step.late, None, data)

    def event(self, app: int, speaker: str, what: str, time: str, late: int, name: str | None, data: Data) -> Event:
        vendor = speaker in VENDORS
        return Event(
            specversion="1.0",
            id=name or f"n{len(self.events)}",
            source=f"/{speaker}",
            type=PREFIX + what,
            time=time,
            speaker=speaker,
            role="vendor" if vendor else "j-lis" if speaker == "j-lis" else "municipality",
            own_feed=vendor,
            received=self.ago(late),
            origin="t:0:0",
            subject=token(app),
            last4="0001",
            data=data,
        )

    def pulse(self, step: Beat) -> Pulse:
        inputs, behind = {}, dict(step.behind)
        for topic, (vendor, partitions) in SETS[step.input_set].items():
            lag = behind.get(topic, 0)
            through = {} if lag is None else dict.fromkeys(range(partitions), self.ago(lag))
            inputs[topic] = Input(vendor=vendor, partitions=partitions, through=through, heard={})
        return Pulse(at=self.ago(0), bucket_s=5, policy="2026-1", input_set=step.input_set, inputs=inputs)
