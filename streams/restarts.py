"""When a program that ended is started again. Pure: uptimes come in as arguments."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    first_s: float = 0.5
    """Pause before the first start after a life of ordinary length."""
    longest_s: float = 30.0
    """Each short life doubles the pause, up to this."""
    short_life_s: float = 10.0
    """Whoever ends sooner has probably ended for the reason it ended for before."""
    loop_after: int = 5
    """So many short lives on end are a crash loop."""


@dataclass(frozen=True)
class Restart:
    pause_s: float
    short_lives: int
    """On end, this one included."""
    crash_loop: bool


def after_exit(rules: Rules, short_lives: int, uptime_s: float) -> Restart:
    """What follows when a program ends after ``uptime_s``, with ``short_lives`` on end before.

    A crash loop keeps the longest pause: most causes (a broker away, a full disk) end without us, and a set-up that gave up stays blind.
    """
    if uptime_s >= rules.short_life_s:
        return Restart(rules.first_s, 0, crash_loop=False)
    lives = short_lives + 1
    if lives >= rules.loop_after:
        return Restart(rules.longest_s, lives, crash_loop=True)
    return Restart(min(rules.longest_s, rules.first_s * 2 ** (lives - 1)), lives, crash_loop=False)
