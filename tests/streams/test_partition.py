"""One partition of ``custody-log``, judged record by record: what the watch and ``judge --log`` share, to the byte."""

from random import Random

import pytest

from schemas.codec import decode_application, encode
from schemas.records import PULSE_KEY, REFUSAL_KEY, Applied
from schemas.situations import situation
from streams.partition import Batch, Partition, Record
from streams.policy import PolicyMissing
from streams.stalls import next_due_us
from streams.verdicts import hop_verdicts
from tests.streams.story import JLIS, MY_NUMBER, PLAZA, Log, Story, event, override, policy_with, shown, token_of

Output = list[tuple[bytes | None, bytes]]


def busy_log() -> Log:
    """Twenty-one applications with stalls, corrections, copies and reversed events, among pulses of which some lag behind."""
    log, chance = Log(), Random(4)
    stories = [Story(log=log, seed=seed) for seed in range(20)]
    for day in range(1, 29):
        for story in chance.sample(stories, 6):
            hour = chance.randrange(12, 19)
            tell = chance.choice([story.plaza, story.plaza, story.tokiwa])
            tell(chance.choice(["application.submitted", "application.uploaded"]), f"2026-04-{day:02} {hour}:00", id=str(hour))
            if chance.random() < 0.5:
                story.jlis(chance.choice(["application.received", "application.returned"]), f"2026-04-{day:02} {hour - 2}:30")
            if chance.random() < 0.3:
                tell("event.corrected", f"2026-04-{day:02} {hour}:10", corrects=str(chance.randrange(12, 19)))
            if chance.random() < 0.1:
                story.city("application.voided", f"2026-04-{day:02} {hour}:20")
            if chance.random() < 0.1:
                story.plaza("application.resubmitted", f"2026-04-{day:02} {hour}:30")
        for hour in range(0, 24, 6):
            log.clock(f"2026-04-{day:02} {hour:02}:30", plaza=f"2026-04-{max(1, day - chance.randrange(3)):02} 00:00")
    revised = Story(log=log, seed=20)
    revised.tokiwa("application.uploaded", "2026-04-28 10:00", arrived="2026-04-28 18:40")
    log.clock("2026-04-28 19:00")
    revised.tokiwa("application.uploaded", "2026-04-28 09:00", arrived="2026-04-28 19:10")
    log.clock("2026-05-20 00:00")
    return log


def judged(log: Log, cuts: list[int], *, restart: bool) -> tuple[Output, dict[bytes, bytes], Applied]:
    """What is said by a watch that commits at the cuts, and starts again from its ledger after each."""
    partition, said, begin = Partition(MY_NUMBER, 0), [], 0
    for end in [*cuts, len(log.records)]:
        batch = partition.judge(log.records[begin:end])
        said += batch.said
        partition.keep(batch, batch.changed(), batch.applied())
        if restart:
            successor = Partition(MY_NUMBER, 0)
            successor.restore(dict(partition.records), partition.applied)
            partition = successor
        begin = end
    return said, partition.records, partition.applied


@pytest.fixture(scope="module")
def busy() -> Log:
    return busy_log()


def test_the_busy_log_says_every_kind_of_transition(busy: Log) -> None:
    kinds = {said.data.kind for said in busy.transitions}
    assert kinds == {"raised", "escalated", "revised", "cleared", "recorded", "retracted"}
    assert len(busy.marks) > 100


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_batches_cut_anywhere_give_the_same_bytes(busy: Log, size: int, restart: bool) -> None:
    whole = judged(busy, [], restart=False)
    cut = judged(busy, list(range(size, len(busy.records), size)), restart=restart)
    assert cut == whole
    assert whole[0] == busy.batch.said


def test_records_that_the_ledger_already_contains_are_skipped_one_by_one(busy: Log) -> None:
    partition, half = Partition(MY_NUMBER, 0), len(busy.records) // 2
    first = partition.judge(busy.records[:half])
    partition.keep(first, first.changed(), first.applied())
    assert partition.judge(busy.records[:5]).offset == half - 1  # nothing new, and the position does not go back
    second = partition.judge(busy.records)  # from the beginning again
    assert first.said + second.said == busy.batch.said


def test_memory_follows_the_commit_and_never_leads_it() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    partition = Partition(MY_NUMBER, 0)
    batch = partition.judge(story.log.records)
    assert (partition.records, partition.applied.offset) == ({}, -1)
    partition.keep(batch, batch.changed(), batch.applied())
    assert decode_application(partition.records[story.token.encode()]) == story.record
    assert partition.applied.offset == 0


def test_a_batch_that_moved_only_clocks_says_so() -> None:
    log = Log()
    log.clock("2026-04-01 10:00:01")
    partition = Partition(MY_NUMBER, 0)
    first = partition.judge(log.records)
    assert first.moved  # it marks the clock
    partition.keep(first, first.changed(), first.applied())
    log.clock("2026-04-01 10:00:02")
    assert not partition.judge(log.records).moved


def test_the_applied_record_says_how_far_and_by_which_clocks() -> None:
    log = Log()
    log.clock("2026-04-01 10:00", plaza="2026-04-01 09:00")
    log.put(REFUSAL_KEY, situation("records/custody-log", "speaker-header-missing").values()[0])
    applied = log.batch.applied()
    assert (applied.offset, shown(applied.at_us), applied.bucket_s, applied.input_set) == (1, "2026-04-01 10:00", 5, 1)
    assert shown(applied.floor_us["plaza"]) == "2026-04-01 09:00"
    assert applied.inputs["kiosk-events.plaza"].vendor == "plaza"


# --- the order of what leaves -----------------------------------------------------------------------------------------------


def test_what_a_pulse_says_leaves_by_due_time_first() -> None:
    log = Log()
    later, earlier = Story(log=log, seed=1), Story(log=log, seed=2)
    later.plaza("application.uploaded", "2026-04-01 10:01")
    earlier.plaza("application.uploaded", "2026-04-01 10:00")
    log.clock("2026-04-02 10:00:30")
    assert [(said.subject == earlier.token, said.data.level) for said in log.transitions] == [
        (True, "notice"),
        (False, "notice"),
        (True, "warn"),
    ]


def test_what_is_due_at_one_instant_leaves_by_token_then_hop() -> None:
    limits = MY_NUMBER.newest.hops["upload"].limits
    unobserved = override("from-submitted", "forward", {"vendor": "plaza"}, begins=("application.submitted",), limits=limits)
    log = Log(policy_with(overrides=(unobserved,)))
    for story in sorted((Story(log=log, seed=seed) for seed in range(6)), key=lambda story: story.token, reverse=True):
        story.plaza("application.submitted", "2026-04-01 10:00")
    log.clock("2026-04-01 11:00:01")
    assert len(log.transitions) == 12
    left = [(said.subject, said.data.hop) for said in log.transitions]
    assert left == sorted(left, key=lambda pair: (pair[0], ["upload", "forward"].index(pair[1])))


def test_levels_due_at_one_instant_leave_in_the_policys_order() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert story.clock("2026-05-01 10:00") == ["raised forward notice", "escalated forward warn", "escalated forward breach"]


def test_each_pulse_expires_what_is_due_before_the_next_record() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:01")
    story.jlis("application.received", "2026-04-01 17:00")
    said = [(key, value) for key, value in Partition(MY_NUMBER, 0).judge(story.log.records).said if key is not None]
    assert len(said) == 2  # raised, then cleared: not recorded


# --- clock marks ----------------------------------------------------------------------------------------------------------------


def test_the_first_pulse_of_a_higher_bucket_yields_one_clock_mark() -> None:
    log = Log()
    for second in ("00", "04", "05", "09", "10"):
        log.clock(f"2026-04-01 10:00:{second}")
    assert [shown(mark.data.at) for mark in log.marks] == ["2026-04-01 10:00", "2026-04-01 10:00:05", "2026-04-01 10:00:10"]


def test_buckets_that_no_pulse_enters_have_no_mark() -> None:
    log = Log()
    log.clock("2026-04-01 10:00")
    log.clock("2026-04-01 11:00")
    assert len(log.marks) == 2


def test_a_pulse_of_an_earlier_bucket_yields_no_mark() -> None:
    log = Log()
    log.clock("2026-04-01 10:00:10")
    log.clock("2026-04-01 10:00:03")
    log.clock("2026-04-01 10:00:12")
    assert len(log.marks) == 1


def test_a_mark_follows_the_transitions_of_its_pulse() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-04-01 16:00:05")
    assert [key for key, _ in story.log.batch.said] == [story.token.encode(), None]


def test_a_mark_tells_the_clock_of_each_vendor_and_of_all_and_none_that_is_not_known() -> None:
    log = Log()
    log.clock("2026-04-01 10:00", plaza="2026-04-01 09:00", tokiwa=None)
    assert log.marks[-1].data.all is None
    assert {vendor: shown(clock) for vendor, clock in log.marks[-1].data.clocks.items()} == {"plaza": "2026-04-01 09:00"}
    log.clock("2026-04-01 10:01", plaza="2026-04-01 09:30")
    assert shown(log.marks[-1].data.all) == "2026-04-01 09:30"
    assert {vendor: shown(clock) for vendor, clock in log.marks[-1].data.clocks.items()} == {
        "plaza": "2026-04-01 09:30",
        "tokiwa": "2026-04-01 10:01",
    }


def test_a_mark_has_its_bucket_and_an_identity_of_its_own() -> None:
    log = Log()
    log.clock("2026-04-01 10:00")
    log.clock("2026-04-01 16:00", bucket_s=21_600)
    first, second = log.marks
    assert (first.data.bucket_s, second.data.bucket_s) == (5, 21_600)
    assert first.id != second.id
    assert first.data.input_set == 1


def test_marks_go_on_when_buckets_become_longer() -> None:
    log = Log()
    log.clock("2026-04-01 10:00", bucket_s=5)
    log.clock("2026-04-01 10:00:05", bucket_s=3600)  # still within the hour
    log.clock("2026-04-01 11:00", bucket_s=3600)
    assert [shown(mark.data.at) for mark in log.marks] == ["2026-04-01 10:00", "2026-04-01 11:00"]


# --- what is no custody record ----------------------------------------------------------------------------------------------------


def news_of(key: bytes) -> bytes:
    return encode(event(key.decode(), PLAZA, "application.uploaded", "2026-04-01 10:00"))


TOKEN = token_of(1).encode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (TOKEN, b"{"),
        (TOKEN, b"\xff\xfe"),
        (TOKEN, b'{"specversion": "1.0"}'),
        (TOKEN, news_of(TOKEN).replace(b'"received":"2026-04-01T01:00:00Z"', b'"received":"yesterday"')),
        (b"\xff" * 64, news_of(TOKEN)),
        (PULSE_KEY, b"[]"),
        (PULSE_KEY, situation("records/custody-log", "every-feed-read-to-its-end").values()[0].replace(b"01T00:13:00Z", b"32T00:13:00Z")),
    ],
)
def test_a_record_that_cannot_be_read_is_counted_and_skipped_and_time_goes_on(key: bytes, value: bytes) -> None:
    log = Log()
    story = Story(log=log, seed=2)
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert log.put(key, value) == []
    assert log.batch.unreadable == [1]
    assert log.batch.offset == 1
    assert log.clock("2026-04-01 16:00:01") == ["raised forward notice"]


@pytest.mark.parametrize("key", [b"plaza", REFUSAL_KEY, None, TOKEN])
def test_records_of_no_application_move_nothing_but_the_position(key: bytes | None) -> None:
    log = Log()
    value = None if key == TOKEN else situation("records/custody-log", "heartbeat-without-a-subject").values()[0]
    assert log.put(key, value) == []
    assert (log.batch.offset, log.batch.moved, log.batch.unreadable) == (0, False, [])


def test_a_pulse_that_names_a_version_which_is_not_loaded_ends_the_judging() -> None:
    log = Log()
    log.clock("2026-04-01 10:00")
    offset, key, value = log.records[0]
    assert value is not None
    newer: Record = (offset, key, value.replace(b'"2026-1"', b'"2026-2"'))
    with pytest.raises(PolicyMissing, match="2026-2"):
        Batch(Partition(MY_NUMBER, 0)).handle(*newer)


def test_an_application_that_is_forgotten_is_a_tombstone_and_may_begin_anew() -> None:
    story = Story()
    story.city("application.voided", "2024-04-01 10:00")
    story.clock("2026-04-01 10:00")
    assert story.log.batch.changed() == {story.token.encode(): None}
    story.says(JLIS, "application.received", "2026-04-01 11:00")
    assert story.verdicts() == {"screening": "open"}


def test_a_forgotten_application_leaves_the_memory_with_the_commit() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.city("application.voided", "2026-04-01 11:00")
    story.clock("2028-01-01 10:00")
    _, records, _ = judged(story.log, [2], restart=True)
    assert records == {}


def test_what_an_application_was_is_stored_before_its_marker_if_it_ends_and_shrinks_in_one_batch() -> None:
    """A watch that reads a long backlog: whoever keeps history would never see the end."""
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.jlis("application.received", "2026-04-01 11:00")
    story.city("application.voided", "2026-04-02 11:00")
    story.clock("2026-04-10 10:00")  # a week of grace is over
    (token, last), *rest = story.log.batch.ended().items()
    assert (token, rest) == (story.token.encode(), [])
    assert {each.hop: each.verdict for each in hop_verdicts(story.token, decode_application(last), MY_NUMBER)} == {
        "forward": "in_time",
        "screening": "in_time",
    }


def test_what_is_stored_already_is_not_stored_again_when_it_shrinks() -> None:
    story = Story()
    story.city("application.voided", "2026-04-02 11:00")
    story.clock("2026-04-10 10:00")
    partition = Partition(MY_NUMBER, 0)
    first = partition.judge(story.log.records[:-1])
    partition.keep(first, first.changed(), first.applied())
    assert partition.judge(story.log.records[-1:]).ended() == {}


def test_an_open_hop_of_a_version_that_is_not_loaded_cannot_be_judged() -> None:
    story = Story(policy_with(version="2025-9"))
    story.plaza("application.uploaded", "2026-04-01 10:00")
    with pytest.raises(PolicyMissing, match="2025-9"):
        next_due_us(story.record, MY_NUMBER)
