"""JSON that anybody may have written: read with all its faults in view, for whatever the fast decoder cannot vouch for."""

import json
from math import isfinite
from typing import Any

from schemas.numbers import Members, find_number, parts, walk
from schemas.reasons import Reason, Refused

DEEPEST = 64
LARGEST = 2**63


def read_json(value: bytes) -> Any:
    """The document, objects as ``Members``; raises Refused, in this order: encoding, JSON, range, depth, number, duplicate key."""
    document = _parsed(_text(value))
    if value.count(b"{") + value.count(b"[") > DEEPEST:
        _refuse_depth(document)
    found = find_number(document)
    if found:
        raise Refused(*found)
    _refuse_duplicates(document)
    return document


# Refused is raised outside the except blocks: inside, it would carry the decoder's exception, and that one the document.


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        reason = Reason.INVALID_ENCODING
    raise Refused(reason)


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        reason = Reason.TOO_DEEP
    except ValueError:
        reason = Reason.INVALID_JSON
    raise Refused(reason)


def _whole(text: str) -> int:
    # Longer texts would be out of range at the least, and int() refuses those beyond 4,300 digits.
    number = int(text) if len(text) <= 20 else LARGEST
    if not -LARGEST <= number < LARGEST:
        raise Refused(Reason.NUMBER_OUT_OF_RANGE)
    return number


def _fractional(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise Refused(Reason.NUMBER_OUT_OF_RANGE)
    return number


def _constant(name: str) -> float:
    raise Refused(Reason.INVALID_JSON)


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_int=_whole, parse_float=_fractional, parse_constant=_constant)


def _refuse_depth(document: Any) -> None:
    if any(node.depth >= DEEPEST and isinstance(node.value, list) for node in walk(document)):
        raise Refused(Reason.TOO_DEEP)


def _refuse_duplicates(document: Any) -> None:
    if any(isinstance(part, Members) and part.repeats for part in parts(document)):
        paths = (node.path for node in walk(document) if isinstance(node.value, Members) and node.value.repeats)
        raise Refused(Reason.DUPLICATE_KEY, next(paths))
