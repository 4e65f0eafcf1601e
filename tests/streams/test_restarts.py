"""When an ended program is started again: timelines of uptimes."""

from streams.restarts import Restart, Rules, after_exit

RULES = Rules(first_s=0.5, longest_s=30, short_life_s=10, loop_after=5)


def pauses(*uptimes_s: float, rules: Rules = RULES) -> list[Restart]:
    restarts, short_lives = [], 0
    for uptime_s in uptimes_s:
        restarts.append(after_exit(rules, short_lives, uptime_s))
        short_lives = restarts[-1].short_lives
    return restarts


def test_each_short_life_doubles_the_pause_until_it_is_a_crash_loop() -> None:
    # five lives of under 10 s on end: the fifth is a crash loop, and so are all that follow
    assert [(restart.pause_s, restart.crash_loop) for restart in pauses(1, 1, 9.9, 0, 3, 2)] == [
        (0.5, False),
        (1, False),
        (2, False),
        (4, False),
        (30, True),
        (30, True),
    ]


def test_one_life_of_ordinary_length_wipes_the_slate() -> None:
    # four short lives, then 10 s, then a short one: the pause begins again
    assert [restart.pause_s for restart in pauses(1, 1, 1, 1, 10, 1, 1)] == [0.5, 1, 2, 4, 0.5, 0.5, 1]
    assert not any(restart.crash_loop for restart in pauses(1, 1, 1, 1, 10, 1, 1, 1, 1))


def test_an_end_after_days_costs_the_first_pause_only() -> None:
    assert pauses(200_000) == [Restart(0.5, 0, crash_loop=False)]


def test_no_pause_is_longer_than_the_longest() -> None:
    rules = Rules(first_s=1, longest_s=5, short_life_s=10, loop_after=99)

    assert [restart.pause_s for restart in pauses(0, 0, 0, 0, 0, rules=rules)] == [1, 2, 4, 5, 5]
