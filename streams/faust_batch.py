"""Batch delivery into Faust: an agent gets one message per fetched run of a partition's records (measured: stack, section 1).

Faust hands over one event at a time, which costs more than all our rules. Here a message's value is the list of records, its
offset the last one's. Faust keeps membership, assignment, agents and tables; where to read from is the ledger's to say.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple, Protocol

import faust
from aiokafka.consumer import fetcher
from faust.auth import Credentials
from faust.topics import Topic
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.settings import Settings

RUN_LENGTH = 20_000
"""Records an agent gets at once, at most: one transaction, whose 12 ms are spread over them. Applications that come again in it are
decoded and encoded once."""


class Positions(Protocol):
    """Who knows what has been applied: partition -> the next offset to read."""

    def next_offsets(self) -> dict[int, int]: ...


class BatchTopic(Topic):
    """A batch is already what the agent wants: nothing to decode."""

    async def decode(self, message: Any, *, propagate: bool = False) -> Any:
        if isinstance(message.value, list):
            return self._create_event(None, message.value, None, message=message)
        return await super().decode(message, propagate=propagate)


class AsRead(fetcher.PartitionRecords):
    """Records as they are read from a fetch. aiokafka would make a ConsumerRecord of each, which costs a tenth of the watch's time."""

    def __iter__(self) -> Any:
        return self._records_iterator  # not by way of ``__next__``, which is a call for each record

    def _consumer_record(self, tp: TP, record: Any) -> Any:
        return record


class CommittedOnly(driver.AIOKafkaConsumerThread):
    """Reads what is committed, and nothing else. Faust would read aborted records too, unless it wrote the transactions itself."""

    def _create_worker_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_worker_consumer(loop)
        consumer._isolation_level = "read_committed"  # an argument that Faust does not pass on
        fetcher.PartitionRecords = AsRead  # the fetcher, which is made when the consumer starts, asks for no class
        return consumer


class BatchConsumer(driver.Consumer):
    """Delivers runs of the app's batched topic; seeks where the ledger says."""

    app: "BatchApp"
    delivered: dict[int, int]
    """Partition -> the last offset of the fetch whose runs agents get."""
    stops: int
    """How often the flow was stopped: what was fetched before is another assignment's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.delivered, self.stops, self._reading = {}, 0, asyncio.Lock()
        self._ahead: asyncio.Task[Fetched | None] | None = None

    def _new_consumer_thread(self) -> CommittedOnly:
        return CommittedOnly(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        ahead, self._ahead = self._ahead, None
        fetched = await (self._fetch(timeout) if ahead is None else ahead)
        if fetched is None or self.should_stop:
            return
        runs = list(in_turn({tp: even_runs(records) for tp, records in fetched.records.items()}))
        for place, (tp, run) in enumerate(runs, 1):
            if self._is_over(fetched):
                return  # a rebalance began: what is left belongs to someone else
            if place == len(runs):
                # An agent that judges lets nobody else have the loop: without this, nothing would be fetched before it has ended
                self._ahead = asyncio.create_task(self._fetch(timeout))
            yield tp, _message(tp, run, fetched.generation)

    async def _fetch(self, timeout: float) -> "Fetched | None":
        """None: they came as the flow stood still, and are nobody's. Faust would seek then, which fails if a rebalance has just taken the
        assignment away. Who resumes seeks, too."""
        records, active = await self._wait_next_records(timeout)
        if records is None or not self.flow_active:
            return None
        records = {tp: each for tp, each in records.items() if active is None or tp in active or tp in self._buffered_partitions}
        self.delivered.update({tp.partition: each[-1].offset for tp, each in records.items() if each})
        return Fetched(records, self.app.consumer_generation_id, self.stops)

    def _is_over(self, fetched: "Fetched") -> bool:
        return not self.flow_active or (fetched.generation, fetched.stops) != (self.app.consumer_generation_id, self.stops)

    def stop_flow(self) -> None:
        self.stops += 1
        super().stop_flow()

    async def on_stop(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
        await super().on_stop()

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        async with self._reading:
            return await super()._getmany(active_partitions, timeout)

    async def seek_to_committed(self) -> dict[TP, int]:
        """The ledger knows what it contains; the group's committed offset is for monitoring only.

        A fetch that is under way moves positions, too, and is known to be an old one only when it has come back: so it comes back first.
        """
        async with self._reading:
            offsets = dict(await super().seek_to_committed())
            for partition, offset in self.app.positions.next_offsets().items():
                tp = TP(self.app.batched, partition)
                if tp in self.assignment():
                    await self._seek(tp, offset)
                    offsets[tp] = offset
            return offsets

    def lag(self, partition: int, handled: int) -> int | None:
        """Readable records behind offset ``handled``, as far as the broker has told; None: it has not yet. Markers count, unless all
        up to the end has been fetched and handled. To be asked from any thread: it only looks."""
        try:
            assignment = self._thread._consumer._subscription.subscription.assignment
            state = assignment.state_value(TP(self.app.batched, partition))
            end, position = state.lso, state.position
        except (AttributeError, KeyError, AssertionError):
            return None  # between two assignments
        if end is None:
            return None
        under_way = self._ahead is not None and not self._ahead.done()  # what it has read already moved the position, and nothing else
        if position >= end and not under_way and self.delivered.get(partition, handled) <= handled:
            return 0
        return int(max(0, end - handled - 1))

    def _new_offset(self, tp: TP) -> int | None:
        """Faust commits consecutive offsets only; a batch acknowledges just its last, so the commit would never move."""
        acked = self._acked[tp]
        if not acked:
            return None
        highest = max(acked)  # batches of a partition are handled in order
        acked.clear()
        self._acked_index[tp].clear()
        self._gap.pop(tp, None)
        return int(highest) + 1


class Fetched(NamedTuple):
    records: dict[TP, list[Any]]
    generation: int
    stops: int


def in_turn(runs: dict[TP, list[list[Any]]]) -> Iterator[tuple[TP, list[Any]]]:
    """The first of each partition, then the second of each: while one partition's run is committed, another's is judged."""
    for place in range(max(map(len, runs.values()), default=0)):
        yield from ((tp, each[place]) for tp, each in runs.items() if place < len(each))


def even_runs(fetched: list[Any]) -> list[list[Any]]:
    """All of them in order, in as few runs as there can be. A short one behind a long one would wait for the long one's commit."""
    size, count = len(fetched), -(-len(fetched) // RUN_LENGTH)
    return [fetched[size * place // count : size * (place + 1) // count] for place in range(count)]


def _message(tp: TP, run: list[Any], generation: int) -> ConsumerMessage:
    last = run[-1]
    return ConsumerMessage(
        tp.topic,
        tp.partition,
        last.offset,
        last.timestamp / 1000,
        last.timestamp_type,
        (),
        None,
        run,
        None,
        0,
        0,
        tp,
        generation_id=generation,
    )


class BatchTransport(driver.Transport):
    Consumer = BatchConsumer


class BatchApp(faust.App):
    """An app whose consumer delivers one topic in batches, from where ``positions`` says."""

    batched: str
    positions: Positions

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def credentials(settings: Settings) -> Credentials | None:
    """What ``connection.kafka`` says to librdkafka, said to aiokafka. OSError (ssl.SSLError) if a file cannot be used."""
    if settings.brokers_security == "PLAINTEXT":
        return None
    context = ssl.create_default_context(cafile=settings.brokers_ca)
    if settings.brokers_certificate is not None:
        context.load_cert_chain(settings.brokers_certificate, settings.brokers_key, settings.brokers_key_password)
    if settings.brokers_security == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.brokers_user,
        password=settings.brokers_password,
        mechanism=settings.brokers_mechanism,
        ssl_context=context,
    )
