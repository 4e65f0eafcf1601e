"""Event time is the speaker's claim; one that cannot be true is kept, flagged, and replaced by the arrival (section 4)."""

import pytest

from schemas.instants import from_text
from streams.stalls import advance
from tests.streams.story import JAPAN, MY_NUMBER, PLAZA, Story, event, shown, token_of

EPOCH = "2015-10-05 00:00"


def entered(story: Story) -> str | None:
    return shown(story.hop("forward").entered_us)


def test_a_claim_of_1970_is_kept_flagged_and_replaced_by_the_arrival() -> None:
    story = Story()
    story.plaza("application.uploaded", "1970-01-01 09:00", arrived="2026-04-01 10:00")
    assert entered(story) == "2026-04-01 10:00"
    assert story.hop("forward").flags == ("time_replaced",)
    assert shown(story.record.contributions[0].claimed_us) == "1970-01-01 09:00"


def test_a_claim_of_2099_is_kept_flagged_and_replaced_by_the_arrival() -> None:
    story = Story()
    story.plaza("application.uploaded", "2099-01-01 09:00", arrived="2026-04-01 10:00")
    assert entered(story) == "2026-04-01 10:00"
    assert story.clock("2026-04-01 16:00:01") == ["raised forward notice"]
    assert story.last.data.flags == ("time_replaced",)


def test_a_claim_of_the_policys_epoch_counts() -> None:
    story = Story()
    story.plaza("application.uploaded", EPOCH, arrived="2026-04-01 10:00")
    assert entered(story) == EPOCH
    assert story.hop("forward").flags == ()


def test_a_claim_a_microsecond_before_the_epoch_is_replaced() -> None:
    story = Story()
    story.plaza("application.uploaded", "2015-10-04 23:59:59.999999", arrived="2026-04-01 10:00")
    assert entered(story) == "2026-04-01 10:00"


def test_a_claim_5_minutes_after_its_arrival_counts() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:05", arrived="2026-04-01 10:00")
    assert entered(story) == "2026-04-01 10:05"
    assert story.hop("forward").flags == ()


def test_a_claim_more_than_5_minutes_after_its_arrival_is_replaced() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:05:00.000001", arrived="2026-04-01 10:00")
    assert entered(story) == "2026-04-01 10:00"
    assert story.hop("forward").flags == ("time_replaced",)


@pytest.mark.parametrize("arrivals", [("2026-04-01 10:00", "2026-04-01 12:00"), ("2026-04-01 12:00", "2026-04-01 10:00")])
def test_the_earliest_arrival_of_its_copies_replaces_an_unusable_claim(arrivals: tuple[str, str]) -> None:
    story = Story()
    for arrived in arrivals:
        story.plaza("application.uploaded", "1970-01-01 09:00", arrived=arrived)
    assert len(story.record.contributions) == 1
    assert entered(story) == "2026-04-01 10:00"


@pytest.mark.parametrize("arrivals", [("2026-04-01 10:00", "2026-04-01 12:00"), ("2026-04-01 12:00", "2026-04-01 10:00")])
def test_a_claim_is_unusable_if_it_was_ahead_of_its_first_copys_arrival(arrivals: tuple[str, str]) -> None:
    story = Story()
    for arrived in arrivals:
        story.plaza("application.uploaded", "2026-04-01 11:00", arrived=arrived)
    assert entered(story) == "2026-04-01 10:00"


def test_a_day_that_does_not_exist_is_replaced_like_any_other_unusable_claim() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", claimed="2026-02-30T10:00:00+09:00")
    assert entered(story) == "2026-04-01 10:00"
    assert story.hop("forward").flags == ("time_replaced",)


def test_an_unusable_resubmitted_time_begins_its_attempt_at_its_arrival() -> None:
    story = Story()
    story.plaza("application.resubmitted", "1970-01-01 09:00", arrived="2026-04-10 09:00")
    assert shown(story.hop("upload", 2).entered_us) == "2026-04-10 09:00"


def test_event_time_and_not_arrival_opens_and_closes_a_hop() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-04-03 10:00")
    story.jlis("application.received", "2026-04-01 12:00", arrived="2026-04-05 10:00")
    assert story.verdicts()["forward"] == "in_time"


def test_an_offset_is_read_and_not_assumed() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", claimed="2026-04-01T03:00:00+02:00")
    assert entered(story) == "2026-04-01 10:00"


def test_flags_name_the_application_whichever_of_its_hops_is_asked() -> None:
    story = Story()
    story.plaza("application.submitted", "1970-01-01 09:00", arrived="2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:10")
    assert {hop.flags for hop in story.hops()} == {("time_replaced",)}


def test_the_rules_ask_no_wall_clock_only_the_arrival_and_the_clock_that_they_are_given() -> None:
    told = event(token_of(1), PLAZA, "application.uploaded", "2026-04-01 10:00")
    first, second = (advance(None, told, from_text(told.received), -1, MY_NUMBER) for _ in range(2))
    assert first == second
    assert JAPAN.key == str(MY_NUMBER.newest.timezone)
