"""Bytes to messages and back. Public bytes are trusted with nothing: ``read_public`` gives a typed event or the one reason against it.

Two ways lead through it, to the same answer. The fast one (about 3 us) decodes straight into the type, and proves by
counting quotes that the text holds nothing else: no unknown key, no key twice, no null. Whatever is not proven goes the
slow way (``reading``), which sees every member, and whose order of checks is: ``empty``, ``too_large``, the headers' numbers,
``invalid_encoding``, ``invalid_json`` and ``number_out_of_range`` (whichever comes first), ``too_deep``, the number rule,
``duplicate_key``, ``not_cloudevents``, ``unsupported_specversion``, ``wrong_type``, ``field_too_long``.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import astuple

from schemas.events import Data, Event, PublicEvent
from schemas.numbers import Members, ids_in, is_id, number_in
from schemas.reading import read_json
from schemas.reasons import Reason, Refused
from schemas.records import Application, Applied, ClockMark, DeadLetter, Pulse, Refusal, Transition
from schemas.stored import decode_stored, encode_stored, pack, unpack

Headers = Sequence[tuple[str, bytes | None]]

LARGEST = 1024 * 1024
LONGEST = 256
REMEMBERED = 1_000
SPECVERSION = "1.0"

encode = msgspec.json.Encoder().encode
"""Any of our structs as JSON: the same bytes as orjson gives for ``to_builtins(struct)``, in half the time (0.4 us an event)."""

decode_event = msgspec.json.Decoder(Event).decode
decode_pulse = msgspec.json.Decoder(Pulse).decode
decode_refusal = msgspec.json.Decoder(Refusal).decode
decode_dead_letter = msgspec.json.Decoder(DeadLetter).decode
decode_transition = msgspec.json.Decoder(Transition).decode
decode_clock_mark = msgspec.json.Decoder(ClockMark).decode
decode_applied = msgspec.json.Decoder(Applied).decode


def decode_application(kept: bytes) -> Application:
    """An application's record of this release or an earlier one; NewerRecord if a newer one wrote it, MsgspecError if it is none."""
    return unpack(decode_stored(kept))


def encode_application(record: Application) -> bytes:
    return encode_stored(pack(record))


_decode_public = msgspec.json.Decoder(PublicEvent).decode
_ABSENT = _decode_public(b'{"specversion":"","id":"","source":"","type":""}').data
"""What an event without ``data`` has there: always this same object."""
_FIELDS, _FIELDS_OF_DATA = len(PublicEvent.__struct_fields__), len(Data.__struct_fields__)
"""All of them texts, but for ``data`` and its ``count``."""
_QUOTE, _BACKSLASH = b'"\\'
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_PLACE = re.compile(r"at `\$([a-z0-9_.]+)`")

_number_in_name = lru_cache(REMEMBERED)(number_in)
"""Of a header: a sender has few. Short names only, and not many, since senders choose them."""


def read_public(value: bytes | None, headers: Headers | None) -> PublicEvent:
    """A public record's event, structured or binary CloudEvents; raises Refused, and never anything else."""
    return read_record(value, headers)[0]


def read_record(value: bytes | None, headers: Headers | None) -> tuple[PublicEvent, bool]:
    """As ``read_public``; and whether an application's id may stand anywhere but in its subject, which is then an id itself."""
    binary = bool(headers) and _is_binary(headers or ())
    if not value and not binary:
        raise Refused(Reason.EMPTY)
    value = value or b""
    if len(value) + (sum(len(key) + len(text or b"") for key, text in headers) if headers else 0) > LARGEST:
        raise Refused(Reason.TOO_LARGE)
    if headers:
        _check_headers(headers)
        if binary:
            return _read_binary(value, headers), True
    return _read_fast(value) or (_typed(read_json(value)), True)


def _is_binary(headers: Headers) -> bool:
    names = {key.lower(): text or b"" for key, text in headers}
    return "ce_specversion" in names and not names.get("content-type", b"").lower().startswith(b"application/cloudevents")


def _check_headers(headers: Headers) -> None:
    for place, (key, text) in enumerate(headers):
        reason = (_number_in_name(key) if len(key) <= LONGEST else number_in(key)) or number_in(text)
        if reason:
            raise Refused(reason, f"/headers/#{place}")


def _read_fast(value: bytes) -> tuple[PublicEvent, bool] | None:
    """The event, where it is in order and nothing else stands in the text; else None."""
    if _BACKSLASH in value:
        return None
    try:
        event = _decode_public(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not _nothing_else(event, value) or (ids := ids_in(value)) is None:
        return None
    return event, ids != (event.subject is not None and is_id(event.subject))


def _nothing_else(event: PublicEvent, value: bytes) -> bool:
    """Whether the event is well-formed, and its own keys and texts account for every quote of a text without backslashes."""
    data = event.data
    quotes = 4 * (_FIELDS - 1 - astuple(event).count(None))
    if data is not _ABSENT:
        quotes += 4 * (_FIELDS_OF_DATA - astuple(data).count(None)) + (2 if data.count is None else 0)
    if value.count(_QUOTE) != quotes:
        return False
    # Beside its texts stand twice as many characters as there are quotes, or more: keys, quotes, colons, commas
    if len(value) - 2 * quotes > LONGEST and max(map(len, _texts(event))) > LONGEST:
        return False
    return bool(event.specversion == SPECVERSION and event.id and event.source and event.type)


def _texts(event: PublicEvent) -> list[str]:
    return [text for text in astuple(event) + astuple(event.data) if text.__class__ is str]


def _read_binary(value: bytes, headers: Headers) -> PublicEvent:
    """Attributes from ``ce_*`` headers (UTF-8, not percent-encoded: the Kafka binding), data from the value."""
    attributes = Members()
    for place, (key, text) in enumerate(headers):
        if key.lower().startswith("ce_") and text is not None:
            attributes.append((key.lower()[3:], _header_text(text, place)))
    data = read_json(value) if value else None
    if attributes.repeats:
        raise Refused(Reason.DUPLICATE_KEY, "/headers")
    return _typed(Members([*(member for member in attributes if member[0] != "data"), ("data", data)]))


def _header_text(text: bytes, place: int) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        reason = Reason.INVALID_ENCODING
    raise Refused(reason, f"/headers/#{place}")


def _typed(document: Any) -> PublicEvent:
    """The event of a document in which every key stands once; a null is a field that is absent."""
    if not isinstance(document, Members):
        raise Refused(Reason.NOT_CLOUDEVENTS)
    envelope = _present(document)
    for name in ("specversion", "id", "source", "type"):
        if envelope.get(name, "") == "":
            raise Refused(Reason.NOT_CLOUDEVENTS, f"/{name}")
    if envelope["specversion"] != SPECVERSION:
        raise Refused(Reason.UNSUPPORTED_SPECVERSION, "/specversion")
    if isinstance(envelope.get("data"), Members):
        envelope["data"] = _present(envelope["data"])
    event = _converted(envelope)
    _check_texts(event)
    return event


def _present(members: Members) -> dict[str, Any]:
    return {key: value for key, value in members if value is not None}


def _converted(envelope: dict[str, Any]) -> PublicEvent:
    try:
        return msgspec.convert(envelope, PublicEvent)
    except msgspec.ValidationError as fault:
        # Its path holds names of the schema only: unknown keys are passed over.
        place = _PLACE.search(str(fault))
    raise Refused(Reason.WRONG_TYPE, place.group(1).replace(".", "/") if place else "")


def _check_texts(event: PublicEvent) -> None:
    for prefix, struct in (("/", event), ("/data/", event.data)):
        for name, text in zip(struct.__struct_fields__, astuple(struct), strict=True):
            if isinstance(text, str):
                _check_text(text, prefix + name)


def _check_text(text: str, path: str) -> None:
    if len(text) > LONGEST:
        raise Refused(Reason.FIELD_TOO_LONG, path)
    if _HALF_PAIR.search(text):
        raise Refused(Reason.INVALID_ENCODING, path)
