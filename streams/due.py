"""When each application has to be looked at next. A pulse costs what is due, not what is open."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from schemas.instants import SECOND_US
from streams.clocks import UNKNOWN, Clocks

Vendors = tuple[str, ...]
DueOf = Callable[[bytes], int | None]
"""Token -> the instant that its record has now."""
HOUR_US = 3_600 * SECOND_US
SPARE = 64


class _Queue:
    """The tokens that wait for one clock: those of the hours that it has reached by their instants, the others only by their hours."""

    def __init__(self) -> None:
        self.near: list[tuple[int, bytes]] = []
        self.far: dict[int, list[bytes]] = {}
        self.hours: list[int] = []
        """Those of ``far``, as a heap: there may be thousands, until the last is forgotten."""
        self.hour = UNKNOWN
        """Up to which ``near`` holds everything."""

    def __len__(self) -> int:
        return len(self.near) + sum(map(len, self.far.values()))

    def put(self, token: bytes, due_us: int) -> None:
        hour = due_us // HOUR_US
        if hour <= self.hour:
            heappush(self.near, (due_us, token))
        elif hour in self.far:
            self.far[hour].append(token)
        else:
            self.far[hour] = [token]
            heappush(self.hours, hour)

    def come_to(self, hour: int, due_of: DueOf) -> None:
        if hour > self.hour:
            self.hour = hour
            hours = self.hours
            while hours and hours[0] <= hour:
                self._spread(heappop(hours), due_of)

    def passed(self, clock_us: int, due_of: DueOf) -> Iterator[bytes]:
        """Take out those whose instant the clock has passed; one may come twice."""
        self.come_to(clock_us // HOUR_US, due_of)
        near = self.near
        while near and near[0][0] < clock_us:
            looked_for_us, token = heappop(near)
            due_us = due_of(token)
            if due_us is None or due_us < looked_for_us:
                continue
            if due_us < clock_us:
                yield token
            else:
                self.put(token, due_us)

    def top(self, due_of: DueOf) -> int | None:
        """The earliest instant."""
        while self.near or self.far:
            if not self.near:
                self.come_to(self.hours[0], due_of)
                continue
            looked_for_us, token = self.near[0]
            due_us = due_of(token)
            if due_us == looked_for_us:
                return due_us
            heappop(self.near)
            if due_us is not None and due_us > looked_for_us:
                self.put(token, due_us)
        return None

    def before(self, until_us: int, due_of: DueOf) -> Iterator[bytes]:
        """The tokens due before an instant. A heap's entries before an instant hang together from its top."""
        places = [0]
        while places:
            place = places.pop()
            for looked_for_us, token in self.near[place : place + 1]:
                if looked_for_us < until_us:
                    if _is_before(due_of(token), until_us):
                        yield token
                    places += (2 * place + 1, 2 * place + 2)
        for hour, tokens in list(self.far.items()):
            if hour * HOUR_US < until_us:
                yield from (token for token in list(tokens) if _is_before(due_of(token), until_us))

    def tidy(self, due_of: DueOf) -> None:
        near, self.near = self.near, []
        for token in {token for _, token in near}:
            self._again(token, due_of)
        hours, self.hours = self.hours, []
        for hour in sorted(hours):
            self._spread(hour, due_of)

    def _spread(self, hour: int, due_of: DueOf) -> None:
        """Put each token of an hour where it belongs now, once."""
        for token in dict.fromkeys(self.far.pop(hour)):
            self._again(token, due_of)

    def _again(self, token: bytes, due_of: DueOf) -> None:
        due_us = due_of(token)
        if due_us is not None:
            self.put(token, due_us)


def _is_before(due_us: int | None, until_us: int) -> bool:
    return due_us is not None and due_us < until_us


class DueIndex:
    """Tokens by the instant after which they are due, grouped by the vendors whose clock they wait for.

    An entry stands at the record's instant or before it: most news put it off, and then the entry stays until it surfaces and is put
    where it belongs (``due_of``). So most news cost the index nothing, and it holds a word for what is not due soon.
    """

    def __init__(self) -> None:
        self._queues: dict[Vendors, _Queue] = {}
        self.added = 0
        """Entries since it was tidied."""

    def __len__(self) -> int:
        """Entries, of which an application may have several."""
        return sum(map(len, self._queues.values()))

    def put(self, token: bytes, due_us: int, vendors: Vendors) -> None:
        """To be looked at after this instant. Need not be told of an application that is put off: see above."""
        queue = self._queues.get(vendors)
        if queue is None:
            queue = self._queues[vendors] = _Queue()
        queue.put(token, due_us)
        self.added += 1

    def take_due(self, clocks: Clocks, due_of: DueOf) -> list[bytes]:
        """Remove and return the tokens whose instant their clock has passed (clock > instant).

        Where more vendors have spoken since, a token may be returned before all of their clocks have passed it.
        """
        due: dict[bytes, None] = {}
        for vendors, queue in self._queues.items():
            due.update(dict.fromkeys(queue.passed(clocks.of(vendors), due_of)))
        return list(due)

    def first(self, due_of: DueOf) -> int | None:
        """The earliest instant of all."""
        return min((top for queue in self._queues.values() if (top := queue.top(due_of)) is not None), default=None)

    def count(self, until_us: int, due_of: DueOf) -> int:
        """How many are due before an instant: costs what is counted, not what is open.

        May be asked from another thread: then it is off by what moves meanwhile.
        """
        return len({token for queue in list(self._queues.values()) for token in queue.before(until_us, due_of)})

    def tidy(self, live: int, due_of: DueOf) -> None:
        """Each once, where it belongs, if more than twice the ``live`` were added, so that memory follows what is open."""
        if self.added > 2 * live + SPARE:
            self.added = 0
            for vendors, queue in list(self._queues.items()):
                queue.tidy(due_of)
                if not len(queue):
                    del self._queues[vendors]
