"""custody-log, applications, stall-events -> ClickHouse

Each record's rows stand there once. A partition is cut into ranges by its own records (``cuts``); a range is inserted under a token
that names the log, the partition and the range, and entered in ``ranges`` last. Killed anywhere, a start goes on behind the last
range entered: what was inserted but not entered is made again, identically, and its token stops it. Kafka's offsets are committed
for whoever watches the lag; nothing is read from them.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from sinks.clickhouse import Load, Log, Store
from sinks.compact import Compactor
from sinks.cuts import Range
from sinks.known_hops import KnownHops
from sinks.migrate import read_migrations
from sinks.references import Version, versions
from sinks.rows import Applications, CustodyLog, Record, Source, StallEvents
from sinks.tails import HistoryError, Tail
from streams.connection import clickhouse
from streams.loop import Batch, consumer_config, die, run_loop
from streams.metrics import Reading, counter, gauges, histogram
from streams.parties import load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import Settings
from streams.topics import TIMEOUT_S, TopicsError, admin_client, topic_ids, topics_there, wait_for_topics

log = structlog.get_logger()
cuts = counter("tairyu_cuts_total")
inserted = counter("tairyu_rows_total")
insert_took = histogram("tairyu_insert_seconds")

READ = ("custody-log", "applications", "stall-events")
"""The cards of the logs that are kept."""
GARBAGE = 100_000
"""Objects after which Python looks for cycles."""
TopicPart = tuple[str, int]


class History:
    """The handler of the loop: owns partitions, cuts them, writes their ranges.

    While one range is inserted, by a thread, the next is read and made ready; no more than that: ranges are inserted in the order in
    which they are cut, and the first that fails ends the process.
    """

    def __init__(self, store: Store, admin: AdminClient, sources: Mapping[str, Source], low_ends: bool) -> None:
        """``sources``: topic -> how it is read. ``low_ends``: the broker reports ends that are too low (the embedded one)."""
        self._store, self._admin, self._sources = store, admin, sources
        self._low_ends = low_ends
        self._ids: dict[str, str] = {}
        self._tails: dict[TopicPart, Tail] = {}
        self._thread = ThreadPoolExecutor(1, "insert")
        self._inserting: tuple[Future[None], Callable[[], None]] | None = None
        """The range that is being inserted, and what tells the group of it then."""

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
        self._finish()
        self._tails = {}

    def handle(self, batch: Batch) -> None:
        if self._inserting is not None and self._inserting[0].done():
            self._finish()
        for message in batch.records:
            tail = self._tails[message.topic() or "", message.partition() or 0]
            if ended := tail.feed((message.offset() or 0, message.key(), message.value())):
                self._write(tail, *ended, batch)

    def readings(self, now_us: int) -> Iterator[Reading]:
        """How old the last cut of each log is, in its slowest partition here. May be asked from another thread."""
        slowest: dict[str, int] = {}
        for (topic, _), tail in list(self._tails.items()):
            slowest[topic] = min(tail.cut_us, slowest.get(topic, tail.cut_us))
        for topic, cut_us in slowest.items():
            yield Reading("tairyu_history_lag_seconds", (topic,), max(0, now_us - cut_us) / SECOND_US if cut_us else inf)

    def _write(self, tail: Tail, cut: Range, records: Sequence[Record], batch: Batch) -> None:
        if not records:
            return
        load = self._store.load(tail.log, cut, self._sources[tail.log.topic].rows(records, tail.unreadable))
        self._finish()
        told = [ck.TopicPartition(tail.log.topic, tail.log.partition, cut.hi + 1)]
        self._inserting = self._thread.submit(self._insert, load), partial(batch.commit, told)

    def _insert(self, load: Load) -> None:
        # Asked after reading: what was read before cannot be of a log that came later under the same name
        if topic_ids(self._admin, self._sources) != self._ids:
            raise HistoryError("a topic was deleted and made again while it was read: starting again reads the new one from its beginning")
        with insert_took.time():
            inserted.labels(load.log.topic).inc(self._store.insert(load))
        cuts.labels(load.log.topic).inc()

    def _finish(self) -> None:
        """Waits for the range that is being inserted; raises what went wrong with it."""
        if self._inserting is not None:
            inserting, tell = self._inserting
            inserting.result()
            self._inserting = None
            tell()

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
    kinds: tuple[Source, ...] = (CustodyLog(), Applications(KnownHops(policies).rows), StallEvents())
    return {cards[name].topic(): kind for name, kind in zip(READ, kinds, strict=True)}


def run(settings: Settings, cards: Mapping[str, Card] | None = None) -> None:
    """Until SIGTERM; TopicsError if no broker answers, or its topics are not there.

    Ends the process, non-zero, on every other error: starting is the only recovery.
    """
    policies = load_policies(settings.policy)
    used = [*versions(load_parties(settings.parties, policies.newest), policies)]
    try:
        with ExitStack() as opened:
            _keep(settings, sources(cards or load_cards(), policies), used, opened)
    except TopicsError:
        raise
    except Exception as error:
        die("history cannot go on", error)


def _keep(settings: Settings, read: Mapping[str, Source], used: Sequence[Version], opened: ExitStack) -> None:
    store = _open_server(server, settings, opened) if (server := clickhouse(settings)) else _open_folder(settings, opened)
    if kept := [version.table for version in used if store.keep(version)]:
        log.info("these files are used for the first time", kept=kept)
    topics_there(settings)
    admin = admin_client(settings)
    wait_for_topics(admin, read)
    history = History(store, admin, read, settings.embedded)
    gauges(lambda: history.readings(time.time_ns() // 1_000))
    # Rows are many objects and no cycles: to look for cycles as often as Python does takes a tenth of the time
    gc.freeze()
    gc.set_threshold(GARBAGE)
    log.info("history is ready")
    run_loop(consumer_config(settings, settings.history_group, auto_offset_reset="error"), list(read), history)


def _open_server(server: Mapping[str, Any], settings: Settings, opened: ExitStack) -> Store:
    store = Store.on_server(server)
    opened.callback(store.close)
    log.info("migrated", applied=store.migrate(read_migrations()))
    opened.enter_context(Compactor(lambda: Store.on_server(server), settings.compact_every_s))
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
    opened.enter_context(Compactor(lambda: Store.in_folder(folder), settings.compact_every_s))
    front = opened.enter_context(Front(folder, port=settings.history_port))
    log.info("answering ClickHouse's HTTP interface, read-only", url=f"http://{HOST}:{front.port}")
    return store
