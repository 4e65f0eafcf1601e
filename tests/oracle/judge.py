"""A second judge, slow and plain, written from the design's section 4 by itself: which transitions a correct system gives.

Nothing is kept but the log so far, what was last said of each hop, and since when each hop stands as it does; the rest is computed
anew at every record. It imports nothing from ``streams``.
"""

from dataclasses import dataclass, field, replace

from schemas.events import Event
from schemas.instants import SECOND_US, from_text
from schemas.records import Pulse
from tests.oracle.clocks import ALL, clock_for, clocks_of
from tests.oracle.parts import is_news, shrinks_at
from tests.oracle.policy import Version
from tests.oracle.sayings import Mark, Saying, Verdict, figures, saying, state_of, verdict
from tests.oracle.truth import VOID, Stand, stands_of

REASONS = {"in_time": "in_time", "undetermined": "end_unobserved", "open": "corrected", "undated": "corrected", "void": "never_opened"}


@dataclass
class Application:
    """What one token has heard."""

    events: list[Event] = field(default_factory=list)
    said: dict[tuple[str, int], Saying] = field(default_factory=dict)
    since: dict[tuple[str, int], int] = field(default_factory=dict)
    """Arrival of the news that opened, reopened or re-dated the hop."""
    by_clock: dict[tuple[str, int], int] = field(default_factory=dict)
    """The highest clock by which a level of it was said since it was raised."""
    marker: int | None = None
    """Once shrunk: the instant at which."""

    def vendors(self) -> set[str]:
        return {event.speaker for event in self.events if event.own_feed}


class Oracle:
    """Feed it the log; ``said`` is everything a correct system gives, in order."""

    def __init__(self, policies: list[Version]) -> None:
        self.policies = policies
        self.newest = policies[-1]
        self.pulses: list[Pulse] = []
        self.applications: dict[str, Application] = {}
        self.gone: dict[str, Application] = {}
        """What was forgotten, as it ended."""
        self.said: list[Saying | Mark] = []

    def feed(self, log: list[Event | Pulse]) -> "Oracle":
        for record in log:
            self.pulse(record) if isinstance(record, Pulse) else self.news(record)
        return self

    def transitions(self) -> list[Saying]:
        return [said for said in self.said if isinstance(said, Saying)]

    def news(self, event: Event) -> None:
        if event.subject is None or not is_news(event, self.newest):
            return
        arrived = from_text(event.received)
        application = self.living(event.subject)
        if application is None:
            return
        before = stands_of(application.events, self.policies)
        clock = clock_for(application.vendors() | ({event.speaker} if event.own_feed else set()), clocks_of(self.pulses))
        application.events.append(event)
        after = stands_of(application.events, self.policies)
        for key in self.in_order({*before, *after, *application.said}):
            old, new = before.get(key, VOID), after.get(key, VOID)
            if new.name == "open" and (old.name, old.entered, old.dues) != ("open", new.entered, new.dues):
                application.since[key] = arrived
            self.say_news(event.subject, application, key, new, arrived, clock)

    def living(self, token: str) -> Application | None:
        """The application as it is now; None once it has shrunk to a marker: then everything is history only."""
        application = self.applications.setdefault(token, Application())
        return None if application.marker is not None else application

    def in_order(self, keys: set[tuple[str, int]]) -> list[tuple[str, int]]:
        hops = list(self.newest.hops)
        return sorted(keys, key=lambda key: (hops.index(key[0]), key[1]))

    def say_news(self, token: str, application: Application, key: tuple[str, int], now: Stand, arrived: int, clock: int | None) -> None:
        """The table of the design, row by row: what was last said, what is now true, what is said."""
        last = application.said.get(key)
        was = state_of(last)
        if now.name == "late":
            said = self.late(token, key, last, now, arrived)
        elif last is None:
            return
        elif was == "open" and now.name == "open":
            reached = max(application.by_clock[key], clock if clock is not None else application.by_clock[key])
            said = self.still_open(last, now, arrived, reached)
        elif was == "retracted" and now.name == "open" and clock is not None and now.passed(clock):
            return
        else:
            said = self.retract(last, now, arrived)
        if said is not None:
            self.say(application, key, said)

    def late(self, token: str, key: tuple[str, int], last: Saying | None, now: Stand, arrived: int) -> Saying | None:
        assert now.closed is not None
        level = now.passed(now.closed)
        assert level is not None
        kind = "cleared" if state_of(last) == "open" or (last and last.kind == "cleared") else "recorded"
        said = saying(token, key, last, kind, level, now, now.closed, arrived)
        same = last is not None and state_of(last) == "late" and figures(last) == figures(said)
        return None if same else said

    def still_open(self, last: Saying, now: Stand, arrived: int, reached: int) -> Saying | None:
        passed = now.passed(reached)
        if passed is None:
            return self.retract(last, now, arrived)
        places = now.places()
        level = min(passed, last.level if last.level in places else places[0], key=places.index)
        said = saying(last.token, (last.hop, last.attempt), last, "revised", level, now, arrived, arrived)
        return None if figures(last) == figures(said) else said

    def retract(self, last: Saying, now: Stand, arrived: int) -> Saying | None:
        """Takes back the level that was said, and of whom it was said; the dates are those that are true now, if there are any."""
        reason = REASONS[now.name]
        if last.kind == "retracted" and last.reason == reason:
            return None
        taken = replace(last, revision=last.revision + 1, kind="retracted", reason=reason, time=arrived, at=arrived, closed=now.closed)
        taken = replace(taken, closed_before=now.closed_before)
        level = last.level if last.level in now.places() else next(iter(now.places()), "")
        limit = dict(now.dues).get(level)
        if limit is None:
            return replace(taken, closed=None)
        return replace(taken, level=level, entered=now.entered, due=limit, rule=now.rule, version=now.version)

    def pulse(self, pulse: Pulse) -> None:
        self.pulses.append(pulse)
        clocks = clocks_of(self.pulses)
        found = [due for token in self.applications for due in self.due_now(token, clocks)]
        hops = list(self.newest.hops)
        found.sort(key=lambda pair: (pair[0].due, pair[0].token, hops.index(pair[0].hop), pair[0].attempt, pair[1]))
        for said, _ in found:
            application, key = self.applications[said.token], (said.hop, said.attempt)
            last = application.said.get(key)
            kind = "escalated" if state_of(last) == "open" else "raised"
            self.say(application, key, replace(said, kind=kind, revision=1 + (last.revision if last else 0)))
            application.by_clock[key] = said.at if kind == "raised" else max(said.at, application.by_clock[key])
        self.end(clocks)
        self.mark(pulse, clocks)

    def due_now(self, token: str, clocks: dict[str, int]) -> list[tuple[Saying, int]]:
        """Every level of this application's open hops that the clock has passed and that is not said, with the level's place."""
        clock = clock_for(self.applications[token].vendors(), clocks)
        if clock is None:
            return []
        return [
            (saying(token, key, None, "raised", stand.places()[place], stand, stand.limit(place), clock), place)
            for key, stand, place, wait in self.unsaid(token)
            if clock > max(stand.limit(place), wait)
        ]

    def next_due(self) -> int | None:
        """The earliest instant after which a pulse has something to say."""
        pending = [(stand.limit(place), wait) for token in self.applications for _, stand, place, wait in self.unsaid(token)]
        return min((max(pair) for pair in pending), default=None)

    def unsaid(self, token: str) -> list[tuple[tuple[str, int], Stand, int, int]]:
        """(hop and attempt, how it stands, level's place, until when the news settles) of every level not said of what is open."""
        application = self.applications[token]
        if application.marker is not None:
            return []
        found = []
        for key, stand in stands_of(application.events, self.policies).items():
            last = application.said.get(key)
            start = stand.places().index(last.level) + 1 if last is not None and state_of(last) == "open" else 0
            if stand.name == "open":
                wait = application.since[key] + self.settle_of(stand)
                found += [(key, stand, place, wait) for place in range(start, len(stand.dues)) if stand.dues[place][1] is not None]
        return found

    def end_of(self, application: Application) -> int | None:
        return application.marker if application.marker is not None else shrinks_at(application.events, self.newest)

    def settle_of(self, stand: Stand) -> int:
        return next((policy.settle for policy in self.policies if policy.name == stand.version), self.newest.settle)

    def end(self, clocks: dict[str, int]) -> None:
        """After its grace an application is only a marker; after ``forget_after`` not even that."""
        for token, application in list(self.applications.items()):
            clock, ends = clock_for(application.vendors(), clocks), self.end_of(application)
            if clock is None or ends is None:
                continue
            if clock > ends + self.newest.forget_after:
                self.gone[token] = self.applications.pop(token)
            elif clock > ends:
                application.marker = ends

    def mark(self, pulse: Pulse, clocks: dict[str, int]) -> None:
        """The first pulse whose ``at`` enters a higher bucket."""
        size = pulse.bucket_s * SECOND_US
        at = from_text(pulse.at)
        if all(from_text(earlier.at) // size < at // size for earlier in self.pulses[:-1]):
            newest = max(self.pulses, key=lambda heard: heard.input_set)
            vendors = {put.vendor for put in newest.inputs.values()} & set(clocks)
            self.said.append(Mark(at, at // size, clocks.get(ALL), tuple(sorted((name, clocks[name]) for name in vendors if name))))

    def say(self, application: Application, key: tuple[str, int], said: Saying) -> None:
        application.said[key] = said
        self.said.append(said)

    def verdicts(self) -> dict[tuple[str, str, int], Verdict]:
        """The final verdict of every hop that opened; an open one's level is the one said."""
        found = {}
        for token, application in (self.gone | self.applications).items():
            for key, stand in stands_of(application.events, self.policies).items():
                found[token, *key] = verdict(stand, application.said.get(key))
        return found
