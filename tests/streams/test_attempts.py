"""Each distinct valid ``resubmitted`` time begins an attempt (architecture, section 4)."""

from tests.streams.story import Story, shown


def returned_once() -> Story:
    """Attempt 1: received on 1 April, returned on 3 April."""
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:10")
    story.jlis("application.received", "2026-04-01 11:00")
    story.jlis("application.returned", "2026-04-03 10:00")
    return story


FIRST = {"upload": "in_time", "forward": "in_time", "screening": "in_time"}


def test_a_return_opens_a_correction_that_the_applicant_holds() -> None:
    story = returned_once()
    assert story.verdicts() == {**FIRST, "correction": "open"}
    assert story.hop("correction").holder == "applicant"


def test_a_resubmission_closes_the_correction_and_stands_for_submitted_in_its_own_attempt() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    assert story.verdicts() == {**FIRST, "correction": "in_time", "upload#2": "open"}
    assert shown(story.hop("correction").closed_us) == "2026-04-10 09:00"
    assert shown(story.hop("upload", 2).entered_us) == "2026-04-10 09:00"


def test_the_vendors_second_try_is_watched_like_its_first() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    assert story.clock("2026-04-10 10:00") == []
    assert story.clock("2026-04-10 10:00:01") == ["raised upload#2 notice"]
    assert story.last.data.stall_id == f"{story.token}:upload:2"
    assert story.plaza("application.uploaded", "2026-04-10 17:00") == ["cleared upload#2 warn"]
    assert story.clock("2026-04-10 23:00:01") == ["raised forward#2 notice"]


def test_milestones_belong_to_the_attempt_into_whose_time_they_fall() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.plaza("application.uploaded", "2026-04-10 09:10")
    story.jlis("application.received", "2026-04-10 10:00")
    story.jlis("application.accepted", "2026-04-11 10:00")
    seconds = {"upload#2": "in_time", "forward#2": "in_time", "screening#2": "in_time", "issuance#2": "open"}
    assert story.verdicts() == {**FIRST, "correction": "in_time", **seconds}
    assert shown(story.hop("forward", 1).closed_us) == "2026-04-01 11:00"
    assert shown(story.hop("forward", 2).closed_us) == "2026-04-10 10:00"


def test_an_event_at_exactly_the_resubmitted_time_belongs_to_the_new_attempt() -> None:
    story = Story()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.plaza("application.uploaded", "2026-04-10 09:00")
    assert story.verdicts() == {"upload#2": "in_time", "forward#2": "open"}


def test_an_event_a_microsecond_before_the_resubmitted_time_belongs_to_the_attempt_before() -> None:
    story = Story()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.plaza("application.uploaded", "2026-04-10 08:59:59.999999")
    assert story.verdicts() == {"upload#2": "open", "forward": "in_time"}


def test_the_first_attempt_has_no_beginning() -> None:
    story = Story()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.jlis("application.received", "2020-01-01 09:00", arrived="2026-04-11 09:00")
    assert shown(story.hop("screening", 1).entered_us) == "2020-01-01 09:00"


def test_each_distinct_resubmitted_time_begins_an_attempt() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.plaza("application.resubmitted", "2026-04-12 09:00")
    assert shown(story.hop("upload", 2).entered_us) == "2026-04-10 09:00"
    assert shown(story.hop("upload", 3).entered_us) == "2026-04-12 09:00"


def test_two_events_with_one_resubmitted_time_begin_one_attempt() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00", id="a")
    story.plaza("application.resubmitted", "2026-04-10 09:00", id="b")
    assert story.verdicts() == {**FIRST, "correction": "in_time", "upload#2": "open"}


def test_a_voided_resubmission_begins_no_attempt() -> None:
    story = returned_once()
    story.plaza("application.resubmitted", "2026-04-10 09:00", id="wrong")
    story.clock("2026-04-10 10:00:01")
    assert story.plaza("event.corrected", "2026-04-10 11:00", corrects="wrong") == ["retracted upload#2 notice never_opened"]
    assert story.verdicts() == {**FIRST, "correction": "open", "upload#2": "void"}


def test_the_next_attempts_beginning_ends_what_was_open_as_a_later_milestone() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 11:00")  # how its screening ended is never told
    assert story.clock("2026-04-14 00:00:01") == ["raised screening notice"]
    assert story.plaza("application.resubmitted", "2026-04-20 09:00") == ["retracted screening notice end_unobserved"]
    assert shown(story.last.data.closed_before) == "2026-04-20 09:00"


def test_a_later_milestone_of_another_attempt_does_not_count_but_for_the_next_ones_beginning() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 11:00")
    story.plaza("application.resubmitted", "2026-04-06 09:00")
    story.jlis("card.dispatched", "2026-04-30 09:00")
    assert shown(story.hop("screening").closed_before_us) == "2026-04-06 09:00"
    assert story.verdicts()["screening"] == "in_time"
    assert story.verdicts()["upload#2"] == "undetermined"


def test_a_terminal_counts_in_its_own_attempt_and_in_every_later_one() -> None:
    story = returned_once()
    story.city("application.voided", "2026-04-05 10:00")
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    assert story.clock("2026-04-11 09:00") == []
    assert story.verdicts() == {**FIRST, "correction": "in_time", "upload#2": "in_time"}
    assert story.hop("upload", 2).flags == ("reversed",)


def test_a_terminal_of_an_earlier_attempt_is_an_own_last_of_a_later_pickup() -> None:
    story = Story()
    story.city("card.handed_over", "2026-04-05 10:00")
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.city("notice.sent", "2026-04-11 09:00")
    assert story.verdicts()["pickup#2"] == "in_time"
    assert shown(story.hop("pickup", 2).closed_us) == "2026-04-05 10:00"
    assert story.hop("pickup", 2).flags == ("reversed",)


def test_a_terminal_of_a_later_attempt_does_not_count_in_an_earlier_one() -> None:
    story = Story()
    story.city("notice.sent", "2026-04-01 10:00")
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.city("card.handed_over", "2026-04-12 09:00")
    assert story.hop("pickup").closed_us is None
    assert shown(story.hop("pickup").closed_before_us) == "2026-04-10 09:00"


def test_revisions_survive_the_renumbering_of_attempts() -> None:
    story = Story()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    assert story.clock("2026-04-10 10:00:01") == ["raised upload#2 notice"]
    # a resubmission before that one becomes known: what was attempt 2 is attempt 3
    said = story.plaza("application.resubmitted", "2026-04-08 09:00", arrived="2026-04-10 11:00")
    assert said == ["retracted upload#2 notice end_unobserved"]
    assert story.last.data.revision == 2
    assert story.clock("2026-04-10 11:01:01") == ["raised upload#3 notice"]
    assert story.last.data.revision == 1
    # that one is voided: what was attempt 3 is attempt 2 again
    correction = story.plaza("event.corrected", "2026-04-10 12:00", corrects="application.resubmitted 2026-04-08 09:00")
    assert correction == ["retracted upload#3 notice never_opened"]
    assert story.clock("2026-04-10 12:01:01") == ["raised upload#2 notice"]
    assert story.last.data.revision == 3


def test_a_submitted_within_a_later_attempt_does_not_move_its_beginning() -> None:
    story = Story()
    story.plaza("application.resubmitted", "2026-04-10 09:00")
    story.plaza("application.submitted", "2026-04-10 09:30")
    assert shown(story.hop("upload", 2).entered_us) == "2026-04-10 09:00"


def test_without_a_return_a_resubmission_still_begins_an_attempt() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.resubmitted", "2026-04-01 10:40")
    assert story.verdicts() == {"upload": "in_time", "upload#2": "open"}
