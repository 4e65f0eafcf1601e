"""The ledger: the table ``applications`` by partition, each held with the producer under which it was loaded.

An assignment is, per partition and in this order: a new producer; ``init_transactions``, which fences every earlier owner and
ends its open transaction; load to the end as it is *then*; seek to applied + 1 (rule 4). A ledger is valid only under that
producer, and is published only when whole. Memory follows the commit. Whatever fails ends the process (rule 5).
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import confluent_kafka as ck
import msgspec
import structlog
from aiokafka.errors import IllegalStateError
from faust import Table
from faust.stores.base import Store
from faust.streams import current_event
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from mode import Service

from schemas.codec import decode_application
from schemas.records import APPLIED_KEY, Application, Applied
from streams.connection import kafka
from streams.failpoints import reach
from streams.groups import WATCH
from streams.ledger_reading import read_ledger
from streams.loop import die
from streams.metrics import histogram
from streams.partition import Batch, Partition
from streams.policy import Policies
from streams.readiness import tell_ready
from streams.settings import Settings

log = structlog.get_logger()
commit_took = histogram("tairyu_commit_seconds")
load_took = histogram("tairyu_ledger_load_seconds")

LARGEST = 4_194_304
"""As the card of ``applications`` allows: a record holds what its events brought."""
COMMIT_S = 30.0
FENCE_S = 30.0
LOADERS = 4
"""Partitions loaded side by side."""

UNCHANGEABLE = "an application's record changes only with its batch's transaction"

Output = tuple[str, bytes | None, bytes | None]
"""Topic, key, value (None: a tombstone)."""


class Held:
    """One partition of the ledger, and the producer under which it was loaded: together or not at all."""

    def __init__(self, settings: Settings, topic: str, number: int, policies: Policies) -> None:
        self.topic, self.number = topic, number
        self.partition = Partition(policies, number)
        self.committed_at = time.monotonic()
        self.lock = asyncio.Lock()
        self.producer = _fenced_producer(settings, number)
        reach("watch.after_fencing")
        self.partition.restore(*read_ledger(settings, topic, number))
        self.pending = Batch(self.partition)
        """What is not committed yet: it may hold clock movements of earlier runs."""

    @property
    def applied(self) -> int:
        return self.partition.applied.offset

    @commit_took.time()
    def commit(self, changed: dict[bytes, bytes | None], applied: Applied, outputs: list[Output]) -> None:
        """Outputs, changed records and the applied record in one transaction. KafkaException if it did not surely commit."""
        producer, encoded = self.producer, msgspec.json.encode(applied)
        producer.begin_transaction()
        for topic, key, value in outputs:
            self._produce(topic, key, value)
        for token, stored in changed.items():
            self._produce(self.topic, token, stored)
        self._produce(self.topic, APPLIED_KEY, encoded)
        reach("watch.after_produce", producer.flush)
        producer.commit_transaction(COMMIT_S)
        reach("watch.after_commit")

    def keep(self, changed: dict[bytes, bytes | None], applied: Applied) -> None:
        self.partition.keep(self.pending, changed, applied)
        self.pending = Batch(self.partition)
        self.committed_at = time.monotonic()

    def _produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        while True:
            try:
                self.producer.produce(topic, value, key, self.number)
                return
            except BufferError:  # very many fell due at once: wait until some have left
                self.producer.poll(0.1)


def _fenced_producer(settings: Settings, number: int) -> ck.Producer:
    producer = ck.Producer(
        kafka(settings)
        | {
            "transactional.id": f"{WATCH}-{number}",
            "transaction.timeout.ms": 60_000,  # very many may fall due in one pulse; whoever takes over ends what is open at once
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 2_000_000,
            "message.max.bytes": LARGEST,
        }
    )
    producer.init_transactions(FENCE_S)
    return producer


class LedgerStore(Store):
    """Faust's view of the ledger: what was lost is dropped at once, what is newly assigned is fenced and loaded."""

    settings: Settings
    policies: Policies

    def __post_init__(self) -> None:
        self.partitions: dict[int, Held] = {}
        self.loading = False

    async def load(self) -> None:
        """Not inside the rebalance callback: aiokafka sends no heartbeat until that has returned."""
        topic = self.table.changelog_topic.get_topic_name()
        mine = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == topic}
        for partition in [p for p in self.partitions if p not in mine]:
            del self.partitions[partition]
        new = sorted(mine - set(self.partitions))
        if new:
            began, self.loading = time.monotonic(), True
            held = await asyncio.get_running_loop().run_in_executor(None, self._hold, topic, new)
            self.partitions |= held  # published only when whole
            self.loading = False
            count = sum(len(h.partition.records) for h in held.values())
            seconds = time.monotonic() - began
            load_took.observe(seconds)
            log.info("ledger loaded", partitions=new, applications=count, seconds=round(seconds, 2))

    def _hold(self, topic: str, new: list[int]) -> dict[int, Held]:
        with ThreadPoolExecutor(LOADERS) as pool:
            return dict(zip(new, pool.map(lambda number: Held(self.settings, topic, number, self.policies), new), strict=True))

    def next_offsets(self) -> dict[int, int]:
        return {number: held.applied + 1 for number, held in self.partitions.items()}

    def _here(self) -> dict[bytes, bytes]:
        """The records of the partition of the event in hand."""
        event = current_event()
        if event is None:
            raise LookupError("table[token] is known only where an agent handles an event: it looks into that event's partition")
        return self.partitions[event.message.partition].partition.records

    def __getitem__(self, key: bytes) -> Application:
        return decode_application(self._here()[key])

    def __contains__(self, key: object) -> bool:
        return key in self._here()

    def __setitem__(self, key: bytes, value: Any) -> None:
        raise TypeError(UNCHANGEABLE)

    def __delitem__(self, key: bytes) -> None:
        self[key] = None

    def __iter__(self) -> Iterator[bytes]:
        return (key for held in self.partitions.values() for key in held.partition.records)

    def __len__(self) -> int:
        return sum(len(held.partition.records) for held in self.partitions.values())

    # Faust's own bookkeeping of a store: the ledger's applied record takes its place.

    def persisted_offset(self, tp: Any) -> None:
        return None

    def set_persisted_offset(self, tp: Any, offset: int) -> None:
        return None

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        return None

    def reset_state(self) -> None:
        return None

    async def backup_partition(self, *args: Any, **kwargs: Any) -> None:
        return None

    def restore_backup(self, *args: Any, **kwargs: Any) -> None:
        return None

    def _clear(self) -> None:
        self.partitions.clear()


class LedgerTable(Table):
    """``table[token]``: the application's record, in the partition of the event in hand. Its changelog is the card's topic."""

    changelog_name: str
    settings: Settings
    policies: Policies
    store_type: type[LedgerStore] = LedgerStore

    def on_key_set(self, key: bytes, value: Any) -> None:
        """Faust would send a changelog record of its own before it asks the store."""
        raise TypeError(UNCHANGEABLE)

    def on_key_del(self, key: bytes) -> None:
        raise TypeError(UNCHANGEABLE)

    def on_clear(self) -> None:
        raise TypeError(UNCHANGEABLE)

    def _changelog_topic_name(self) -> str:
        return self.changelog_name

    def _new_store(self) -> LedgerStore:
        store = self.store_type("ledger://", self.app, self)
        store.settings, store.policies = self.settings, self.policies
        return store


class LedgerRecovery(Recovery):
    """In place of Faust's own recovery: load the ledger after the rebalance callback has returned, then resume where it says."""

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            generation = self._generation_id
            try:
                for table in self.tables.values():
                    await table.data.load()
                await self._resume_streams(generation_id=generation)  # does not resume if a new rebalance began
                tell_ready()
            except (IllegalStateError, RebalanceAgain):
                log.info("the assignment changed while it was taken up: the next one follows")
            except Exception as error:
                die("the ledger could not be loaded", error)


class LedgerTables(TableManager):
    _recovery: LedgerRecovery | None = None

    @property
    def recovery(self) -> LedgerRecovery:
        if self._recovery is None:
            self._recovery = LedgerRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
