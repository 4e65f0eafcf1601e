"""A policy changes while applications are open: which version judges what, and where the verdict says so (decision 0007).

Version 2026-2 is in force from 2026-04-15 00:00: forwarding is noticed after 3 h instead of 6, warned of after 12 h instead of 24;
the post answers to somebody else; and plaza's forwarding, from a kiosk of its own choice, has a rule of its own.
"""

from pathlib import Path

import pytest

from schemas.codec import encode
from schemas.records import Applied
from streams.judge import LogJudge, line_of
from streams.partition import Batch, Partition
from streams.policy import Policies, PolicyMissing
from tests.streams.story import Log, Story, jst, shown
from tests.versions.lives import told_lives
from tests.versions.versions import SHIPPED, next_version, policies_of

FIRST = SHIPPED.read_text(encoding="utf-8")
CHANGES = (
    ("limits: {notice: 6h, warn: 24h, breach: 72h}", "limits: {notice: 3h, warn: 12h, breach: 72h}"),
    ("post: {label: 郵便, duty_basis: statute, supervisor: unknown", "post: {label: 郵便, duty_basis: contract, supervisor: 総務大臣"),
    ("overrides: []", "overrides: [{name: booth, match: {kiosk: booth}, hop: forward, set: {limits: {notice: 1h, warn: 2h, breach: 3h}}}]"),
)
EFFECTIVE = "2026-04-15T00:00:00+09:00"
SECOND = next_version(FIRST, "2026-2", EFFECTIVE, *CHANGES)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies_of(tmp_path_factory.mktemp("old"), FIRST)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies_of(tmp_path_factory.mktemp("new"), FIRST, SECOND)


def versions(story: Story) -> list[tuple[str, str, str]]:
    """What was said, in words, with the version and the rule that it names."""
    return [(f"{each.data.kind} {each.data.hop} {each.data.level}", each.data.policy_version, each.data.limit_rule) for each in story.said]


# --- by when a hop was entered -------------------------------------------------------------------------------------------


def test_the_last_instant_before_a_version_is_judged_by_the_one_before(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-14 23:59:59.999999")
    assert story.clock("2026-04-15 05:59:59.999999") == []  # 6 h: still in time
    assert story.clock("2026-04-15 06:00") == ["raised forward notice"]
    assert versions(story) == [("raised forward notice", "2026-1", "default")]


def test_the_first_instant_of_a_version_is_judged_by_it(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-15 00:00")
    assert story.clock("2026-04-15 03:00") == []  # 3 h: still in time
    assert story.clock("2026-04-15 03:00:00.000001") == ["raised forward notice"]
    assert versions(story) == [("raised forward notice", "2026-2", "default")]


def test_a_hop_that_is_open_when_a_version_begins_keeps_the_limits_under_which_it_was_entered(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-14 17:00")
    assert story.clock("2026-04-14 23:30") == ["raised forward notice"]
    assert story.clock("2026-04-15 06:00") == []  # 13 h: 2026-2 would have warned
    assert story.clock("2026-04-15 17:00:01") == ["escalated forward warn"]
    story.jlis("application.received", "2026-04-16 10:00")
    assert versions(story) == [
        ("raised forward notice", "2026-1", "default"),
        ("escalated forward warn", "2026-1", "default"),
        ("cleared forward warn", "2026-1", "default"),
    ]


def test_one_application_has_hops_of_both_versions_and_each_verdict_names_its_own(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.submitted", "2026-04-14 22:00")
    story.plaza("application.uploaded", "2026-04-15 00:30")  # 2 h 30: late by an hour and a half
    story.clock("2026-04-15 04:00")
    assert versions(story) == [("recorded upload notice", "2026-1", "default"), ("raised forward notice", "2026-2", "default")]
    assert {hop.hop: hop.policy_version for hop in story.hops()} == {"upload": "2026-1", "forward": "2026-2"}


def test_an_attempt_that_begins_under_a_version_is_judged_by_it(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-10 10:00")
    story.jlis("application.received", "2026-04-10 11:00")
    story.jlis("application.returned", "2026-04-13 11:00")
    story.plaza("application.resubmitted", "2026-04-16 11:00")
    story.plaza("application.uploaded", "2026-04-16 11:10")
    assert story.clock("2026-04-16 14:10:01", plaza="2026-04-16 14:10:01") == ["raised forward#2 notice"]
    assert {(hop.hop, hop.attempt): hop.policy_version for hop in story.hops() if hop.hop == "forward"} == {
        ("forward", 1): "2026-1",
        ("forward", 2): "2026-2",
    }


# --- news that takes a hop over the boundary -----------------------------------------------------------------------------


def test_news_that_a_hop_was_entered_before_the_version_gives_it_to_the_one_before(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-15 00:10", id="second")
    assert story.clock("2026-04-15 07:00") == ["raised forward notice"]
    assert story.plaza("application.uploaded", "2026-04-14 23:50", arrived="2026-04-15 07:10", id="first") == ["revised forward notice"]
    assert versions(story)[-1] == ("revised forward notice", "2026-1", "default")
    assert shown(story.last.data.due_at) == "2026-04-15 05:50"
    assert story.clock("2026-04-15 23:00") == []  # 2026-2 would have warned


def test_news_that_takes_a_hop_to_the_version_before_may_take_back_what_was_said(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-15 00:10", id="second")
    assert story.clock("2026-04-15 03:30") == ["raised forward notice"]
    said = story.plaza("application.uploaded", "2026-04-14 23:50", arrived="2026-04-15 03:40", id="first")
    assert said == ["retracted forward notice corrected"]  # by 2026-1 nothing is late before 05:50
    assert versions(story)[-1][1] == "2026-1"
    assert story.clock("2026-04-15 06:00") == ["raised forward notice"]
    assert (story.last.data.revision, story.last.data.policy_version) == (3, "2026-1")


def test_a_correction_may_bring_a_hop_into_the_new_version(both: Policies) -> None:
    story = Story(both)
    story.plaza("application.uploaded", "2026-04-14 23:50", id="wrong")
    story.plaza("application.uploaded", "2026-04-15 00:10", id="right")
    assert story.clock("2026-04-15 04:00") == []
    story.plaza("event.corrected", "2026-04-15 04:10", corrects="wrong")
    assert story.clock("2026-04-15 04:12") == ["raised forward notice"]
    assert versions(story) == [("raised forward notice", "2026-2", "default")]


# --- what else may change ------------------------------------------------------------------------------------------------


def test_an_override_counts_only_for_hops_entered_under_the_version_that_has_it(both: Policies) -> None:
    before, after = Story(both, seed=1), Story(both, seed=2)
    after.log = before.log
    before.plaza("application.uploaded", "2026-04-14 23:00", kiosk="booth")
    after.plaza("application.uploaded", "2026-04-15 00:00", kiosk="booth")
    assert before.clock("2026-04-15 01:30") == ["raised forward notice"]
    assert versions(after) == [("raised forward notice", "2026-2", "booth")]
    before.clock("2026-04-15 05:01")
    assert versions(before) == [("raised forward notice", "2026-1", "default")]


def test_an_override_that_is_no_more_still_judges_what_was_entered_under_it(tmp_path: Path) -> None:
    third = next_version(FIRST, "2026-3", "2026-04-20T00:00:00+09:00")
    story = Story(policies_of(tmp_path, FIRST, SECOND, third))
    story.plaza("application.uploaded", "2026-04-19 22:30", kiosk="booth")
    story.clock("2026-04-20 00:00")
    assert story.clock("2026-04-20 12:00") == ["escalated forward warn", "escalated forward breach"]
    assert versions(story)[-1] == ("escalated forward breach", "2026-2", "booth")


def test_who_holds_it_under_which_duty_is_told_as_it_was_when_the_hop_was_entered(both: Policies) -> None:
    before, after = Story(both, seed=1), Story(both, seed=2)
    after.log = before.log
    before.jlis("card.dispatched", "2026-04-14 12:00")
    after.jlis("card.dispatched", "2026-04-15 12:00")
    before.clock("2026-04-21 00:00:01")
    assert [(said.data.duty_basis, said.data.supervisor) for said in before.said + after.said] == [
        ("statute", "unknown"),
        ("contract", "総務大臣"),
    ]


def test_the_whole_application_follows_the_version_in_force_at_its_earliest_event(tmp_path: Path) -> None:
    """Grace and forgetting: a version that begins later changes neither for an application that has begun."""
    short = next_version(FIRST, "2026-2", EFFECTIVE, ("grace: 7d", "grace: 1d"))
    policies = policies_of(tmp_path, FIRST, short)
    before, after = Story(policies, seed=1), Story(policies, seed=2)
    after.log = before.log
    before.plaza("application.submitted", "2026-04-14 12:00")
    after.plaza("application.submitted", "2026-04-15 12:00")
    for story in (before, after):
        story.city("application.voided", "2026-04-16 12:00")
    before.clock("2026-04-17 12:01")
    assert (before.record.marker is None, after.record.marker is None) == (True, False)
    before.clock("2026-04-23 12:01")
    assert before.record.marker is not None


# --- the old verdicts stand ----------------------------------------------------------------------------------------------


def judged(policies: Policies, log: Log) -> list[bytes]:
    """By ``judge --log``: the lines of an export with that log's records."""
    judge, lines = LogJudge(policies), list[bytes]()
    for offset, key, value in log.records:
        told = b"null" if key is None else b'"%s"' % key
        lines += map(line_of, judge.feed(b'{"partition":0,"offset":%d,"key":%s,"value":%s}' % (offset, told, value)))
    return lines


def committed(log: Log) -> list[bytes]:
    return [line_of((0, key, value)) for key, value in log.batch.said]


@pytest.mark.parametrize("seed", range(6))
def test_with_the_new_file_the_log_before_the_version_is_judged_as_it_was_byte_for_byte(old: Policies, both: Policies, seed: int) -> None:
    log = told_lives(Log(old), seed, days=14)  # the last one is the 14th
    newest = both.newest.version.encode()
    assert not any(newest in (value or b"") for _, _, value in log.records)
    assert judged(both, log) == judged(old, log) == committed(log)
    assert len(log.transitions) > 15


@pytest.mark.parametrize("seed", range(6))
def test_a_watch_that_goes_on_with_the_new_file_says_what_judge_says_of_the_whole_log(old: Policies, both: Policies, seed: int) -> None:
    """The old watch commits the first days; its successor, with the new file, loads that ledger, and lives through the change."""
    log = told_lives(Log(old), seed, days=14)
    before = committed(log)
    successor = Partition(both, 0)
    stored = {token: value for token, value in log.batch.changed().items() if value is not None}
    successor.restore(stored, log.batch.applied())
    log.policies, log.partition, log.batch = both, successor, Batch(successor)
    told_lives(log, seed, begin=14, days=24)
    assert judged(both, log) == before + committed(log)
    said = {each.data.policy_version for each in log.transitions}
    assert said == {"2026-1", "2026-2"}
    crossing = [each for each in log.transitions if each.data.policy_version == "2026-1" and each.data.at > "2026-04-15"]
    assert crossing, "hops of the old version are judged after the new one has begun"


def test_a_watch_without_the_version_that_a_pulse_names_ends(old: Policies, both: Policies) -> None:
    log = Log(both)
    log.clock("2026-04-14 10:00")
    with pytest.raises(PolicyMissing, match="names policy version '2026-2', which is not among the versions loaded here"):
        Batch(Partition(old, 0)).handle(*log.records[0])


def test_a_watch_with_the_new_file_hears_pulses_that_still_name_the_old_version(old: Policies, both: Policies) -> None:
    """The watch is deployed first, intake after it."""
    log = Log(old)
    log.clock("2026-04-14 10:00")
    batch = Batch(Partition(both, 0))
    batch.handle(*log.records[0])
    assert batch.applied() == log.batch.applied() != Applied()


def test_a_claim_may_be_five_minutes_ahead_so_a_version_is_deployed_earlier_than_that(old: Policies, both: Policies) -> None:
    """Where the file comes later than that, the old watch has judged by its own version what the new one would judge by its own."""
    story = Story(old)
    story.plaza("application.uploaded", "2026-04-15 00:00", arrived="2026-04-14 23:55")
    assert [hop.policy_version for hop in story.record.open_hops] == ["2026-1"]
    late = Story(both)
    late.plaza("application.uploaded", "2026-04-15 00:00", arrived="2026-04-14 23:55")
    assert [hop.policy_version for hop in late.record.open_hops] == ["2026-2"]
    ahead = Story(both)
    ahead.plaza("application.uploaded", "2026-04-15 00:00", arrived="2026-04-14 23:54:59.999999")  # replaced by the arrival
    assert [hop.policy_version for hop in ahead.record.open_hops] == ["2026-1"]
    assert jst("2026-04-15 00:00") == both.newest.effective_us


def test_what_a_version_deployed_too_late_finds_is_put_right_by_the_next_news(old: Policies, both: Policies) -> None:
    """Entered under 2026-2, raised by a watch that knew only 2026-1: it is revised, and says by which version."""
    log = Log(old)
    story = Story(log=log)
    story.plaza("application.uploaded", "2026-04-15 10:00")
    assert story.clock("2026-04-15 17:00") == ["raised forward notice"]
    successor = Partition(both, 0)
    successor.restore({token: value for token, value in log.batch.changed().items() if value is not None}, log.batch.applied())
    log.policies, log.partition, log.batch = both, successor, Batch(successor)
    assert story.plaza("application.submitted", "2026-04-15 09:30", arrived="2026-04-15 17:30") == ["revised forward notice"]
    assert [said[1] for said in versions(story)] == ["2026-1", "2026-2"]
    assert shown(story.last.data.due_at) == "2026-04-15 13:00"
    assert encode(story.last) in log.batch.stalls.values()
