"""What the Python frameworks beside the watch are given to do: the same logical work in plain Python, and no more than that.

Less than the watch does (as the Java program beside it): no corrections, no attribution, no business days, one clock for all vendors. So it
is a lower bound of the work. Needs the standard library alone.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from typing import Any, NamedTuple, Protocol

PREFIX = "jp.tairyu."
AGAIN, FIRST = "application.resubmitted", "application.submitted"
MILESTONES = (
    FIRST, "application.uploaded", "application.forwarded", "application.received", "application.returned", AGAIN, "application.accepted",
    "card.issued", "card.dispatched", "card.arrived", "notice.sent", "card.handed_over", "card.discarded", "application.voided",
)  # fmt: skip
"""In their order; a later one shows that an earlier hop has ended."""
PLACE = {milestone: place for place, milestone in enumerate(MILESTONES)}
CLAIM, TERMINALS, LEVELS = "application.forwarded", MILESTONES[-3:], ("notice", "warn", "breach")
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
GRACE_US = 7 * DAY_US


class Hop(NamedTuple):
    name: str
    begins: str
    ends: tuple[str, ...]
    later: tuple[str, ...]
    holder: str
    limits_us: tuple[int, ...]


def _hop(name: str, begins: str, ends: Sequence[str], holder: str, unit_us: int, *limits: int) -> Hop:
    later = tuple(each for each in MILESTONES[max(PLACE[end] for end in ends) + 1 :] if each != CLAIM)
    return Hop(name, begins, tuple(ends), later, holder, tuple(limit * unit_us for limit in limits))


HOPS = (
    _hop("upload", FIRST, ["application.uploaded"], "vendor", HOUR_US, 1, 6, 24),
    _hop("forward", "application.uploaded", ["application.received"], "vendor", HOUR_US, 6, 24, 72),
    _hop("screening", "application.received", ["application.accepted", "application.returned"], "j-lis", DAY_US, 8, 12, 20),
    _hop("correction", "application.returned", [AGAIN], "applicant", DAY_US, 30, 60, 90),
    _hop("issuance", "application.accepted", ["card.dispatched"], "j-lis", DAY_US, 18, 22, 30),
    _hop("delivery", "card.dispatched", ["card.arrived"], "post", DAY_US, 5, 7, 10),
    _hop("notice", "card.arrived", ["notice.sent"], "municipality", DAY_US, 10, 15, 20),
    _hop("pickup", "notice.sent", TERMINALS, "applicant", DAY_US, 90, 180, 365),
)


class State(Protocol):
    """One application, as a framework keeps it: what was told of it, and what was last said."""

    last4: str
    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None
    contributions: list[Any]
    """Lists: event, milestone, time_us, arrived_us, speaker, role."""
    said: dict[str, Any]
    """``hop:attempt`` -> a list: levels, revision, whether it is open."""


class Told(NamedTuple):
    """What an event says, whatever the framework made of it."""

    id: str
    source: str
    type: str
    time: str
    speaker: str
    role: str
    received: str
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None


Said = tuple[str | None, dict[str, Any]]
"""Key, value."""


class Judge:
    """One partition: its clock, and when each application has to be looked at next."""

    def __init__(self, partition: int) -> None:
        self._partition, self._clock_us, self._bucket = partition, 0, -1
        self._current: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def news(self, token: str, state: State, told: Told) -> list[Said] | None:
        """Adds the event; None: nothing new, and nothing to be stored."""
        milestone = told.type.removeprefix(PREFIX)
        event = sha256(f"{told.speaker}\0{told.source}\0{told.id}".encode()).hexdigest()[:16]
        if milestone not in PLACE or any(known[0] == event for known in state.contributions):
            return None
        arrived_us = micros(told.received)
        state.contributions.append([event, milestone, micros(told.time), arrived_us, told.speaker, told.role])
        if told.kiosk is not None and state.kiosk is None:
            state.vendor, state.kiosk = told.speaker, told.kiosk
            state.kiosk_municipality, state.residence_municipality = told.kiosk_municipality, told.residence_municipality
        return self._judge(token, state, arrived_us, True)

    def hear(self, inputs: dict[str, Any]) -> list[str]:
        """A pulse's inputs; gives the tokens that are due by it."""
        through = min(micros(text) for told in inputs.values() for text in told["through"].values())
        self._clock_us, due = max(self._clock_us, through), list[str]()
        while self._heap and self._heap[0][0] < self._clock_us:
            due_us, token = heappop(self._heap)
            if self._current.get(token) == due_us:
                del self._current[token]
                due.append(token)
        return due

    def expire(self, token: str, state: State) -> list[Said] | None:
        """Says what is silent; None: its time is over, and it is to be forgotten."""
        return None if _forget_us(state) < self._clock_us else self._judge(token, state, self._clock_us, False)

    def mark(self, at: str, bucket_s: int) -> Iterator[Said]:
        """Behind all that the pulse brought."""
        bucket = micros(at) // 1_000_000 // bucket_s
        if bucket > self._bucket:
            self._bucket = bucket
            yield None, {"id": f"clock:{self._partition}:{bucket}", "source": "/bench", "type": "jp.tairyu.clock.mark", "time": at}

    def _judge(self, token: str, state: State, at_us: int, news: bool) -> list[Said]:
        times, attempt = _times(state)
        said, due_us = list[Said](), _forget_us(state)
        for hop in HOPS:
            entered_us = times.get(hop.begins)
            if entered_us is None:
                continue
            closed_us = _first(times, hop.ends) or _first(times, hop.later)
            levels, revision, was_open = state.said.get(f"{hop.name}:{attempt}", (0, 0, False))
            passed = sum(limit < (closed_us or self._clock_us) - entered_us for limit in hop.limits_us)
            kinds = list[tuple[str, int]]()
            if closed_us is None and not news:
                kinds = [("escalated" if level else "raised", level + 1) for level in range(levels, passed)]
            elif closed_us is not None and (was_open or (passed and not revision)):
                kinds = [("recorded" if not revision else "cleared" if passed else "retracted", max(1, passed))]
            for kind, levels in kinds:
                revision += 1
                state.said[f"{hop.name}:{attempt}"] = [levels, revision, closed_us is None]
                said.append((token, _transition(token, state, hop, attempt, kind, levels, revision, entered_us, closed_us, at_us)))
            if closed_us is None and levels < len(hop.limits_us):
                due_us = min(due_us, entered_us + hop.limits_us[levels])
        self._schedule(token, due_us)
        return said

    def _schedule(self, token: str, due_us: int) -> None:
        if self._current.get(token) != due_us:
            self._current[token] = due_us
            heappush(self._heap, (due_us, token))


def _times(state: State) -> tuple[dict[str, int], int]:
    """Each milestone's earliest time in the newest attempt, and that attempt's number."""
    begun = [each[2] for each in state.contributions if each[1] == AGAIN]
    since_us, times = max(begun, default=0), dict[str, int]()
    for _, milestone, time_us, *_ in state.contributions:
        if time_us >= since_us:
            name = FIRST if milestone == AGAIN else milestone
            times[name] = min(time_us, times.get(name, time_us))
    return times, len(begun) + 1


def _first(times: dict[str, int], names: Sequence[str]) -> int | None:
    return min((times[name] for name in names if name in times), default=None)


def _forget_us(state: State) -> int:
    return min((each[3] + GRACE_US for each in state.contributions if each[1] in TERMINALS), default=1 << 62)


def _transition(
    token: str,
    state: State,
    hop: Hop,
    attempt: int,
    kind: str,
    levels: int,
    revision: int,
    entered_us: int,
    closed_us: int | None,
    at_us: int,
) -> dict[str, Any]:
    stall, due_at = f"{token}:{hop.name}:{attempt}", text(entered_us + hop.limits_us[levels - 1])
    verdict = {
        "stall_id": stall,
        "revision": revision,
        "kind": kind,
        "level": LEVELS[levels - 1],
        "hop": hop.name,
        "attempt": attempt,
        "token": token,
        "last4": state.last4,
        "vendor": state.vendor,
        "kiosk": state.kiosk,
        "kiosk_municipality": state.kiosk_municipality,
        "residence_municipality": state.residence_municipality,
        "holder": hop.holder,
        "entered_at": text(entered_us),
        "due_at": due_at,
        "closed_at": None if closed_us is None else text(closed_us),
        "at": text(at_us),
    }
    envelope = {"specversion": "1.0", "id": f"{stall}:{revision}", "source": "/bench", "type": f"jp.tairyu.stall.{kind}"}
    return envelope | {"subject": token, "time": due_at, "data": verdict}


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def micros(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // _MICROSECOND


def text(instant_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=instant_us)).isoformat().replace("+00:00", "Z")
