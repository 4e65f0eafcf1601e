"""What may be kept of a refused value: every run of 12 or more digits masked, and no more than 256 KiB."""

import re

from schemas.disguises import fold

LONGEST = 256 * 1024
"""Bytes of UTF-8."""
GLYPH = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\?.", re.DOTALL)
"""One character of JSON text, escaped or not."""
LOST = "\N{REPLACEMENT CHARACTER}"
"""A byte that was no UTF-8."""
WIDE_DIGIT = re.compile(LOST + "[O-X]")
"""What is left of Shift_JIS's full-width 0 to 9."""
LONG_RUN = re.compile(r"0(?:-{0,3}0){11,}")
CUT_RUN = re.compile(r"0(?:-{0,3}0){11,}|0(?:-{0,3}0)*-*$")
"""Where the text was cut, its last run may have gone on."""


def mask(text: str) -> str:
    """The text with ``*`` for every run of 12 or more digits, in any disguise of the number rule and also as JSON's escapes.

    Masks more than the rule refuses: a point may stand in a gap (``1.23456789012e11``), or bytes that were no UTF-8, and gaps may be
    anywhere. Full-width digits in Shift_JIS are gone.
    """
    text = WIDE_DIGIT.sub(LOST, text)
    encoded = text.encode(errors="replace")
    runs = CUT_RUN if len(encoded) > LONGEST else LONG_RUN
    text = encoded[:LONGEST].decode(errors="ignore")
    if "\\" in text:
        text = _masked(GLYPH.findall(text), runs)
    # An escape's own digits, read literally, may lengthen a run that they stand before.
    return _masked(list(text), runs)


def _masked(glyphs: list[str], runs: re.Pattern[str]) -> str:
    shapes = [(_shape(glyph), place) for place, glyph in enumerate(glyphs)]
    seen = [(shape, place) for shape, place in shapes if shape]
    for run in runs.finditer("".join(shape for shape, _ in seen)):
        _strike(glyphs, seen, run.start(), run.end())
    return "".join(glyphs)


def _strike(masked: list[str], seen: list[tuple[str, int]], start: int, end: int) -> None:
    """Stars for the digits of one run; what stood between them, seen or not, goes."""
    masked[seen[start][1] : seen[end - 1][1] + 1] = [""] * (seen[end - 1][1] + 1 - seen[start][1])
    for shape, place in seen[start:end]:
        masked[place] = "*" if shape == "0" else ""


def _shape(glyph: str) -> str:
    """``0`` for a digit, ``-`` for what may stand in a gap, ``x`` for anything else, nothing for the invisible."""
    folded = fold(_unescaped(glyph))
    if not folded:
        return ""
    if any("0" <= character <= "9" for character in folded):
        return "0"
    return "-" if folded in (" ", "-", ".", LOST) else "x"


def _unescaped(glyph: str) -> str:
    if len(glyph) == 1:
        return glyph
    if glyph[1] != "u" or len(glyph) < 6:
        return {"n": " ", "t": " ", "r": " ", "f": " ", "b": "\b"}.get(glyph[1], glyph[1])
    units = bytes.fromhex(glyph.replace("\\u", ""))
    return units.decode("utf-16-be", errors="replace")
