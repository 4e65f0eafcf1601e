"""When a hop is due. One function computes a deadline; everything else asks it. Pure."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.instants import DAY_US, to_us
from streams.policy import BusinessCalendar, Hop, Policies, Policy

UNIX_DAY = date(1970, 1, 1).toordinal()
LAST_DAY = date(9999, 12, 30).toordinal() - UNIX_DAY
"""Python's dates end here: what would be due later has no date."""
DEFAULT = "default"
"""The rule that a verdict names where no override applies."""


def due_us(hop: Hop, limit: int, entered_us: int, policy: Policy) -> int | None:
    """The last instant that is in time: who ends the hop at it, or before it, is not late.

    On the wall clock ``entered_us`` + ``limit``. Otherwise 24:00, in the policy's time zone, of the ``limit``-th following
    (``calendar_days``) or open (``business_days``) day after the day of entry. None where the calendar has no such day.
    """
    if hop.clock == "wall":
        return entered_us + limit
    entered = day_of(entered_us, policy.timezone)
    if hop.clock == "calendar_days":
        due: int | None = entered + limit
    else:
        assert hop.calendar is not None
        due = open_day_after(policy.calendars[hop.calendar], entered, limit)
    return None if due is None or due >= LAST_DAY else day_begins_us(due + 1, policy.timezone)


def open_day_after(calendar: BusinessCalendar, day: int, count: int) -> int | None:
    """The ``count``-th open day after this one; None if the calendar begins later or ends sooner."""
    place = bisect_right(calendar.open_days, day) + count - 1
    return calendar.open_days[place] if day >= calendar.first_day and place < len(calendar.open_days) else None


def day_of(instant_us: int, zone: ZoneInfo) -> int:
    """The day, in that zone, into which an instant falls (days since 1970-01-01); 24:00 belongs to the next day."""
    day = instant_us // DAY_US + 1
    while instant_us < day_begins_us(day, zone):
        day -= 1
    return day


@lru_cache(maxsize=1 << 16)
def day_begins_us(day: int, zone: ZoneInfo) -> int:
    """The first instant of a day. Where clocks jump over midnight, the jump; where midnight comes twice, the first one.

    (Both are what Python gives for ``fold=0``.)
    """
    midnight = date.fromordinal(day + UNIX_DAY)
    return to_us(datetime(midnight.year, midnight.month, midnight.day, tzinfo=zone))


def in_force(policies: Policies, instant_us: int) -> Policy:
    """The version in force at that instant; before the first one's beginning, the first."""
    versions = policies.versions
    for policy in reversed(versions[1:]):
        if instant_us >= policy.effective_us:
            return policy
    return versions[0]


def effective_hop(policy: Policy, hop_name: str, attributes: Mapping[str, str | None]) -> tuple[Hop, str]:
    """The hop as it is for an application with these attributes, and the rule's name: the most specific override that
    matches, else ``default``. Among equally specific ones, the first in the file."""
    for override in policy.ranked_overrides.get(hop_name, ()):
        if all(attributes.get(key) == value for key, value in override.match):
            return override.changed, override.name
    return policy.hops[hop_name], DEFAULT
