"""Due at 24:00 of the Nth day: counted one day after the other, by the law's own words."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from schemas.instants import from_us, to_us

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONE_DAY = timedelta(days=1)


class OpenDays:
    """The days on which an office is open, read from a calendar file as it stands."""

    def __init__(self, file: dict[str, Any]) -> None:
        self.first, self.last = as_date(file["first_day"]), as_date(file["last_day"])
        self.closed_weekdays = {WEEKDAYS.index(name) for name in file["closed_weekdays"]}
        self.closures = [(str(closure["from"]), str(closure["to"])) for closure in file.get("closures") or []]
        years = range(self.first.year, self.last.year + 1)
        named = file["holidays"]
        self.holidays = set(holidays.country_holidays(named["country"], subdiv=named.get("subdivision"), years=years))

    def is_open(self, day: date) -> bool:
        return day.weekday() not in self.closed_weekdays and day not in self.holidays and not self.in_closure(day)

    def in_closure(self, day: date) -> bool:
        return any(self.covers(day, start, end) for start, end in self.closures)

    @staticmethod
    def covers(day: date, start: str, end: str) -> bool:
        """``12-29`` to ``01-03`` is every year, over its turn; a full date is once."""
        if len(start) == len("2026-12-29"):
            return start <= day.isoformat() <= end
        this = day.isoformat()[5:]
        return start <= this <= end if start <= end else this >= start or this <= end

    def nth_after(self, day: date, count: int) -> date | None:
        """The ``count``-th open day after ``day``; None if it or the way there leaves what the file knows."""
        if day < self.first:
            return None
        while count:
            day += ONE_DAY
            if day > self.last:
                return None
            count -= self.is_open(day)
        return day


def as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def due(entered: int, days: int, zone: ZoneInfo, office: OpenDays | None) -> int | None:
    """24:00, in ``zone``, of the Nth following day (without an office) or the Nth open one; None past the horizon."""
    entry = from_us(entered).astimezone(zone).date()
    last = entry + days * ONE_DAY if office is None else office.nth_after(entry, days)
    if last is None:
        return None
    return to_us(datetime.combine(last + ONE_DAY, time.min, tzinfo=zone).astimezone(UTC))
