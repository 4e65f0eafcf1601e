"""The oracle against edges worked out by hand: what news changes, whose clock decides, whom a verdict names, where it ends."""

from dataclasses import replace

from schemas.instants import from_text
from tests.oracle.policy import span
from tests.oracle.telling import FEEDS, POLICY, in_japan, judged, lines, pulse, stands, tell


def test_new_dates_revise_and_a_lower_level_is_said_lower() -> None:
    # Uploaded 09:00, then voided: it was at 20:00. At 09:01 of the 2nd the warn limit (09:00) was passed; now only the notice (02:00).
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00", name="u"),
        tell("plaza", "application.uploaded", "2026-04-01 20:00", name="v"),
        pulse("2026-04-02 09:01"),
        tell("plaza", "event.corrected", "2026-04-02 10:00", voids="u"),
        pulse("2026-04-02 20:00:01"),
    )
    assert lines(oracle) == [
        "forward 1 raised notice 2026-04-01 15:00",
        "forward 1 escalated warn 2026-04-02 09:00",
        "forward 1 revised notice 2026-04-02 10:00",
        "forward 1 escalated warn 2026-04-02 20:00",
    ]


def test_a_backfill_that_clears_itself_wakes_nobody() -> None:
    # Both arrive on 5 April, ten seconds apart, the clock in between: within the 60 s of `settle`.
    oracle = judged(
        pulse("2026-04-05 10:00"),
        tell("plaza", "application.uploaded", "2026-04-01 09:00", arrived="2026-04-05 10:00"),
        pulse("2026-04-05 10:00:30"),
        tell("j-lis", "application.received", "2026-04-01 14:00", arrived="2026-04-05 10:00:30"),
        pulse("2026-04-05 12:00"),
    )
    assert lines(oracle) == []


def test_one_vendors_backlog_delays_its_own_verdicts_and_nobody_elses() -> None:
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00", whose=1),
        tell("tokiwa", "application.uploaded", "2026-04-01 09:00", whose=2),
        tell("j-lis", "application.received", "2026-03-20 09:00", whose=3),  # 8 open days: 24:00 of 1 April
        pulse("2026-04-02 00:00:01", slow={"kiosk-events.tokiwa": "2026-04-01 12:00"}),
    )
    assert lines(oracle) == ["forward 1 raised notice 2026-04-01 15:00"]
    oracle.feed([pulse("2026-04-02 00:00:02")])
    assert lines(oracle)[1:] == ["forward 1 raised notice 2026-04-01 15:00", "screening 1 raised notice 2026-04-02 00:00"]


def test_a_clock_stands_until_each_of_its_own_inputs_is_known() -> None:
    more = {"kiosk-events.plaza": "plaza", "kiosk-events.minato": "minato", "jlis-events": None, "municipal-events": None}
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-04-01 09:00", whose=1),
        tell("minato", "application.uploaded", "2026-04-01 09:00", whose=2),
        pulse("2026-04-01 15:00:01"),  # minato is in no input set yet
        pulse("2026-04-01 15:00:02", input_set=2, feeds=more, slow={"kiosk-events.minato": None}),
    )
    assert [said.token for said in oracle.transitions()] == [tell("plaza", "x", "2026-04-01 09:00").subject]
    oracle.feed([pulse("2026-04-01 15:00:03", input_set=2, feeds=more)])
    assert len(oracle.transitions()) == 2


def test_what_arrives_after_the_grace_is_history_only() -> None:
    # Handed over at 10:00 of 1 April; shrinks at 10:00 of the 8th, whether or not the pulse came first.
    ended = [
        tell("j-lis", "application.received", "2026-03-02 09:00"),
        tell("112216", "card.handed_over", "2026-04-01 10:00"),
    ]
    in_the_grace = tell("j-lis", "application.accepted", "2026-03-30 10:00", arrived="2026-04-08 10:00")
    after_it = tell("j-lis", "application.accepted", "2026-03-30 10:00", arrived="2026-04-08 10:00:01")
    # 8 open days after 2 March: 24:00 of the 12th; 20 days (20 March is a holiday): 24:00 of the 31st, not passed.
    assert lines(judged(*ended, in_the_grace)) == ["screening 1 recorded warn 2026-03-30 10:00"]
    assert lines(judged(*ended, after_it)) == []
    assert lines(judged(*ended, pulse("2026-04-08 10:00"), in_the_grace)) == ["screening 1 recorded warn 2026-03-30 10:00"]
    assert lines(judged(*ended, pulse("2026-04-08 10:00:01"), after_it)) == []


def test_nobody_judges_past_the_calendars_horizon() -> None:
    # 24 December 2030, a Tuesday: 25 26 27 and no more open days until the calendar ends.
    oracle = judged(tell("j-lis", "application.received", "2030-12-24 10:00"), pulse("2031-06-01 00:00"))
    assert lines(oracle) == []
    assert stands(oracle) == {"screening 1": "undated"}


def test_a_second_vendors_milestones_are_not_counted() -> None:
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 09:00"),
        tell("tokiwa", "application.uploaded", "2026-04-01 09:10"),
        tell("tokiwa", "application.resubmitted", "2026-04-01 09:20"),
        pulse("2026-04-01 10:00:01"),
    )
    assert lines(oracle) == ["upload 1 raised notice 2026-04-01 10:00"]
    assert oracle.transitions()[0].whose.vendor == "plaza"


def test_the_accused_changes_when_an_earlier_submission_is_heard() -> None:
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 09:00"),
        pulse("2026-04-01 10:00:01"),
        tell("tokiwa", "application.submitted", "2026-04-01 08:00", arrived="2026-04-01 10:30"),
    )
    assert lines(oracle) == ["upload 1 raised notice 2026-04-01 10:00", "upload 1 revised notice 2026-04-01 10:30"]
    assert [said.whose.vendor for said in oracle.transitions()] == ["plaza", "tokiwa"]


def test_a_later_version_judges_what_was_entered_under_it() -> None:
    tighter = replace(POLICY[0], name="2026-2", effective=from_text("2026-09-18T00:00:00+09:00"))
    tighter = replace(tighter, hops={**tighter.hops, "forward": replace(tighter.hops["forward"], limits=[("notice", span("1h"))])})
    oracle = judged(
        tell("plaza", "application.uploaded", "2026-09-17 23:59", whose=1),
        tell("plaza", "application.uploaded", "2026-09-18 00:00", whose=2),
        pulse("2026-09-18 05:59:01"),
        policies=[POLICY[0], tighter],
    )
    assert [(said.version, in_japan(said.due)) for said in oracle.transitions()] == [
        ("2026-2", "2026-09-18 01:00"),
        ("2026-1", "2026-09-18 05:59"),
    ]


def test_a_retraction_names_whom_it_had_accused() -> None:
    # Plaza is accused at 11:00 (upload, 1 h). Then tokiwa's submission of 09:00 is heard, uploaded there at 09:30: in time.
    oracle = judged(
        tell("plaza", "application.submitted", "2026-04-01 10:00", kiosk="plaza-1"),
        tell("tokiwa", "application.uploaded", "2026-04-01 09:30"),
        pulse("2026-04-01 11:00:01"),
        tell("tokiwa", "application.submitted", "2026-04-01 09:00", arrived="2026-04-01 12:00"),
    )
    assert lines(oracle) == ["upload 1 raised notice 2026-04-01 11:00", "upload 1 retracted in_time notice 2026-04-01 12:00"]
    taken_back = oracle.transitions()[-1]
    assert (taken_back.whose.vendor, taken_back.whose.kiosk) == ("plaza", "plaza-1")
    assert (in_japan(taken_back.entered), in_japan(taken_back.closed or 0)) == ("2026-04-01 09:00", "2026-04-01 09:30")


def test_nobody_waits_for_a_retired_vendor_and_its_clock_does_not_go_back_when_it_returns() -> None:
    two = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "tokiwa"}
    oracle = judged(
        tell("tokiwa", "application.uploaded", "2026-04-01 09:00"),
        pulse("2026-04-01 14:00", slow={"kiosk-events.tokiwa": None}),
        pulse("2026-04-01 15:00:01", input_set=2, feeds=two),
    )
    assert lines(oracle) == ["forward 1 raised notice 2026-04-01 15:00"]
    # Back, with a backlog since 10:00: its applications are judged by 15:00:01 until it has read on.
    oracle.feed([tell("tokiwa", "application.uploaded", "2026-04-01 08:59", arrived="2026-04-01 10:00", whose=2)])
    oracle.feed([pulse("2026-04-02 15:00", input_set=3, slow={"kiosk-events.tokiwa": "2026-04-01 10:00"})])
    assert lines(oracle)[1:] == ["forward 1 raised notice 2026-04-01 14:59"]
