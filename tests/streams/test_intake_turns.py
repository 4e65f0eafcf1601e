"""When live intake pulses, and how long it collects records until then. Clock and broker are arguments."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import confluent_kafka as ck
import pytest

from schemas.cards import load_cards
from schemas.instants import SECOND_US
from streams.admission import Output
from streams.desk import Desk
from streams.evidence import TopicPart
from streams.inputs import Inputs
from streams.intake import Ends, Intake
from streams.loop import Batch
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.settings import Settings

MS = 1_000
NOTHING = Batch([], {}, None, lambda positions: None)


class Turns:
    """Intake with all its parts but a broker: what it would commit is counted."""

    def __init__(self, interval_us: int) -> None:
        self.now_us, self.pulses = 100 * SECOND_US, 0
        policies, cards = load_policies(Settings().policy), load_cards()
        parties = load_parties(Settings().parties, policies.newest)
        inputs = Inputs(public_feeds(parties, policies.newest, cards), parties.input_set, policies.newest.version, 5, low_ends=False)
        desk = Desk(inputs, cast(Any, SimpleNamespace(refused={})), cast(Any, self), "custody-log", 1)
        clock = SimpleNamespace(now_us=lambda: self.now_us)
        self.intake = Intake(desk, cast(Any, clock), cast(Ends, self), interval_us)
        self.intake.assigned([ck.TopicPartition("jlis-events", 0, 17)])

    def beginnings(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        return dict.fromkeys(partitions, 0)

    def ask(self, partitions: Iterable[TopicPart]) -> dict[TopicPart, int]:
        return dict.fromkeys(partitions, 17)

    def commit(self, outputs: list[Output], positions: object, group: object) -> None:
        self.pulses += len(outputs)

    def after(self, ms: int) -> float:
        """Milliseconds, for which records may be collected."""
        self.now_us = 100 * SECOND_US + ms * MS
        return round(self.intake.wait_s() * 1_000, 3)


def test_records_are_collected_until_the_next_pulse_is_due_and_no_longer() -> None:
    turns = Turns(interval_us=100 * MS)
    turns.intake.handle(NOTHING)
    assert turns.pulses == 1
    assert [turns.after(ms) for ms in (0, 30, 85)] == [100, 70, 15]
    turns.intake.handle(NOTHING)
    assert turns.pulses == 1
    # 95 ms: some are collected all the same, and so at 150, when it is due
    assert [turns.after(ms) for ms in (95, 150)] == [10, 10]
    turns.intake.handle(NOTHING)
    assert turns.pulses == 2
    assert turns.after(160) == 90


@pytest.mark.parametrize("interval_ms", [1_000, 5_000])
def test_where_pulses_are_seldom_records_are_collected_for_a_tenth_of_a_second(interval_ms: int) -> None:
    turns = Turns(interval_us=interval_ms * MS)
    assert turns.after(0) == 100
    turns.intake.handle(NOTHING)
    assert [turns.after(ms) for ms in (0, interval_ms - 100, interval_ms - 40)] == [100, 100, 40]


def test_a_clock_that_was_set_back_pulses_at_once() -> None:
    turns = Turns(interval_us=1_000 * MS)
    turns.intake.handle(NOTHING)
    assert turns.after(-60_000) <= 100
    turns.intake.handle(NOTHING)
    assert turns.pulses == 2
