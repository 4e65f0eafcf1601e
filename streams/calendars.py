"""Business calendars: public holidays (package ``holidays``) and the closures of a data file, up to a horizon.

The package knows neither the municipal year-end closure, nor local holidays, nor next year's change of the law: those are data
(who, from, to, reason, source). A day outside the file's first and last day is never guessed.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import holidays

from streams.marked_yaml import Spot, read_document
from streams.policy import BusinessCalendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNIX_DAY = date(1970, 1, 1).toordinal()
ANY_YEAR = 1001
"""Stands for every year; no leap year."""
LIKE = "a day of 1970 to 2099, like 2026-12-29"
YEARS = range(1970, 2100)
"""Beyond 2099 the package knows no holidays, and says so by naming none."""


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - UNIX_DAY


def read_calendar(name: str, spot: Spot, folder: Path) -> BusinessCalendar:
    """The calendar whose data file is named at ``spot``, from ``folder``. What is wrong with either is written down there."""
    required = ("version", "holidays", "closed_weekdays", "first_day", "last_day")
    file = read_document(folder / spot.text("the name of a file"), spot.faults).keys(required, ("closures", "openings"))
    first, last = _date(file["first_day"]) or date(2000, 1, 1), _date(file["last_day"]) or date(2099, 12, 31)
    if first > last:
        file["last_day"].expected(f"a day after first_day {first}")
    free = _holidays(file["holidays"], first, last)
    weekdays = {WEEKDAYS.index(word) for word in file["closed_weekdays"].list_of(WEEKDAYS, "weekdays") if word in WEEKDAYS}
    closed, opened = _days(file["closures"], first, last), _days(file["openings"], first, last)
    days = (first + timedelta(place) for place in range((last - first).days + 1))
    open_days = [day for day in days if day in opened or not (day.weekday() in weekdays or day in free or day in closed)]
    version = f"{file['version'].text()}+holidays-{holidays.__version__}"
    return BusinessCalendar(name, version, day_number(first), day_number(last), tuple(map(day_number, open_days)))


def _holidays(spot: Spot, first: date, last: date) -> set[date]:
    """The country's public holidays; ``holidays: {}`` has none."""
    if not spot.missing and not spot.entries():
        return set()
    keys = spot.keys(("country",), ("subdivision",))
    country = keys["country"].one_of(holidays.list_supported_countries(), "a country of the package holidays")
    known = holidays.list_supported_countries().get(country)
    part = keys["subdivision"]
    subdivision = None if part.missing or known is None else part.one_of(known, f"a part of {country}")
    if known is None or (subdivision is not None and subdivision not in known):
        return set()
    return set(holidays.country_holidays(country, subdiv=subdivision, years=range(first.year, last.year + 1)))


def _days(spot: Spot, first: date, last: date) -> set[date]:
    days: set[date] = set()
    for item in [] if spot.missing else spot.items("{who, from, to, reason, source}"):
        keys = item.keys(("who", "from", "to", "reason", "source"))
        for word in ("who", "reason", "source"):
            keys[word].text()
        for begins, ends in _spans(keys["from"], keys["to"], first, last):
            days.update(begins + timedelta(place) for place in range((ends - begins).days + 1))
    return days


def _spans(start: Spot, end: Spot, first: date, last: date) -> Iterator[tuple[date, date]]:
    """A dated span once; one of months and days (``12-29`` to ``01-03``) in every year."""
    begins, ends = _date(start, yearly=True), _date(end, yearly=True)
    if begins is None or ends is None:
        return
    if (begins.year == ANY_YEAR) != (ends.year == ANY_YEAR):
        end.expected("a day written as the span's first one: both with a year, or both without")
    elif begins.year != ANY_YEAR:
        if begins > ends:
            end.expected(f"a day not before {begins}")
        yield begins, ends
    else:
        over = ends < begins
        for year in range(first.year - 1, last.year + 1):
            yield begins.replace(year=year), ends.replace(year=year + over)


def _date(spot: Spot, yearly: bool = False) -> date | None:
    """A day; in ``ANY_YEAR`` if it is one of every year (29 February is none)."""
    text = spot.text(LIKE)
    try:
        day = date.fromisoformat(f"{ANY_YEAR}-{text}" if yearly and len(text) == len("12-29") else text)
        if day.year in YEARS or (yearly and day.year == ANY_YEAR):
            return day
    except ValueError:
        pass
    spot.expected(f"{LIKE}, or 12-29 for every year" if yearly else LIKE)
    return None
