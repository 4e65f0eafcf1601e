"""A building permit runs through the same rules: other milestones, speakers, holders, hops, levels, calendar, time zone.

Dates are Japanese time, as everywhere in stories: 18:00 there is 10:00 in Berlin's winter.
"""

from pathlib import Path

import pytest

from streams.policy import Policies
from streams.policy_file import load_policies
from tests.streams.story import Log, Party, Story, shown

HERE = Path(__file__).parent
FEEDS = {"designs.stift": "stift", "designs.modulbau": "modulbau", "inspections.pruef": "pruef", "authority-events": None}
STIFT = Party("stift", "designer", "/designers/stift", own_feed=True)
MODULBAU = Party("modulbau", "designer", "/designers/modulbau", own_feed=True)
PRUEF = Party("pruef", "inspection-body", "/inspections/pruef", own_feed=True)
OFFICE = Party("mitte", "authority", "/offices/mitte")


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(HERE / "building-permit.yaml")


@pytest.fixture
def story(policies: Policies) -> Story:
    return Story(log=Log(policies, FEEDS))


def test_two_hops_are_open_at_once_and_each_has_its_own_levels(story: Story) -> None:
    story.says(STIFT, "plan.filed", "2026-03-05 18:00")
    assert story.verdicts() == {"examination": "open", "structure": "open"}
    assert story.clock("2026-03-15 18:00:01") == ["raised structure overdue"]  # 240 h
    assert (story.last.data.holder, story.last.data.supervisor) == ("inspection-body", "authority")
    # the 15th open day of the office in Berlin is 26 March; it ends at 24:00 there
    assert story.clock("2026-03-27 08:00") == []
    assert story.clock("2026-03-27 08:00:01") == ["raised examination reminder"]
    assert story.last.data.procedure == "building-permit"


def test_a_one_attempt_procedure_goes_round_an_objection_without_attempts(story: Story) -> None:
    story.says(STIFT, "plan.filed", "2026-03-05 18:00")
    story.says(OFFICE, "plan.objected", "2026-03-06 18:00")
    assert story.verdicts() == {"examination": "in_time", "structure": "open", "revision": "open"}
    story.says(STIFT, "plan.announced", "2026-03-07 18:00")  # a claim
    # the inspection body has said nothing of it: nobody waits for its feed. 14 days after 6 March end at 24:00 of the 20th
    said = story.clock("2026-03-21 08:00:01", pruef="2026-03-06 18:00")
    assert said == ["raised structure overdue", "raised revision reminder"]
    story.says(STIFT, "plan.revised", "2026-03-22 18:00")
    story.says(OFFICE, "permit.granted", "2026-03-24 18:00")
    assert story.verdicts() == {
        "examination": "in_time",
        "structure": "undetermined",  # never checked as far as anybody said, and granted after its limit
        "revision": "late reminder",
        "decision": "in_time",
        "building": "open",
    }


def test_the_most_specific_rule_of_the_file_applies_and_an_unwatched_hop_never_opens(story: Story) -> None:
    story.says(MODULBAU, "plan.filed", "2026-03-05 18:00")
    assert story.verdicts() == {"examination": "open"}
    assert story.hop("examination").rule == "prefabricated"
    assert story.clock("2026-03-13 08:00:01") == ["raised examination reminder"]  # 5 open days: 6 and 9 to 12 March


def test_an_inspection_body_with_a_feed_of_its_own_is_waited_for_once_it_has_spoken_but_is_no_designer(story: Story) -> None:
    story.says(PRUEF, "plan.checked", "2026-03-06 18:00")
    story.says(STIFT, "plan.filed", "2026-03-05 18:00", arrived="2026-03-06 18:00")
    assert story.record.vendors == ("pruef", "stift")
    assert {hop.vendor for hop in story.hops()} == {"stift"}
    assert story.hop("structure").flags == ()
    assert story.clock("2026-03-27 08:00:01", pruef="2026-03-20 18:00") == []
    assert story.clock("2026-03-27 08:00:01") == ["raised examination reminder"]


def test_two_designers_of_one_application_are_flagged(story: Story) -> None:
    story.says(STIFT, "plan.filed", "2026-03-05 18:00")
    story.says(MODULBAU, "plan.revised", "2026-03-06 18:00")
    assert story.verdicts() == {"examination": "open", "structure": "open"}
    assert story.hop("examination").flags == ("two_vendors",)


def test_settling_grace_and_forgetting_are_this_procedures(story: Story) -> None:
    story.says(STIFT, "plan.filed", "2026-03-05 18:00", arrived="2026-06-01 18:00")
    assert story.clock("2026-06-01 18:02") == []
    assert len(story.clock("2026-06-01 18:02:01")) == 3
    story.says(OFFICE, "permit.refused", "2026-06-02 18:00")
    assert shown(story.record.shrink_us) == "2026-07-02 18:00"
    story.clock("2028-07-01 18:00")
    assert not story.forgotten
    story.clock("2028-07-01 18:00:01")
    assert story.forgotten


def test_a_plan_filed_before_the_procedures_epoch_is_dated_by_its_arrival(story: Story) -> None:
    story.says(STIFT, "plan.filed", "2020-01-01 07:59", arrived="2026-03-05 18:00")  # 23:59 of 2019 in Berlin
    assert shown(story.hop("structure").entered_us) == "2026-03-05 18:00"
    assert "time_replaced" in story.hop("structure").flags
