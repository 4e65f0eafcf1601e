"""Looks for numbers as bytes: as they are, in groups, in other digits, between what shows nothing, escaped."""

import re
from collections.abc import Collection, Iterator

from schemas.disguises import fold

ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[bfnrt])")
NO_DIGIT = re.compile("[^0-9]+")
GAP = re.compile(r"(?<=[0-9])[^0-9A-Za-z\"]{1,3}(?=[0-9])")
"""Whatever may stand between two digits of one number."""


def holds(text: bytes | None, numbers: Collection[str]) -> list[str]:
    """Those of the numbers that stand in the bytes, or in anything that a person or a program could read in them."""
    if not text:
        return []
    found: set[str] = set()
    for reading in _readings(text):
        digits = NO_DIGIT.sub("", reading)
        if len(digits) >= 12 and (likely := [number for number in numbers if number in digits]):
            together = GAP.sub("", reading)
            found.update(number for number in likely if number in reading or number in together)
    return sorted(found)


def _readings(text: bytes) -> Iterator[str]:
    yield text.decode("latin-1")
    plain = text.decode(errors="replace")
    yield fold(plain)
    if "\\" in plain:
        opened = ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else " ", plain)
        yield fold(opened.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
