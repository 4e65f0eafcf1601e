"""Whom a verdict names: the speaker of the earliest valid ``submitted`` (architecture, section 4)."""

import pytest

from tests.streams.story import KAWAGUCHI, SOKA, Story


def test_the_vendor_is_the_speaker_of_the_earliest_submission() -> None:
    story = Story()
    story.tokiwa("application.submitted", "2026-04-01 10:01")
    story.plaza("application.submitted", "2026-04-01 10:00")
    assert story.hop("upload").vendor == "plaza"


def test_a_submission_names_the_vendor_even_if_another_vendor_said_something_else_before() -> None:
    story = Story()
    story.tokiwa("application.uploaded", "2026-04-01 09:00")
    story.plaza("application.submitted", "2026-04-01 10:00")
    assert [(hop.hop, hop.vendor) for hop in story.hops()] == [("upload", "plaza")]


def test_without_a_submission_the_vendor_is_the_speaker_of_the_earliest_vendors_milestone() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 08:00")
    story.tokiwa("application.uploaded", "2026-04-01 09:00")
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.hop("forward").vendor == "tokiwa"


def test_a_claim_names_the_vendor_too_where_nothing_else_does() -> None:
    story = Story()
    story.plaza("application.forwarded", "2026-04-01 09:00")
    story.jlis("application.received", "2026-04-01 10:00")
    assert story.hop("screening").vendor == "plaza"


@pytest.mark.parametrize("reverse", [False, True])
def test_two_vendors_at_one_instant_are_told_apart_by_name(reverse: bool) -> None:
    story = Story()
    for tell in [story.tokiwa, story.plaza] if reverse else [story.plaza, story.tokiwa]:
        tell("application.submitted", "2026-04-01 10:00")
    assert story.hop("upload").vendor == "plaza"


def test_another_vendors_milestones_are_kept_flagged_and_not_counted() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.tokiwa("application.uploaded", "2026-04-01 10:30")
    assert len(story.record.contributions) == 2
    assert story.verdicts() == {"upload": "open"}
    assert story.hop("upload").flags == ("two_vendors",)
    assert story.clock("2026-04-01 11:00:01") == ["raised upload notice"]
    assert story.last.data.flags == ("two_vendors",)


def test_another_vendors_milestones_count_once_the_vendor_turns_out_to_be_that_one() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.tokiwa("application.uploaded", "2026-04-01 10:30")
    story.tokiwa("application.submitted", "2026-04-01 09:50", arrived="2026-04-01 10:40")
    assert story.verdicts() == {"upload": "in_time", "forward": "open"}
    assert {hop.vendor for hop in story.hops()} == {"tokiwa"}


def test_a_voided_submission_names_nobody() -> None:
    story = Story()
    story.tokiwa("application.submitted", "2026-04-01 09:00", id="wrong")
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.tokiwa("event.corrected", "2026-04-01 10:01", corrects="wrong")
    assert story.hop("upload").vendor == "plaza"
    assert "two_vendors" not in story.hop("upload").flags


def test_while_no_vendor_has_spoken_a_verdict_names_none() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 10:00")
    assert story.clock("2026-04-14 00:00:01") == ["raised screening notice"]
    assert (story.last.data.vendor, story.last.data.kiosk) == (None, None)


def test_the_kiosk_comes_from_the_earliest_event_that_has_one() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:20", kiosk="late")
    story.plaza("application.forwarded", "2026-04-01 10:10", kiosk="early")
    assert story.hop("forward").kiosk == "early"


def test_each_attribute_has_an_earliest_event_of_its_own() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00", kiosk="annex")
    story.plaza("application.uploaded", "2026-04-01 10:20", kiosk="other", kiosk_municipality=SOKA)
    story.jlis("application.received", "2026-04-01 11:00", residence_municipality=KAWAGUCHI)
    hop = story.hop("screening")
    assert (hop.kiosk, hop.kiosk_municipality, hop.residence_municipality) == ("annex", SOKA, KAWAGUCHI)


def test_a_voided_event_brings_no_attributes() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00", kiosk="wrong", id="wrong")
    story.plaza("application.submitted", "2026-04-01 10:00", kiosk="right", id="right")
    story.plaza("event.corrected", "2026-04-01 10:05", corrects="wrong")
    assert story.hop("upload").kiosk == "right"


def test_another_vendors_event_brings_no_attributes() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.tokiwa("application.uploaded", "2026-04-01 09:00", kiosk="tokiwa-1")
    assert story.hop("upload").kiosk is None


def test_attributes_of_two_events_at_one_instant_do_not_depend_on_which_came_first() -> None:
    one, other = Story(), Story()
    for story, kiosks in (one, ("a", "b")), (other, ("b", "a")):
        for kiosk in kiosks:
            story.plaza("application.submitted", "2026-04-01 10:00", kiosk=kiosk, id=kiosk)
    assert one.hop("upload").kiosk == other.hop("upload").kiosk


def test_a_retraction_takes_back_what_was_said_of_whom_it_was_said() -> None:
    # Submitted at a booth of plaza at 10:00, accused at 11:00; then a submission at tokiwa's is heard, an hour earlier, uploaded in time.
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00", kiosk="plaza-1")
    story.tokiwa("application.uploaded", "2026-04-01 09:30")
    assert story.clock("2026-04-01 11:00:01") == ["raised upload notice"]
    assert story.tokiwa("application.submitted", "2026-04-01 09:00", arrived="2026-04-01 12:00") == ["retracted upload notice in_time"]
    assert (story.last.data.vendor, story.last.data.kiosk) == ("plaza", "plaza-1")
    assert story.hop("upload").vendor == "tokiwa"
