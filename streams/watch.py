"""custody-log -> stall-events, stalls, applications

The only judge of applications: a pure function of one partition's log. Killed at any point, nothing is lost or said twice: what
a batch says, the records it changes and how far it got are one transaction, under a producer that no earlier owner can use
(rule 4); a successor starts from the ledger. The process ends on anything but a successful commit (rule 5).
"""

import asyncio
import gc
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import faust
import structlog

from schemas.cards import load_cards
from streams.failpoints import reach
from streams.faust_batch import BatchApp, BatchTopic, credentials
from streams.groups import WATCH
from streams.ledger import Held, LedgerTable, LedgerTables, Output
from streams.loop import die
from streams.metrics import Reading, counter, gauges
from streams.policy import Policies, PolicyMissing
from streams.policy_file import load_policies
from streams.readiness import tell_turn
from streams.settings import Settings
from streams.topics import partitions_of, topics_there
from streams.watch_figures import count_transitions, partition_readings
from streams.watchdog import Watchdog

log = structlog.get_logger()
read = counter("tairyu_records_total")
unreadable = counter("tairyu_unreadable_records_total")

LONG_RUN_S = 2.0
"""A run of records that takes longer is committed on its way: what is handled is seen, and heartbeats go out between."""
LOOK_EVERY = 20
"""Records between two looks at the clock."""
CLOCKS_ONLY_S = 1.0
"""A batch that moved nothing but clocks may wait this long for its commit: a successor reads it again."""


class Watch:
    """The Faust app with its one agent, and what it needs to commit."""

    table_type: type[LedgerTable] = LedgerTable

    def __init__(self, settings: Settings, policies: Policies) -> None:
        self.settings, self.cards = settings, load_cards()
        self.app = self._app(partitions_of(settings, "custody-log", self.cards["custody-log"]))
        self.table = self._table(policies)
        self.app.positions = self.table.data
        custody_log = self.app.topic(self.app.batched, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        self.app.agent(custody_log, name="watch")(self.judge)
        self.app.timer(CLOCKS_ONLY_S)(self.commit_clocks)
        self.turns: set[asyncio.Task[None]] = set()
        self.app.on_partitions_revoked.connect(self.settle)
        self.app.on_before_shutdown.connect(self.settle)
        self.watchdog = Watchdog(settings, self.app.batched, self._handled)
        self.app.task(self._start_watchdog)
        gauges(self._readings)

    def _app(self, partitions: int) -> BatchApp:
        app = BatchApp(
            WATCH,
            broker="kafka://" + self.settings.brokers.replace(",", ";kafka://"),
            broker_credentials=credentials(self.settings),
            env_prefix="TAIRYU_FAUST_",
            store="memory://",
            topic_partitions=partitions,
            topic_replication_factor=self.settings.replication,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=self.settings.session_timeout_s,
            broker_heartbeat_interval=self.settings.session_timeout_s / 6,
            broker_commit_interval=1.0,
            consumer_max_fetch_size=2 * 1024 * 1024,  # of each partition: some 16,000 events, compressed
            broker_max_poll_records=80_000,  # a whole fetch of each of four partitions: while one is committed, the others are judged
            producer_request_timeout=60.0,
            stream_buffer_maxsize=64,
            web_enabled=False,
            processing_guarantee="at_least_once",
            Topic=BatchTopic,
            TableManager=LedgerTables,
        )
        app.batched = self.cards["custody-log"].name
        return app

    def _table(self, policies: Policies) -> LedgerTable:
        table = self.table_type(self.app, name="applications", partitions=self.app.conf.topic_partitions, key_type=bytes, value_type=bytes)
        table.changelog_name = self.cards["applications"].name
        table.settings, table.policies = self.settings, policies
        table.key_serializer = table.value_serializer = "raw"
        self.app.tables.add(table)
        return table

    async def judge(self, stream: faust.Stream[Any]) -> None:
        async for run in stream:
            await self._turn(self._apply(stream.current_event.message.partition, run))

    async def _turn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it to its end. A worker that stops cancels its agents: a commit whose outcome nobody waits for would be made again."""
        turn = asyncio.create_task(work)
        self.turns.add(turn)
        turn.add_done_callback(self.turns.discard)
        await asyncio.shield(turn)

    async def settle(self, *_: Any, **__: Any) -> None:
        """Before partitions are given away: what is being judged or committed comes to its end, under a producer that nobody has fenced
        yet."""
        while self.turns:
            await asyncio.wait(self.turns)
        for held in list(self.table.data.partitions.values()):
            await self._commit_rest(held)

    async def _apply(self, partition: int, run: list[Any]) -> None:
        """Judge a run. Its commit goes on by itself: what comes next is judged meanwhile, if it is another partition's."""
        try:
            held = self.table.data.partitions[partition]
            await held.lock.acquire()
            began = time.monotonic()
            for start in range(0, len(run), LOOK_EVERY):
                handle = held.pending.handle
                for record in run[start : start + LOOK_EVERY]:
                    handle(record.offset, record.key, record.value)
                if time.monotonic() - began > LONG_RUN_S:
                    await self._commit(held)
                    began = time.monotonic()
            read.inc(len(run))
        except PolicyMissing as error:
            die(str(error))
        except Exception as error:  # Faust would acknowledge the batch and go on
            die("a batch could not be judged", error)
        if held.pending.moved or time.monotonic() - held.committed_at > CLOCKS_ONLY_S:
            commit = asyncio.create_task(self._commit_locked(held))
            self.turns.add(commit)
            commit.add_done_callback(self.turns.discard)
        else:
            held.lock.release()

    async def commit_clocks(self) -> None:
        """Nothing else need arrive for clocks to be committed within a second or two."""
        tell_turn()
        for held in list(self.table.data.partitions.values()):
            await self._turn(self._commit_rest(held))

    async def _commit_rest(self, held: Held) -> None:
        await held.lock.acquire()
        await self._commit_locked(held)

    async def _commit_locked(self, held: Held) -> None:
        """What is pending, if anything is; the partition is free for its next run then."""
        try:
            if held.pending.offset > held.applied:
                await self._commit(held)
        except Exception as error:
            die("a batch could not be committed", error)
        finally:
            held.lock.release()

    async def _commit(self, held: Held) -> None:
        batch = held.pending
        for offset in batch.unreadable:
            unreadable.labels(self.app.batched).inc()
            log.error("not a custody record: skipped", topic=self.app.batched, partition=held.number, offset=offset)
        changed, applied = batch.changed(), batch.applied()
        stall_events, stalls = self.cards["stall-events"].name, self.cards["stalls"].name
        outputs: list[Output] = [(stall_events, key, value) for key, value in batch.said]
        outputs += [(stalls, stall.encode(), held_now) for stall, held_now in batch.stalls.items()]
        outputs += [(self.cards["applications"].name, token, record) for token, record in batch.ended().items()]
        await asyncio.get_running_loop().run_in_executor(None, held.commit, changed, applied, outputs)
        reach("watch.before_memory")
        held.keep(changed, applied)
        count_transitions(batch)

    def _handled(self) -> dict[int, int]:
        """What the watchdog looks at: nothing while a ledger is loaded, since the partitions that are held wait for it.

        What is handled need not be committed: a commit that hangs ends the process by itself.
        """
        return {} if self.table.data.loading else {number: held.pending.offset for number, held in list(self.table.data.partitions.items())}

    def _readings(self) -> Iterator[Reading]:
        held = {number: each.pending for number, each in list(self.table.data.partitions.items())}
        yield from partition_readings(held, time.time_ns() // 1_000)
        for number, pending in held.items():
            lag = self.app.consumer.lag(number, pending.offset)
            if lag is not None:
                yield Reading("tairyu_lag_records", (self.app.batched, str(number)), lag)

    async def _start_watchdog(self) -> None:
        self.watchdog.start()


def run(settings: Settings) -> None:
    """Run the stage until SIGTERM or SIGINT; TopicsError if no broker answers. Ends the process (non-zero) on any other failure."""
    log.info("watch starts", brokers=settings.brokers, policy=str(settings.policy))
    policies = load_policies(settings.policy)
    topics_there(settings)
    work(Watch(settings, policies))


def work(watch: Watch) -> None:
    gc.set_threshold(50_000, 20, 50)  # records make many short-lived objects and no cycles: to look for cycles as often costs 8 %
    worker = faust.Worker(watch.app, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()
