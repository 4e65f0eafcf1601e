"""custody-log, applications, stall-events -> ClickHouse

Each record's rows stand there once. A partition is cut into ranges by its own records (``cuts``); a range is inserted under a token
that names the log, the partition and the range, and entered in ``ranges`` last. Killed anywhere, a start goes on behind the last
range entered: what was inserted but not entered is made again, identically, and its token stops it. Kafka's offsets are committed
for whoever watches the lag; nothing is read from them.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from math import inf
from typing import Any

import confluent_kafka as ck
import structlog
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from schemas.cards import Card, load_cards
from schemas.instants import SECOND_US
from schemas.records import Application
from sinks.clickhouse import Log, Store
from sinks.cuts import Cutter, Range
from sinks.migrate import read_migrations
from sinks.rows import Applications, CustodyLog, Record, Source, StallEvents, Unreadable
from streams.connection import clickhouse
from streams.loop import Batch, LoopError, consumer_config, die, run_loop
from streams.metrics import Reading, counter, gauges, histogram
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.topics import TIMEOUT_S, TopicsError, admin_client, topic_ids, topics_there, wait_for_topics
from streams.verdicts import HopVerdict, hop_verdicts

log = structlog.get_logger()
cuts = counter("tairyu_cuts_total")
inserted = counter("tairyu_rows_total")
unreadable = counter("tairyu_unreadable_records_total")
insert_took = histogram("tairyu_insert_seconds")

READ = ("custody-log", "applications", "stall-events")
"""The cards of the logs that are kept."""
TopicPart = tuple[str, int]


class HistoryError(LoopError):
    """History and log do not go together, or a setting is missing: going on would lose rows in silence."""


class Tail:
    """One partition behind its last range entered: what was read since the last cut."""

    def __init__(self, log: Log, source: Source, last: Range | None) -> None:
        self.log, self._source, self._last = log, source, last
        self._records: list[Record] = []
        self._cutter = Cutter() if last is None else Cutter(last.bucket, last.cut_us)

    @property
    def start(self) -> int:
        """Where to read from."""
        return ck.OFFSET_BEGINNING if self._last is None else self._last.hi + 1

    @property
    def cut_us(self) -> int:
        """The instant of the last cut; 0: none yet."""
        return self._cutter.cut_us

    def check(self, begin: int, end: int | None) -> None:
        """The log reaches from ``begin`` to before ``end`` (None: not known). HistoryError if that does not go with what is kept."""
        if self._last is None:
            return
        if end is not None and end <= self._last.hi:
            raise HistoryError(
                f"{self._name}: the log ends before offset {end}, and history holds it up to {self._last.hi}: it was cut short, "
                "or restored from a copy. Nothing is written, because new records would take offsets that history holds already"
            )
        if begin > self._last.hi + 1:
            raise HistoryError(
                f"{self._name}: the log begins at offset {begin}, and history holds it up to {self._last.hi}: "
                "what lay between was deleted before it was kept"
            )

    def feed(self, record: Record) -> tuple[Range, list[Record]] | None:
        """The range that this record ends, with its records other than marks."""
        mark = None
        try:
            mark = self._source.mark(record.key, record.value)
        except Unreadable:
            self.unreadable(record.offset)
        if mark is None:
            self._records.append(record)
        cut = self._cutter.feed(record.offset, mark)
        if cut is None:
            return None
        records, self._records = self._records, []
        return cut, records

    def unreadable(self, offset: int) -> None:
        unreadable.labels(self.log.topic).inc()
        log.error("a record cannot be read: it has no row", topic=self.log.topic, partition=self.log.partition, offset=offset)

    @property
    def _name(self) -> str:
        return f"{self.log.topic}, partition {self.log.partition}"


class History:
    """The handler of the loop: owns partitions, cuts them, writes their ranges."""

    def __init__(self, store: Store, admin: AdminClient, sources: Mapping[str, Source], low_ends: bool) -> None:
        """``sources``: topic -> how it is read. ``low_ends``: the broker reports ends that are too low (the embedded one)."""
        self._store, self._admin, self._sources = store, admin, sources
        self._low_ends = low_ends
        self._ids: dict[str, str] = {}
        self._tails: dict[TopicPart, Tail] = {}

    def assigned(self, committed: Sequence[ck.TopicPartition]) -> Sequence[ck.TopicPartition]:
        self._ids = topic_ids(self._admin, self._sources)
        last = self._store.last_ranges(self._ids.values())
        self._tails = {}
        for part in committed:
            held = Log(self._ids[part.topic], part.topic, part.partition)
            self._tails[part.topic, part.partition] = Tail(held, self._sources[part.topic], last.get((held.log_id, part.partition)))
        self._check_logs()
        log.info("keeping", partitions=sorted(f"{topic}:{number}" for topic, number in self._tails))
        return [ck.TopicPartition(topic, number, tail.start) for (topic, number), tail in self._tails.items()]

    def revoked(self) -> None:
        self._tails = {}

    def handle(self, batch: Batch) -> None:
        cut_off: list[tuple[Tail, Range, list[Record]]] = []
        for message in batch.records:
            tail = self._tails[message.topic() or "", message.partition() or 0]
            if ended := tail.feed(Record(message.offset() or 0, message.key(), message.value())):
                cut_off.append((tail, *ended))
        self._write(cut_off, batch)

    def readings(self, now_us: int) -> Iterator[Reading]:
        """How old the last cut of each log is, in its slowest partition here. May be asked from another thread."""
        slowest: dict[str, int] = {}
        for (topic, _), tail in list(self._tails.items()):
            slowest[topic] = min(tail.cut_us, slowest.get(topic, tail.cut_us))
        for topic, cut_us in slowest.items():
            yield Reading("tairyu_history_lag_seconds", (topic,), max(0, now_us - cut_us) / SECOND_US if cut_us else inf)

    def _write(self, cut_off: Sequence[tuple[Tail, Range, list[Record]]], batch: Batch) -> None:
        kept = [(tail, cut, records) for tail, cut, records in cut_off if records]
        if not kept:
            return
        # Asked after reading: what was read before cannot be of a log that came later under the same name
        if topic_ids(self._admin, self._sources) != self._ids:
            raise HistoryError("a topic was deleted and made again while it was read: starting again reads the new one from its beginning")
        for tail, cut, records in kept:
            rows = self._sources[tail.log.topic].rows(records, tail.unreadable)
            with insert_took.time():
                inserted.labels(tail.log.topic).inc(self._store.write(tail.log, cut, rows))
            cuts.labels(tail.log.topic).inc()
        self._commit(kept, batch)

    def _commit(self, kept: Sequence[tuple[Tail, Range, list[Record]]], batch: Batch) -> None:
        ends = {(tail.log.topic, tail.log.partition): cut.hi + 1 for tail, cut, _ in kept}
        batch.commit([ck.TopicPartition(topic, number, offset) for (topic, number), offset in ends.items()])

    def _check_logs(self) -> None:
        """The embedded broker's ends are too low; but there no log is ever cut short, nor outlives the broker."""
        # Or the client would believe what it learned of leaders before an election, and be refused
        self._admin.list_topics(timeout=TIMEOUT_S)
        begins = self._offsets(OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = {} if self._low_ends else self._offsets(OffsetSpec.latest())  # type: ignore[no-untyped-call]
        for part, tail in self._tails.items():
            tail.check(begins[part], ends.get(part))

    def _offsets(self, spec: OffsetSpec) -> dict[TopicPart, int]:
        asked = {ck.TopicPartition(topic, number): spec for topic, number in self._tails}
        answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S) if asked else {}
        return {(part.topic, part.partition): answer.result(TIMEOUT_S).offset for part, answer in answers.items()}


def sources(cards: Mapping[str, Card], policies: Policies) -> dict[str, Source]:
    """Topic -> how it is read."""
    kinds: tuple[Source, ...] = (CustodyLog(), Applications(partial(known_verdicts, policies)), StallEvents())
    return {cards[name].topic(): kind for name, kind in zip(READ, kinds, strict=True)}


def known_verdicts(policies: Policies, token: str, record: Application) -> Iterable[HopVerdict]:
    """The watch's own rules, with the policies that the watch had. HistoryError if it had one that is missing here."""
    for version in {hop.policy_version for hop in record.open_hops} | {said.policy_version for said in record.said}:
        if policies.named(version) is None:
            raise HistoryError(f"the watch judged by policy version {version!r}, which is not among the versions loaded here")
    return hop_verdicts(token, record, policies)


def run(settings: Settings, cards: Mapping[str, Card] | None = None) -> None:
    """Until SIGTERM; TopicsError if no broker answers, or its topics are not there.

    Ends the process, non-zero, on every other error: starting is the only recovery.
    """
    read = sources(cards or load_cards(), load_policies(settings.policy))
    try:
        with ExitStack() as opened:
            _keep(settings, read, opened)
    except TopicsError:
        raise
    except Exception as error:
        die("history cannot go on", error)


def _keep(settings: Settings, read: Mapping[str, Source], opened: ExitStack) -> None:
    store = _open_server(server, opened) if (server := clickhouse(settings)) else _open_folder(settings, opened)
    topics_there(settings)
    admin = admin_client(settings)
    wait_for_topics(admin, read)
    history = History(store, admin, read, settings.embedded)
    gauges(lambda: history.readings(time.time_ns() // 1_000))
    log.info("history is ready")
    run_loop(consumer_config(settings, settings.history_group, auto_offset_reset="error"), list(read), history)


def _open_server(server: Mapping[str, Any], opened: ExitStack) -> Store:
    store = Store.on_server(server)
    opened.callback(store.close)
    log.info("migrated", applied=store.migrate(read_migrations()))
    return store


def _open_folder(settings: Settings, opened: ExitStack) -> Store:
    if settings.history_dir is None:
        raise HistoryError("history needs TAIRYU_CLICKHOUSE_URL (a server) or TAIRYU_HISTORY_DIR (a folder)")
    folder = settings.history_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # To be imported is enough for chDB to load ./config.xml in silence: so first to where there is none, then import
    os.chdir(folder)
    from sinks.clickhouse_http import HOST, Front

    store = Store.in_folder(folder)
    opened.callback(store.close)
    log.info("migrated", applied=store.migrate(read_migrations()))
    store.warm_up()
    if not settings.embedded:
        store.sync_to_disk()
    front = opened.enter_context(Front(folder, port=settings.history_port))
    log.info("answering ClickHouse's HTTP interface, read-only", url=f"http://{HOST}:{front.port}")
    return store
