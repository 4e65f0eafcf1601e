"""The final verdict per application, hop and attempt; and the words in which a transition says it."""

import msgspec

from schemas.records import Verdict
from streams.verdicts import HopVerdict, stall_id
from tests.streams.story import JLIS, KAWAGUCHI, SOKA, Story, shown


def test_each_hop_of_an_application_has_one_of_five_verdicts() -> None:
    story = Story()
    story.plaza("application.submitted", "2026-04-01 10:00")  # never uploaded, as far as anybody said, until it was received late
    story.jlis("application.received", "2026-04-02 11:00")
    story.jlis("application.accepted", "2026-04-30 11:00")
    story.jlis("card.dispatched", "2026-05-01 11:00")
    story.city("card.arrived", "2026-05-02 11:00", id="wrong")
    story.city("event.corrected", "2026-05-02 12:00", corrects="wrong")
    assert story.verdicts() == {
        "upload": "undetermined",
        "screening": "late warn",
        "issuance": "in_time",
        "delivery": "open",
        "notice": "void",
    }


def test_raised_and_cleared_is_the_same_final_verdict_as_recorded() -> None:
    watched, backfilled = Story(), Story()
    for story in (watched, backfilled):
        story.plaza("application.uploaded", "2026-04-01 10:00")
        if story is watched:
            assert story.clock("2026-04-02 12:00") == ["raised forward notice", "escalated forward warn"]
        story.jlis("application.received", "2026-04-02 13:00")
    assert [said.data.kind for said in watched.said] == ["raised", "escalated", "cleared"]
    assert [said.data.kind for said in backfilled.said] == ["recorded"]
    assert watched.hops() == backfilled.hops()


def test_raised_and_retracted_is_the_same_final_verdict_as_nothing() -> None:
    watched, backfilled = Story(), Story()
    for story in (watched, backfilled):
        story.plaza("application.uploaded", "2026-04-01 10:00")
        if story is watched:
            assert story.clock("2026-04-01 18:00") == ["raised forward notice"]
        story.jlis("application.received", "2026-04-01 15:00", arrived="2026-04-01 19:00")
    assert backfilled.said == []
    assert watched.hops() == backfilled.hops()


def test_the_level_of_what_is_open_is_the_one_last_said() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.verdicts() == {"forward": "open"}
    story.clock("2026-04-01 16:00:01")
    assert story.verdicts() == {"forward": "open notice"}
    story.clock("2026-04-02 16:00:01")
    assert story.verdicts() == {"forward": "open warn"}


def test_what_was_said_of_a_hop_that_is_open_again_is_not_its_level() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 17:00", id="wrong")
    story.jlis("event.corrected", "2026-04-01 18:00", corrects="wrong")
    assert story.verdicts()["forward"] == "open"


def test_the_level_of_what_was_late_is_the_highest_truly_passed_whatever_was_said() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-05-01 10:00")  # breach was said
    story.jlis("application.received", "2026-04-01 17:00", arrived="2026-05-01 11:00")
    assert story.verdicts()["forward"] == "late notice"


def test_a_final_verdict_has_its_figures() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", kiosk="annex", kiosk_municipality=SOKA, residence_municipality=KAWAGUCHI)
    story.jlis("application.received", "2026-04-03 10:00")
    hop = story.hop("forward")
    assert (shown(hop.entered_us), shown(hop.due_us), shown(hop.closed_us)) == (
        "2026-04-01 10:00",
        "2026-04-01 16:00",
        "2026-04-03 10:00",
    )
    assert (hop.token, hop.last4, hop.vendor, hop.kiosk) == (story.token, story.token[-4:], "plaza", "annex")
    assert (hop.kiosk_municipality, hop.residence_municipality) == (SOKA, KAWAGUCHI)
    assert (hop.holder, hop.duty_basis, hop.supervisor, hop.rule, hop.policy_version) == ("vendor", "none", "none", "default", "2026-1")


def test_a_void_hop_has_no_end_and_no_level() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="wrong")
    story.jlis("application.received", "2026-04-03 10:00")
    story.plaza("event.corrected", "2026-04-03 11:00", corrects="wrong")
    hop = story.hop("forward")
    assert (hop.verdict, hop.level, hop.closed_us, hop.closed_before_us) == ("void", None, None, None)


def test_a_hop_that_a_correction_only_moved_is_not_void() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", id="wrong")
    story.plaza("application.uploaded", "2026-04-01 11:00", id="right")
    story.plaza("event.corrected", "2026-04-01 12:00", corrects="wrong")
    assert [(hop.hop, hop.verdict) for hop in story.hops()] == [("forward", "open")]


def test_a_void_hop_is_one_even_if_a_terminal_was_voided_long_before() -> None:
    story = Story()
    story.city("application.voided", "2026-04-01 10:00", id="wrong")
    story.city("event.corrected", "2026-04-02 10:00", corrects="wrong")
    story.plaza("application.uploaded", "2026-04-20 10:00", id="wrong")
    story.plaza("event.corrected", "2026-04-20 11:00", corrects="wrong")
    assert story.verdicts() == {"forward": "void"}


def test_verdicts_come_in_the_policys_order_of_hops_and_then_attempts() -> None:
    story = Story()
    story.jlis("application.received", "2026-04-12 10:00")
    story.plaza("application.resubmitted", "2026-04-10 10:00", arrived="2026-04-12 10:00")
    story.plaza("application.submitted", "2026-04-01 10:00", arrived="2026-04-12 10:00")
    story.jlis("application.received", "2026-04-02 10:00", arrived="2026-04-12 10:00")
    assert [(hop.hop, hop.attempt) for hop in story.hops()] == [("upload", 1), ("upload", 2), ("screening", 1), ("screening", 2)]


def test_what_has_shrunk_keeps_its_final_verdicts_as_they_were() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.says(JLIS, "application.voided", "2026-04-03 10:00")
    before = story.hops()
    story.clock("2026-06-01 10:00")
    assert story.record.marker is not None
    assert story.hops() == before
    assert [hop.verdict for hop in before] == ["undetermined"]


def test_a_transition_says_in_its_data_every_column_that_analysts_know() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00", kiosk="annex", kiosk_municipality=SOKA, residence_municipality=KAWAGUCHI)
    story.clock("2026-04-01 16:00:01")
    data = msgspec.json.decode(msgspec.json.encode(story.last.data))
    assert data == data | {
        "stall_id": stall_id(story.token, "forward", 1),
        "revision": 1,
        "kind": "raised",
        "reason": None,
        "level": "notice",
        "hop": "forward",
        "attempt": 1,
        "token": story.token,
        "last4": story.token[-4:],
        "vendor": "plaza",
        "kiosk": "annex",
        "kiosk_municipality": SOKA,
        "residence_municipality": KAWAGUCHI,
        "holder": "vendor",
        "duty_basis": "none",
        "supervisor": "none",
        "policy_version": "2026-1",
        "limit_rule": "default",
        "flags": [],
        "entered_at": "2026-04-01T01:00:00Z",
        "due_at": "2026-04-01T07:00:00Z",
        "closed_at": None,
        "at": "2026-04-01T07:00:01Z",
    }


def test_a_transition_is_a_cloud_event_whose_type_ends_in_its_kind() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 17:00")
    assert [(said.specversion, said.type) for said in story.said] == [
        ("1.0", "jp.tairyu.stall.raised"),
        ("1.0", "jp.tairyu.stall.cleared"),
    ]
    assert [shown(said.time) for said in story.said] == ["2026-04-01 16:00", "2026-04-01 17:00"]


def test_the_verdict_of_a_hop_has_the_names_that_a_transition_has_where_they_mean_the_same() -> None:
    same = {"token", "last4", "hop", "attempt", "vendor", "kiosk", "holder", "duty_basis", "supervisor", "level", "flags", "policy_version"}
    assert same <= set(HopVerdict.__struct_fields__) & set(Verdict.__struct_fields__)
