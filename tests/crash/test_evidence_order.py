"""T is read before anybody is asked where the inputs end: what is appended after the question is not vouched for."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import confluent_kafka as ck

from schemas.codec import decode_pulse
from schemas.instants import from_text
from streams.admission import Output
from streams.desk import Desk
from streams.evidence import TopicPart
from streams.inputs import Inputs
from streams.intake import Intake
from streams.loop import Batch
from streams.parties import Feed

INPUT = ("jlis-events", 0)


class Clockwork:
    """Each reading is a microsecond after the last one."""

    def __init__(self) -> None:
        self.read_us = 1_800_000_000_000_000

    def now_us(self) -> int:
        self.read_us += 1
        return self.read_us

    def appended_us(self, kind: int, stamp_ms: int) -> int:
        raise AssertionError("no record comes")


class Asked:
    """Answers that the input is read to its end, and notes when it was asked."""

    def __init__(self, clock: Clockwork) -> None:
        self._clock = clock
        self.asked_us: int | None = None

    def ask(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        self.asked_us = self._clock.now_us()
        return dict.fromkeys(partitions, 5)

    def beginnings(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        return dict.fromkeys(partitions, 0)


class Committed:
    """Stands for the outlet and for the admission, of which this needs nothing."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.refused: Counter[tuple[str, str]] = Counter()

    def commit(self, outputs: Iterable[Output], positions: object, group: object) -> None:
        self.outputs += outputs


def test_what_was_appended_after_the_question_is_not_vouched_for() -> None:
    clock, committed = Clockwork(), Committed()
    asked, there = Asked(clock), {INPUT[0]: feed()}
    inputs = Inputs(there, 1, "2026-1", 5, low_ends=False)
    stand_in: Any = committed
    intake = Intake(Desk(inputs, stand_in, stand_in, "custody-log", 1), clock, stand_in_for(asked), 1_000_000)
    intake.assigned([ck.TopicPartition(*INPUT, 5)])

    intake.handle(Batch([], {}, None, lambda offsets: None))

    (output,) = committed.outputs
    through_us = from_text(decode_pulse(output.value).inputs[INPUT[0]].through[INPUT[1]])
    assert asked.asked_us is not None
    assert through_us < asked.asked_us


def feed() -> Feed:
    return Feed(topic=INPUT[0], card="jlis-events", party=None, roles=("j-lis",), speaker="j-lis", partitions=1)


def stand_in_for(asked: Asked) -> Any:
    return asked
