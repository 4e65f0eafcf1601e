"""Cuts: a function of the log alone. Offsets are written as they stand; a bucket is 5 seconds."""

from hypothesis import given
from hypothesis import strategies as st

from sinks.cuts import LIMIT, Cutter, Mark, Range

SECOND = 1_000_000
Fed = tuple[int, Mark | None]


def at(seconds: float, bucket_s: int = 5) -> Mark:
    return Mark(int(seconds * SECOND), bucket_s)


def cut(records: list[Fed], cutter: Cutter) -> list[Range]:
    return [found for offset, mark in records if (found := cutter.feed(offset, mark))]


def test_a_mark_in_a_higher_bucket_ends_a_range_with_itself() -> None:
    ranges = cut([(0, None), (1, at(100)), (2, None), (3, at(104.999)), (4, at(105)), (5, None)], Cutter())

    # 1: 100 s, the first mark of all, cuts.  3: 104.999 s is still in its bucket.  4: 105 s enters the next.  5 waits.
    assert ranges == [Range(0, 1, 2, 20, 100 * SECOND), Range(2, 4, 3, 21, 105 * SECOND)]


def test_a_mark_of_an_earlier_time_cuts_nothing() -> None:
    assert cut([(0, at(100)), (1, at(90)), (2, at(100)), (3, at(60))], Cutter()) == [Range(0, 0, 1, 20, 100 * SECOND)]


def test_many_records_without_a_mark_are_cut_at_the_limit_in_the_bucket_of_the_last_cut() -> None:
    ranges = cut([(0, at(100)), *((offset, None) for offset in range(1, 9))], Cutter(limit=3))

    assert ranges == [Range(0, 0, 1, 20, 100 * SECOND), Range(1, 3, 3, 20, 100 * SECOND), Range(4, 6, 3, 20, 100 * SECOND)]


def test_the_limit_is_50000_committed_records_whatever_their_offsets() -> None:
    # Every transaction's marker takes an offset: here each second one is missing
    ranges = cut([(2 * number, None) for number in range(LIMIT + 1)], Cutter())

    assert [(found.lo, found.hi, found.records) for found in ranges] == [(0, 99_998, 50_000)]


def test_a_mark_that_cuts_at_the_limit_cuts_once() -> None:
    assert cut([(0, at(1)), (1, None), (2, None), (3, at(10)), (4, None)], Cutter(bucket=0, cut_us=0, limit=4)) == [
        Range(0, 3, 4, 2, 10 * SECOND)
    ]


def test_cuts_go_on_when_buckets_become_longer() -> None:
    # A bucket of an hour has a lower number than one of five seconds: the instant at which it begins decides
    assert [found.cut_us for found in cut([(0, at(7195)), (1, at(7196, 3600)), (2, at(7200, 3600))], Cutter())] == [
        7195 * SECOND,
        7200 * SECOND,
    ]


marks = st.builds(Mark, st.integers(0, 200 * SECOND), st.sampled_from([5, 5, 5, 60]))
logs = st.lists(st.tuples(st.integers(1, 3), st.none() | marks), max_size=200).map(
    lambda steps: [(sum(step for step, _ in steps[: place + 1]), mark) for place, (_, mark) in enumerate(steps)]
)


@given(logs, st.integers(0, 60), st.integers(1, 30))
def test_whoever_resumes_behind_any_range_cuts_the_same_ranges(log: list[Fed], choice: int, limit: int) -> None:
    whole = cut(log, Cutter(limit=limit))
    if not whole:
        return
    behind = whole[choice % len(whole)]

    resumed = cut([(offset, mark) for offset, mark in log if offset > behind.hi], Cutter(behind.bucket, behind.cut_us, limit))

    assert resumed == whole[whole.index(behind) + 1 :]


@given(logs, st.integers(1, 30))
def test_ranges_hold_every_record_once_in_order_and_their_months_never_go_back(log: list[Fed], limit: int) -> None:
    ranges = cut(log, Cutter(limit=limit))

    held = [offset for found in ranges for offset, _ in log if found.lo <= offset <= found.hi]
    assert held == [offset for offset, _ in log][: len(held)]
    assert [found.records for found in ranges] == [sum(found.lo <= offset <= found.hi for offset, _ in log) for found in ranges]
    assert all(found.records <= limit for found in ranges)
    assert [found.cut_us for found in ranges] == sorted(found.cut_us for found in ranges)
    assert len(log) - len(held) < limit
