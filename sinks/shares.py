"""Files of events -> rows of history, in the worker processes of ``tairyu import``.

Twice each, by whichever process is free: a chunk of lines passes the gate, and each line's record, as ``custody-log`` would have it,
goes into the file of its application's share; then a share's records are judged in the order of arrival. Which lines are a chunk, and
which applications a share, follows from the files alone.
"""

import gc
import os
import signal
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from schemas.codec import decode_refusal, encode
from schemas.identity import keyed_hash
from schemas.instants import from_text, to_text
from schemas.reasons import Reason, Refused
from schemas.records import REFUSAL_KEY, TOKEN_LENGTH, Origin, Refusal
from sinks.arrow import ArrowRows, Types
from sinks.clickhouse import Load, Log
from sinks.columns import EARLIEST_US, LATEST_US
from sinks.cuts import Range
from sinks.known_hops import KnownHops
from sinks.rows import Applications, CustodyLog, Record, StallEvents
from streams.failpoints import reach
from streams.gate import Gate
from streams.judge import FileJudge
from streams.keys import load_key
from streams.parties import Parties, load_parties
from streams.policy_file import load_policies
from streams.tether import stay_with

GARBAGE = 100_000
"""Objects after which Python looks for cycles."""
SIZE = struct.Struct("<I")
Arrived = tuple[int | None, int, bytes, bytes]
"""Arrival (None: not known), offset, key and value: a record of ``custody-log``."""


class Import(msgspec.Struct, frozen=True):
    """What all workers know of it."""

    log_id: str
    topic: str
    speaker: str | None
    """Who says all lines, whatever they name."""
    shares: int
    folder: Path
    """Where the shares' files go; the import's own."""
    policy: Path
    parties: Path
    key: Path


class Chunk(NamedTuple):
    """Some lines of one file."""

    file: int
    """Its place among the files."""
    name: str
    offset: int
    """How many lines all files have before these."""
    lines: Sequence[tuple[int, bytes]]
    """Their numbers in the file, and the lines."""


class Admitted(NamedTuple):
    """What became of a chunk."""

    events: int
    latest_us: int
    """The latest arrival; 0 if there is none."""
    refused: Sequence[tuple[int, Reason, str]]
    """Number of the line, reason, path of the fault."""


class Judged(NamedTuple):
    """A share's rows, as they are sent."""

    load: Load
    tables: Mapping[str, tuple[int, bytes]]
    """Table -> number of rows, and these as an Arrow stream."""


class _Claim(msgspec.Struct):
    """What a refused line may yet tell of itself."""

    speaker: str | None = None
    received: str | None = None


class Reader:
    """Puts lines through the gate, and what they become into the shares' files."""

    def __init__(self, told: Import) -> None:
        policies = load_policies(told.policy)
        self._told, self._key = told, load_key(told.key)
        self._parties: Parties = load_parties(told.parties, policies.newest)
        self._gate = Gate(policies, self._parties, self._key)
        self._claim = msgspec.json.Decoder(_Claim).decode

    def read(self, chunk: Chunk) -> Admitted:
        shares: dict[int, list[Arrived]] = defaultdict(list)
        refused: list[tuple[int, Reason, str]] = []
        events, latest_us = 0, 0
        for offset, (number, line) in enumerate(chunk.lines, chunk.offset):
            try:
                arrived_us, key, value = self._admit(line, f"{chunk.name}:{number}")
            except Refused as fault:
                refused.append((number, fault.reason, fault.path))
                shares[0].append((None, offset, REFUSAL_KEY, encode(self._refusal(chunk.file, number, line, fault))))
                continue
            events += 1
            latest_us = max(latest_us, arrived_us)
            shares[_share(key, self._told.shares)].append((arrived_us, offset, key, value))
        for share, records in shares.items():
            with _file(self._told.folder, share).open("ab") as file:
                content = msgspec.msgpack.encode(records)
                file.write(SIZE.pack(len(content)) + content)
        reach("import.in_reading")
        return Admitted(events, latest_us, refused)

    def _admit(self, line: bytes, origin: str) -> tuple[int, bytes, bytes]:
        event, arrived_us = self._gate.admit_arrived(line, origin=origin, speaker=self._told.speaker)
        if not EARLIEST_US <= arrived_us <= LATEST_US:
            raise Refused(Reason.BAD_TIME, "/received")  # history could not say when
        return arrived_us, (event.subject or event.speaker).encode(), encode(event)

    def _refusal(self, file: int, number: int, line: bytes, refused: Refused) -> Refusal:
        """As intake's, but that a file knows no arrival of its own: ``received`` is empty where the line does not say it."""
        speaker, received = self._told.speaker, ""
        try:
            claim = self._claim(line)
            if claim.received is not None and EARLIEST_US <= from_text(claim.received) <= LATEST_US:
                received = to_text(from_text(claim.received))
            # Only a name that may speak here goes on: anything else could be a text of any kind
            if speaker is None and claim.speaker is not None and self._parties.role(claim.speaker) is not None:
                speaker = claim.speaker
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        return Refusal(
            reason=refused.reason.value,
            path=refused.path,
            origin=Origin(self._told.topic, file, number),
            speaker=speaker,
            size=len(line),
            hmac=keyed_hash(self._key, line),
            received=received,
        )


class Judge:
    """Judges a share as the watch would have, and makes its rows."""

    def __init__(self, told: Import, types: Mapping[str, Types]) -> None:
        self._told, self._types = told, types
        self._policies = load_policies(told.policy)
        self._hops = KnownHops(self._policies)

    def judge(self, share: int, until_us: int) -> Judged | None:
        """By the silence up to ``until_us``, when all files were read. None: the share is empty."""
        arrived = sorted(_arrived(self._told.folder, share, until_us))
        if not arrived:
            return None
        judge, last = FileJudge(self._policies), dict[bytes, int]()
        for arrived_us, offset, key, value in arrived:
            if len(key) == TOKEN_LENGTH:
                judge.take(arrived_us, key, value)
                last[key] = offset
        said: list[Record] = [(place, key, value) for place, (_, key, value) in enumerate(judge.finish(until_us))]
        records: list[Record] = [(offset, key, value) for _, offset, key, value in arrived]
        applications: list[Record] = [(last[token], token, record) for token, record in sorted(judge.records().items())]
        rows = chain(
            CustodyLog().rows(records, _unreadable),
            StallEvents().rows(said, _unreadable),
            Applications(self._hops.rows).rows(applications, _unreadable),
        )
        offsets = [offset for _, offset, _, _ in arrived]
        load = Load(Log(self._told.log_id, self._told.topic, share), Range(min(offsets), max(offsets), len(arrived), 0, until_us))
        tables: dict[str, ArrowRows] = {}
        for table, columns in rows:
            tables.setdefault(table, ArrowRows(self._types[table])).add(columns)
        reach("import.in_judging")
        return Judged(load, {table: (rows.count, rows.stream(load.range)) for table, rows in tables.items()})


def _share(key: bytes, shares: int) -> int:
    return crc32(key) % shares


def _file(folder: Path, share: int) -> Path:
    """One for each process that writes."""
    return folder / f"{share}.{os.getpid()}"


def _arrived(folder: Path, share: int, until_us: int) -> Iterator[tuple[int, int, bytes, bytes]]:
    for path in folder.glob(f"{share}.*"):
        with path.open("rb") as file:
            for arrived_us, offset, key, value in chain.from_iterable(_pieces(file)):
                if arrived_us is not None:
                    yield arrived_us, offset, key, value
                else:
                    yield until_us, offset, key, _dated(value, until_us)


def _pieces(file: BinaryIO) -> Iterator[list[Arrived]]:
    decode = msgspec.msgpack.Decoder(list[Arrived]).decode
    while head := file.read(SIZE.size):
        yield decode(file.read(*SIZE.unpack(head)))


def _dated(value: bytes, until_us: int) -> bytes:
    refusal = decode_refusal(value)
    return value if refusal.received else encode(replace(refusal, received=to_text(until_us)))


def _unreadable(offset: int) -> None:
    raise AssertionError(f"record {offset} of our own cannot be read")


# --- in a process of its own

_reader: Reader | None = None
_judge: Judge | None = None


def prepare(parent: int, told: Import, types: Mapping[str, Types]) -> None:
    """Of each worker; it ends with its parent, who hears of Ctrl-C alone."""
    global _reader, _judge
    stay_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _reader, _judge = Reader(told), Judge(told, types)
    gc.freeze()
    gc.set_threshold(GARBAGE)


def read(chunk: Chunk) -> Admitted:
    assert _reader is not None
    return _reader.read(chunk)


def judge(share: int, until_us: int) -> Judged | None:
    assert _judge is not None
    return _judge.judge(share, until_us)
