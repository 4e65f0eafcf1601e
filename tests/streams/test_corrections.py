"""Order does not matter, repeats do not count, and a speaker voids only its own (architecture, rule 7)."""

from itertools import permutations

import pytest

from streams.custody import CORRECTIONS, EVENTS_OF_A_SPEAKER
from tests.streams.story import PLAZA, TOKIWA, Party, Story, shown


def test_the_same_event_twice_has_no_effect() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    before = story.record
    assert story.plaza("application.uploaded", "2026-04-01 10:00", arrived="2026-04-01 17:00") == []
    assert story.record == before


def test_a_milestones_time_is_the_earliest_of_its_events() -> None:
    story = Story()
    for at in ("2026-04-01 10:10", "2026-04-01 10:00", "2026-04-01 10:20"):
        story.plaza("application.uploaded", at, arrived="2026-04-01 11:00")
    assert shown(story.hop("forward").entered_us) == "2026-04-01 10:00"


def test_a_correction_voids_the_event_and_the_next_earliest_counts() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="wrong")
    story.plaza("application.uploaded", "2026-04-01 10:20", id="right")
    story.plaza("event.corrected", "2026-04-01 11:00", corrects="wrong")
    assert shown(story.hop("forward").entered_us) == "2026-04-01 10:20"


def test_a_correction_may_come_before_the_event_that_it_voids() -> None:
    story = Story()
    story.plaza("event.corrected", "2026-04-01 09:00", corrects="wrong")
    assert story.plaza("application.uploaded", "2026-04-01 10:00", id="wrong") == []
    assert story.verdicts() == {"forward": "void"}
    assert story.clock("2026-04-05 10:00") == []


def test_a_replacement_is_a_new_event() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="wrong")
    story.plaza("event.corrected", "2026-04-01 11:00", corrects="wrong")
    assert story.verdicts() == {"forward": "void"}
    story.plaza("application.uploaded", "2026-04-01 10:30", arrived="2026-04-01 11:00", id="right")
    assert story.verdicts() == {"forward": "open"}


@pytest.mark.parametrize("stranger", [TOKIWA, Party("plaza", "vendor", "/vendors/plaza/another-server", own_feed=True)])
def test_a_correction_names_its_own_speakers_event_by_source_and_id(stranger: Party) -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="u1")
    if stranger is TOKIWA:
        story.says(stranger, "event.corrected", "2026-04-01 10:05", corrects="u1", source=PLAZA.source)
    else:
        story.says(stranger, "event.corrected", "2026-04-01 10:05", corrects="u1")
    assert story.verdicts() == {"forward": "open"}


def test_a_speaker_may_correct_from_another_of_its_sources() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="u1")
    office = Party("plaza", "vendor", "/vendors/plaza/office", own_feed=True)
    story.says(office, "event.corrected", "2026-04-01 10:05", corrects="u1", source=PLAZA.source)
    assert story.verdicts() == {"forward": "void"}


def test_a_correction_of_an_event_that_never_comes_has_no_effect() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.plaza("event.corrected", "2026-04-01 10:05", corrects="never said")
    assert story.verdicts() == {"forward": "open"}
    assert story.hop("forward").flags == ()


def test_correcting_twice_is_correcting_once() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="u1")
    story.clock("2026-04-01 16:00:01")
    assert story.plaza("event.corrected", "2026-04-01 17:00", corrects="u1", id="c1") == ["retracted forward notice never_opened"]
    assert story.plaza("event.corrected", "2026-04-01 17:00", corrects="u1", id="c1", arrived="2026-04-01 18:00") == []
    assert story.plaza("event.corrected", "2026-04-01 18:00", corrects="u1", id="c2") == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_correcting_a_correction_has_no_effect_and_is_flagged_in_any_order(order: tuple[int, ...]) -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 09:00", arrived="2026-04-01 12:00")
    for step in order:
        if step == 0:
            story.plaza("application.uploaded", "2026-04-01 08:00", arrived="2026-04-01 12:00", id="u1")
        elif step == 1:
            story.plaza("event.corrected", "2026-04-01 12:00", corrects="u1", id="c1")
        else:
            story.plaza("event.corrected", "2026-04-01 12:00", corrects="c1", id="c2")
    assert story.verdicts() == {"screening": "open", "forward": "void"}
    assert story.hop("screening").flags == ("correction_of_correction",)


@pytest.mark.parametrize("reverse", [False, True])
def test_two_contents_under_one_source_and_id_are_both_kept_and_flagged(reverse: bool) -> None:
    story = Story()
    for at in sorted(("2026-04-01 10:00", "2026-04-01 10:30"), reverse=reverse):
        story.plaza("application.uploaded", at, arrived="2026-04-01 11:00", id="u1")
    assert len(story.record.contributions) == 2
    assert shown(story.hop("forward").entered_us) == "2026-04-01 10:00"
    assert story.hop("forward").flags == ("conflict",)


def test_a_correction_voids_every_content_under_its_id() -> None:
    story = Story()
    for at in ("2026-04-01 10:00", "2026-04-01 10:30"):
        story.plaza("application.uploaded", at, arrived="2026-04-01 11:00", id="u1")
    story.plaza("event.corrected", "2026-04-01 11:00", corrects="u1")
    assert story.verdicts() == {"forward": "void"}


def test_one_id_for_two_corrections_of_different_events_is_a_conflict_and_both_count() -> None:
    story = Story()
    for name in ("u1", "u2", "u3"):
        story.plaza("application.uploaded", "2026-04-01 10:00", id=name, kiosk=name)
    for name in ("u1", "u2"):
        story.plaza("event.corrected", "2026-04-01 11:00", corrects=name, id="c1")
    assert story.hop("forward").kiosk == "u3"
    assert story.hop("forward").flags == ("conflict",)


def test_an_id_used_for_a_milestone_and_for_a_correction_is_a_conflict() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="u1")
    story.plaza("event.corrected", "2026-04-01 11:00", corrects="something", id="u1")
    assert story.hop("forward").flags == ("conflict",)


def test_the_same_id_of_two_speakers_is_no_conflict() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="1")
    story.jlis("application.received", "2026-04-01 11:00", id="1")
    assert story.verdicts() == {"forward": "in_time", "screening": "open"}
    assert story.hop("forward").flags == ()


def test_events_in_reverse_order_give_the_same_final_verdicts() -> None:
    def tell(steps: list[int]) -> dict[str, str]:
        story = Story()
        for step in steps:
            [
                lambda: story.plaza("application.submitted", "2026-04-01 10:00", arrived="2026-04-20 10:00"),
                lambda: story.plaza("application.uploaded", "2026-04-01 10:05", arrived="2026-04-20 10:00"),
                lambda: story.jlis("application.received", "2026-04-03 11:00", arrived="2026-04-20 10:00"),
                lambda: story.jlis("application.returned", "2026-04-06 11:00", arrived="2026-04-20 10:00"),
                lambda: story.plaza("application.resubmitted", "2026-04-10 11:00", arrived="2026-04-20 10:00"),
            ][step]()
        story.clock("2026-04-21 10:00")
        return story.verdicts()

    expected = {
        "upload": "in_time",
        "forward": "late warn",
        "screening": "in_time",
        "correction": "in_time",
        "upload#2": "open breach",
    }
    assert tell([0, 1, 2, 3, 4]) == expected
    assert tell([4, 3, 2, 1, 0]) == expected


def test_what_is_no_milestone_and_no_correction_leaves_no_trace_in_the_record() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    before = story.record
    assert story.city("enquiry.logged", "2026-04-01 11:00") == []
    assert story.tokiwa("enquiry.logged", "2026-04-01 11:00") == []
    assert story.record == before


def test_what_a_speaker_says_beyond_its_limit_changes_nothing_and_silences_nobody() -> None:
    story = Story()
    for number in range(EVENTS_OF_A_SPEAKER):
        story.plaza("application.uploaded", "2026-04-01 10:00", id=f"retry-{number}")
    full = story.record

    assert story.plaza("application.uploaded", "2026-04-01 09:00", id="one more", arrived="2026-04-01 10:00") == []
    assert story.record == full
    story.jlis("application.received", "2026-04-01 11:00")
    assert story.verdicts()["forward"] == "in_time"


def test_corrections_beyond_their_limit_change_nothing() -> None:
    story = Story()
    for number in range(CORRECTIONS):
        story.plaza("event.corrected", "2026-04-01 09:00", id=f"correction-{number}", corrects=f"wrong-{number}")
    full = story.record

    story.plaza("event.corrected", "2026-04-01 09:00", id="one more", corrects="another")

    assert story.record == full
