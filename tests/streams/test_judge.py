"""``judge`` runs the same rules without a broker: over a file of events, and over an exported ``custody-log``."""

import msgspec
import orjson
import pytest

from schemas.codec import decode_transition
from schemas.events import Event
from schemas.instants import from_text
from streams.judge import FileJudge, LogJudge, Said, line_of, sorted_by_arrival, verdict_line
from streams.verdicts import HopVerdict
from tests.streams.story import JLIS, MY_NUMBER, PLAZA, TOKIWA, Log, Party, Story, event, jst, shown, token_of, words

ONE, TWO = token_of(1), token_of(2)


def the_story() -> list[Event]:
    """One application held for nine days and returned, another that nobody receives; by arrival."""
    return sorted_by_arrival(
        [
            event(ONE, PLAZA, "application.submitted", "2026-04-01 10:00"),
            event(TWO, TOKIWA, "application.submitted", "2026-04-01 11:00"),
            event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:10", arrived="2026-04-01 10:10:30"),
            event(TWO, TOKIWA, "application.uploaded", "2026-04-01 14:30"),
            event(ONE, JLIS, "application.received", "2026-04-10 10:10"),
            event(ONE, JLIS, "application.returned", "2026-04-13 10:00", arrived="2026-04-14 09:00"),
            event(ONE, PLAZA, "application.resubmitted", "2026-04-20 10:00"),
            event(ONE, PLAZA, "event.corrected", "2026-04-21 10:00", corrects="application.resubmitted 2026-04-20 10:00"),
        ]
    )


def over_file(events: list[Event], until: str) -> tuple[FileJudge, list[Said]]:
    judge, said = FileJudge(MY_NUMBER), list[Said]()
    for told in events:
        said += judge.feed(told)
    said += judge.finish(jst(until))
    return judge, said


def over_log(log: Log) -> tuple[LogJudge, list[Said]]:
    judge, said = LogJudge(MY_NUMBER), list[Said]()
    for line in exported(log):
        said += judge.feed(line)
    return judge, said


def exported(log: Log, partition: int = 0) -> list[bytes]:
    """As ``tairyu export custody-log`` writes it."""
    return [
        orjson.dumps(
            {"partition": partition, "offset": offset, "key": key.decode() if key else None, "value": orjson.Fragment(value or b"null")}
        )
        for offset, key, value in log.records
    ]


def told(events: list[Event], until: str) -> Log:
    """The log of these events, as an intake writes it: a pulse every six hours, each event before the pulses that vouch for it."""
    log, waiting = Log(), list(events)
    for day in range(1, 31):
        for hour in range(0, 24, 6):
            now = f"2026-04-{day:02} {hour:02}:00"
            while waiting and from_text(waiting[0].received) <= jst(now):
                arrived = waiting.pop(0)
                Story(log=log, seed=1 if arrived.subject == ONE else 2).put(arrived)
            if jst(now) < jst(until):
                log.clock(now)
    log.clock(until)
    return log


def in_words(said: list[Said]) -> list[str]:
    return [words(decode_transition(value)) for _, key, value in said if key is not None]


def test_a_file_and_a_log_of_one_story_have_the_same_final_verdicts() -> None:
    file, _ = over_file(the_story(), "2026-04-30 10:00")
    log, _ = over_log(told(the_story(), "2026-04-30 10:00"))
    assert list(file.verdicts()) == list(log.verdicts())
    assert {(v.token == ONE, v.hop, v.attempt, v.verdict, v.level) for v in file.verdicts()} == {
        (True, "upload", 1, "in_time", None),
        (True, "forward", 1, "late", "breach"),
        (True, "screening", 1, "in_time", None),
        (True, "correction", 1, "open", None),
        (True, "upload", 2, "void", None),
        (False, "upload", 1, "late", "notice"),
        (False, "forward", 1, "open", "breach"),
    }


def test_a_file_and_a_log_of_one_story_say_the_same_transitions_by_their_own_clocks() -> None:
    _, file = over_file(the_story(), "2026-04-30 10:00")
    _, log = over_log(told(the_story(), "2026-04-30 10:00"))
    by_file, by_log = ([decode_transition(value) for _, key, value in said if key] for said in (file, log))
    forward = [said for said in by_file if (said.subject, said.data.hop) == (TWO, "forward")]
    assert [(said.id, said.type, said.time) for said in forward] == [
        (said.id, said.type, said.time) for said in by_log if (said.subject, said.data.hop) == (TWO, "forward")
    ]
    assert [words(said) for said in forward] == ["raised forward notice", "escalated forward warn", "escalated forward breach"]


# --- over a log ------------------------------------------------------------------------------------------------------------


def test_over_a_log_judge_says_what_the_watch_said_byte_for_byte_marks_included() -> None:
    log = told(the_story(), "2026-04-30 10:00")
    _, said = over_log(log)
    assert [(key, value) for _, key, value in said] == log.batch.said
    assert any(key is None for _, key, _ in said)


def test_each_partition_is_judged_by_itself() -> None:
    one, two = Story(seed=1), Story(seed=2)
    one.plaza("application.uploaded", "2026-04-01 10:00")
    two.plaza("application.uploaded", "2026-04-01 10:00")
    one.clock("2026-04-01 16:00:01")  # no pulse reaches the other partition
    judge, said = LogJudge(MY_NUMBER), list[Said]()
    for line in [*exported(one.log, 4), *exported(two.log, 7)]:
        said += judge.feed(line)
    assert [(partition, key) for partition, key, _ in said] == [(4, ONE.encode()), (4, None)]
    assert {(v.token == ONE, v.level) for v in judge.verdicts()} == {(True, "notice"), (False, None)}


def test_a_line_that_was_exported_twice_is_judged_once() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    judge = LogJudge(MY_NUMBER)
    lines = exported(story.log)
    first = [said for line in lines for said in judge.feed(line)]
    assert len(first) == 2
    assert [said for line in lines for said in judge.feed(line)] == []


def test_what_is_no_line_of_an_export_is_an_error() -> None:
    with pytest.raises(msgspec.MsgspecError):
        list(LogJudge(MY_NUMBER).feed(b'{"partition": 0}'))


def test_a_printed_line_is_what_export_writes_without_the_offset() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    _, said = over_log(story.log)
    line = orjson.loads(line_of(said[0]))
    assert list(line) == ["partition", "key", "value"]
    assert (line["partition"], line["key"], line["value"]["type"]) == (0, ONE, "jp.tairyu.stall.raised")
    assert orjson.loads(line_of(said[1]))["key"] is None


# --- over a file -----------------------------------------------------------------------------------------------------------


def test_over_a_file_silence_is_said_at_the_first_pulse_after_its_due_time() -> None:
    _, said = over_file([event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00:00.5")], "2026-05-01 10:00")
    raised = decode_transition(said[0][2])
    assert (shown(raised.time), shown(raised.data.at)) == ("2026-04-01 16:00:00.500000", "2026-04-01 16:00:01")


def test_over_a_file_silence_is_judged_before_the_event_that_ends_it() -> None:
    events = [event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00"), event(ONE, JLIS, "application.received", "2026-04-01 17:00")]
    _, said = over_file(events, "2026-04-01 17:00")
    assert in_words(said) == ["raised forward notice", "cleared forward notice"]


def test_over_a_file_an_event_is_judged_before_the_pulse_that_vouches_for_its_arrival() -> None:
    events = [
        event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00:00.5"),
        event(ONE, JLIS, "application.received", "2026-04-01 16:00:00.4", arrived="2026-04-01 16:00:01"),
    ]
    _, said = over_file(events, "2026-04-01 16:00:02")
    assert said == []


def test_over_a_file_every_input_is_read_through_whoever_has_spoken() -> None:
    events = [event(ONE, TOKIWA, "application.uploaded", "2026-04-01 10:00"), event(TWO, JLIS, "card.dispatched", "2026-04-01 10:00")]
    _, said = over_file(events, "2026-04-07 10:00")
    assert in_words(said)[-1] == "raised delivery notice"


def test_over_a_file_no_clock_marks_are_printed() -> None:
    _, said = over_file(the_story(), "2026-04-30 10:00")
    assert all(key is not None for _, key, _ in said)


@pytest.mark.parametrize(
    ("until", "level"), [("2026-04-01 16:00", None), ("2026-04-01 16:00:00.000001", "notice"), ("2026-04-03 10:00", "warn")]
)
def test_the_level_of_what_is_open_is_the_one_said_until_then(until: str, level: str | None) -> None:
    judge, _ = over_file([event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00")], until)
    assert [(v.verdict, v.level) for v in judge.verdicts()] == [("open", level)]


def test_an_event_of_no_application_moves_the_time_and_nothing_else() -> None:
    heartbeat = msgspec.structs.replace(event(ONE, PLAZA, "source.heartbeat", "2026-04-01 17:00"), subject=None)
    judge = FileJudge(MY_NUMBER)
    said = list(judge.feed(event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00")))
    said += judge.feed(heartbeat)
    assert in_words(said) == ["raised forward notice"]


def test_a_file_of_events_long_past_is_judged_as_of_their_arrival() -> None:
    events = [
        event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00", arrived="2026-05-20 10:00"),
        event(ONE, JLIS, "application.received", "2026-04-05 10:00", arrived="2026-05-20 10:00"),
    ]
    judge, said = over_file(events, "2026-05-20 10:00")
    assert in_words(said) == ["recorded forward breach"]
    assert [v.verdict for v in judge.verdicts()] == ["late", "open"]


def test_what_shrank_long_ago_still_has_its_final_verdicts() -> None:
    city = Party("112216", "municipality", "/municipalities/112216")
    events = [event(ONE, PLAZA, "application.uploaded", "2020-04-01 10:00"), event(ONE, city, "application.voided", "2020-04-01 12:00")]
    judge, _ = over_file([*events, event(TWO, PLAZA, "application.uploaded", "2026-04-01 10:00")], "2026-04-01 10:00")
    assert {(v.token == ONE, v.hop, v.verdict) for v in judge.verdicts()} == {(False, "forward", "open"), (True, "forward", "in_time")}


def test_events_that_arrived_at_one_instant_keep_their_order() -> None:
    events = [event(ONE, PLAZA, "application.uploaded", "2026-04-01 10:00", id=name) for name in "cab"]
    earlier = event(ONE, PLAZA, "application.submitted", "2026-04-01 09:00")
    assert [told.id for told in sorted_by_arrival([*events, earlier])] == [earlier.id, "c", "a", "b"]


def test_a_verdict_is_printed_in_the_form_of_the_truth() -> None:
    def line(verdict: HopVerdict) -> dict[str, object]:
        printed: dict[str, object] = orjson.loads(verdict_line(verdict, "the id in the file"))
        return printed

    judge, _ = over_file(the_story(), "2026-04-30 10:00")
    late = next(verdict for verdict in judge.verdicts() if verdict.verdict == "late" and verdict.token == ONE)
    assert line(late) == {
        "subject": "the id in the file",
        "token": ONE,
        "hop": "forward",
        "attempt": 1,
        "entered_at": "2026-04-01T01:10:00Z",
        "closed_at": "2026-04-10T01:10:00Z",
        "verdict": "late",
        "level": "breach",
    }
