"""The backbone: what the stages left, against the same rules over the exported log, and against history."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from schemas.codec import decode_applied, decode_event, decode_transition
from schemas.instants import from_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY, Applied, Verdict
from sinks.cuts import Cutter, Mark
from streams.export import line_of, read_log
from streams.judge import LogJudge
from streams.judge import line_of as judged_line
from streams.policy import Policies
from streams.settings import Settings
from streams.verdicts import HopVerdict
from tests.pipeline.works import APPLICATIONS, CUSTODY, STALL_EVENTS, by_partition

Row = tuple[Any, ...]
EVENTS = """
SELECT partition, offset, token, last4, speaker, role, type, event_id, source, claimed, toUnixTimestamp64Micro(received), origin
FROM events"""
REFUSALS = "SELECT partition, offset, reason, path, origin_topic, origin_partition, origin_offset, speaker, size, hmac FROM refusals"
_INSTANTS = ("entered_at", "due_at", "closed_at", "closed_before", "at")
_COLUMNS = {
    "verdict": "state",
    "entered_us": "entered_at",
    "due_us": "due_at",
    "closed_us": "closed_at",
    "closed_before_us": "closed_before",
}
"""Field of a final verdict -> its column, where the names differ."""


def _select(columns: Iterable[str], table: str) -> str:
    named = ", ".join(f"toUnixTimestamp64Micro({name})" if name in (*_INSTANTS, "time") else name for name in columns)
    return f"SELECT {named} FROM {table}"


TRANSITIONS = _select(("partition", "offset", *Verdict.__struct_fields__, "time"), "transitions")
HOPS = _select((_COLUMNS.get(name, name) for name in HopVerdict.__struct_fields__), "hops_now")


@dataclass(frozen=True)
class Left:
    """The logs as ``tairyu export`` writes them, and what a judge makes of them."""

    custody: list[bytes]
    said: dict[int, list[bytes]]
    """Partition -> the committed ``stall-events``, without offsets."""
    judged: dict[int, list[bytes]]
    """The same, by ``judge --log``."""
    verdicts: list[HopVerdict]
    """As of the last applied record by which history cuts."""
    transitions: list[tuple[int, int, bytes]]
    """Partition, offset, value, up to the last clock mark: by which history cuts."""


def left_by(settings: Settings, policies: Policies) -> Left:
    """To be asked once custody-log grows no more, and the watch has handled it."""
    custody = [line_of(message) for message in read_log(settings, CUSTODY)]
    cut = _last_cuts(settings)
    judge, judged = LogJudge(policies), list[tuple[int, bytes]]()
    for line in custody:
        where = orjson.loads(line)
        if where["offset"] <= cut[where["partition"]]:
            judged += [(said[0], judged_line(said)) for said in judge.feed(line)]
    verdicts = list(judge.verdicts())
    for line in custody:  # what it was fed already it skips
        judged += [(said[0], judged_line(said)) for said in judge.feed(line)]
    said, transitions = _said(settings)
    return Left(custody, said, by_partition(judged), verdicts, transitions)


def _last_cuts(settings: Settings) -> dict[int, int]:
    """Partition -> the offset in custody-log up to which the records that history has made rows of are judged."""
    cutters: dict[int, Cutter] = {}
    found: dict[int, int] = {}
    for message in read_log(settings, APPLICATIONS):
        applied: Applied | None = decode_applied(message.value() or b"") if message.key() == APPLIED_KEY else None
        mark = Mark(applied.at_us, applied.bucket_s) if applied is not None and applied.bucket_s else None
        number = message.partition() or 0
        if cutters.setdefault(number, Cutter()).feed(message.offset() or 0, mark) is not None:
            found[number] = applied.offset if applied is not None else -1
    assert -1 not in found.values(), "the last cut was made by the limit, in the middle of a batch: let it rest for longer"
    return found


def _said(settings: Settings) -> tuple[dict[int, list[bytes]], list[tuple[int, int, bytes]]]:
    said: list[tuple[int, bytes]] = []
    waiting: list[tuple[int, int, bytes]] = []
    transitions: list[tuple[int, int, bytes]] = []
    for message in read_log(settings, STALL_EVENTS):
        number, offset, value = message.partition() or 0, message.offset() or 0, bytes(message.value() or b"")
        said.append((number, judged_line((number, message.key(), value))))
        if message.key() is not None:
            waiting.append((number, offset, value))
        else:
            transitions += [each for each in waiting if each[0] == number]
            waiting = [each for each in waiting if each[0] != number]
    return by_partition(said), transitions


def origins(custody: Iterable[bytes]) -> list[str]:
    """Of every event and refusal in the log."""
    return [_origin(line) for line in map(orjson.loads, custody) if line["key"] != PULSE_KEY.decode()]


def _origin(line: dict[str, Any]) -> str:
    origin = line["value"]["origin"]
    return origin if isinstance(origin, str) else "{topic}:{partition}:{offset}".format(**origin)


def doubled(origins: Iterable[str]) -> list[str]:
    return [origin for origin, count in Counter(origins).items() if count > 1]


def event_rows(custody: Iterable[bytes]) -> set[Row]:
    return {_event_row(line) for line in map(orjson.loads, custody) if line["key"] not in (PULSE_KEY.decode(), REFUSAL_KEY.decode())}


def _event_row(line: dict[str, Any]) -> Row:
    event = decode_event(orjson.dumps(line["value"]))
    kind = event.type.removeprefix("jp.tairyu.")
    named = (event.speaker, event.role, kind, event.id, event.source, event.time)
    return (line["partition"], line["offset"], event.subject, event.last4, *named, from_text(event.received), event.origin)


def refusal_rows(custody: Iterable[bytes]) -> set[Row]:
    return {_refusal_row(line) for line in map(orjson.loads, custody) if line["key"] == REFUSAL_KEY.decode()}


def _refusal_row(line: dict[str, Any]) -> Row:
    said = line["value"]
    origin = said["origin"]
    whence = (origin["topic"], origin["partition"], origin["offset"])
    return (line["partition"], line["offset"], said["reason"], said["path"], *whence, said["speaker"], said["size"], said["hmac"])


def transition_rows(transitions: Iterable[tuple[int, int, bytes]]) -> set[Row]:
    return {(number, offset, *_transition_row(value)) for number, offset, value in transitions}


def _transition_row(value: bytes) -> Row:
    said = decode_transition(value)
    fields = {name: getattr(said.data, name) for name in said.data.__struct_fields__}
    instants = {name: None if fields[name] is None else from_text(fields[name]) for name in _INSTANTS}
    return (*(fields | instants).values(), from_text(said.time))


def hop_rows(verdicts: Iterable[HopVerdict]) -> set[Row]:
    return set(map(msgspec.structs.astuple, verdicts))


def hashable(rows: Iterable[Row]) -> set[Row]:
    """Rows as a client gives them: its lists become tuples."""
    found = [tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows]
    unique = set(found)
    assert len(unique) == len(found), "a row stands twice"
    return unique
