"""Intake's producer: outputs and the inputs' positions in one transaction, or the end of the process (rule 5)."""

import threading
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import confluent_kafka as ck

from streams.admission import Output
from streams.connection import kafka
from streams.failpoints import reach
from streams.groups import INTAKE
from streams.loop import die
from streams.metrics import histogram
from streams.settings import Settings

took = histogram("tairyu_commit_seconds")

TRANSACTION_MS = 10_000
"""At most: an open transaction hides all later records of its partitions from everybody."""
COMMIT_S = 10.0
FENCE_S = 30.0
ANSWER_S = 45.0
"""Without a broker, librdkafka may wait in `send_offsets_to_transaction` for ever, whatever time it is given."""
LARGEST = 4 * 1024 * 1024
"""Bytes, as the cards allow: an accepted record may grow threefold, since an id of 23 digits becomes a token of 64."""


class Outlet:
    """What keeps a frozen worker's batch out is the group membership that goes with it; the transactional id only names the slot.

    A slot with a name lets a successor end what its predecessor left open; two processes in one slot end each other.
    """

    def __init__(self, settings: Settings) -> None:
        slot = settings.intake_slot or uuid.uuid4().hex
        self._producer = ck.Producer(
            kafka(settings)
            | {
                "transactional.id": f"{INTAKE}-{slot}",
                "transaction.timeout.ms": TRANSACTION_MS,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 5,
                "message.max.bytes": LARGEST,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._producer.init_transactions(FENCE_S)

    @took.time()
    def commit(self, outputs: Iterable[Output], positions: Sequence[ck.TopicPartition], group: Any) -> None:
        """KafkaException if it did not surely commit. ``positions``: of every input that is known, always: they fence a zombie."""
        unanswered = threading.Timer(ANSWER_S, die, (f"the brokers have not answered a commit for {ANSWER_S:.0f} s",))
        unanswered.daemon = True
        unanswered.start()
        try:
            self._commit(outputs, positions, group)
        finally:
            unanswered.cancel()

    def _commit(self, outputs: Iterable[Output], positions: Sequence[ck.TopicPartition], group: Any) -> None:
        self._producer.begin_transaction()
        produce = self._producer.produce
        for output in outputs:
            try:
                produce(output.topic, output.value, output.key, output.partition)
            except BufferError:
                self._produce_later(output)
        reach("intake.after_produce", self._producer.flush)
        self._producer.send_offsets_to_transaction(list(positions), group, COMMIT_S)
        reach("intake.after_offsets")
        self._producer.commit_transaction(COMMIT_S)
        reach("intake.after_commit")

    def _produce_later(self, output: Output) -> None:
        """A thousand records of a megabyte: wait until some have left."""
        while True:
            self._producer.poll(0.1)
            try:
                self._producer.produce(output.topic, output.value, output.key, output.partition)
                return
            except BufferError:
                continue
