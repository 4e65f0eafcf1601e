"""How an application's record is kept: version 2, a msgpack array whose contributions are packed rows, decoded only where asked for.

A record is read and written once for every event about its application, while its contributions are looked into only by a derivation
from all of them. So each is ``ROW`` bytes in one field, with its texts in a table of names, and most events only append one.
"""

import struct
from collections.abc import Iterable, Iterator

import msgspec

from schemas.records import NEWEST, Application, Contribution, Correction, Marker, OpenHop, Said, Way

_ROW = struct.Struct("<8s8sqq6B")
"""Event, content, claimed_us, arrived_us; then the places of milestone, speaker, role, kiosk and both municipalities among the names, from
1; 0: it has none."""
_ARRIVED = struct.Struct("<24xq6x")
_NEVER = (0,)
_LONG_ROW = struct.Struct("<8s8sqq6H")
"""The same, for records with more names than a byte can tell apart."""
ROW = _ROW.size
NAMES = 0xFF
"""So many names a short row can tell apart."""

UINT64 = 0xCF
"""What stands before such a number in msgpack."""

pack_row = _ROW.pack


class Stored(msgspec.Struct, array_like=True, gc=False):
    """An application's record as the ledger keeps it; ``Application`` says what each field means."""

    version: int = NEWEST
    due_us: int | None = None
    vendors: tuple[str, ...] = ()
    open_hops: tuple[OpenHop, ...] = ()
    last4: str = ""
    names: dict[str, int] = {}
    """The texts of all contributions in the order of their first appearance, each once, with its place from 1."""
    rows: bytes = b""
    way: Way | None = None
    said: tuple[Said, ...] = ()
    corrections: tuple[Correction, ...] = ()
    shrink_us: int | None = None
    marker: Marker | None = None


class Glance(msgspec.Struct, array_like=True, gc=False):
    """The beginning of ``Stored``: all that need be known of an application that is loaded and not yet looked at."""

    version: int = NEWEST
    due_us: int | None = None
    vendors: tuple[str, ...] = ()
    open_hops: tuple[OpenHop, ...] = ()


class NewerRecord(Exception):
    """A newer release wrote this record: though its bytes may fit, they may mean something else. Its text quotes nothing of it."""


class _Head(msgspec.Struct, array_like=True):
    version: int = NEWEST


_decode = msgspec.msgpack.Decoder(Stored).decode
_decode_first = msgspec.msgpack.Decoder(Application).decode
"""Version 1 was the plain array of ``Application``, without its last two fields."""
_decode_head = msgspec.msgpack.Decoder(_Head).decode

_glance = msgspec.msgpack.Decoder(Glance).decode

encode_stored = msgspec.msgpack.Encoder().encode


def decode_stored(raw: bytes) -> Stored:
    """A record of this release, or of an earlier one, whose version it keeps; NewerRecord if a newer one wrote it, MsgspecError if it is
    none."""
    try:
        record = _decode(raw)
    except msgspec.ValidationError:
        version = _decode_head(raw).version
        if version == 1:
            first = pack(_decode_first(raw))
            first.version = version
            return first
        _check(version)
        raise
    if record.version > NEWEST:
        _check(record.version)
    return record


def glance(raw: bytes) -> Glance | None:
    """None if it is no record of this release: ``decode_stored`` tells more."""
    try:
        record = _glance(raw)
    except msgspec.ValidationError:
        return None
    return record if record.version == NEWEST else None


def due_of(raw: bytes) -> int | None:
    """Only ``due_us`` of a record of this release, for an index that asks it of very many: the second element, 8 bytes if it is one."""
    return int.from_bytes(raw[3:11], "big") if raw[2] == UINT64 else decode_stored(raw).due_us


def pack(record: Application) -> Stored:
    """As it is kept."""
    names: dict[str, int] = {}
    told = list(_rows(record.contributions, names))
    row = _row(len(names))
    rows = b"".join(row.pack(*fields) for fields in told)
    return Stored(
        max(record.version, NEWEST),
        record.due_us,
        record.vendors,
        record.open_hops,
        record.last4,
        names,
        rows,
        record.way,
        record.said,
        record.corrections,
        record.shrink_us,
        record.marker,
    )


def unpack(record: Stored) -> Application:
    """With every contribution as an object."""
    return Application(
        record.version,
        record.last4,
        record.vendors,
        tuple(contributions(record)),
        record.corrections,
        record.open_hops,
        record.said,
        record.shrink_us,
        record.marker,
        record.due_us,
        record.way,
    )


def contributions(record: Stored) -> Iterator[Contribution]:
    """In the order in which they came. msgspec.ValidationError if its rows are none."""
    try:
        yield from _contributions(record)
    except (IndexError, struct.error) as error:
        raise msgspec.ValidationError("the rows of an application's record cannot be read") from error


def _contributions(record: Stored) -> Iterator[Contribution]:
    names = ("", *record.names)
    optional = (None, *record.names)
    for event, content, claimed_us, arrived_us, milestone, speaker, role, kiosk, municipality, residence in _row(
        len(record.names)
    ).iter_unpack(record.rows):
        yield Contribution(
            event,
            content,
            names[milestone],
            claimed_us,
            arrived_us,
            names[speaker],
            names[role],
            optional[kiosk],
            optional[municipality],
            optional[residence],
        )


def arrived_as(record: Stored, event: bytes, content: bytes) -> int | None:
    """When this very event first arrived; None if it did not, or that is not seen at once."""
    place = record.rows.find(event)
    if place < 0 or place % ROW or len(record.names) > NAMES:
        return None
    _, known, _, arrived_us, *_ = _ROW.unpack_from(record.rows, place)
    return int(arrived_us) if known == content else None


def latest_arrival_us(rows: bytes) -> int:
    """Of short rows; 0 if there are none."""
    return int(max(_ARRIVED.iter_unpack(rows), default=_NEVER)[0])


def names_of(record: Application) -> dict[str, int]:
    """Name -> its place (from 1), as ``pack`` counts them."""
    names: dict[str, int] = {}
    for _ in _rows(record.contributions, names):
        pass
    return names


def _row(names: int) -> struct.Struct:
    return _ROW if names <= NAMES else _LONG_ROW


def _rows(told: Iterable[Contribution], names: dict[str, int]) -> Iterator[tuple[bytes | int, ...]]:
    def place(name: str | None) -> int:
        return 0 if name is None else names.setdefault(name, len(names) + 1)

    for c in told:
        texts = (c.milestone, c.speaker, c.role, c.kiosk, c.kiosk_municipality, c.residence_municipality)
        yield (c.event, c.content, c.claimed_us, c.arrived_us, *map(place, texts))


def _check(version: int) -> None:
    if version > NEWEST:
        raise NewerRecord(
            f"an application's record has version {version}, and this release reads them up to version {NEWEST}: "
            "a newer release has written here, and only it, or a later one, can go on"
        )
