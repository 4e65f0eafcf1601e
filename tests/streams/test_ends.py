"""A record shrinks to a marker, and is forgotten; what arrives later is history only (architecture, section 4, "Ends")."""

import pytest

from streams.stalls import expire, forget_at_us
from tests.streams.story import MY_NUMBER, Story, policy_with, shown


def voided(at: str = "2026-04-01 12:00", **more: str) -> Story:
    """Uploaded at 10:00, voided at noon."""
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.city("application.voided", at, id="voided", **more)
    return story


def test_a_record_shrinks_to_a_marker_7_days_after_the_arrival_of_a_terminal() -> None:
    story = voided()
    assert story.clock("2026-04-08 12:00") == []
    assert story.record.marker is None
    story.clock("2026-04-08 12:00:01")
    marker = story.record.marker
    assert marker is not None
    assert (marker.terminal, shown(marker.terminal_us), shown(marker.shrunk_us)) == (
        "application.voided",
        "2026-04-01 12:00",
        "2026-04-08 12:00",
    )
    assert (story.record.contributions, story.record.open_hops, story.record.said) == ((), (), ())


def test_the_grace_runs_from_the_terminals_arrival_and_not_from_its_time() -> None:
    story = voided(arrived="2026-04-20 12:00")
    story.clock("2026-04-27 12:00")
    assert story.record.marker is None
    story.clock("2026-04-27 12:00:01")
    assert story.record.marker is not None
    assert shown(story.record.marker.terminal_us) == "2026-04-01 12:00"


def test_the_earliest_arrival_of_several_terminals_counts_and_the_marker_names_the_earliest_of_them() -> None:
    story = voided()
    story.city("card.discarded", "2026-04-01 11:00", arrived="2026-04-05 12:00")
    story.clock("2026-04-08 12:00:01")
    assert story.record.marker is not None
    assert (story.record.marker.terminal, shown(story.record.marker.shrunk_us)) == ("card.discarded", "2026-04-08 12:00")


def test_the_earliest_arrival_of_a_terminals_copies_counts() -> None:
    story = voided(arrived="2026-04-03 12:00")
    story.city("application.voided", "2026-04-01 12:00", id="voided", arrived="2026-04-02 12:00")
    assert shown(story.record.shrink_us) == "2026-04-09 12:00"


def test_a_terminal_that_comes_first_makes_an_ordinary_record() -> None:
    story = Story()
    assert story.city("card.handed_over", "2026-04-01 12:00") == []
    assert story.record.marker is None
    assert story.jlis("application.received", "2026-03-01 10:00", arrived="2026-04-02 10:00") == []
    assert story.plaza("application.uploaded", "2026-02-01 10:00", arrived="2026-04-02 10:00") == ["recorded forward breach"]


def test_what_arrives_within_the_grace_is_judged() -> None:
    story = voided()
    assert story.jlis("application.received", "2026-04-01 17:00", arrived="2026-04-08 12:00") == ["recorded forward notice"]


@pytest.mark.parametrize("pulse_first", [True, False])
def test_what_arrives_after_the_grace_is_history_only_whether_or_not_the_pulse_came_first(pulse_first: bool) -> None:
    story = voided()
    before = story.verdicts()
    if pulse_first:
        story.clock("2026-04-08 12:00:01")
    assert story.jlis("application.received", "2026-04-01 17:00", arrived="2026-04-08 12:00:01") == []
    story.clock("2026-04-09 12:00")
    assert story.record.marker is not None
    assert story.said == []
    assert story.verdicts() == before


def test_a_file_sent_again_a_month_later_wakes_nobody() -> None:
    story = voided()
    story.clock("2026-05-01 10:00")
    assert story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-05-01 10:00") == []
    assert story.plaza("application.submitted", "2026-04-01 09:00", arrived="2026-05-01 10:00") == []
    assert story.clock("2026-05-08 10:00") == []
    assert story.record.marker is not None


def test_a_correction_within_the_grace_makes_a_terminal_invalid_and_the_hops_open_again() -> None:
    story = voided()
    story.city("event.corrected", "2026-04-08 12:00", corrects="voided")
    assert story.record.shrink_us is None
    assert story.verdicts() == {"forward": "open"}
    assert story.clock("2026-04-08 12:01:01") != []


def test_a_correction_after_the_grace_is_history_only() -> None:
    story = voided()
    assert story.city("event.corrected", "2026-04-08 12:00:01", corrects="voided") == []
    assert story.clock("2026-04-20 12:00") == []
    assert story.record.marker is not None


def test_after_an_invalid_terminal_the_next_valid_one_counts() -> None:
    story = voided()
    story.city("event.corrected", "2026-04-02 12:00", corrects="voided")
    story.city("card.handed_over", "2026-04-03 12:00")
    assert shown(story.record.shrink_us) == "2026-04-10 12:00"


def test_a_terminal_whose_correction_came_before_it_ends_nothing() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.city("event.corrected", "2026-04-01 11:00", corrects="voided")
    story.city("application.voided", "2026-04-01 12:00", id="voided")
    assert story.record.shrink_us is None
    assert story.verdicts() == {"forward": "open"}


def test_a_stall_that_is_late_is_said_before_the_record_shrinks_and_not_again() -> None:
    story = Story()
    story.city("notice.sent", "2026-04-01 10:00")
    story.clock("2026-07-01 00:00:01")
    assert story.city("card.handed_over", "2026-07-02 10:00") == ["cleared pickup notice"]
    assert story.clock("2026-07-09 10:00:01") == []
    assert story.record.marker is not None


def test_the_end_runs_on_the_applications_clock() -> None:
    story = voided()
    story.clock("2026-04-20 12:00", plaza="2026-04-08 12:00")  # its vendor's feed is behind
    assert story.record.marker is None
    story.clock("2026-04-20 12:00", plaza="2026-04-08 12:00:01")
    assert story.record.marker is not None


def test_an_application_is_forgotten_400_days_after_it_shrank() -> None:
    story = voided()
    story.clock("2026-04-08 12:00:01")
    story.clock("2027-05-13 12:00")  # 400 days after 8 April 2026
    assert not story.forgotten
    story.clock("2027-05-13 12:00:01")
    assert story.forgotten
    assert story.log.batch.changed()[story.token.encode()] is None


def test_a_clock_that_jumps_past_both_ends_forgets_at_once() -> None:
    story = voided()
    assert story.clock("2028-01-01 00:00") == []
    assert story.forgotten


def test_a_clock_at_the_very_instant_neither_shrinks_nor_forgets() -> None:
    story = voided()
    shrink_us = story.record.shrink_us
    assert shrink_us is not None
    assert expire(story.record, shrink_us, MY_NUMBER) == (story.record, ())
    marker, _ = expire(story.record, shrink_us + 1, MY_NUMBER)
    assert marker is not None
    assert marker.marker is not None
    forget_us = forget_at_us(marker.marker, MY_NUMBER)
    assert expire(marker, forget_us, MY_NUMBER) == (marker, ())
    assert expire(marker, forget_us + 1, MY_NUMBER) == (None, ())


def test_grace_and_forgetting_are_the_policys() -> None:
    story = Story(policy_with(grace_us=0, forget_after_us=0))
    story.city("application.voided", "2026-04-01 12:00")
    story.clock("2026-04-01 12:00")
    assert not story.forgotten
    story.clock("2026-04-01 12:00:00.000001")
    assert story.forgotten


def test_an_application_without_a_terminal_is_kept() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.jlis("card.dispatched", "2026-04-02 10:00")
    story.city("card.arrived", "2026-04-03 10:00")
    story.clock("2030-01-01 10:00")
    assert len(story.record.contributions) == 3
