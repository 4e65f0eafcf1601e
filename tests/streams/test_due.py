"""When each application has to be looked at next: a pulse costs what is due, not what is open."""

from streams.due import DueIndex
from tests.streams.story import Log, Story, shown, token_of

A, B, C = (token_of(seed).encode() for seed in (1, 2, 3))
NOON = "2026-04-01 12:00"


def noon() -> Log:
    """Every feed is read through noon, but for plaza's: through 11:00."""
    log = Log()
    log.clock(NOON, plaza="2026-04-01 11:00")
    return log


def test_only_what_the_clock_has_passed_is_due() -> None:
    clocks = noon().partition.clocks
    at = clocks.of(["tokiwa"])
    index = DueIndex()
    index.put(A, at - 1, ("tokiwa",))
    index.put(B, at, ("tokiwa",))
    index.put(C, at + 1, ("tokiwa",))
    assert index.take_due(clocks) == [A]  # an instant is passed after it, not at it
    assert len(index) == 2


def test_what_was_taken_is_not_due_again() -> None:
    clocks = noon().partition.clocks
    index = DueIndex()
    index.put(A, 0, ())
    assert index.take_due(clocks) == [A]
    assert index.take_due(clocks) == []


def test_each_application_is_due_by_the_clock_of_its_own_vendors() -> None:
    clocks = noon().partition.clocks
    index = DueIndex()
    between = clocks.of(["plaza"]) + 1
    index.put(A, between, ("plaza",))
    index.put(B, between, ("tokiwa",))
    index.put(C, between, ("plaza", "tokiwa"))
    assert index.take_due(clocks) == [B]


def test_a_new_due_instant_replaces_the_old_one() -> None:
    clocks = noon().partition.clocks
    index = DueIndex()
    index.put(A, 0, ())
    index.put(A, clocks.of([]) + 1, ())
    assert index.take_due(clocks) == []
    assert index.first() == clocks.of([]) + 1


def test_another_vendor_replaces_the_clock_that_is_waited_for() -> None:
    clocks = noon().partition.clocks
    index = DueIndex()
    between = clocks.of(["plaza"]) + 1
    index.put(A, between, ("tokiwa",))
    index.put(A, between, ("plaza", "tokiwa"))
    assert index.take_due(clocks) == []
    assert len(index) == 1


def test_what_waits_for_nothing_leaves_the_index() -> None:
    index = DueIndex()
    index.put(A, 5, ())
    index.put(A, None, ())
    assert (len(index), index.first()) == (0, None)


def test_the_first_instant_is_the_earliest_of_all_vendors() -> None:
    index = DueIndex()
    index.put(A, 7, ("plaza",))
    index.put(B, 5, ("tokiwa",))
    index.put(C, 6, ())
    assert index.first() == 5
    index.put(B, None, ("tokiwa",))
    assert index.first() == 6


def test_memory_follows_what_is_open_and_not_what_has_changed() -> None:
    index = DueIndex()
    for due in range(10_000):
        index.put(A, due, ())
    assert sum(len(heap) for heap in index._heaps.values()) < 100
    assert index.first() == 9_999


def test_nothing_is_due_while_a_clock_stands() -> None:
    log = Log()
    log.clock(NOON, plaza=None)
    index = DueIndex()
    index.put(A, 0, ("plaza",))
    assert index.take_due(log.partition.clocks) == []


def test_an_open_hop_is_due_at_its_next_limit_or_when_it_has_settled() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert shown(story.log.partition.due.first()) == "2026-04-01 16:00"
    story.clock("2026-04-01 16:00:01")
    assert shown(story.log.partition.due.first()) == "2026-04-02 10:00"
    story.plaza("application.uploaded", "2026-03-30 10:00", arrived="2026-04-01 17:00")
    assert shown(story.log.partition.due.first()) == "2026-04-01 17:01"


def test_a_finished_application_is_due_when_it_shrinks_and_when_it_is_forgotten() -> None:
    story = Story()
    story.city("application.voided", "2026-04-01 10:00")
    assert shown(story.log.partition.due.first()) == "2026-04-08 10:00"
    story.clock("2026-04-08 10:00:01")
    assert shown(story.log.partition.due.first()) == "2027-05-13 10:00"
    story.clock("2027-05-13 10:00:01")
    assert len(story.log.partition.due) == 0


def test_a_hop_at_its_highest_level_is_due_for_nothing() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-05-01 10:00")
    assert story.held_now == {"forward:1": "breach"}
    assert len(story.log.partition.due) == 0
