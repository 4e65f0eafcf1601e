"""A hop opens when its first milestone is known, and closes at its last (architecture, section 4)."""

from dataclasses import replace

import pytest

from streams.policy import Milestone, Policies
from tests.streams.story import HOUR, JLIS, KAWAGUCHI, MY_NUMBER, SOKA, Story, jst, override, policy_with, rfc, shown

MONTHS_LATER = "2031-01-10 00:00"


def tell(story: Story, milestone: str, at: str) -> None:
    """Tell a milestone by whoever may say it."""
    speaker = story.city if milestone in ("card.arrived", "notice.sent") else story.jlis
    speaker(milestone, at)


def test_an_upload_is_noticed_after_1_hour_warned_of_after_6_and_breached_after_24() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    assert story.clock("2026-04-01 11:00") == []  # not past the limit yet
    assert story.clock("2026-04-01 11:00:01") == ["raised upload notice"]
    assert story.clock("2026-04-01 16:00") == []
    assert story.clock("2026-04-01 16:00:01") == ["escalated upload warn"]
    assert story.clock("2026-04-02 10:00") == []
    assert story.clock("2026-04-02 10:00:01") == ["escalated upload breach"]
    assert story.clock("2026-05-14 10:00") == []  # nothing is left to be said


def test_a_forward_is_noticed_6_hours_after_the_upload_warned_of_after_24_and_breached_after_72() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:20")
    assert story.clock("2026-04-01 16:20") == []
    assert story.clock("2026-04-01 16:20:01") == ["raised forward notice"]
    assert story.clock("2026-04-02 10:20:01") == ["escalated forward warn"]
    assert story.clock("2026-04-04 10:20") == []
    assert story.clock("2026-04-04 10:20:01") == ["escalated forward breach"]


@pytest.mark.parametrize(
    ("milestone", "hop", "limits"),
    [
        # Wednesday 1 April: the 8th open day after it is Monday 13, the 12th Friday 17, the 20th Thursday 30 (29 is a holiday)
        ("application.received", "screening", ("2026-04-14 00:00", "2026-04-18 00:00", "2026-05-01 00:00")),
        ("application.returned", "correction", ("2026-05-02 00:00", "2026-06-01 00:00", "2026-07-01 00:00")),
        # the 18th open day is 27 April, the 22nd 7 May (closed on 29 April and from 2 to 6 May), the 30th 19 May
        ("application.accepted", "issuance", ("2026-04-28 00:00", "2026-05-08 00:00", "2026-05-20 00:00")),
        ("card.dispatched", "delivery", ("2026-04-07 00:00", "2026-04-09 00:00", "2026-04-12 00:00")),
        ("card.arrived", "notice", ("2026-04-16 00:00", "2026-04-23 00:00", "2026-05-01 00:00")),
        ("notice.sent", "pickup", ("2026-07-01 00:00", "2026-09-29 00:00", "2027-04-02 00:00")),
    ],
)
def test_days_end_at_24_00_of_the_nth_open_or_following_day_after_the_day_of_entry(
    milestone: str, hop: str, limits: tuple[str, str, str]
) -> None:
    story = Story()
    tell(story, milestone, "2026-04-01 10:00")
    for due, level in zip(limits, ("notice", "warn", "breach"), strict=True):
        assert story.clock(due) == []
        assert story.clock(f"{due}:01") == [f"{'raised' if level == 'notice' else 'escalated'} {hop} {level}"]
        assert shown(story.last.data.due_at) == due


@pytest.mark.parametrize(
    ("opens", "closes", "hop"),
    [
        ("application.received", "application.accepted", "screening"),
        ("application.received", "application.returned", "screening"),
        ("application.accepted", "card.dispatched", "issuance"),
        ("card.dispatched", "card.arrived", "delivery"),
        ("card.arrived", "notice.sent", "notice"),
        ("notice.sent", "card.handed_over", "pickup"),
        ("notice.sent", "card.discarded", "pickup"),
        ("notice.sent", "application.voided", "pickup"),
    ],
)
def test_a_hop_closes_at_its_last_milestone(opens: str, closes: str, hop: str) -> None:
    story = Story()
    tell(story, opens, "2026-04-01 10:00")
    assert story.verdicts()[hop] == "open"
    tell(story, closes, "2026-04-02 10:00")
    assert story.verdicts()[hop] == "in_time"
    assert shown(story.hop(hop).closed_us) == "2026-04-02 10:00"


def test_an_upload_closes_the_upload_hop_and_opens_the_forward_hop() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:20")
    assert story.verdicts() == {"upload": "in_time", "forward": "open"}
    story.jlis("application.received", "2026-04-01 12:00")
    assert story.verdicts() == {"upload": "in_time", "forward": "in_time", "screening": "open"}


def test_a_hop_whose_first_milestone_is_unknown_is_not_judged() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 10:00")
    assert story.verdicts() == {"screening": "open"}
    assert story.clock("2026-04-10 10:00") == []


def test_forwarded_is_a_claim_that_opens_and_closes_nothing() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.plaza("application.forwarded", "2026-04-01 11:00")
    assert story.verdicts() == {"forward": "open"}
    assert story.clock("2026-04-01 16:00:01") == ["raised forward notice"]


def test_forward_begins_at_submission_only_where_the_policy_says_that_the_vendors_uploads_are_not_observed() -> None:
    unobserved = policy_with(
        overrides=(
            override("plaza-from-submitted", "forward", {"vendor": "plaza"}, begins=("application.submitted",)),
            override("plaza-uploads", "upload", {"vendor": "plaza"}, watched=False),
        )
    )
    story, other, usual = Story(unobserved), Story(unobserved), Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    other.tokiwa("application.submitted", "2026-04-01 10:00")
    usual.plaza("application.submitted", "2026-04-01 10:00")
    assert story.verdicts() == {"forward": "open"}
    assert other.verdicts() == usual.verdicts() == {"upload": "open"}
    assert story.clock("2026-04-01 16:00:01") == ["raised forward notice"]
    assert story.last.data.limit_rule == "plaza-from-submitted"


# --- in time -----------------------------------------------------------------------------------------------------------


def test_a_hop_closed_at_its_due_instant_is_in_time() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-01 16:00")
    assert story.verdicts()["forward"] == "in_time"


def test_a_hop_closed_a_microsecond_after_its_due_instant_is_late() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.jlis("application.received", "2026-04-01 16:00:00.000001") == ["recorded forward notice"]
    assert story.verdicts()["forward"] == "late notice"


def test_a_late_hop_has_the_highest_level_passed_when_it_closed() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-02 10:00:01")
    assert story.verdicts()["forward"] == "late warn"


def test_a_machine_hop_runs_through_golden_week() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-05-02 12:00")  # a Saturday
    assert story.clock("2026-05-05 12:00:01") == ["raised forward notice", "escalated forward warn", "escalated forward breach"]


def test_the_day_of_entry_is_a_day_in_the_policys_time_zone() -> None:
    before, after = Story(), Story()
    before.jlis("card.dispatched", "2026-04-01 23:59:59")
    after.jlis("card.dispatched", "2026-04-02 00:00")  # both are 1 April in UTC
    assert shown(before.hop("delivery").due_us) == "2026-04-07 00:00"
    assert shown(after.hop("delivery").due_us) == "2026-04-08 00:00"


def test_past_the_calendars_horizon_a_hop_is_undated_gets_no_verdict_and_time_goes_on() -> None:
    story = Story()
    story.jlis("application.received", "2030-12-20 10:00")
    assert story.hop("screening").flags == ("undated",)
    assert story.clock(MONTHS_LATER) == []
    story.jlis("application.accepted", "2031-01-20 10:00")
    assert story.said == []
    assert story.verdicts()["screening"] == "undetermined"
    story.jlis("card.dispatched", "2031-01-21 10:00")
    assert story.clock("2031-02-01 10:00") == ["raised delivery notice", "escalated delivery warn", "escalated delivery breach"]


def test_a_hop_with_some_limits_past_the_horizon_is_judged_by_the_others() -> None:
    story = Story()
    story.jlis("application.received", "2030-12-16 10:00")  # 8 open days before the end of 2030, not 12
    assert story.clock("2031-02-01 10:00") == ["raised screening notice"]
    assert story.last.data.flags == ("undated",)


def test_a_verdict_names_who_holds_it_by_which_duty_and_that_nobody_supervises() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    held = story.last.data
    assert (held.holder, held.duty_basis, held.supervisor) == ("vendor", "none", "none")
    assert (held.procedure, held.policy_version, held.limit_rule) == ("my-number-card", "2026-1", "default")


def test_an_undated_hop_that_is_redated_past_the_horizon_takes_back_what_was_said() -> None:
    story = Story()
    story.jlis("application.received", "2030-12-02 10:00", id="first")
    assert story.clock("2030-12-13 00:00:01") == ["raised screening notice"]
    story.jlis("application.received", "2030-12-27 10:00", arrived="2030-12-28 00:00", id="second")
    assert story.jlis("event.corrected", "2030-12-28 00:01", corrects="first") == ["retracted screening notice corrected"]
    assert story.clock(MONTHS_LATER) == []


# --- a later milestone --------------------------------------------------------------------------------------------------


def test_a_hop_ended_only_by_a_later_milestone_is_in_time_if_the_later_one_is() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-01 11:00")  # uploaded unknown; the limit is 11:00
    assert story.verdicts()["upload"] == "in_time"
    assert story.hop("upload").closed_us is None
    assert shown(story.hop("upload").closed_before_us) == "2026-04-01 11:00"


def test_a_hop_ended_only_by_a_later_milestone_past_its_limit_is_undetermined_and_nobody_is_accused() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.clock("2026-04-01 11:00:01")
    assert story.jlis("application.received", "2026-04-01 11:00:02") == ["retracted upload notice end_unobserved"]
    assert shown(story.last.data.closed_before) == "2026-04-01 11:00:02"
    assert story.last.data.closed_at is None
    assert story.verdicts()["upload"] == "undetermined"


def test_a_known_own_last_decides_over_a_later_milestone() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-01 10:30")
    assert story.verdicts()["upload"] == "in_time"
    assert story.plaza("application.uploaded", "2026-04-01 12:00", arrived="2026-04-01 13:00") == ["recorded upload notice"]
    assert story.hop("upload").closed_before_us is None


def test_among_several_own_lasts_the_earliest_decides() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-01 10:00")
    story.jlis("application.accepted", "2026-04-20 10:00")
    assert story.verdicts()["screening"] == "late warn"
    story.jlis("application.returned", "2026-04-03 10:00", arrived="2026-04-21 10:00")
    assert story.verdicts()["screening"] == "in_time"


def test_among_several_later_milestones_the_earliest_decides() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.jlis("application.accepted", "2026-04-09 10:00")
    story.jlis("application.received", "2026-04-01 10:30", arrived="2026-04-10 10:00")
    assert shown(story.hop("upload").closed_before_us) == "2026-04-01 10:30"


def test_a_claim_is_no_later_milestone() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.forwarded", "2026-04-01 10:30")
    assert story.verdicts() == {"upload": "open"}


def test_a_milestone_before_the_hops_last_in_the_policys_order_ends_nothing() -> None:
    story = Story()
    story.jlis("application.accepted", "2026-04-01 10:00")
    story.jlis("application.returned", "2026-04-02 10:00")  # stands before dispatched
    assert story.verdicts()["issuance"] == "open"
    story.jlis("card.issued", "2026-04-03 10:00")  # so does issued
    assert story.verdicts()["issuance"] == "open"


def test_an_acceptance_ends_the_applicants_correction_as_a_later_milestone() -> None:
    story = Story()
    story.jlis("application.returned", "2026-04-01 10:00")
    story.jlis("application.accepted", "2026-04-20 10:00")
    assert story.verdicts()["correction"] == "in_time"
    assert story.hop("correction").closed_us is None


@pytest.mark.parametrize("terminal", ["card.handed_over", "card.discarded", "application.voided"])
def test_a_terminal_is_a_later_milestone_of_every_hop_that_does_not_list_it(terminal: str) -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-01 10:10")
    story.jlis("application.received", "2026-04-01 11:00")
    story.jlis("application.accepted", "2026-04-02 11:00")
    story.city(terminal, "2026-04-03 11:00")
    assert story.verdicts() == {"upload": "in_time", "forward": "in_time", "screening": "in_time", "issuance": "in_time"}
    assert shown(story.hop("issuance").closed_before_us) == "2026-04-03 11:00"


def test_an_end_before_its_beginning_is_in_time_and_flagged_reversed() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-01 09:00")  # two clocks disagree
    assert story.verdicts()["forward"] == "in_time"
    assert "reversed" in story.hop("forward").flags
    assert "reversed" not in story.hop("screening").flags


def test_what_follows_a_terminal_is_in_time_and_reversed() -> None:
    story = Story()
    story.city("application.voided", "2026-04-01 10:00")
    story.plaza("application.uploaded", "2026-04-02 10:00")
    assert story.clock("2026-04-06 10:00") == []
    assert story.verdicts() == {"forward": "in_time"}
    assert story.hop("forward").flags == ("reversed",)


def test_a_reversed_end_is_in_time_even_past_the_calendars_horizon() -> None:
    story = Story()
    story.jlis("application.received", "2030-12-20 10:00")
    story.jlis("application.accepted", "2030-12-19 10:00", arrived="2030-12-21 10:00")
    assert story.verdicts()["screening"] == "in_time"
    assert story.hop("screening").flags == ("reversed", "undated")


def test_a_retraction_for_a_reversed_end_is_flagged() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    assert story.jlis("application.received", "2026-04-01 09:00", arrived="2026-04-01 17:00") == ["retracted forward notice in_time"]
    assert story.last.data.flags == ("reversed",)


# --- which version, which rule --------------------------------------------------------------------------------------------

STRICTER = replace(
    MY_NUMBER.newest,
    version="2026-2",
    effective_us=jst("2026-04-10 00:00"),
    hops={
        **MY_NUMBER.newest.hops,
        "forward": replace(MY_NUMBER.newest.hops["forward"], limits=(("notice", HOUR),)),
    },
)
TWO_VERSIONS = Policies((MY_NUMBER.newest, STRICTER))


def test_a_hop_is_judged_by_the_version_in_force_when_it_was_entered() -> None:
    story = Story(TWO_VERSIONS)
    story.plaza("application.submitted", "2026-04-09 23:50")
    story.plaza("application.uploaded", "2026-04-09 23:59")
    assert story.hop("forward").policy_version == "2026-1"
    other = Story(TWO_VERSIONS)
    other.plaza("application.submitted", "2026-04-09 23:50")
    other.plaza("application.uploaded", "2026-04-10 00:00")
    assert {hop.hop: hop.policy_version for hop in other.hops()} == {"upload": "2026-1", "forward": "2026-2"}
    assert other.clock("2026-04-10 01:00:01") == ["raised forward notice"]
    assert other.last.data.policy_version == "2026-2"


def test_a_milestone_and_a_hop_that_only_a_newer_version_has_count_for_an_application_begun_before() -> None:
    newer = MY_NUMBER.newest
    milestones = {**newer.milestones, "card.checked": Milestone("card.checked", "検品", frozenset({"municipality"}), "municipality")}
    order = [*list(newer.milestones)[:10], "card.checked", *list(newer.milestones)[10:]]
    assert order[9:11] == ["card.arrived", "card.checked"]
    checking = replace(newer.hops["notice"], name="checking", ends=("card.checked",))
    noticed = replace(newer.hops["notice"], begins=("card.checked",))
    second = replace(
        newer,
        version="2026-2",
        effective_us=jst("2026-05-01 00:00"),
        milestones={name: milestones[name] for name in order},
        hops={**newer.hops, "notice": noticed, "checking": checking},
    )
    story = Story(Policies((newer, second)))
    story.jlis("card.dispatched", "2026-04-28 10:00")
    story.city("card.arrived", "2026-05-01 10:00")
    assert story.verdicts()["checking"] == "open"
    story.city("card.checked", "2026-05-02 10:00")
    assert story.verdicts() == {"delivery": "in_time", "notice": "open", "checking": "in_time"}
    assert {hop.hop: hop.policy_version for hop in story.hops()} == {"delivery": "2026-1", "notice": "2026-2", "checking": "2026-2"}
    assert shown(story.hop("notice").entered_us) == "2026-05-02 10:00"


def test_the_most_specific_override_wins_and_the_verdict_names_it() -> None:
    rules = policy_with(
        overrides=(
            override("vendor", "forward", {"vendor": "plaza"}, limits=(("notice", HOUR),)),
            override("town", "forward", {"kiosk_municipality": SOKA}, limits=(("notice", 2 * HOUR),)),
            override("both", "forward", {"vendor": "plaza", "kiosk_municipality": SOKA}, limits=(("notice", 3 * HOUR),)),
            override("kiosk", "forward", {"kiosk": "annex"}, limits=(("notice", 4 * HOUR),)),
        )
    )
    expected = [
        ({}, "vendor", "11:00"),
        ({"kiosk_municipality": SOKA}, "both", "13:00"),
        ({"kiosk_municipality": SOKA, "kiosk": "annex"}, "kiosk", "14:00"),
        ({"kiosk_municipality": KAWAGUCHI}, "vendor", "11:00"),
    ]
    for attributes, rule, due in expected:
        story = Story(rules)
        story.plaza("application.uploaded", "2026-04-01 10:00", **attributes)
        story.clock("2026-04-02 10:00")
        assert (story.said[0].data.limit_rule, story.said[0].data.due_at) == (rule, rfc(f"2026-04-01 {due}"))
    story = Story(rules)
    story.tokiwa("application.uploaded", "2026-04-01 10:00", kiosk_municipality=SOKA)
    assert story.hop("forward").rule == "town"


def test_an_override_may_set_levels_of_its_own_and_another_holder() -> None:
    limits = (("early", HOUR), ("breach", 2 * HOUR))
    batches = override("nightly", "forward", {"vendor": "plaza"}, limits=limits, holder="municipality")
    story = Story(policy_with(overrides=(batches,)))
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.clock("2026-04-01 11:00:01") == ["raised forward early"]
    assert story.clock("2026-04-01 12:00:01") == ["escalated forward breach"]
    assert story.last.data.holder == "municipality"
    assert story.says(JLIS, "application.received", "2026-04-01 11:30", arrived="2026-04-01 13:00") == ["cleared forward early"]
    assert story.last.data.holder == "municipality"


def test_news_that_puts_a_rule_with_other_levels_into_force_revises_the_stall() -> None:
    limits = (("early", HOUR), ("breach", 9 * HOUR))
    story = Story(policy_with(overrides=(override("annex", "forward", {"kiosk": "annex"}, limits=limits),)))
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.clock("2026-04-01 16:00:01") == ["raised forward notice"]
    assert story.plaza("application.submitted", "2026-04-01 09:59", arrived="2026-04-01 17:00", kiosk="annex") == ["revised forward early"]
    assert story.clock("2026-04-01 19:00") == []
    assert story.clock("2026-04-01 19:00:01") == ["escalated forward breach"]
