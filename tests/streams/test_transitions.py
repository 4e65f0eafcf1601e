"""Transitions are differences between what was last said and what is now true: one test for each row of the design's table."""

import pytest

from tests.streams.story import Log, Story, policy_with, shown


def uploaded(at: str = "2026-04-01 10:00") -> Story:
    story = Story()
    story.plaza("application.uploaded", at, id="uploaded")
    return story


def received_late(*, said: bool) -> Story:
    """Forward is late: cleared if it was raised before, else recorded."""
    story = uploaded()
    if said:
        assert story.clock("2026-04-01 16:00:01") == ["raised forward notice"]
    told = story.jlis("application.received", "2026-04-01 17:00", id="received")
    assert told == ["cleared forward notice" if said else "recorded forward notice"]
    return story


# --- the clock passes a limit ---------------------------------------------------------------------------------------------


def test_the_clock_passing_the_notice_limit_raises_and_the_transitions_time_is_the_limit() -> None:
    story = uploaded()
    assert story.clock("2026-04-01 18:30") == ["raised forward notice"]
    assert shown(story.last.time) == shown(story.last.data.due_at) == "2026-04-01 16:00"
    assert story.last.type == "jp.tairyu.stall.raised"


def test_the_clock_passing_the_warn_and_the_breach_limit_escalates_each_at_its_limit() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.clock("2026-04-02 10:00:01") == ["escalated forward warn"]
    assert shown(story.last.time) == "2026-04-02 10:00"
    assert story.clock("2026-04-04 10:00:01") == ["escalated forward breach"]
    assert shown(story.last.time) == "2026-04-04 10:00"


def test_three_limits_passed_at_once_are_three_transitions() -> None:
    story = uploaded()
    assert story.clock("2026-05-14 10:00") == ["raised forward notice", "escalated forward warn", "escalated forward breach"]
    assert [shown(said.time) for said in story.said] == ["2026-04-01 16:00", "2026-04-02 10:00", "2026-04-04 10:00"]
    assert [said.data.revision for said in story.said] == [1, 2, 3]


def test_a_clock_that_stands_at_the_next_limit_has_not_passed_it() -> None:
    story = uploaded()
    assert story.clock("2026-04-02 10:00") == ["raised forward notice"]  # that is the warn limit


# --- open -> late: cleared ---------------------------------------------------------------------------------------------------


def test_an_open_stall_that_closed_after_its_limit_is_cleared_at_the_instant_when_it_closed() -> None:
    story = received_late(said=True)
    assert shown(story.last.time) == shown(story.last.data.closed_at) == "2026-04-01 17:00"


def test_a_cleared_stall_has_the_highest_level_truly_passed_and_no_escalation_follows() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.jlis("application.received", "2026-04-04 10:00:01") == ["cleared forward breach"]
    assert shown(story.last.data.due_at) == "2026-04-04 10:00"
    assert story.clock("2026-04-05 10:00") == []


def test_a_cleared_stall_may_have_a_lower_level_than_was_said() -> None:
    story = uploaded()
    assert story.clock("2026-04-04 10:00:01")[-1] == "escalated forward breach"
    # it had been received on the first evening, but this is heard only now
    assert story.jlis("application.received", "2026-04-01 17:00", arrived="2026-04-04 11:00") == ["cleared forward notice"]
    assert shown(story.last.time) == "2026-04-01 17:00"
    assert shown(story.last.data.at) == "2026-04-04 11:00"


# --- nothing or retracted -> late: recorded -----------------------------------------------------------------------------------


def test_what_was_late_but_never_said_is_recorded_at_the_instant_when_it_closed_and_wakes_nobody() -> None:
    story = received_late(said=False)
    assert shown(story.last.time) == "2026-04-01 17:00"
    assert story.log.batch.stalls == {}


def test_a_recorded_stall_does_not_wait_for_settling() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    assert story.jlis("application.received", "2026-04-20 10:00", arrived="2026-05-01 10:00") == ["recorded forward breach"]


def test_a_retracted_stall_that_turns_out_late_is_recorded() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 17:00", id="wrong") == [
        "retracted forward notice in_time"
    ]
    story.jlis("application.received", "2026-04-01 16:30", arrived="2026-04-01 17:00", id="right")
    assert story.jlis("event.corrected", "2026-04-01 18:00", corrects="wrong") == ["recorded forward notice"]
    assert story.last.data.revision == 3
    assert story.held_now == {}


# --- open -> open: revised ----------------------------------------------------------------------------------------------------


def test_an_open_stall_with_other_dates_is_revised_at_the_arrival_of_the_news() -> None:
    story = uploaded()
    story.clock("2026-04-02 12:00")
    said = story.plaza("application.uploaded", "2026-04-01 09:00", arrived="2026-04-02 12:30", id="earlier")
    assert said == ["revised forward warn"]
    assert shown(story.last.time) == shown(story.last.data.at) == "2026-04-02 12:30"
    assert shown(story.last.data.entered_at) == "2026-04-01 09:00"
    assert shown(story.last.data.due_at) == "2026-04-02 09:00"


def test_an_open_stall_is_revised_to_the_level_that_is_passed_now_if_that_is_lower() -> None:
    story = uploaded()
    assert story.clock("2026-04-04 10:00:01")[-1] == "escalated forward breach"
    story.plaza("application.uploaded", "2026-04-03 08:00", arrived="2026-04-04 11:00", id="right")
    assert story.plaza("event.corrected", "2026-04-04 11:00", corrects="uploaded") == ["revised forward warn"]
    assert story.clock("2026-04-06 08:00") == []
    assert story.clock("2026-04-06 08:00:01") == ["escalated forward breach"]


def test_a_revision_never_escalates_even_if_a_higher_limit_has_passed() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    said = story.plaza("application.uploaded", "2026-03-01 10:00", arrived="2026-04-01 17:00", id="earlier")
    assert said == ["revised forward notice"]
    assert story.clock("2026-04-01 17:01") == []
    assert story.clock("2026-04-01 17:01:01") == ["escalated forward warn", "escalated forward breach"]


def test_an_open_stall_with_another_attribution_is_revised() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    said = story.plaza("application.submitted", "2026-04-01 09:50", arrived="2026-04-01 17:00", kiosk="annex")
    assert said == ["revised forward notice"]
    assert story.last.data.kiosk == "annex"


def test_news_that_changes_nothing_of_an_open_stall_says_nothing() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.plaza("application.forwarded", "2026-04-01 17:00") == []
    assert story.plaza("application.uploaded", "2026-04-01 11:00", arrived="2026-04-01 17:00", id="later") == []


# --- open -> retracted ---------------------------------------------------------------------------------------------------------


def test_an_open_stall_that_ended_in_time_is_retracted_at_the_arrival_of_the_news() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    said = story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 16:30")
    assert said == ["retracted forward notice in_time"]
    assert shown(story.last.time) == "2026-04-01 16:30"
    assert shown(story.last.data.closed_at) == "2026-04-01 15:00"


def test_an_open_stall_whose_end_nobody_observed_is_retracted() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.jlis("application.accepted", "2026-04-03 10:00") == ["retracted forward notice end_unobserved"]
    assert story.last.data.closed_at is None
    assert shown(story.last.data.closed_before) == "2026-04-03 10:00"


def test_an_open_stall_of_which_no_limit_is_passed_now_is_retracted_as_corrected() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    story.plaza("application.uploaded", "2026-04-01 12:00", arrived="2026-04-01 16:10", id="right")
    assert story.plaza("event.corrected", "2026-04-01 16:20", corrects="uploaded") == ["retracted forward notice corrected"]
    assert story.clock("2026-04-01 18:00:01") == ["raised forward notice"]


def test_an_open_stall_whose_first_milestone_is_gone_is_retracted_as_never_opened() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.plaza("event.corrected", "2026-04-01 17:00", corrects="uploaded") == ["retracted forward notice never_opened"]
    assert shown(story.last.time) == "2026-04-01 17:00"


def test_a_second_vendor_whose_feed_is_behind_takes_nothing_back() -> None:
    story = uploaded()
    assert story.clock("2026-04-01 16:00:01", tokiwa="2026-04-01 10:00") == ["raised forward notice"]
    # its clock goes back to that of the slower feed, but what was a fact remains one
    assert story.tokiwa("application.forwarded", "2026-04-01 10:00", arrived="2026-04-01 16:30") == []
    assert story.held_now == {"forward:1": "notice"}


# --- late -> retracted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_that_turns_out_in_time_is_retracted(said: bool) -> None:
    story = received_late(said=said)
    told = story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 18:00", id="true")
    assert told == ["retracted forward notice in_time"]


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_whose_own_end_is_gone_is_retracted_as_unobserved(said: bool) -> None:
    story = received_late(said=said)
    story.jlis("application.accepted", "2026-04-03 10:00")
    assert story.jlis("event.corrected", "2026-04-03 11:00", corrects="received") == ["retracted forward notice end_unobserved"]


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_whose_first_milestone_is_gone_is_retracted_as_never_opened(said: bool) -> None:
    story = received_late(said=said)
    assert story.plaza("event.corrected", "2026-04-01 18:00", corrects="uploaded") == ["retracted forward notice never_opened"]


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_that_is_open_with_no_limit_passed_is_retracted_as_corrected(said: bool) -> None:
    story = received_late(said=said)
    assert story.plaza("application.uploaded", "2026-04-01 16:30", arrived="2026-04-01 17:10", id="second") == []
    assert story.plaza("event.corrected", "2026-04-01 17:15", corrects="uploaded") == ["retracted forward notice in_time"]
    assert story.jlis("event.corrected", "2026-04-01 17:20", corrects="received") == ["retracted forward notice corrected"]


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_that_is_open_past_a_limit_is_retracted_and_pulses_raise_it_again(said: bool) -> None:
    story = received_late(said=said)
    before = story.last.data
    assert story.jlis("event.corrected", "2026-04-01 20:00", corrects="received") == ["retracted forward notice corrected"]
    assert shown(story.last.time) == "2026-04-01 20:00"
    assert story.held_now == {}
    assert story.clock("2026-04-01 20:01") == []  # it settles first
    assert story.clock("2026-04-01 20:01:01") == ["raised forward notice"]
    assert (story.last.data.stall_id, story.last.data.revision) == (before.stall_id, before.revision + 2)


# --- late -> late, retracted -> retracted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [True, False])
def test_a_late_stall_with_other_figures_is_said_again_as_it_was(said: bool) -> None:
    story = received_late(said=said)
    first = story.last.data.kind
    told = story.jlis("application.received", "2026-04-01 16:30", arrived="2026-04-01 18:00", id="earlier")
    assert told == [f"{first} forward notice"]
    assert shown(story.last.time) == "2026-04-01 16:30"


def test_a_late_stall_with_another_attribution_is_said_again() -> None:
    story = received_late(said=True)
    told = story.plaza("application.submitted", "2026-04-01 09:50", arrived="2026-04-01 18:00", kiosk="annex")
    assert told == ["cleared forward notice"]
    assert (story.last.data.kiosk, story.last.data.revision) == ("annex", 3)


def test_a_late_stall_with_the_same_figures_says_nothing() -> None:
    story = received_late(said=True)
    assert story.jlis("application.received", "2026-04-01 18:00", id="later") == []


def test_a_retracted_stall_is_retracted_again_for_another_reason() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 17:00", id="received")
    said = story.plaza("event.corrected", "2026-04-01 18:00", corrects="uploaded")
    assert said == ["retracted forward notice never_opened"]
    assert (shown(story.last.time), story.last.data.revision) == ("2026-04-01 18:00", 3)


def test_a_retracted_stall_is_not_retracted_again_for_the_same_reason() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 17:00", id="received")
    assert story.jlis("application.received", "2026-04-01 14:00", arrived="2026-04-01 18:00", id="earlier") == []


def test_a_retracted_stall_that_is_open_past_a_limit_waits_for_a_pulse() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 17:00", id="received")
    assert story.jlis("event.corrected", "2026-04-01 18:00", corrects="received") == []
    assert story.clock("2026-04-01 18:01:01") == ["raised forward notice"]
    assert story.last.data.revision == 3


# --- only pulses raise; settling ---------------------------------------------------------------------------------------------------


def test_news_raises_nothing_even_long_past_every_limit() -> None:
    story = Story()
    assert story.plaza("application.submitted", "2026-04-01 10:00", arrived="2026-05-01 10:00") == []
    assert story.plaza("application.forwarded", "2026-04-01 11:00", arrived="2026-05-01 10:00") == []


def test_a_level_waits_60_seconds_after_the_news_that_opened_the_hop() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    assert story.clock("2026-05-01 10:01") == []
    assert story.clock("2026-05-01 10:01:00.000001") == ["raised forward notice", "escalated forward warn", "escalated forward breach"]
    assert {shown(said.data.at) for said in story.said} == {"2026-05-01 10:01:00.000001"}


def test_a_backfill_raises_no_alarm_that_it_clears_itself() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    assert story.clock("2026-05-01 10:00:30") == []
    assert story.jlis("application.received", "2026-04-01 11:00", arrived="2026-05-01 10:00:40") == []
    assert [said for said in story.clock("2026-05-02 10:00") if "forward" in said] == []


def test_news_that_dates_the_hop_anew_starts_the_settling_again() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 09:00", arrived="2026-05-01 10:00:50")
    assert story.clock("2026-05-01 10:01:50") == []
    assert story.clock("2026-05-01 10:01:51") != []


def test_news_that_leaves_the_dates_alone_does_not_start_the_settling_again() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    story.plaza("application.submitted", "2026-04-01 09:59", arrived="2026-05-01 10:00:50", kiosk="annex")
    assert "raised forward notice" in story.clock("2026-05-01 10:01:01")


def test_the_settling_span_is_the_policys() -> None:
    story = Story(policy_with(settle_us=0))
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00")
    assert story.clock("2026-05-01 10:00") == []
    assert len(story.clock("2026-05-01 10:00:00.000001")) == 3


# --- identity, order, what is held ---------------------------------------------------------------------------------------------------


def test_a_transition_is_identified_by_its_stall_and_revision() -> None:
    story = received_late(said=True)
    stall = f"{story.token}:forward:1"
    assert [said.id for said in story.said] == [f"{stall}:1", f"{stall}:2"]
    assert {said.data.stall_id for said in story.said} == {stall}
    assert {said.subject for said in story.said} == {story.token}


def test_what_a_pulse_says_has_the_applications_clock_as_at_and_what_news_says_its_arrival() -> None:
    story = uploaded()
    story.clock("2026-04-01 20:00", plaza="2026-04-01 16:30")
    assert shown(story.last.data.at) == "2026-04-01 16:30"
    story.jlis("application.received", "2026-04-01 17:00", arrived="2026-04-01 20:10")
    assert shown(story.last.data.at) == "2026-04-01 20:10"


def test_news_leaves_by_hop_and_then_attempt_in_the_policys_order() -> None:
    story = Story()
    arrived = "2026-06-01 10:00"
    story.plaza("application.submitted", "2026-04-01 10:00", arrived=arrived)
    story.plaza("application.uploaded", "2026-04-02 10:00", arrived=arrived, id="first")
    story.plaza("application.resubmitted", "2026-04-20 10:00", arrived=arrived)
    story.plaza("application.uploaded", "2026-04-21 10:00", arrived=arrived, id="second")
    story.clock("2026-06-02 10:00")
    said = story.plaza("application.submitted", "2026-04-01 09:00", arrived="2026-06-03 10:00", kiosk="annex", id="earlier")
    assert said == ["recorded upload breach", "recorded upload#2 warn", "revised forward#2 breach"]


def test_stalls_holds_what_is_open_and_a_tombstone_for_what_no_longer_is() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    assert story.held_now == {"forward:1": "notice"}
    story.clock("2026-04-02 10:00:01")
    assert story.held_now == {"forward:1": "warn"}
    story.jlis("application.received", "2026-04-02 11:00")
    assert story.held_now == {}
    assert story.log.batch.stalls == {f"{story.token}:forward:1": None}


def test_a_stall_taken_back_is_a_tombstone_too() -> None:
    story = uploaded()
    story.clock("2026-04-01 16:00:01")
    story.plaza("event.corrected", "2026-04-01 17:00", corrects="uploaded")
    assert story.log.batch.stalls == {f"{story.token}:forward:1": None}


def test_the_same_log_gives_the_same_bytes() -> None:
    story = received_late(said=True)
    again = Log()
    for _, key, value in story.log.records:
        again.put(key, value)
    assert again.batch.said == story.log.batch.said


def test_a_limit_stays_passed_by_the_highest_clock_by_which_it_was_said() -> None:
    # Raised by plaza's clock of 12:00. Then tokiwa speaks, whose feed is read through 11:00: what is said from now on is said by 11:00.
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 05:30", id="half past five")
    story.plaza("application.uploaded", "2026-04-01 04:00", id="four")
    assert story.clock("2026-04-01 12:00", tokiwa="2026-04-01 11:00") == ["raised forward notice"]
    story.plaza("application.uploaded", "2026-03-31 10:30", id="the day before", arrived="2026-04-01 10:40")
    story.tokiwa("application.uploaded", "2026-04-01 09:00")
    assert story.clock("2026-04-01 12:01", tokiwa="2026-04-01 11:00") == ["escalated forward warn"]
    assert story.plaza("event.corrected", "2026-04-01 12:02", corrects="the day before") == ["revised forward notice"]
    # 05:30 + 6 h: not passed by 11:00, but it was by 12:00.
    assert story.plaza("event.corrected", "2026-04-01 12:03", corrects="four") == ["revised forward notice"]


def test_an_open_stall_that_ended_past_the_calendar_by_its_new_dates_is_retracted_as_corrected() -> None:
    # Late by the calendar from 26 November 2030. It was received on 27 December: 2031 has no calendar, but its end was seen.
    story = Story()
    story.jlis("application.received", "2030-11-26 10:00", id="wrong")
    story.jlis("application.received", "2030-12-27 10:00")
    assert story.jlis("application.accepted", "2030-12-27 18:00") == ["recorded screening breach"]
    assert story.jlis("event.corrected", "2030-12-28 10:00", corrects="wrong") == ["retracted screening breach corrected"]
