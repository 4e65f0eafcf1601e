"""When a hop is due: three clocks, one function. Timelines are in the policy's time zone unless they say otherwise."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import DAY_US, from_text, from_us, to_text, to_us
from streams.calendars import day_number
from streams.deadlines import day_begins_us, day_of, due_us, effective_hop, in_force, open_day_after
from streams.policy import BusinessCalendar, Clock, Hop, Override, Policies, Policy
from streams.policy_file import load_policies

POLICY = load_policies(Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml").newest
MUNICIPAL = POLICY.calendars["municipal"]
TOKYO = POLICY.timezone
BERLIN = ZoneInfo("Europe/Berlin")


def due(clock: Clock, limit: int, entered: str, zone: ZoneInfo = TOKYO) -> str | None:
    """The deadline of a hop on this clock, as the clock on the wall there shows it: ``2026-05-07 00:00``."""
    hop = replace(POLICY.hops["screening"], clock=clock, calendar="municipal" if clock == "business_days" else None)
    instant = due_us(hop, limit, from_text(entered), replace(POLICY, timezone=zone))
    return None if instant is None else f"{from_us(instant).astimezone(zone):%Y-%m-%d %H:%M}"


def open_days(first: date, last: date) -> int:
    """Open days, both ends counted."""
    return sum(day_number(first) <= day <= day_number(last) for day in MUNICIPAL.open_days)


# The wall clock


def test_machines_run_on_the_wall_clock_through_golden_week() -> None:
    hop = POLICY.hops["forward"]
    assert hop.limits[0] == ("notice", 6 * 3_600_000_000)
    assert due_us(hop, hop.limits[0][1], from_text("2026-05-02T23:30:00+09:00"), POLICY) == from_text("2026-05-03T05:30:00+09:00")


def test_a_wall_hour_is_an_hour_when_the_clocks_change() -> None:
    # 29 March 2026, Berlin: 01:30 is followed an hour later by 03:30.
    entered = from_text("2026-03-29T01:30:00+01:00")
    assert due_us(POLICY.hops["upload"], 3_600_000_000, entered, replace(POLICY, timezone=BERLIN)) == from_text("2026-03-29T03:30:00+02:00")


# Calendar days


def test_a_calendar_day_is_over_at_24_oclock_of_the_following_day() -> None:
    # entered at any time of 1 April: one day is over when 3 April begins
    assert due("calendar_days", 1, "2026-04-01T00:00:00+09:00") == "2026-04-03 00:00"
    assert due("calendar_days", 1, "2026-04-01T23:59:59.999999+09:00") == "2026-04-03 00:00"


def test_the_day_of_entry_is_the_day_in_tokyo_whatever_offset_the_sender_used() -> None:
    # 15:00 UTC is 24:00 in Tokyo
    assert due("calendar_days", 1, "2026-04-01T14:59:59Z") == "2026-04-03 00:00"
    assert due("calendar_days", 1, "2026-04-01T15:00:00Z") == "2026-04-04 00:00"
    assert due("calendar_days", 1, "2026-04-01T11:00:00-04:00") == "2026-04-04 00:00"


def test_24_oclock_belongs_to_the_day_that_begins() -> None:
    # 23:59:59 still inside the 1st; 00:00 is the 2nd, and has a day more
    assert due("calendar_days", 5, "2026-04-01T23:59:59+09:00") == "2026-04-07 00:00"
    assert due("calendar_days", 5, "2026-04-02T00:00:00+09:00") == "2026-04-08 00:00"


def test_the_29th_of_february_is_a_day() -> None:
    assert due("calendar_days", 1, "2028-02-28T12:00:00+09:00") == "2028-03-01 00:00"
    assert due("calendar_days", 2, "2028-02-28T12:00:00+09:00") == "2028-03-02 00:00"
    assert due("calendar_days", 2, "2027-02-28T12:00:00+09:00") == "2027-03-03 00:00"
    assert due("calendar_days", 365, "2028-02-28T12:00:00+09:00") == "2029-02-28 00:00"


def test_soka_waited_43_calendar_days() -> None:
    # 1 April to 13 May, both counted: held over the whole of 43 days; the 42nd after the day of entry is 13 May
    assert day_number(date(2026, 5, 13)) - day_number(date(2026, 4, 1)) + 1 == 43
    assert due("calendar_days", 42, "2026-04-01T10:00:00+09:00") == "2026-05-14 00:00"


# Business days


@pytest.mark.parametrize(("year", "days"), [(2024, 28), (2025, 28), (2026, 27)])
def test_golden_week_hides_a_third_of_sokas_43_days(year: int, days: int) -> None:
    # 1 April to 13 May, both counted
    assert open_days(date(year, 4, 1), date(year, 5, 13)) == days


@pytest.mark.parametrize(
    ("limit", "day"),
    [
        (1, "2026-05-02"),  # Friday 1 May is the 1st open day
        (2, "2026-05-08"),  # Saturday, 3-5 May are holidays, 6 May the substitute: Thursday 7 May is the 2nd
        (3, "2026-05-09"),
    ],
)
def test_golden_week_of_2026_lasts_to_the_substitute_holiday_of_6_may(limit: int, day: str) -> None:
    assert due("business_days", limit, "2026-04-30T09:00:00+09:00") == f"{day} 00:00"


def test_showa_day_is_no_open_day() -> None:
    # entered on Tuesday 28 April 2026; Wednesday 29 April is a holiday; Thursday 30 April is the 1st open day
    assert due("business_days", 1, "2026-04-28T23:59:59+09:00") == "2026-05-01 00:00"


def test_what_is_entered_on_a_closed_day_begins_with_the_next_open_one() -> None:
    # Saturday 2 May and Wednesday 6 May alike: 7 May is the 1st
    assert due("business_days", 1, "2026-05-02T10:00:00+09:00") == "2026-05-08 00:00"
    assert due("business_days", 1, "2026-05-06T23:59:59+09:00") == "2026-05-08 00:00"
    # 00:00 of the 7th is the 7th, and the 8th is the 1st
    assert due("business_days", 1, "2026-05-07T00:00:00+09:00") == "2026-05-09 00:00"


def test_offices_are_closed_from_29_december_to_3_january() -> None:
    # entered on Thursday 25 December 2025; Friday 26 is the 1st; 27, 28 a weekend, 29 to 3 closed, 4 a Sunday; Monday 5 is the 2nd
    assert due("business_days", 1, "2025-12-25T12:00:00+09:00") == "2025-12-27 00:00"
    assert due("business_days", 2, "2025-12-25T12:00:00+09:00") == "2026-01-06 00:00"


def test_past_the_horizon_there_is_no_deadline() -> None:
    # The last open day of the calendar is Friday 27 December 2030 (28 and 29 a weekend, then the closure)
    assert MUNICIPAL.open_days[-1] == day_number(date(2030, 12, 27))
    assert due("business_days", 1, "2030-12-26T12:00:00+09:00") == "2030-12-28 00:00"
    assert due("business_days", 2, "2030-12-26T12:00:00+09:00") is None
    assert due("business_days", 1, "2030-12-27T12:00:00+09:00") is None
    assert due("business_days", 1, "2035-01-01T12:00:00+09:00") is None


def test_before_the_calendar_begins_there_is_no_deadline() -> None:
    assert due("business_days", 1, "2014-12-31T23:59:59+09:00") is None
    assert due("business_days", 1, "2015-01-01T00:00:00+09:00") == "2015-01-06 00:00"


def test_levels_can_be_due_while_a_later_one_is_past_the_horizon() -> None:
    hop = POLICY.hops["screening"]
    dues = [due_us(hop, limit, from_text("2030-12-10T12:00:00+09:00"), POLICY) for _, limit in hop.limits]
    assert [instant is None for instant in dues] == [False, False, True]


def test_calendar_days_need_no_calendar_and_have_no_horizon_but_pythons() -> None:
    assert due("calendar_days", 365, "2031-01-01T12:00:00+09:00") == "2032-01-02 00:00"
    assert due("calendar_days", 365, "9999-06-01T12:00:00+09:00") is None


# Zones with summer time


def test_a_day_of_23_hours_ends_at_its_own_midnight() -> None:
    # Sunday 29 March 2026 has 23 hours in Berlin, Sunday 25 October 25
    assert due("calendar_days", 1, "2026-03-28T12:00:00+01:00", BERLIN) == "2026-03-30 00:00"
    assert to_text(day_begins_us(day_number(date(2026, 3, 30)), BERLIN)) == "2026-03-29T22:00:00Z"
    assert to_text(day_begins_us(day_number(date(2026, 10, 26)), BERLIN)) == "2026-10-25T23:00:00Z"


def test_both_halves_of_a_repeated_hour_fall_into_the_same_day() -> None:
    # 02:30 comes twice on 25 October 2026, as +02:00 and as +01:00
    for offset in ("+02:00", "+01:00"):
        assert due("calendar_days", 1, f"2026-10-25T02:30:00{offset}", BERLIN) == "2026-10-27 00:00"


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Africa/Cairo", date(2023, 4, 28), "2023-04-27T22:00:00Z"),  # 00:00 did not exist: the day began at 01:00
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00:00Z"),  # 00:00 to 01:00 came twice: the first counts
    ],
)
def test_a_day_begins_once_where_clocks_change_at_midnight(zone: str, day: date, begins: str) -> None:
    assert to_text(day_begins_us(day_number(day), ZoneInfo(zone))) == begins
    assert day_of(from_text(begins), ZoneInfo(zone)) == day_number(day)
    assert day_of(from_text(begins) - 1, ZoneInfo(zone)) == day_number(day) - 1


@given(
    instant=st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo"]),
)
def test_the_day_of_an_instant_is_the_one_on_the_wall_there(instant: datetime, zone: str) -> None:
    assert day_of(to_us(instant), ZoneInfo(zone)) == day_number(instant.astimezone(ZoneInfo(zone)).date())


@given(entered=st.integers(day_number(date(2015, 1, 1)), day_number(date(2030, 6, 30))), count=st.integers(1, 40))
def test_the_nth_open_day_is_the_one_that_counting_day_by_day_finds(entered: int, count: int) -> None:
    days, day = 0, entered
    is_open = set(MUNICIPAL.open_days)
    while days < count:
        day += 1
        days += day in is_open
    assert open_day_after(MUNICIPAL, entered, count) == day


@given(
    entered_us=st.integers(from_text("2015-10-05T00:00:00+09:00"), from_text("2030-06-01T00:00:00+09:00")),
    limit=st.integers(1, 60),
    clock=st.sampled_from(["wall", "calendar_days", "business_days"]),
)
def test_what_is_entered_later_is_never_due_sooner(entered_us: int, limit: int, clock: Clock) -> None:
    hop = replace(POLICY.hops["screening"], clock=clock)
    first, second = (due_us(hop, limit, at, POLICY) for at in (entered_us, entered_us + DAY_US // 3))
    assert first is not None
    assert second is not None
    assert entered_us < first <= second


# Versions and overrides


def version(name: str, effective: str) -> Policy:
    return replace(POLICY, version=name, effective_us=from_text(effective))


def test_the_version_in_force_is_the_newest_that_has_begun() -> None:
    policies = Policies((POLICY, version("b", "2026-04-01T00:00:00+09:00"), version("c", "2027-04-01T00:00:00+09:00")))

    def at(text: str) -> str:
        return in_force(policies, from_text(text)).version

    assert at("1999-01-01T00:00:00+09:00") == POLICY.version  # before everything: the first
    assert at("2026-03-31T23:59:59.999999+09:00") == POLICY.version
    assert at("2026-04-01T00:00:00+09:00") == "b"
    assert at("2027-03-31T23:59:59+09:00") == "b"
    assert at("2030-01-01T00:00:00+09:00") == "c"


def rule(name: str, hop_name: str = "forward", **match: str) -> Override:
    changed: Hop = replace(POLICY.hops[hop_name], limits=(("notice", len(name)),))
    return Override(name, tuple(match.items()), hop_name, changed)


KIOSK = rule("kiosk", kiosk="K1")
VENDOR_HERE = rule("vendor+municipality", vendor="plaza", kiosk_municipality="112216")
HERE = rule("municipality", kiosk_municipality="112216")
VENDOR = rule("vendor", vendor="plaza")
FULL = {"kiosk": "K1", "vendor": "plaza", "kiosk_municipality": "112216", "residence_municipality": "131016"}


@pytest.mark.parametrize("backwards", [False, True])
def test_most_specific_override_wins_whatever_their_order_in_the_file(backwards: bool) -> None:
    rules = [KIOSK, VENDOR_HERE, HERE, VENDOR]
    for place, expected in enumerate(rules):
        present = rules[place:]
        policy = replace(POLICY, overrides=tuple(reversed(present) if backwards else present))
        assert effective_hop(policy, "forward", FULL) == (expected.changed, expected.name)


def test_more_keys_are_more_specific_among_equals() -> None:
    both = rule("both", kiosk_municipality="112216", residence_municipality="131016")
    policy = replace(POLICY, overrides=(HERE, both))
    assert effective_hop(policy, "forward", FULL)[1] == "both"
    assert effective_hop(policy, "forward", {**FULL, "residence_municipality": "141003"})[1] == "municipality"


def test_the_first_in_the_file_wins_among_equally_specific_overrides() -> None:
    living = rule("living", residence_municipality="131016")
    assert effective_hop(replace(POLICY, overrides=(living, HERE)), "forward", FULL)[1] == "living"
    assert effective_hop(replace(POLICY, overrides=(HERE, living)), "forward", FULL)[1] == "municipality"


def test_an_override_needs_all_of_its_match() -> None:
    policy = replace(POLICY, overrides=(VENDOR_HERE,))
    assert effective_hop(policy, "forward", {**FULL, "vendor": "tokiwa"})[1] == "default"
    assert effective_hop(policy, "forward", {**FULL, "kiosk_municipality": None})[1] == "default"
    assert effective_hop(policy, "forward", {})[1] == "default"


def test_an_override_changes_its_own_hop_only() -> None:
    policy = replace(POLICY, overrides=(VENDOR,))
    assert effective_hop(policy, "upload", FULL) == (POLICY.hops["upload"], "default")


def test_without_overrides_the_rule_is_default() -> None:
    assert effective_hop(POLICY, "forward", FULL) == (POLICY.hops["forward"], "default")


def test_an_empty_calendar_has_no_deadline() -> None:
    assert open_day_after(BusinessCalendar("c", "1", 0, 10, ()), 5, 1) is None


def test_days_are_numbered_from_1970() -> None:
    assert day_of(0, ZoneInfo("UTC")) == 0
    assert day_of(-1, ZoneInfo("UTC")) == -1
    assert day_number(date(1970, 1, 1) + timedelta(400)) == 400
