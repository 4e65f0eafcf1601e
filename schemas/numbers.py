"""No individual number enters: the number rule, masking for dead letters, and ids that strayed into other fields.

The rule is deterministic, since one that fires by chance (a check digit passes for 9.9 % of random numbers) would refuse
honest senders on their thousandth event. After folding (``disguises``) and taking out what has a format of its own (whole
UUIDs, ``traceparent``, hex strings of 32 and more):

1. any run of exactly 12 digits that touches no other digit, written together, or as 4-4-4 with one to three spaces, hyphens
   or middle dots in each gap and no further group of digits beside it, is refused;
2. so is a JSON number whose whole part has 12 digits;
3. in every value, every key, every header. An application's id needs no exception: its 23 digits are one longer run.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from schemas.disguises import fold
from schemas.events import Data, PublicEvent
from schemas.identity import Key, token
from schemas.reasons import Reason

OWN_FORMAT = re.compile(
    r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"  # traceparent: 1 in 500 of its 16-digit spans holds 12 digits
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9a-f]{32,}",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"(?<![0-9])(?:[0-9]{12}"
    r"|(?<![0-9][ -])(?<![0-9][ -]{2})(?<![0-9][ -]{3})[0-9]{4}[ -]{1,3}[0-9]{4}[ -]{1,3}[0-9]{4}(?![ -]{1,3}[0-9])"
    r")(?![0-9])"
)
SHORTEST = 12
"""Characters: no shorter text holds a number."""
ID_LENGTH = 23
DELETE = 0x7F
"""A control character that JSON lets pass."""
APPLICATION_ID = re.compile(r"(?<![0-9])[0-9]{23}(?![0-9])")
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
KNOWN_KEYS = frozenset(PublicEvent.__struct_fields__ + Data.__struct_fields__)


class Members(list[tuple[str, Any]]):
    """A JSON object with all its members, also those whose key comes twice."""

    @property
    def repeats(self) -> bool:
        return len(dict(self)) < len(self)


class Found(NamedTuple):
    reason: Reason
    path: str
    """``/data/#2/0``: keys of the schema by name, others by position from 0 (a key may be the number)."""


class Node(NamedTuple):
    path: str
    depth: int
    key: str | None
    value: Any


def find_number(value: Any, path: str = "") -> Found | None:
    """The first number in a JSON value (dicts or ``Members``, lists, scalars), in the document's order."""
    if not _suspicious(value):
        return None
    for node in walk(value, path):
        reason = (number_in(node.key) if node.key else None) or number_in(node.value)
        if reason:
            return Found(reason, node.path)
    return None


def walk(value: Any, path: str = "") -> Iterator[Node]:
    """Every value of a JSON document, parents first; without recursion, since senders choose the depth."""
    pending = [Node(path, 0, None, value)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(_children(node))))


def _suspicious(value: Any) -> bool:
    """Whether the walk is needed: all texts looked at as one, in a fifth of the time."""
    every = parts(value)
    # Folded here: what JSON may hold only as an escape (a tab, a zero byte) stands in these texts itself.
    texts = fold('"'.join(part for part in every if isinstance(part, str)))
    return may_hold_number(f'"{texts}"'.encode(errors="replace")) or any(number_in(part) for part in every if isinstance(part, int | float))


def parts(value: Any) -> list[Any]:
    """Every value and every key of a JSON document, without paths."""
    found = [value]
    for part in found:
        if isinstance(part, Members):
            found.extend(chain.from_iterable(part))
        elif isinstance(part, dict):
            found.extend(chain(part, part.values()))
        elif isinstance(part, list | tuple):
            found.extend(part)
    return found


def _children(node: Node) -> Iterator[Node]:
    value = node.value
    if isinstance(value, Members | dict):
        members: Iterable[tuple[str, Any]] = value.items() if isinstance(value, dict) else value
        for place, (key, member) in enumerate(members):
            yield Node(f"{node.path}/{key if key in KNOWN_KEYS else f'#{place}'}", node.depth + 1, key, member)
    elif isinstance(value, list | tuple):
        for place, member in enumerate(value):
            yield Node(f"{node.path}/{place}", node.depth + 1, None, member)


def number_in(value: Any) -> Reason | None:
    """The reason why one scalar is refused: text, bytes (UTF-8 or not), or a number; None for anything else."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return _number_in_text(value) if len(value) >= SHORTEST else None
    if isinstance(value, int | float) and 10**11 <= abs(value) < 10**12:
        return _judged([str(abs(int(value)))])
    return None


def _number_in_text(text: str) -> Reason | None:
    return _judged(NUMBER.findall(OWN_FORMAT.sub("x", fold(text))))


def _judged(runs: list[str]) -> Reason | None:
    if not runs:
        return None
    return Reason.INDIVIDUAL_NUMBER if any(check_digit_fits(run) for run in runs) else Reason.POSSIBLE_INDIVIDUAL_NUMBER


def check_digit_fits(run: str) -> bool:
    """個人番号 (総務省令第85号5条): P1 is the lowest of the 11 base digits, Qn = n + 1 up to n = 6, then n - 5; modulo 11."""
    *base, check = (int(digit) for digit in run if digit.isdigit())
    remainder = sum(digit * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(base), start=1)) % 11
    return check == (0 if remainder <= 1 else 11 - remainder)


# Digits as 0, gaps as -, quotes kept, all else as points.
_SHAPE = bytes(48 if 48 <= byte <= 57 else 45 if byte in b" -" else byte if byte == 34 else 46 for byte in range(256))
_TOGETHER, _ID = b"0" * 12, b'"' + b"0" * ID_LENGTH + b'"'


def may_hold_number(json_text: bytes) -> bool:
    """A cheap look at JSON without escapes: False only where no text, key or whole number in it can be refused.

    A number written with a point or an exponent is the caller's to look at.
    """
    return ids_in(json_text) is None


def ids_in(json_text: bytes) -> int | None:
    """None where it ``may_hold_number``; else how many of its texts are an application's id and nothing else, as an honest event has one.

    No other text of it then holds an id: an id is a long run of digits, too, wherever it stands.
    """
    if not json_text.isascii() or DELETE in json_text:
        json_text = fold(json_text.decode(errors="replace")).encode("ascii", "replace")
    shape = json_text.translate(_SHAPE)
    if b"0000-0000" in shape or b"0000--" in shape:
        return None
    rest = shape.replace(_ID, b'"')
    return None if _TOGETHER in rest else (len(shape) - len(rest)) // (len(_ID) - 1)


def is_id(text: str) -> bool:
    return len(text) == ID_LENGTH and text.isascii() and text.isdigit()


def replace_ids(text: str, key: Key) -> str:
    """Each run of exactly 23 digits as its token, so that an id in ``id`` or ``batch`` neither leaks nor loses its identity.

    A SHA-256 stays as it is: 1 in 8,000 holds such a run by chance.
    """
    if len(text) < ID_LENGTH:
        return text
    folded = fold(text)
    if not APPLICATION_ID.search(folded) or SHA256.fullmatch(text):
        return text
    return APPLICATION_ID.sub(lambda run: token(key, run.group()), folded)
