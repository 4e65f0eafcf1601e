"""The oracle against cases worked out by hand, from the design's section 4 and a calendar on the wall."""

from schemas.events import Event
from schemas.records import Pulse
from tests.oracle.telling import in_japan, judged, lines, pulse, stands, tell

# 2026: 1 April is a Wednesday. 29 April (Wed) Showa Day; 3 May (Sun) Constitution Day, 4 May (Mon) Greenery Day, 5 May (Tue)
# Children's Day, 6 May (Wed) in lieu of Sunday the 3rd. 11 January 2027 (Mon) Coming of Age Day.


def test_soka_is_raised_after_six_hours_and_cleared_after_43_days() -> None:
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 09:13:02", kiosk="SOKA-01"),
        tell("plaza", "application.uploaded", "2026-04-01 09:14"),
        pulse("2026-04-01 15:14"),  # 6 h after 09:14, not past it: nothing
        pulse("2026-04-01 15:14:01"),
        pulse("2026-04-02 09:14:01"),  # 24 h
        pulse("2026-04-04 09:14:01"),  # 72 h
        pulse("2026-05-14 10:00"),
        tell("j-lis", "application.received", "2026-05-14 10:00"),
    )
    assert lines(oracle) == [
        "forward 1 raised notice 2026-04-01 15:14",
        "forward 1 escalated warn 2026-04-02 09:14",
        "forward 1 escalated breach 2026-04-04 09:14",
        "forward 1 cleared breach 2026-05-14 10:00",
    ]
    cleared = oracle.transitions()[-1]
    assert (cleared.revision, in_japan(cleared.entered), in_japan(cleared.due)) == (4, "2026-04-01 09:14", "2026-04-04 09:14")
    assert cleared.whose.vendor == "plaza"
    assert cleared.whose.kiosk == "SOKA-01"
    assert stands(oracle) == {"upload 1": "in_time", "forward 1": "late breach", "screening 1": "open"}


def test_a_pulse_long_after_says_three_levels_at_once_and_at_tells_its_clock() -> None:
    oracle = judged(tell("plaza", "application.uploaded", "2026-04-01 09:14"), pulse("2026-04-10 00:00"))
    assert lines(oracle) == [
        "forward 1 raised notice 2026-04-01 15:14",
        "forward 1 escalated warn 2026-04-02 09:14",
        "forward 1 escalated breach 2026-04-04 09:14",
    ]
    assert {in_japan(said.at) for said in oracle.transitions()} == {"2026-04-10 00:00"}


def test_golden_week_counts_only_open_days() -> None:
    # Received on Friday 24 April. Open: 27 28 30 | 1 May, 7 8, 11 12 (the 8th) 13 14 15 18 (the 12th) 19-22, 25-28 (the 20th).
    oracle = judged(
        tell("j-lis", "application.received", "2026-04-24 10:00"),
        pulse("2026-05-13 00:00"),  # 24:00 of the 12th, not past it
        pulse("2026-05-13 00:00:01"),
        pulse("2026-05-19 00:00:01"),
        pulse("2026-05-29 00:00:01"),
    )
    assert lines(oracle) == [
        "screening 1 raised notice 2026-05-13 00:00",
        "screening 1 escalated warn 2026-05-19 00:00",
        "screening 1 escalated breach 2026-05-29 00:00",
    ]


def test_the_year_end_closure_and_coming_of_age_day_are_not_counted() -> None:
    # Arrived on Friday 25 December. Open: 28 | 4-8 January (the 6th) 12 13 14 15 (the 10th).
    oracle = judged(
        tell("112216", "card.arrived", "2026-12-25 10:00"),
        pulse("2027-01-16 00:00"),
        pulse("2027-01-16 00:00:01"),
    )
    assert lines(oracle) == ["notice 1 raised notice 2027-01-16 00:00"]


def test_days_by_the_post_are_counted_on_every_day() -> None:
    # Dispatched on Wednesday 29 April at 23:59: days 30, 1, 2, 3, 4 May; due at 24:00 of the 4th.
    oracle = judged(tell("j-lis", "card.dispatched", "2026-04-29 23:59"), pulse("2026-05-05 00:00:01"))
    assert lines(oracle) == ["delivery 1 raised notice 2026-05-05 00:00"]


def test_two_returns_make_three_attempts_each_watched_by_itself() -> None:
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 10:00"),
        tell("plaza", "application.uploaded", "2026-04-01 10:10"),
        tell("j-lis", "application.received", "2026-04-01 11:00"),
        tell("j-lis", "application.returned", "2026-04-03 10:00"),
        tell("plaza", "application.resubmitted", "2026-04-06 10:00"),
        tell("plaza", "application.uploaded", "2026-04-06 12:00"),  # 2 h after, 1 h allowed: late
        tell("j-lis", "application.received", "2026-04-06 13:00"),
        tell("j-lis", "application.returned", "2026-04-08 10:00"),
        pulse("2026-05-09 00:00:01"),  # 30 days after 8 April: 24:00 of 8 May
        tell("plaza", "application.resubmitted", "2026-05-10 10:00"),
        pulse("2026-05-10 11:00:01"),  # the third attempt's upload, due 11:00, the news settled since 10:01
    )
    assert lines(oracle) == [
        "upload 2 recorded notice 2026-04-06 12:00",
        "correction 2 raised notice 2026-05-09 00:00",
        "correction 2 cleared notice 2026-05-10 10:00",
        "upload 3 raised notice 2026-05-10 11:00",
    ]
    assert stands(oracle) == {
        **{f"{hop} 1": "in_time" for hop in ("upload", "forward", "screening", "correction")},
        "upload 2": "late notice",
        "forward 2": "in_time",
        "screening 2": "in_time",
        "correction 2": "late notice",
        "upload 3": "open notice",
    }


def test_an_earlier_resubmission_heard_late_renumbers_and_revisions_go_on() -> None:
    first: list[Event | Pulse] = [
        tell("j-lis", "application.returned", "2026-04-03 10:00"),
        tell("plaza", "application.resubmitted", "2026-04-20 10:00"),
        pulse("2026-04-20 11:00:01"),
    ]
    oracle = judged(
        *first,
        # Another resubmission on 10 April: the upload of attempt 2 is of that day, ended by attempt 3's beginning, nobody knows when.
        tell("plaza", "application.resubmitted", "2026-04-10 10:00", arrived="2026-04-20 12:00"),
        pulse("2026-04-20 12:01:01"),
    )
    assert lines(oracle) == [
        "upload 2 raised notice 2026-04-20 11:00",
        "upload 2 retracted end_unobserved notice 2026-04-20 12:00",
        "upload 3 raised notice 2026-04-20 11:00",
    ]
    assert [said.revision for said in oracle.transitions()] == [1, 2, 1]


def test_a_late_proof_retracts_what_was_raised() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00"),
        pulse("2026-04-01 15:00:01"),
        tell("j-lis", "application.received", "2026-04-01 14:59", arrived="2026-04-01 17:00"),
    )
    assert lines(oracle) == ["forward 1 raised notice 2026-04-01 15:00", "forward 1 retracted in_time notice 2026-04-01 17:00"]
    assert stands(oracle)["forward 1"] == "in_time"


def test_an_end_exactly_at_the_limit_is_in_time() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00"),
        tell("j-lis", "application.received", "2026-04-01 15:00"),
        pulse("2026-04-03 00:00"),
    )
    assert lines(oracle) == []


def test_a_clock_in_1970_is_replaced_by_the_arrival() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "1970-01-01T00:00:00Z", arrived="2026-04-01 09:00"),
        pulse("2026-04-01 15:00:01"),
    )
    assert lines(oracle) == ["forward 1 raised notice 2026-04-01 15:00"]


def test_a_clock_six_minutes_ahead_is_replaced_five_minutes_are_believed() -> None:
    ahead = judged(tell("plaza", "application.uploaded", "2026-04-01 09:06", arrived="2026-04-01 09:00"), pulse("2026-04-01 15:01:01"))
    believed = judged(tell("plaza", "application.uploaded", "2026-04-01 09:05", arrived="2026-04-01 09:00"), pulse("2026-04-01 15:05:01"))
    assert lines(ahead) == ["forward 1 raised notice 2026-04-01 15:00"]
    assert lines(believed) == ["forward 1 raised notice 2026-04-01 15:05"]


def test_an_applicant_who_moved_ends_what_was_open() -> None:
    # Voided at the old town on 8 May, dispatched on 20 April: the parcel's end, due 24:00 of the 25th, was never seen.
    oracle = judged(
        tell("j-lis", "card.dispatched", "2026-04-20 10:00"),
        pulse("2026-04-26 00:00:01"),
        tell("112216", "application.voided", "2026-05-08 10:00"),
        pulse("2026-06-08 10:00"),
    )
    assert lines(oracle) == [
        "delivery 1 raised notice 2026-04-26 00:00",
        "delivery 1 retracted end_unobserved notice 2026-05-08 10:00",
    ]
    assert in_japan(oracle.transitions()[-1].closed_before or 0) == "2026-05-08 10:00"


def test_a_lost_received_is_undetermined_or_in_time_never_late() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00"),
        pulse("2026-04-02 09:00:01"),
        tell("j-lis", "application.accepted", "2026-04-06 10:00"),
        tell("plaza", "application.uploaded", "2026-04-06 09:00", whose=2),
        tell("j-lis", "application.accepted", "2026-04-06 14:00", whose=2),
    )
    assert lines(oracle) == [
        "forward 1 raised notice 2026-04-01 15:00",
        "forward 1 escalated warn 2026-04-02 09:00",
        "forward 1 retracted end_unobserved warn 2026-04-06 10:00",
    ]
    assert stands(oracle)["forward 1"] == "undetermined"
    assert stands(oracle, whose=2)["forward 1"] == "in_time"


def test_a_claim_of_having_sent_moves_nothing() -> None:
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 09:00"),
        tell("plaza", "application.forwarded", "2026-04-01 09:30"),
        pulse("2026-04-01 10:00:01"),
    )
    assert lines(oracle) == ["upload 1 raised notice 2026-04-01 10:00"]


def test_a_correction_of_a_correction_has_no_effect() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00", name="u"),
        pulse("2026-04-01 15:00:01"),
        tell("plaza", "event.corrected", "2026-04-01 16:00", name="c", voids="u"),
        tell("plaza", "event.corrected", "2026-04-01 17:00", name="d", voids="c"),
        pulse("2026-04-02 00:00"),
    )
    assert lines(oracle) == ["forward 1 raised notice 2026-04-01 15:00", "forward 1 retracted never_opened notice 2026-04-01 16:00"]
    assert stands(oracle) == {}


def test_a_correction_before_its_event_voids_it_all_the_same_but_only_its_own_speakers() -> None:
    early = judged(
        tell("plaza", "event.corrected", "2026-04-01 08:00", voids="u"),
        tell("plaza", "application.uploaded", "2026-04-01 09:00", name="u"),
        pulse("2026-04-03 00:00"),
    )
    assert lines(early) == []
    foreign = judged(
        tell("tokiwa", "event.corrected", "2026-04-01 08:00", voids="u"),
        tell("plaza", "application.uploaded", "2026-04-01 09:00", name="u"),
        pulse("2026-04-01 15:00:01"),
    )
    assert lines(foreign) == ["forward 1 raised notice 2026-04-01 15:00"]


def test_a_voided_end_opens_a_late_hop_again_and_pulses_raise_it() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00"),
        tell("j-lis", "application.received", "2026-04-01 16:00", name="r"),
        tell("j-lis", "event.corrected", "2026-04-01 17:00", voids="r"),
        pulse("2026-04-01 17:01"),  # settled, not past it
        pulse("2026-04-01 17:01:01"),
    )
    assert lines(oracle) == [
        "forward 1 recorded notice 2026-04-01 16:00",
        "forward 1 retracted corrected notice 2026-04-01 17:00",
        "forward 1 raised notice 2026-04-01 15:00",
    ]
