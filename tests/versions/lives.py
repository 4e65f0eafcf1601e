"""Many applications with stalls, corrections, copies and late news, told day by day into a log: the same for the same seed."""

from datetime import datetime, timedelta
from random import Random

from tests.streams.story import Log, Story

FIRST = datetime(2026, 4, 1)
VENDOR = ("application.submitted", "application.uploaded", "application.uploaded", "application.resubmitted")
JLIS = ("application.received", "application.returned", "application.accepted", "card.dispatched")
ALIVE = 10
"""Applications of which something happens at a time."""
CITY = ("card.arrived", "notice.sent", "card.handed_over", "application.voided")


def told_lives(log: Log, seed: int, *, days: int = 28, begin: int = 0) -> Log:
    """Days ``begin`` to ``days``; in each, some events, and pulses of which some lag behind. Every other day somebody new applies, and
    what is told in two parts is the same as in one."""
    for day in range(begin, days):
        chance, at = Random(f"{seed} {day}"), FIRST + timedelta(days=day)
        for number in chance.sample(range(day // 2, day // 2 + ALIVE), 5):
            story = Story(log=log, seed=1_000 * seed + number)
            _tell(story, chance, at + timedelta(hours=chance.randrange(10, 20)))
        for hour in (6, 12, 18, 23):
            behind = at - timedelta(days=chance.choice([0, 0, 0, 1, 2]))
            log.clock(_text(at + timedelta(hours=hour, minutes=30)), plaza=_text(behind))
    return log


def _tell(story: Story, chance: Random, now: datetime) -> None:
    """One event, of now or of up to two days ago; sometimes one of another party, a copy or a correction beside it."""
    at, arrived = _text(now - timedelta(hours=chance.choice([0, 0, 1, 5, 30, 48]))), _text(now)
    kiosk = {"kiosk": f"soka-{chance.randrange(3)}"}
    vendor = chance.choice([story.plaza, story.plaza, story.tokiwa])
    vendor(chance.choice(VENDOR), at, arrived=arrived, id=str(chance.randrange(6)), **kiosk)
    if chance.random() < 0.5:
        story.jlis(chance.choice(JLIS), at, arrived=arrived)
    if chance.random() < 0.2:
        story.city(chance.choice(CITY), at, arrived=arrived)
    if chance.random() < 0.3:
        vendor("event.corrected", arrived, corrects=str(chance.randrange(6)))


def _text(at: datetime) -> str:
    return at.isoformat(" ")
