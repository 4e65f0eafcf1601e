"""What must be true afterwards, counted: against what was sent, against the same rules over the log, against the oracle."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import msgspec
import orjson

from schemas.cards import load_cards
from schemas.codec import decode_event
from schemas.events import CORRECTED, PREFIX, Event
from schemas.instants import from_text, to_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY
from sinks.columns import COLUMNS
from sinks.cuts import Cutter
from sinks.history import sources
from sinks.rows import Source
from streams.export import line_of, read_log
from streams.judge import LogJudge, verdict_line
from streams.judge import line_of as judged_line
from streams.policy import Policies
from streams.settings import Settings
from tests.chaos.recovery import Reader
from tests.oracle.policy import Version, read_policy
from tests.oracle.truth import stands_of
from tests.sinks.tables import Record, plain

CARDS = load_cards()
CUSTODY, STALL_EVENTS, APPLICATIONS, STALLS = (CARDS[name].topic() for name in ("custody-log", "stall-events", "applications", "stalls"))
TABLES = {
    "events": CUSTODY,
    "refusals": CUSTODY,
    "transitions": STALL_EVENTS,
    "hops": APPLICATIONS,
    "applications": APPLICATIONS,
    "coverage": APPLICATIONS,
}
LATEST = {"hops": ("token", "hop", "attempt"), "applications": ("token",)}
"""Tables of which only the last version of a key is sure to be there: the others may be merged away."""
INSTANTS = {"time", "received", "begun_at", "entered_at", "due_at", "closed_at", "closed_before", "at", "shrinks_at", "through"}
VERDICT = ("token", "hop", "attempt", "verdict", "level", "entered_at", "closed_at")
SHOWN = 20

Line = dict[str, Any]
Row = tuple[Any, ...]


@dataclass
class Found:
    """Differences, by what they are; and a few of them in words."""

    lost: int = 0
    doubled: int = 0
    invented: int = 0
    history_mismatches: int = 0
    words: list[str] = field(default_factory=list)

    def compare(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        """``lost``: expected and not there; ``doubled``: there more often than expected; ``invented``: there and not expected."""
        lost, extra = expected - found, found - expected
        self.lost += lost.total()
        self.doubled += sum(count for one, count in extra.items() if one in expected)
        self.invented += sum(count for one, count in extra.items() if one not in expected)
        self._say(what, lost, extra)

    def mismatch(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        lost, extra = expected - found, found - expected
        self.history_mismatches += lost.total() + extra.total()
        self._say(what, lost, extra)

    def _say(self, what: str, lost: Counter[Any], extra: Counter[Any]) -> None:
        self.words += [f"{what}: {len(lost)} missing, {len(extra)} too many"] if lost or extra else []
        self.words += [f"  missing {str(one)[:300]}" for one in list(lost)[:SHOWN]]
        self.words += [f"  too many {str(one)[:300]}" for one in list(extra)[:SHOWN]]


@dataclass
class Logs:
    """All that stands on the broker, read once everything rests."""

    public: dict[str, bytes]
    """Origin -> the record's value."""
    custody: list[bytes]
    """As ``tairyu export`` writes it."""
    stall_events: list[bytes]
    raw: dict[str, dict[int, list[Record]]]
    """Topic -> partition -> its records."""
    stalls: dict[str, bytes]
    """What is held now."""

    @property
    def transitions(self) -> int:
        return sum(record.key is not None for records in self.raw[STALL_EVENTS].values() for record in records)


def read_logs(settings: Settings, public: Iterable[str]) -> Logs:
    found = {f"{m.topic()}:{m.partition()}:{m.offset()}": bytes(m.value() or b"") for topic in public for m in read_log(settings, topic)}
    lines: dict[str, list[bytes]] = {topic: [] for topic in (CUSTODY, STALL_EVENTS)}
    raw: dict[str, dict[int, list[Record]]] = {}
    for topic in (CUSTODY, STALL_EVENTS, APPLICATIONS):
        raw[topic] = {}
        for message in read_log(settings, topic):
            raw[topic].setdefault(message.partition() or 0, []).append(Record(message.offset() or 0, message.key(), message.value()))
            if topic in lines:
                lines[topic].append(line_of(message))
    stalls: dict[str, bytes | None] = {}
    for message in read_log(settings, STALLS):
        stalls[bytes(message.key() or b"").decode()] = message.value()
    held = {stall: bytes(value) for stall, value in stalls.items() if value is not None}
    return Logs(found, lines[CUSTODY], lines[STALL_EVENTS], raw, held)


def check_origins(logs: Logs, found: Found) -> None:
    """Every public record stands exactly once in custody-log, as event or refusal."""
    told: Counter[str] = Counter()
    for line in map(orjson.loads, logs.custody):
        if line["key"] != PULSE_KEY.decode():
            origin = line["value"]["origin"]
            told[origin if isinstance(origin, str) else "{topic}:{partition}:{offset}".format(**origin)] += 1
    found.compare("public records in custody-log", Counter(logs.public.keys()), told)
    sent, taken = Counter[Row](), Counter[Row]()
    for line in map(orjson.loads, logs.custody):
        if line["key"] not in (PULSE_KEY.decode(), REFUSAL_KEY.decode()) and (origin := line["value"]["origin"]) in logs.public:
            sent[_identity(origin, orjson.loads(logs.public[origin]))] += 1
            taken[_identity(origin, line["value"])] += 1
    found.compare("events as they were sent", sent, taken)


def _identity(origin: str, event: Line) -> Row:
    return (origin, *(event[name] for name in ("id", "source", "type", "time")))


def check_stall_events(logs: Logs, policies: Policies, found: Found) -> list[Line]:
    """Per partition and byte for byte what ``judge --log`` says; gives its final verdicts."""
    judge, judged = LogJudge(policies), {number: [] for number in logs.raw[CUSTODY]}  # type: dict[int, list[bytes]]
    for line in logs.custody:
        for said in judge.feed(line):
            judged[said[0]].append(judged_line(said))
    for number in sorted({*judged, *logs.raw[STALL_EVENTS]}):
        there = [judged_line((number, r.key, r.value or b"")) for r in logs.raw[STALL_EVENTS].get(number, [])]
        found.compare(f"stall-events, partition {number}", Counter(judged.get(number, [])), Counter(there))
        if judged.get(number, []) != there and Counter(judged.get(number, [])) == Counter(there):
            found.invented += 1
            found.words.append(f"stall-events, partition {number}: in another order")
    return [orjson.loads(verdict_line(verdict, None)) for verdict in judge.verdicts()]


def truth_of(logs: Logs, policy: Path) -> list[Line]:
    """By the oracle: the final verdicts of all that stands in custody-log. To be asked long after the last event: each limit of what is
    open has passed, and all news has settled, so its level is the highest."""
    versions = read_policy(policy)
    heard: dict[str, list[Event]] = {}
    subjects: dict[str, str] = {}
    for line in map(orjson.loads, logs.custody):
        if line["key"] not in (PULSE_KEY.decode(), REFUSAL_KEY.decode()):
            event = decode_event(orjson.dumps(line["value"]))
            if event.subject is not None:
                heard.setdefault(event.subject, []).append(event)
                subjects[event.subject] = orjson.loads(logs.public[event.origin])["subject"]
    return [row for token in sorted(heard) for row in _truth(token, subjects[token], heard[token], versions)]


def _truth(token: str, subject: str, events: list[Event], versions: list[Version]) -> Iterator[Line]:
    stands = stands_of(events, versions)
    for key, stand in stands.items():
        # What is open has passed every limit; what is late, those before its end
        level = stand.places()[-1] if stand.name == "open" else stand.passed(stand.closed or 0) if stand.name == "late" else None
        yield _row(subject, token, key, stand.name, level, stand.entered, stand.closed)
    uncorrected = stands_of([event for event in events if event.type != PREFIX + CORRECTED], versions)
    for key, stand in uncorrected.items():
        if key not in stands:
            yield _row(subject, token, key, "void", None, stand.entered, None)


def _row(subject: str, token: str, key: tuple[str, int], name: str, level: str | None, entered: int, closed: int | None) -> Line:
    closed_at = None if closed is None else to_text(closed)
    return dict(zip(("subject", *VERDICT), (subject, token, *key, name, level, to_text(entered), closed_at), strict=True))


def check_verdicts(truth: Sequence[Line], judged: Sequence[Line], found: Found) -> None:
    found.compare("final verdicts", Counter(map(_verdict, truth)), Counter(map(_verdict, judged)))


def _verdict(line: Line) -> Row:
    return tuple(line[name] for name in VERDICT)


def check_history(store: Reader, logs: Logs, truth: Sequence[Line], policies: Policies, name: str) -> Found:
    """Row for row and view for view."""
    found = Found()
    for table, expected in expected_rows(logs, policies).items():
        found.mismatch(f"{name}, {table}", expected, Counter(rows_in(store, table)))
    held = Counter(_held(value) for value in logs.stalls.values())
    said = store.query("SELECT stall_id, revision, kind, level, hop, attempt FROM stalls_now")
    found.mismatch(f"{name}, stalls_now", held, Counter(said))
    columns = "token, hop, attempt, state, level, toUnixTimestamp64Micro(entered_at), toUnixTimestamp64Micro(closed_at)"
    hops = store.query(f"SELECT {columns} FROM hops_now")
    found.mismatch(f"{name}, hops_now", Counter(map(_in_us, truth)), Counter(hops))
    return found


def _held(value: bytes) -> Row:
    data = orjson.loads(value)["data"]
    return tuple(data[name] for name in ("stall_id", "revision", "kind", "level", "hop", "attempt"))


def _in_us(line: Line) -> Row:
    closed = line["closed_at"]
    return (*_verdict(line)[:5], from_text(line["entered_at"]), None if closed is None else from_text(closed))


def expected_rows(logs: Logs, policies: Policies) -> dict[str, Counter[Row]]:
    """What the logs' ranges become, cut as the log says; of `hops` and `applications` the last of each key."""
    rows: dict[str, Counter[Row]] = {table: Counter() for table in COLUMNS}
    last: dict[str, dict[Row, Row]] = {table: {} for table in LATEST}
    for topic, source in sources(CARDS, policies).items():
        for number, records in logs.raw[topic].items():
            for cut in _ranges(source, number, records):
                for table, columns in source.rows(cut, _unreadable):
                    for row in zip(*map(plain, columns.values()), strict=True):
                        kept = (number, *map(_plain, row))
                        rows[table][kept] += 1
                        if table in LATEST:
                            last[table][tuple(row[COLUMNS[table].index(name)] for name in LATEST[table])] = kept
    return {table: Counter(last[table].values()) if table in LATEST else rows[table] for table in rows}


def _ranges(source: Source, partition: int, records: Iterable[Record]) -> Iterator[list[Record]]:
    """Without marks that are not kept; what lies behind the last cut is not kept yet, and must be marks only."""
    cutter, held = Cutter(), list[Record]()
    for record in records:
        mark = source.mark(record.key, record.value)
        held += [record] if mark is None or source.is_kept(mark, cutter.cut_us, partition) else []
        if cutter.feed(record.offset, mark) is not None:
            yield held
            held = []
    assert held == [], "records lie behind the last cut: it did not rest for long enough"


def _unreadable(offset: int) -> None:
    raise AssertionError(f"a record that cannot be read stands at offset {offset}")


def rows_in(store: Reader, table: str) -> list[Row]:
    columns = ", ".join(f"toUnixTimestamp64Micro({name})" if name in INSTANTS else name for name in COLUMNS[table])
    final = " FINAL" if table in LATEST else ""
    return [tuple(map(_plain, row)) for row in store.query(f"SELECT partition, {columns} FROM {table}{final}")]


def _plain(value: Any) -> Any:
    """As the rows and ClickHouse both say it."""
    return tuple(value) if isinstance(value, list | tuple) else value.decode() if isinstance(value, bytes) else value


def readable_lag(settings: Settings, group: str, topics: Iterable[str]) -> dict[str, int]:
    """Of intake's group: partition -> committed records behind what is committed as its position."""
    consumer = ck.Consumer({"bootstrap.servers": settings.brokers, "group.id": group, "isolation.level": "read_committed"})
    known = consumer.list_topics(timeout=20).topics
    parts = [ck.TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
    lag = {}
    for part in consumer.committed(parts, 20):
        _, end = consumer.get_watermark_offsets(part, 20)
        lag[f"{part.topic}:{part.partition}"] = max(0, end - max(part.offset, 0))
    consumer.close()
    return {where: behind for where, behind in lag.items() if behind}


def unapplied(logs: Logs, applied: Mapping[int, int]) -> dict[int, int]:
    """Partition -> readable records of custody-log that the ledger does not contain."""
    behind = {number: sum(r.offset > applied.get(number, -1) for r in records) for number, records in logs.raw[CUSTODY].items()}
    return {number: count for number, count in behind.items() if count}


def applied_by(logs: Logs) -> dict[int, int]:
    last: dict[int, int] = {}
    for number, records in logs.raw[APPLICATIONS].items():
        for record in records:
            if record.key == APPLIED_KEY:
                last[number] = msgspec.json.decode(record.value or b"")["offset"]
    return last


def until_true(true: Callable[[], bool], at_most_s: float, rest_s: float = 0.5) -> bool:
    give_up = time.monotonic() + at_most_s
    while not true():
        if time.monotonic() > give_up:
            return False
        time.sleep(rest_s)
    return True
