"""When each application has to be looked at next. A pulse costs what is due, not what is open."""

from heapq import heapify, heappop, heappush

from streams.clocks import Clocks

Vendors = tuple[str, ...]


class DueIndex:
    """Token -> the instant after which it is due, grouped by the vendors whose clock it waits for.

    Entries that were replaced stay in their heap until they surface; ``_current`` says which one counts.
    """

    def __init__(self) -> None:
        self._current: dict[bytes, tuple[int, Vendors]] = {}
        self._heaps: dict[Vendors, list[tuple[int, bytes]]] = {}

    def __len__(self) -> int:
        return len(self._current)

    def put(self, token: bytes, due_us: int | None, vendors: Vendors) -> None:
        """Replace the token's entry; None: it waits for nothing."""
        if due_us is None:
            self._current.pop(token, None)
        elif self._current.get(token) != (due_us, vendors):
            self._current[token] = (due_us, vendors)
            heap = self._heaps.setdefault(vendors, [])
            heappush(heap, (due_us, token))
            self._tidy(vendors, heap)

    def take_due(self, clocks: Clocks) -> list[bytes]:
        """Remove and return the tokens whose instant their clock has passed (clock > instant)."""
        due: list[bytes] = []
        for vendors, heap in self._heaps.items():
            clock_us = clocks.of(vendors)
            while heap and heap[0][0] < clock_us:
                entry = heappop(heap)
                if self._current.get(entry[1]) == (entry[0], vendors):
                    del self._current[entry[1]]
                    due.append(entry[1])
        return due

    def first(self) -> int | None:
        """The earliest instant of all."""
        tops = []
        for vendors, heap in self._heaps.items():
            while heap and self._current.get(heap[0][1]) != (heap[0][0], vendors):
                heappop(heap)
            if heap:
                tops.append(heap[0][0])
        return min(tops, default=None)

    def count(self, until_us: int) -> int:
        """How many are due before an instant. May be asked from another thread: then it is off by what moves meanwhile.

        A heap's entries before an instant hang together from its top, so this costs what is counted, not what is open.
        """
        found = 0
        for vendors, heap in list(self._heaps.items()):
            places = [0]
            while places:
                place = places.pop()
                for due_us, token in heap[place : place + 1]:
                    if due_us < until_us:
                        found += self._current.get(token) == (due_us, vendors)
                        places += (2 * place + 1, 2 * place + 2)
        return found

    def _tidy(self, vendors: Vendors, heap: list[tuple[int, bytes]]) -> None:
        """Rebuild a heap that is mostly replaced entries, so that memory follows what is open."""
        if len(heap) > 64 and len(heap) > 4 * len(self._current):
            heap[:] = [entry for entry in heap if self._current.get(entry[1]) == (entry[0], vendors)]
            heapify(heap)
