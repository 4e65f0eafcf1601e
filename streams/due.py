"""When each application has to be looked at next. A pulse costs what is due, not what is open."""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

from streams.clocks import Clocks

Vendors = tuple[str, ...]
DueOf = Callable[[bytes], int | None]
"""Token -> the instant that its record has now."""
SPARE = 64


class DueIndex:
    """Tokens by the instant after which they are due, grouped by the vendors whose clock they wait for.

    What was replaced stays in its heap until it surfaces: an entry counts if the record still has its instant (``due_of``). So the
    index holds one entry of a few words for each application, and nothing else.
    """

    def __init__(self) -> None:
        self._heaps: dict[Vendors, list[tuple[int, bytes]]] = {}

    def __len__(self) -> int:
        """Entries, replaced ones included."""
        return sum(map(len, self._heaps.values()))

    def fill(self, entries: Iterable[tuple[int, bytes, Vendors]]) -> None:
        """Very many at once."""
        for due_us, token, vendors in entries:
            self._heaps.setdefault(vendors, []).append((due_us, token))
        for heap in self._heaps.values():
            heapify(heap)

    def put(self, token: bytes, due_us: int, vendors: Vendors) -> None:
        heappush(self._heaps.setdefault(vendors, []), (due_us, token))

    def take_due(self, clocks: Clocks, due_of: DueOf) -> list[bytes]:
        """Remove and return the tokens whose instant their clock has passed (clock > instant).

        Where more vendors have spoken since, a token may be returned before all of their clocks have passed it.
        """
        due: dict[bytes, None] = {}
        for vendors, heap in self._heaps.items():
            if heap:
                clock_us = clocks.of(vendors)
                while heap and heap[0][0] < clock_us:
                    due_us, token = heappop(heap)
                    if due_of(token) == due_us:
                        due[token] = None
        return list(due)

    def first(self, due_of: DueOf) -> int | None:
        """The earliest instant of all."""
        tops = []
        for heap in self._heaps.values():
            while heap and due_of(heap[0][1]) != heap[0][0]:
                heappop(heap)
            if heap:
                tops.append(heap[0][0])
        return min(tops, default=None)

    def count(self, until_us: int, due_of: DueOf) -> int:
        """How many are due before an instant. May be asked from another thread: then it is off by what moves meanwhile.

        A heap's entries before an instant hang together from its top, so this costs what is counted, not what is open.
        """
        found: set[bytes] = set()
        for heap in list(self._heaps.values()):
            places = [0]
            while places:
                place = places.pop()
                for due_us, token in heap[place : place + 1]:
                    if due_us < until_us:
                        if due_of(token) == due_us:
                            found.add(token)
                        places += (2 * place + 1, 2 * place + 2)
        return len(found)

    def tidy(self, live: int, due_of: DueOf) -> None:
        """Drop what was replaced, if it is more than the ``live`` entries, so that memory follows what is open."""
        if len(self) > 2 * live + SPARE:
            for vendors, heap in list(self._heaps.items()):
                heap[:] = {entry for entry in heap if due_of(entry[1]) == entry[0]}
                heapify(heap)
                if not heap:
                    del self._heaps[vendors]
