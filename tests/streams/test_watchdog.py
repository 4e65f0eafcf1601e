"""When a partition that stands still is stuck. 0 s: it has just been applied up to offset 7."""

from streams.watchdog import Standing

ALLOWED_S = 30.0


def test_a_partition_that_moves_is_never_suspected() -> None:
    standing = Standing(ALLOWED_S)

    assert [standing.suspects({0: offset}, 10.0 * offset) for offset in range(9)] == [[]] * 9


def test_one_that_stands_is_asked_about_after_half_of_what_is_allowed() -> None:
    standing = Standing(ALLOWED_S)

    assert standing.suspects({0: 7}, 0) == []
    assert standing.suspects({0: 7}, 14) == []
    assert standing.suspects({0: 7}, 15) == [0]
    assert standing.suspects({0: 8}, 16) == []  # it moved


def test_a_record_that_waits_for_the_other_half_means_that_it_is_stuck() -> None:
    standing = Standing(ALLOWED_S)
    standing.suspects({0: 7}, 0)

    assert standing.suspects({0: 7}, 15) == [0]
    assert not standing.waits(0, 7, 15)  # seen for the first time
    assert not standing.waits(0, 7, 29)
    assert standing.waits(0, 7, 30)


def test_the_first_record_after_an_idle_hour_is_not_stuck_yet() -> None:
    standing = Standing(ALLOWED_S)
    standing.suspects({0: 7}, 0)

    assert standing.suspects({0: 7}, 3_600) == [0]  # asked; nothing waits
    assert standing.suspects({0: 7}, 3_602) == [0]
    assert not standing.waits(0, 7, 3_602)  # a record has come
    standing.suspects({0: 8}, 3_604)  # and was applied
    assert standing.suspects({0: 8}, 7_200) == [0]
    assert not standing.waits(0, 8, 7_200)  # the wait of the one before does not count


def test_each_partition_is_looked_at_by_itself() -> None:
    standing = Standing(ALLOWED_S)
    standing.suspects({0: 7, 1: 5}, 0)

    assert standing.suspects({0: 7, 1: 6}, 20) == [0]
    assert standing.suspects({0: 7, 1: 6}, 40) == [0, 1]
    assert not standing.waits(0, 7, 40)
    assert standing.waits(0, 7, 55)
    assert not standing.waits(1, 6, 55)


def test_a_partition_that_was_given_back_begins_anew_when_it_returns() -> None:
    standing = Standing(ALLOWED_S)
    standing.suspects({0: 7}, 0)
    standing.suspects({0: 7}, 20)
    standing.waits(0, 7, 20)

    assert standing.suspects({}, 30) == []  # given back, or its ledger is being loaded
    assert standing.suspects({0: 7}, 60) == []
    assert standing.suspects({0: 7}, 75) == [0]
    assert not standing.waits(0, 7, 75)
