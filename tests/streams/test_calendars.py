"""Business calendars: holidays of the package, closures and openings as data, a horizon, a version."""

from datetime import date
from pathlib import Path

import holidays
import pytest
import yaml

from streams.calendars import day_number, read_calendar
from streams.marked_yaml import Fault, Spot
from streams.policy import BusinessCalendar

SHIPPED = Path(__file__).parents[2] / "streams" / "policies" / "calendars"
HEAD = """\
version: "3"
holidays: {country: JP}
closed_weekdays: [saturday, sunday]
first_day: 2026-01-01
last_day: 2026-12-31
"""


def read(folder: Path, name: str) -> tuple[BusinessCalendar, list[str]]:
    faults: list[Fault] = []
    named = yaml.compose(name, Loader=yaml.SafeLoader)
    return read_calendar("c", Spot("policy.yaml", "calendars.c", 9, named, faults), folder), [*map(str, faults)]


def written(folder: Path, text: str) -> BusinessCalendar:
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    calendar, faults = read(folder, "c.yaml")
    assert faults == []
    return calendar


def faults_of(folder: Path, text: str) -> list[str]:
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    return [fault.removeprefix(f"{folder}/") for fault in read(folder, "c.yaml")[1]]


def is_open(calendar: BusinessCalendar, *day: int) -> bool:
    return day_number(date(*day)) in calendar.open_days


@pytest.fixture(scope="module")
def municipal() -> BusinessCalendar:
    calendar, faults = read(SHIPPED, "japan-municipal.yaml")
    assert faults == []
    return calendar


def test_the_version_names_the_data_and_the_package(municipal: BusinessCalendar) -> None:
    assert municipal.version == f"1+holidays-{holidays.__version__}"


def test_the_shipped_horizon_is_2015_to_2030(municipal: BusinessCalendar) -> None:
    assert (municipal.first_day, municipal.last_day) == (day_number(date(2015, 1, 1)), day_number(date(2030, 12, 31)))


def test_open_days_ascend_and_stand_once(municipal: BusinessCalendar) -> None:
    assert list(municipal.open_days) == sorted(set(municipal.open_days))


@pytest.mark.parametrize("year", [2015, 2022, 2026, 2028])
def test_every_year_end_is_closed(municipal: BusinessCalendar, year: int) -> None:
    # 2015: 28 December is a Monday, and 4 January 2016 too
    closed = [(year, 12, 29), (year, 12, 30), (year, 12, 31), (year + 1, 1, 1), (year + 1, 1, 2), (year + 1, 1, 3)]
    assert not any(is_open(municipal, *day) for day in closed)


def test_the_days_around_the_year_end_are_open(municipal: BusinessCalendar) -> None:
    assert is_open(municipal, 2015, 12, 28)
    assert is_open(municipal, 2016, 1, 4)


def test_the_year_end_that_began_before_the_first_day_counts(municipal: BusinessCalendar) -> None:
    assert not is_open(municipal, 2015, 1, 2)
    assert is_open(municipal, 2015, 1, 5)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ((2026, 5, 6), "substitute holiday, since 3 May was a Sunday"),
        ((2026, 9, 22), "between two holidays"),
        ((2019, 5, 1), "the new Emperor's accession, once"),
        ((2020, 7, 23), "moved for the Olympic Games, once"),
        ((2021, 8, 9), "substitute of a holiday moved for the Olympic Games"),
    ],
)
def test_holidays_of_one_year_only_are_known(municipal: BusinessCalendar, day: tuple[int, int, int], why: str) -> None:
    assert not is_open(municipal, *day), why


def test_holidays_that_moved_away_leave_an_open_day(municipal: BusinessCalendar) -> None:
    # In 2020 Marine Day left its third Monday of July
    assert is_open(municipal, 2020, 7, 20)


def test_a_closure_with_dates_is_closed_once(tmp_path: Path) -> None:
    closures = "closures: [{who: us, from: 2026-06-10, to: 2026-06-11, reason: move, source: imagined}]\n"
    calendar = written(tmp_path, HEAD.replace("2026-12-31", "2027-12-31") + closures)
    assert [is_open(calendar, 2026, 6, day) for day in (9, 10, 11, 12)] == [True, False, False, True]
    assert [is_open(calendar, 2027, 6, day) for day in (10, 11)] == [True, True]


def test_a_closure_of_every_year_may_lie_within_one(tmp_path: Path) -> None:
    closures = "closures: [{who: us, from: 06-23, to: 06-23, reason: memorial day, source: imagined}]\n"
    calendar = written(tmp_path, HEAD.replace("2026-12-31", "2027-12-31") + closures)
    assert not is_open(calendar, 2026, 6, 23)
    assert not is_open(calendar, 2027, 6, 23)
    assert is_open(calendar, 2027, 6, 24)


def test_an_opening_opens_a_holiday_and_a_sunday(tmp_path: Path) -> None:
    openings = "openings: [{who: us, from: 2026-05-03, to: 2026-05-04, reason: change of the law, source: imagined}]\n"
    calendar = written(tmp_path, HEAD + openings)
    assert [is_open(calendar, 2026, 5, day) for day in (3, 4, 5)] == [True, True, False]


def test_another_week_and_no_holidays_at_all(tmp_path: Path) -> None:
    text = HEAD.replace("{country: JP}", "{}").replace("[saturday, sunday]", "[friday]")
    calendar = written(tmp_path, text)
    assert is_open(calendar, 2026, 1, 1)
    assert not is_open(calendar, 2026, 1, 2)
    assert len(calendar.open_days) == 365 - 52


def test_a_part_of_a_country_has_its_own_holidays(tmp_path: Path) -> None:
    berlin = written(tmp_path, HEAD.replace("country: JP", "country: DE, subdivision: BE").replace("2026-", "2027-"))
    bavaria = written(tmp_path, HEAD.replace("country: JP", "country: DE, subdivision: BY").replace("2026-", "2027-"))
    assert (is_open(berlin, 2027, 3, 8), is_open(bavaria, 2027, 3, 8)) == (False, True)
    assert (is_open(berlin, 2027, 1, 6), is_open(bavaria, 2027, 1, 6)) == (True, False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEAD.replace("country: JP", "country: XX"), "c.yaml:2: holidays.country: expected a country of the package holidays"),
        (
            HEAD.replace("country: JP", "country: DE, subdivision: XX"),
            "c.yaml:2: holidays.subdivision: expected a part of DE",
        ),
        (HEAD.replace("sunday]", "sonday]"), "c.yaml:3: closed_weekdays.1: expected one of the weekdays"),
        (HEAD.replace("2026-01-01", "1 January"), "c.yaml:4: first_day: expected a day of 1970 to 2099, like 2026-12-29, got '1 January'"),
        (HEAD.replace("2026-12-31", "2026-02-30"), "c.yaml:5: last_day: expected a day of 1970 to 2099, like 2026-12-29, got '2026-02-30'"),
        (HEAD.replace("2026-12-31", "2025-12-31"), "c.yaml:5: last_day: expected a day after first_day 2026-01-01, got '2025-12-31'"),
        (HEAD.replace('version: "3"\n', ""), "c.yaml:1: version: is missing"),
        (HEAD + "closure: []\n", "c.yaml:6: closure: no such key here (nearest: closures)"),
        (HEAD + "closures: [{who: us, from: 06-23, to: 06-23, reason: r}]\n", "c.yaml:6: closures.0.source: is missing"),
        (
            HEAD + "closures: [{who: us, from: 06-23, to: 2026-06-24, reason: r, source: s}]\n",
            "c.yaml:6: closures.0.to: expected a day written as the span's first one: both with a year, or both without, got '2026-06-24'",
        ),
        (
            HEAD + "closures: [{who: us, from: 2026-06-23, to: 2026-06-22, reason: r, source: s}]\n",
            "c.yaml:6: closures.0.to: expected a day not before 2026-06-23, got '2026-06-22'",
        ),
        (
            HEAD + "closures: [{who: us, from: 06-31, to: 07-01, reason: r, source: s}]\n",
            "c.yaml:6: closures.0.from: expected a day of 1970 to 2099, like 2026-12-29, or 12-29 for every year, got '06-31'",
        ),
        (
            HEAD + "closures: [{who: us, from: 02-29, to: 02-29, reason: r, source: s}]\n",
            "c.yaml:6: closures.0.from: expected a day of 1970 to 2099, like 2026-12-29, or 12-29 for every year, got '02-29'",
        ),
        (
            HEAD.replace("2026-01-01", "1969-12-31"),
            "c.yaml:4: first_day: expected a day of 1970 to 2099, like 2026-12-29, got '1969-12-31'",
        ),
        (HEAD.replace("2026-12-31", "2100-01-01"), "c.yaml:5: last_day: expected a day of 1970 to 2099, like 2026-12-29, got '2100-01-01'"),
        ("", "c.yaml:1: expected a mapping of keys, got nothing"),
        (HEAD + "---\n" + HEAD, "c.yaml:7: expected one document, got another"),
    ],
)
def test_each_mistake_in_the_data_names_its_line_and_key(tmp_path: Path, text: str, fault: str) -> None:
    assert [found for found in faults_of(tmp_path, text) if found.startswith(fault)], faults_of(tmp_path, text)


def test_a_mistake_of_every_year_is_said_once(tmp_path: Path) -> None:
    text = HEAD.replace("2026-12-31", "2028-12-31") + "closures: [{who: us, from: 06-31, to: 07-01, reason: r, source: s}]\n"
    assert len(faults_of(tmp_path, text)) == 1


def test_a_calendar_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, "nowhere.yaml")[1][0].startswith(f"{tmp_path}/nowhere.yaml: cannot be read: ")
