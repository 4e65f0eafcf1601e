"""The pulse clock: which silence is a fact (architecture, rule 2)."""

from streams.clocks import UNKNOWN, Clocks
from tests.streams.story import FEEDS, Log, Party, Story, jst, shown

TEN, ELEVEN, NOON = "2026-04-01 10:00", "2026-04-01 11:00", "2026-04-01 12:00"
LATER = "2026-04-01 18:00"


def clocks_after(log: Log) -> Clocks:
    return log.partition.clocks


def test_an_applications_clock_is_the_slowest_of_the_shared_feeds_and_of_its_vendor() -> None:
    log = Log()
    log.clock(NOON, plaza=ELEVEN)
    assert shown(clocks_after(log).of(["plaza"])) == ELEVEN
    assert shown(clocks_after(log).of(["tokiwa"])) == NOON
    log.clock("2026-04-01 13:00", plaza="2026-04-01 12:30", jlis="2026-04-01 12:10")
    assert shown(clocks_after(log).of(["plaza"])) == "2026-04-01 12:10"


def test_an_application_of_which_two_vendors_have_spoken_waits_for_both() -> None:
    log = Log()
    log.clock(NOON, tokiwa=ELEVEN)
    assert shown(clocks_after(log).of(["plaza", "tokiwa"])) == ELEVEN


def test_while_no_vendor_has_spoken_an_application_waits_for_all() -> None:
    log = Log()
    log.clock(NOON, tokiwa=ELEVEN)
    assert shown(clocks_after(log).of([])) == ELEVEN


def test_one_vendors_flood_delays_its_own_verdicts_and_never_anothers() -> None:
    log = Log()
    flooded, other = Story(log=log, seed=1), Story(log=log, seed=2)
    flooded.plaza("application.uploaded", TEN)
    other.tokiwa("application.uploaded", TEN)
    assert log.clock(LATER, plaza=TEN) == ["raised forward notice"]
    assert flooded.said == []
    assert log.clock("2026-04-01 18:00:01") == ["raised forward notice"]
    assert len(flooded.said) == 1


def test_a_backlog_delays_a_verdict_and_never_invents_one() -> None:
    story = Story()
    story.plaza("application.uploaded", TEN)
    assert story.clock(LATER, jlis=NOON) == []  # J-LIS is read up to noon only
    assert story.jlis("application.received", NOON, arrived="2026-04-01 12:05") == []
    assert story.clock(LATER) == []


def test_a_feed_read_to_its_end_moves_the_clock_though_nothing_came() -> None:
    story = Story()
    story.plaza("application.uploaded", TEN)
    story.clock(NOON)
    assert story.clock(LATER) == ["raised forward notice"]


def test_an_application_changes_from_all_vendors_to_its_own_once_one_has_spoken() -> None:
    story = Story()
    story.jlis("card.dispatched", TEN)
    assert story.clock("2026-04-07 00:00:01", tokiwa=TEN) == []  # tokiwa might still say something of it
    story.plaza("application.uploaded", TEN, arrived="2026-04-07 00:00:01")
    assert story.clock("2026-04-07 00:01:02", tokiwa=TEN) == ["raised delivery notice"]


def test_a_second_vendor_that_speaks_is_waited_for() -> None:
    story = Story()
    story.plaza("application.uploaded", TEN)
    story.tokiwa("application.forwarded", TEN)
    assert story.clock(LATER, tokiwa=ELEVEN) == []
    assert story.clock(LATER) == ["raised forward notice"]


def test_a_clock_stands_until_each_of_its_own_inputs_is_known() -> None:
    log = Log()
    log.clock(NOON, plaza=None)
    assert clocks_after(log).of(["plaza"]) == UNKNOWN
    assert shown(clocks_after(log).of(["tokiwa"])) == NOON
    assert clocks_after(log).of([]) == UNKNOWN
    log.clock(LATER, jlis=None)
    assert shown(clocks_after(log).of(["plaza"])) == NOON  # what J-LIS was known to be


def test_every_clock_stands_while_a_shared_feed_is_not_known() -> None:
    log = Log()
    log.clock(NOON, municipal=None)
    assert [clocks_after(log).of(vendors) for vendors in ([], ["plaza"], ["tokiwa"])] == [UNKNOWN] * 3


def test_two_workers_that_each_read_some_inputs_are_known_together() -> None:
    log = Log()
    log.clock(NOON, plaza=None, jlis=None)
    assert clocks_after(log).of(["plaza"]) == UNKNOWN
    log.clock(ELEVEN, tokiwa=None, municipal=None)
    assert shown(clocks_after(log).of(["plaza"])) == ELEVEN
    assert shown(clocks_after(log).of(["tokiwa"])) == ELEVEN


def test_the_slowest_partition_of_a_feed_counts() -> None:
    log = Log(feeds={"kiosk-events.plaza": "plaza"})
    log.clock(NOON, partitions=2)
    log.clock(LATER, partitions=1)  # a worker that reads partition 0 only
    assert shown(clocks_after(log).of(["plaza"])) == NOON


def test_a_clock_never_goes_back() -> None:
    log = Log()
    log.clock(NOON)
    log.clock(ELEVEN)
    assert shown(clocks_after(log).of(["plaza"])) == shown(clocks_after(log).of([])) == NOON


def test_a_new_input_set_makes_a_clock_stand_until_the_new_partition_is_known() -> None:
    log = Log()
    log.clock(NOON, partitions=1)
    log.clock(LATER, input_set=2, partitions=2, plaza=None)
    assert shown(clocks_after(log).of(["plaza"])) == NOON
    assert shown(clocks_after(log).of(["tokiwa"])) == LATER


def test_a_new_partition_that_is_behind_does_not_take_the_clock_back() -> None:
    log = Log(feeds={"kiosk-events.plaza": "plaza"})
    log.clock(NOON, partitions=1)
    log.clock(ELEVEN, input_set=2, partitions=2)
    assert shown(clocks_after(log).of(["plaza"])) == NOON


def test_what_two_input_sets_have_in_common_stays_known() -> None:
    log = Log()
    log.clock(NOON, plaza=ELEVEN)
    log.clock(LATER, input_set=2, tokiwa=None, jlis=None, municipal=None)  # one worker of two
    assert shown(clocks_after(log).of(["plaza"])) == NOON  # plaza is through LATER, the shared feeds through NOON


def test_a_new_vendor_holds_up_only_those_who_wait_for_it() -> None:
    log = Log()
    log.clock(NOON)
    log.feeds = {**FEEDS, "kiosk-events.minato": "minato"}
    log.clock(LATER, input_set=2, minato=None)
    assert clocks_after(log).of(["minato"]) == UNKNOWN
    assert shown(clocks_after(log).of([])) == NOON
    assert shown(clocks_after(log).of(["plaza"])) == LATER


def test_a_new_vendor_stands_until_a_pulse_names_it_so_that_its_backlog_accuses_nobody() -> None:
    # minato's day-old backlog is being read by the first worker that knows of it; another one still pulses by the old set.
    log = Log()
    story = Story(log=log)
    minato = Party("minato", "vendor", "/vendors/minato/server", own_feed=True)
    story.says(minato, "application.uploaded", "2026-03-31 10:00", arrived="2026-03-31 10:00")
    assert log.clock(LATER) == []
    log.feeds = {**FEEDS, "kiosk-events.minato": "minato"}
    assert log.clock(LATER, input_set=2, minato=None) == []
    assert log.clock(LATER, input_set=2) == ["raised forward notice", "escalated forward warn"]


def test_nobody_waits_for_a_vendor_that_retired_before_it_was_known() -> None:
    log = Log()
    log.clock(NOON, plaza=None)
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "plaza"}
    log.clock(LATER, input_set=2)
    assert shown(clocks_after(log).of(["plaza"])) == LATER


def test_nobody_waits_for_a_retired_vendor() -> None:
    log = Log()
    story = Story(log=log)
    story.plaza("application.uploaded", TEN)
    log.clock(NOON)
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "plaza"}
    assert log.clock(LATER, input_set=2) == ["raised forward notice"]
    assert shown(clocks_after(log).of(["plaza"])) == LATER
    assert shown(clocks_after(log).of([])) == LATER
    assert "plaza" not in clocks_after(log).vendors()


def test_the_clock_of_a_vendor_that_retired_and_came_back_does_not_go_back() -> None:
    log = Log()
    log.clock(NOON)
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "plaza"}
    log.clock(LATER, input_set=2)
    log.feeds = FEEDS
    log.clock("2026-04-01 19:00", input_set=3, plaza=None)
    assert shown(clocks_after(log).of(["plaza"])) == LATER


def test_a_pulse_of_an_older_set_adds_what_it_knows_and_brings_nothing_back() -> None:
    log = Log()
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "tokiwa"}
    log.clock(NOON, input_set=2)
    log.feeds = FEEDS
    log.clock(LATER, input_set=1)
    assert clocks_after(log).input_set == 2
    assert sorted(clocks_after(log).inputs()) == ["jlis-events", "kiosk-events.plaza", "municipal-events"]
    assert shown(clocks_after(log).of(["plaza"])) == LATER


def test_a_procedure_without_vendors_waits_for_the_shared_feeds() -> None:
    log = Log(feeds={"office-events": None})
    log.clock(NOON)
    assert shown(clocks_after(log).of([])) == NOON


def test_clocks_continue_from_the_ledger_as_if_never_interrupted() -> None:
    log, whole = Log(), Log()
    for each in (log, whole):
        each.clock(NOON, plaza=ELEVEN)
    resumed = Clocks(log.batch.applied())
    assert (resumed.input_set, resumed.inputs(), resumed.floors()) == (
        whole.partition.clocks.input_set,
        whole.partition.clocks.inputs(),
        whole.partition.clocks.floors(),
    )
    assert resumed.of(["plaza"]) == jst(ELEVEN)
