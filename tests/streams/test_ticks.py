"""Scenario time: which records come before which tick."""

import random
from collections.abc import Iterable

import pytest

from streams.ticks import Step, TickError, Ticks

A, B = ("kiosk-events.plaza", 0), ("municipal-events", 0)

Written = tuple[str, int, int]
"""What, instant, offset."""


def both() -> Ticks[str]:
    return Ticks({A: None, B: None})


def names(step: Step[str]) -> list[str]:
    return [record for *_, record in step.records]


def test_a_tick_waits_for_every_partition() -> None:
    ticks = both()
    ticks.record(*A, 0, 5, "a5")
    ticks.tick(*A, 1, 10)
    assert list(ticks.steps()) == []  # municipal-events may still say something before 10

    ticks.record(*B, 0, 3, "b3")
    ticks.tick(*B, 1, 10)
    (step,) = ticks.steps()
    assert (step.tick_us, names(step)) == (10, ["b3", "a5"])
    assert list(ticks.steps()) == []


def test_positions_cover_whole_ticks_and_what_is_read_ahead_is_kept() -> None:
    ticks = both()
    for where in (A, B):
        ticks.tick(*where, 0, 10)
    ticks.record(*A, 1, 12, "a12")
    ticks.record(*A, 2, 17, "a17")
    (first,) = ticks.steps()
    assert first.positions == {A: 1, B: 1}

    ticks.tick(*A, 3, 20)
    ticks.record(*A, 4, 21, "a21")
    ticks.tick(*B, 1, 20)
    (second,) = ticks.steps()
    assert (names(second), second.positions) == (["a12", "a17"], {A: 4, B: 2})


def test_equal_timestamps_go_by_topic_partition_and_offset() -> None:
    lanes = [("b", 0), ("a", 1), ("a", 0)]
    ticks: Ticks[str] = Ticks(dict.fromkeys(lanes))
    for topic, partition in lanes:
        ticks.record(topic, partition, 0, 5, f"{topic}{partition}-0")
        ticks.record(topic, partition, 1, 5, f"{topic}{partition}-1")
        ticks.tick(topic, partition, 2, 10)
    (step,) = ticks.steps()
    assert names(step) == ["a0-0", "a0-1", "a1-0", "a1-1", "b0-0", "b0-1"]


def test_a_record_stamped_after_the_tick_before_which_it_stands_comes_with_it() -> None:
    ticks = both()
    ticks.record(*A, 0, 99, "stamped ahead")
    for where in (A, B):
        ticks.tick(*where, 1, 10)
    (step,) = ticks.steps()
    assert names(step) == ["stamped ahead"]


def test_a_tick_written_twice_counts_once() -> None:
    ticks = both()
    ticks.tick(*A, 0, 10)
    ticks.tick(*A, 1, 10)  # the player's connection broke, and it sent it again
    ticks.record(*A, 2, 15, "a15")
    ticks.tick(*A, 3, 20)
    ticks.tick(*B, 0, 10)
    ticks.tick(*B, 1, 20)
    assert [(step.tick_us, names(step)) for step in ticks.steps()] == [(10, []), (20, ["a15"])]


def test_a_successor_does_not_repeat_the_tick_it_starts_after() -> None:
    ticks: Ticks[str] = Ticks({A: 10, B: 10})
    ticks.tick(*A, 1, 10)  # the second copy, behind the committed position
    ticks.tick(*A, 2, 20)
    ticks.tick(*B, 1, 20)
    assert [step.tick_us for step in ticks.steps()] == [20]


def test_feeds_that_tell_different_times_are_an_error() -> None:
    ticks = both()
    ticks.tick(*A, 0, 10)
    ticks.tick(*B, 0, 20)
    with pytest.raises(TickError, match="next ticks differ"):
        list(ticks.steps())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_depend_on_how_partitions_were_fetched(seed: int) -> None:
    rng = random.Random(seed)
    written: dict[tuple[str, int], list[Written]] = {where: list(_feed(rng)) for where in (A, B, ("jlis-events", 1))}

    def played(order: random.Random) -> list[tuple[int, list[str]]]:
        ticks: Ticks[str] = Ticks(dict.fromkeys(written))
        ahead = {where: list(feed) for where, feed in written.items()}
        said = []
        while any(ahead.values()):
            where = order.choice([where for where, feed in ahead.items() if feed])
            for _ in range(order.randint(1, 7)):
                if ahead[where]:
                    _say(ticks, where, ahead[where].pop(0))
            said += [(step.tick_us, names(step)) for step in ticks.steps()]
        return said

    first = played(random.Random(1))
    assert len(first) == 20
    assert sum(len(records) for _, records in first) == sum(what != "tick" for feed in written.values() for what, _, _ in feed)
    assert all(played(random.Random(order)) == first for order in range(2, 6))


def _feed(rng: random.Random) -> Iterable[Written]:
    offset = 0
    for tick in range(1, 21):
        for _ in range(rng.randint(0, 3)):
            yield f"{rng.random()}", tick * 10 - rng.randint(1, 9), offset
            offset += 1
        yield "tick", tick * 10, offset
        offset += 1


def _say(ticks: Ticks[str], where: tuple[str, int], written: Written) -> None:
    what, instant_us, offset = written
    if what == "tick":
        ticks.tick(*where, offset, instant_us)
    else:
        ticks.record(*where, offset, instant_us, what)
