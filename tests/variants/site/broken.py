"""What is broken in each variant: the module of the product, and the change to it. Each is a mistake that somebody could make."""

import time
import uuid
from collections.abc import Callable
from typing import Any


def memory_before_commit(ledger: Any) -> None:
    """The ledger's memory takes over a batch before its transaction is committed."""
    commit = ledger.Held.commit

    def broken(held: Any, changed: Any, applied: Any, outputs: Any) -> None:
        held.keep(changed, applied)
        commit(held, changed, applied, outputs)

    ledger.Held.commit = broken


def no_fencing(ledger: Any) -> None:
    """Each start of a watch has a transactional id of its own, so no earlier owner of the partition is fenced."""
    producer = ledger.ck.Producer

    class Client:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        @staticmethod
        def Producer(config: dict[str, Any]) -> Any:
            return producer({**config, "transactional.id": f"{config['transactional.id']}-{uuid.uuid4().hex}"})

    real, ledger.ck = ledger.ck, Client()


def fencing_after_loading(ledger: Any) -> None:
    """The ledger is loaded first, and its earlier owner fenced a little later."""
    fence, read = ledger._fenced_producer, ledger.read_ledger
    loaded: dict[int, Any] = {}

    def load_first(settings: Any, number: int) -> Any:
        loaded[number] = read(settings, named[-1], number)
        time.sleep(3)
        return fence(settings, number)

    named: list[str] = []
    build = ledger.Held.__init__

    def broken(held: Any, settings: Any, topic: str, number: int, policies: Any) -> None:
        named.append(topic)
        build(held, settings, topic, number, policies)

    ledger._fenced_producer = load_first
    ledger.read_ledger = lambda settings, topic, number: loaded.pop(number)
    ledger.Held.__init__ = broken


def metadata_at_commit(loop: Any) -> None:
    """The group's metadata is what it is at the commit, after more polls, which make nothing of a membership that was lost."""
    import streams.outlet as outlet

    assigned, commit = loop._Loop._assigned, outlet.Outlet.commit

    def keep_the_consumer(self: Any, consumer: Any, partitions: Any) -> None:
        assigned(self, consumer, partitions)
        self.group = consumer

    def poll_and_commit(self: Any, outputs: Any, positions: Any, consumer: Any) -> None:
        for _ in range(25):  # until it is a member again
            consumer.poll(0.2)
        commit(self, outputs, positions, consumer.consumer_group_metadata())

    loop._lost = lambda consumer, partitions: None
    loop._Loop._assigned = keep_the_consumer
    outlet.Outlet.commit = poll_and_commit


def deadline_one_second_early(deadlines: Any) -> None:
    """A limit falls due a second before its instant."""
    due_us = deadlines.due_us

    def broken(*args: Any, **named: Any) -> int | None:
        due: int | None = due_us(*args, **named)
        return None if due is None else due - 1_000_000

    deadlines.due_us = broken


def clocks_not_in_the_ledger(partition: Any) -> None:
    """The applied record holds the position and nothing of the clocks."""
    import msgspec

    applied = partition.Batch.applied
    partition.Batch.applied = lambda self: msgspec.structs.replace(applied(self), inputs={}, floor_us={}, input_set=-1)


def no_insert_token(clickhouse: Any) -> None:
    """Every insert has a token of its own."""
    clickhouse.token = lambda *args: uuid.uuid4().hex


def cut_by_poll(cuts: Any) -> None:
    """A range ends where a writer happened to have read for a while."""
    feed, since = cuts.Cutter.feed, [time.monotonic()]

    def broken(self: Any, offset: int, mark: Any) -> Any:
        cut = feed(self, offset, mark)
        if cut is None and time.monotonic() - since[0] > 0.002:
            since[0] = time.monotonic()
            cut = cuts.Range(self._lo, offset, self._records, self._bucket, self._cut_us)
            self._records = 0
        return cut

    cuts.Cutter.feed = broken


def clock_read_after_the_question(intake: Any) -> None:
    """T is read when the inputs' ends are known already."""

    def broken(self: Any) -> Any:
        ends = self._ends.ask(self._desk.inputs.known())
        clock_us = self._clock.now_us()
        self._desk.inputs.prove(clock_us, ends)
        self._pulsed_us = clock_us
        return self._desk.pulses(clock_us)

    intake.Intake._pulses = broken


def aborted_records_read(faust_batch: Any) -> None:
    """The watch reads uncommitted records, too: Faust's default."""
    faust_batch.BatchConsumer._new_consumer_thread = faust_batch.driver.Consumer._new_consumer_thread


VARIANTS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "memory_before_commit": ("streams.ledger", memory_before_commit),
    "no_fencing": ("streams.ledger", no_fencing),
    "fencing_after_loading": ("streams.ledger", fencing_after_loading),
    "metadata_at_commit": ("streams.loop", metadata_at_commit),
    "deadline_one_second_early": ("streams.deadlines", deadline_one_second_early),
    "clocks_not_in_the_ledger": ("streams.partition", clocks_not_in_the_ledger),
    "no_insert_token": ("sinks.clickhouse", no_insert_token),
    "cut_by_poll": ("sinks.cuts", cut_by_poll),
    "clock_read_after_the_question": ("streams.intake", clock_read_after_the_question),
    "aborted_records_read": ("streams.faust_batch", aborted_records_read),
}
