"""One spelling for digits and what stands between them: full-width, Arabic-Indic, circled, zero-width, every hyphen and dot."""

import re
import unicodedata

HYPHENS = "\u02d7\u2043\u2212\u2500\u2501\u30fc\uff70"
"""What looks like a hyphen and is no dash to Unicode; ー is what a Japanese keyboard types between digits."""
DOTS = "\u00b7\u0387\u16eb\u2022\u2027\u2219\u22c5\u2e31\u2e33\u30fb\uff65\ua78f"
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that show nothing."""
DROPPED = frozenset({"Cc", "Cf", "Mn", "Mc", "Me"})
"""Categories that show nothing of their own between two digits: controls, zero-width and combining characters."""
REMEMBERED = 65_536


class _Fold(dict[int, str]):
    """Character -> its folded form, worked out when first met; bounded, since senders choose the characters."""

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if len(self) < REMEMBERED:
            self[code] = folded
        return folded


def _folded(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Pd" or character in HYPHENS or character in DOTS:
        return "-"
    return "" if category in DROPPED or character in BLANK else character


_FOLD = _Fold()


_UNPLAIN = re.compile(r"[^ -~]+")


def fold(text: str) -> str:
    """NFKC, and beyond it: any Unicode digit as its ASCII digit, blanks as a space, hyphens and dots as ``-``, the invisible gone."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPLAIN.sub(_plain, text)


def _plain(piece: re.Match[str]) -> str:
    # What is combining or invisible goes *before* NFKC, which sorts a long run of combining characters in quadratic time.
    return unicodedata.normalize("NFKC", piece.group().translate(_FOLD)).translate(_FOLD)
