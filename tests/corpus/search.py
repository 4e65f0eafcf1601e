"""Looks for numbers as bytes: as they are, in groups, in other digits, between what shows nothing, escaped."""

import re
from collections.abc import Iterable

from schemas.disguises import fold

ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
GAP = re.compile(r"(?<=[0-9])[^0-9A-Za-z\"]{1,3}(?=[0-9])")
"""Whatever may stand between two digits of one number."""


def holds(text: bytes | None, numbers: Iterable[str]) -> list[str]:
    """Those of the numbers that stand in the bytes."""
    if not text:
        return []
    # First the bytes themselves; then everything that a person, or a program, could read in them.
    readings = [text.decode("latin-1"), *_readings(text)]
    return [number for number in numbers if any(number in reading for reading in readings)]


def _readings(text: bytes) -> Iterable[str]:
    plain = text.decode(errors="replace")
    opened = ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), plain).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for reading in {plain, opened}:
        folded = fold(reading)
        yield folded
        yield GAP.sub("", folded)
