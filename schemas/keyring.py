"""Several keys: which of them makes an application's token, as a function of its id alone (docs/decisions/0013).

An old key knows its applications by a Bloom filter over their tokens: none of them is ever missed, and one new application in a hundred or
so is taken for an old one. That one then has the old key for all its life, on every machine that has the same files, so nothing is split.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from schemas.identity import token

BITS = 10
"""For each application, of which ``PLACES`` are set: one in about 120 is taken for another's (Bloom's formula)."""
PLACES = 7
LEAST_BYTES = 128
HEAD = b"tairyu applications 1\n"


class Applications:
    """Who has an old key: what was put in is there; what was not may be."""

    def __init__(self, bits: bytes | bytearray) -> None:
        self.bits = bits
        self._size = 8 * len(bits)

    @classmethod
    def of(cls, tokens: Collection[str]) -> Self:
        made = cls(bytearray(max(LEAST_BYTES, len(tokens) * BITS // 8)))
        for each in tokens:
            for place in made._places(each):
                made.bits[place >> 3] |= 1 << (place & 7)  # type: ignore[index]
        return made

    @classmethod
    def read(cls, content: bytes) -> Self:
        """ValueError if it is no such file, or not a whole one."""
        if not content.startswith(HEAD) or len(content) < len(HEAD) + LEAST_BYTES:
            raise ValueError("is no list of applications")
        return cls(content[len(HEAD) :])

    def content(self) -> bytes:
        return HEAD + bytes(self.bits)

    def __contains__(self, token: str) -> bool:
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in self._places(token))

    def _places(self, token: str) -> list[int]:
        """A token is random enough to be its own hash (Kirsch and Mitzenmacher: two hashes make the rest)."""
        first, second = int(token[:16], 16), int(token[16:32], 16) | 1
        return [(first + number * second) % self._size for number in range(PLACES)]


@dataclass(frozen=True)
class OldKey:
    id: str
    key: bytes
    applications: Applications


@dataclass(frozen=True)
class Keyring:
    """Oldest first; what none of the old ones knows has the newest."""

    old: tuple[OldKey, ...]
    newest_id: str
    newest: bytes

    def of(self, subject: str) -> bytes:
        """The key of this application."""
        return next((each.key for each in self.old if token(each.key, subject) in each.applications), self.newest)
