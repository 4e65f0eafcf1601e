"""When each application has to be looked at next. A pulse costs what is due, not what is open."""

from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

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

    def come_to(self, hour: int, due_of: DueOf) -> None:
        if hour > self.hour:
            self.hour = hour
            for reached in [far for far in self.far if far <= hour]:
                self.near += ((due_us, token) for token, due_us in _current(self.far.pop(reached), reached, due_of))
            heapify(self.near)

    def top(self, due_of: DueOf) -> int | None:
        """The earliest instant."""
        while True:
            while self.near and due_of(self.near[0][1]) != self.near[0][0]:
                heappop(self.near)
            if self.near or not self.far:
                return self.near[0][0] if self.near else None
            self.come_to(min(self.far), due_of)

    def before(self, until_us: int, due_of: DueOf) -> Iterator[bytes]:
        """The tokens due before an instant. A heap's entries before an instant hang together from its top."""
        places = [0]
        while places:
            place = places.pop()
            for due_us, token in self.near[place : place + 1]:
                if due_us < until_us:
                    if due_of(token) == due_us:
                        yield token
                    places += (2 * place + 1, 2 * place + 2)
        for hour, tokens in list(self.far.items()):
            if hour * HOUR_US < until_us:
                yield from (token for token, due_us in _current(list(tokens), hour, due_of) if due_us < until_us)

    def tidy(self, due_of: DueOf) -> None:
        self.near = list({entry for entry in self.near if due_of(entry[1]) == entry[0]})
        heapify(self.near)
        for hour, tokens in list(self.far.items()):
            self.far[hour] = [token for token, _ in _current(tokens, hour, due_of)]
            if not self.far[hour]:
                del self.far[hour]


def _current(tokens: Iterable[bytes], hour: int, due_of: DueOf) -> Iterator[tuple[bytes, int]]:
    """Each token that is still due in this hour, once, with its instant."""
    for token in dict.fromkeys(tokens):
        due_us = due_of(token)
        if due_us is not None and due_us // HOUR_US == hour:
            yield token, due_us


class DueIndex:
    """Tokens by the instant after which they are due, grouped by the vendors whose clock they wait for.

    What was replaced stays until it surfaces: an entry counts if the record still has its instant (``due_of``). So the index holds a
    word for each application that is not due soon, and nothing else.
    """

    def __init__(self) -> None:
        self._queues: dict[Vendors, _Queue] = {}
        self.added = 0
        """Entries since it was tidied."""

    def __len__(self) -> int:
        """Entries, replaced ones included."""
        return sum(map(len, self._queues.values()))

    def put(self, token: bytes, due_us: int, vendors: Vendors) -> None:
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
            clock_us = clocks.of(vendors)
            queue.come_to(clock_us // HOUR_US, due_of)
            near = queue.near
            while near and near[0][0] < clock_us:
                due_us, token = heappop(near)
                if due_of(token) == due_us:
                    due[token] = None
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
        """Drop what was replaced, if it may be more than the ``live`` entries, so that memory follows what is open."""
        if self.added > live + SPARE:
            self.added = 0
            for vendors, queue in list(self._queues.items()):
                queue.tidy(due_of)
                if not len(queue):
                    del self._queues[vendors]
