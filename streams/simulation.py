"""Intake in scenario time: the player's ticks are the clock (architecture, "Simulation").

Killed at any point it goes on at a whole tick: what was read ahead was only in memory, and no position behind it was committed.
"""

from collections.abc import Sequence

import confluent_kafka as ck

from schemas.instants import from_text
from streams.admission import Output, PublicRecord
from streams.desk import Desk, public_record
from streams.loop import Batch, LoopError
from streams.ticks import TICK_HEADER, Step, TickError, Ticks

TICKS_AT_ONCE = 500
OUTPUTS_AT_ONCE = 4_000
"""A transaction ends behind the tick with which it has as many ticks, or as many outputs."""


class TickClock:
    """A record arrives when its player says so."""

    def __init__(self) -> None:
        self.tick_us = 0

    def now_us(self) -> int:
        return self.tick_us

    def appended_us(self, kind: int, stamp_ms: int) -> int:
        return stamp_ms * 1_000


class SimulatedIntake:
    """One worker, since only one that reads every partition can tell what comes before a tick."""

    def __init__(self, desk: Desk, clock: TickClock) -> None:
        self._desk, self._clock = desk, clock
        self._ticks: Ticks[PublicRecord] = Ticks({})

    def assigned(self, committed: Sequence[ck.TopicPartition]) -> Sequence[ck.TopicPartition]:
        inputs = self._desk.inputs
        starts = inputs.take(committed)
        if set(inputs.readings) != inputs.everything():
            raise LoopError("a simulation has one intake worker, and reads every partition of the input set, no more and no less")
        self._ticks = Ticks({where: reading.through_us for where, reading in inputs.readings.items()})
        return starts

    def revoked(self) -> None:
        self._desk.inputs.drop()
        self._ticks = Ticks({})

    def handle(self, batch: Batch) -> None:
        for message in batch.records:
            self._add(message)
        outputs: list[Output] = []
        ticks = 0
        try:
            for step in self._ticks.steps():
                outputs += self._step(step)
                ticks += 1
                if ticks >= TICKS_AT_ONCE or len(outputs) >= OUTPUTS_AT_ONCE:
                    self._desk.commit(outputs, batch.group)
                    outputs, ticks = [], 0
        except TickError as error:
            raise LoopError(str(error)) from error
        if outputs:
            self._desk.commit(outputs, batch.group)

    def _add(self, message: ck.Message) -> None:
        record = public_record(message, self._clock)
        tick = next((text for name, text in record.headers or () if name == TICK_HEADER), None)
        if tick is not None and record.value is None:
            self._ticks.tick(record.topic, record.partition, record.offset, from_text(tick.decode()))
        else:
            self._ticks.record(record.topic, record.partition, record.offset, record.appended_us, record)

    def _step(self, step: Step[PublicRecord]) -> list[Output]:
        outputs = [output for *_, record in step.records for output in self._desk.judge(record)]
        self._clock.tick_us = step.tick_us
        for where, position in step.positions.items():
            self._desk.inputs.readings[where].ended(position)
            self._desk.inputs.readings[where].vouch(step.tick_us)
        return outputs + self._desk.pulses(self._clock.now_us())
