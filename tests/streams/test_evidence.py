"""T by evidence: timelines of what was handled, what the leader answered, and what that proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evidence import Reading

S = 1_000_000


def at(offset: int, *, through_us: int | None = None, low_ends: bool = False) -> Reading:
    """A reading that continues at a committed offset."""
    committed = Reading()
    if through_us is not None:
        committed.vouch(through_us)
    return Reading.resumed(offset, committed.metadata(), low_ends=low_ends)


def test_an_input_that_nobody_has_read_vouches_for_nothing() -> None:
    # 10:00 assigned, nothing committed, nothing fetched yet; the leader says it is empty
    reading = Reading.resumed(-1001, None)
    reading.prove(36_000 * S, 0)

    assert (reading.position, reading.through_us) == (None, None)


def test_a_feed_read_to_its_end_moves_the_clock_even_if_nothing_came() -> None:
    reading = Reading.resumed(-1001, None)
    reading.ended(0)  # empty
    reading.prove(100 * S, 0)
    assert reading.through_us == 100 * S
    # a second later still nothing
    reading.prove(101 * S, 0)
    assert reading.through_us == 101 * S
    assert reading.heard_us is None


def test_behind_the_end_only_what_was_handled_is_proven() -> None:
    # 100 s: 3 records handled, the last appended at 40 s; 500 more are waiting
    reading = at(0)
    for offset in range(3):
        reading.handled(offset, (20 + 10 * offset) * S)
    reading.prove(100 * S, 503)
    assert reading.through_us == 40 * S
    # 101 s: all handled
    reading.handled(502, 99 * S)
    reading.prove(101 * S, 503)
    assert reading.through_us == 101 * S


def test_behind_the_end_with_nothing_handled_yet_proves_nothing() -> None:
    reading = at(7)
    reading.prove(100 * S, 9)
    assert (reading.position, reading.through_us) == (7, None)


def test_without_an_answer_t_stays() -> None:
    reading = at(5, through_us=90 * S)
    reading.handled(5, 95 * S)
    reading.prove(100 * S, None)
    assert reading.through_us == 90 * S


def test_markers_behind_the_last_record_are_the_end_too() -> None:
    # offset 3 is the last record, 4 its transaction's marker: the end is 5, no record will ever have offset 4
    reading = at(3)
    reading.handled(3, 50 * S)
    reading.prove(60 * S, 5)
    assert reading.through_us == 50 * S  # the marker could still be a record
    reading.ended(5)
    assert reading.position == 5
    reading.prove(61 * S, 5)
    assert reading.through_us == 61 * S


def test_an_end_that_was_seen_before_more_records_came_moves_nothing_back() -> None:
    reading = at(10)
    reading.ended(10)
    reading.handled(10, 50 * S)
    reading.ended(10)  # of the same fetch, told afterwards
    assert reading.position == 11


def test_a_record_behind_the_question_arrives_after_the_answer() -> None:
    # 100 s: clock read, end asked: at the end. A record was appended at 99.9 s by a broker whose clock is behind, and comes now
    reading = at(4)
    reading.prove(100 * S, 4)
    assert reading.handled(4, 99 * S + 900_000) == 100 * S
    # one that came later keeps its own stamp
    assert reading.handled(5, 103 * S) == 103 * S


def test_t_never_goes_back_when_the_clock_does() -> None:
    reading = at(4, through_us=200 * S)
    reading.prove(150 * S, 4)
    assert reading.through_us == 200 * S
    assert reading.handled(4, 160 * S) == 200 * S
    reading.prove(170 * S, 9)
    assert (reading.through_us, reading.heard_us) == (200 * S, 200 * S)


def test_a_successor_starts_from_what_was_committed() -> None:
    reading = at(0)
    reading.handled(0, 50 * S)
    reading.prove(60 * S, 1)

    successor = Reading.resumed(1, reading.metadata())

    assert (successor.position, successor.through_us, successor.heard_us) == (1, 60 * S, 50 * S)


@pytest.mark.parametrize("metadata", [None, "", "somebody else's words", '{"through_us":"soon"}', "[1]"])
def test_metadata_that_is_not_ours_proves_nothing(metadata: str | None) -> None:
    reading = Reading.resumed(8, metadata)
    assert (reading.position, reading.through_us, reading.heard_us) == (8, None, None)


def test_where_ends_are_too_low_the_end_must_have_been_seen() -> None:
    # the embedded broker: one batch of records 0 to 4, whose end it gives as 1; two of them have been handled
    reading = at(0, low_ends=True)
    reading.handled(0, 50 * S)
    reading.handled(1, 51 * S)
    reading.prove(60 * S, 1)
    assert reading.through_us == 51 * S
    # all five, and the end of the partition seen
    reading.handled(4, 52 * S)
    reading.ended(5)
    reading.prove(61 * S, 1)
    assert reading.through_us == 61 * S
    # another batch has come behind it, from offset 5
    reading.prove(62 * S, 6)
    assert reading.through_us == 61 * S


@given(st.lists(st.tuples(st.sampled_from("hep"), st.integers(0, 50), st.integers(0, 10_000)), max_size=40), st.booleans())
def test_whatever_happens_t_only_grows_and_arrivals_with_it(steps: list[tuple[str, int, int]], low_ends: bool) -> None:
    reading, through_us = at(0, low_ends=low_ends), 0
    for what, offset, instant_us in steps:
        if what == "h":
            arrived_us = reading.handled(offset, instant_us)
            assert arrived_us == max(instant_us, reading.through_us or 0) <= (reading.heard_us or 0)
        elif what == "e":
            reading.ended(offset)
        else:
            reading.prove(instant_us, offset)
        assert (reading.through_us or 0) >= through_us
        through_us = reading.through_us or 0
