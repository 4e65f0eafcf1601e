"""A change of the input set, worker by worker: what is vouched for, and which clocks stand meanwhile (rule 2). Timelines, no broker."""

import confluent_kafka as ck

from schemas.records import PULSE_KEY, Pulse
from streams.clocks import UNKNOWN, Clocks
from streams.inputs import Inputs
from streams.parties import Feed
from streams.partition import Batch, Partition
from tests.streams.story import FEEDS, Log, Party, Story, jst, shown

TEN, NOON, ONE, TWO = "2026-04-01 10:00", "2026-04-01 12:00", "2026-04-01 13:00", "2026-04-01 14:00"
EVENING = "2026-04-01 18:00"
MINATO = Party("minato", "vendor", "/vendors/minato/server", own_feed=True)
WITH_MINATO = {**FEEDS, "kiosk-events.minato": "minato"}


def of(log: Log, *vendors: str) -> str | None:
    clock_us = log.partition.clocks.of(vendors)
    return None if clock_us == UNKNOWN else shown(clock_us)


# --- a vendor is added ---------------------------------------------------------------------------------------------------


def test_pulses_of_a_worker_on_the_old_set_never_make_a_new_vendor_known() -> None:
    log = Log()
    log.clock(NOON)
    log.feeds = WITH_MINATO
    log.clock(ONE, input_set=2, minato=None, jlis=None, municipal=None)  # the worker on the new set reads the vendors' feeds
    log.feeds = FEEDS
    for at in (ONE, TWO):
        log.clock(at, input_set=1)  # the one on the old set reads on
    assert (of(log, "minato"), of(log)) == (None, NOON)
    assert of(log, "plaza") == TWO


def test_a_new_vendors_stall_waits_for_its_backlog_and_not_for_settling_alone() -> None:
    """Its first events come before any pulse names it; the shared feeds are read through hours later than they happened."""
    log = Log()
    log.clock(NOON)
    story = Story(log=log)
    story.says(MINATO, "application.uploaded", TEN, arrived=NOON)
    assert log.clock(EVENING) == []  # a pulse of the old set: 8 h of silence, if minato's own feed did not count
    log.feeds = WITH_MINATO
    assert log.clock("2026-04-01 18:01", input_set=2, minato=NOON) == []
    assert log.clock("2026-04-01 18:02", input_set=2) == ["raised forward notice"]


def test_an_application_of_an_old_and_a_new_vendor_waits_for_both() -> None:
    log = Log()
    log.clock(NOON)
    log.feeds = WITH_MINATO
    log.clock(TWO, input_set=2, minato=ONE)
    assert (of(log, "minato", "plaza"), of(log, "plaza"), of(log)) == (ONE, TWO, ONE)


# --- partitions are added ------------------------------------------------------------------------------------------------


def reading(partitions: int, number: int, own: list[int], at: str) -> Pulse:
    """The pulse of a worker that owns these partitions of plaza's topic, has read them to their end, and believes in that set."""
    feed = Feed("kiosk-events.plaza", "kiosk-events", "plaza", ("vendor",), "plaza", partitions)
    inputs = Inputs({feed.topic: feed}, number, "2026-1", 5, low_ends=False)
    inputs.take([ck.TopicPartition(feed.topic, partition, 0, "{}") for partition in own])
    inputs.prove(jst(at), {(feed.topic, partition): 0 for partition in own})
    return inputs.pulse(jst(at))


def test_a_partition_that_a_worker_on_the_old_set_reads_is_vouched_for_by_nobody_so_the_clock_stands() -> None:
    clocks = Clocks()
    clocks.hear(reading(1, 1, [0], NOON))
    clocks.hear(reading(2, 2, [0], ONE))
    old = reading(1, 1, [1], TWO)  # it was given the added partition
    assert old.inputs["kiosk-events.plaza"].through == {}
    clocks.hear(old)
    assert shown(clocks.of(["plaza"])) == NOON
    clocks.hear(reading(2, 2, [1], TWO))  # it is on the new set, too
    assert shown(clocks.of(["plaza"])) == ONE
    clocks.hear(reading(2, 2, [0], TWO))
    assert shown(clocks.of(["plaza"])) == TWO


def test_partitions_added_to_a_shared_feed_make_every_clock_stand_until_they_are_known() -> None:
    log = Log(feeds={"kiosk-events.plaza": "plaza", "jlis-events": None})
    log.clock(NOON)
    log.clock(ONE, input_set=2, partitions=2, jlis=None)
    assert (of(log, "plaza"), of(log)) == (NOON, NOON)
    log.clock(TWO, input_set=2, partitions=2)
    assert (of(log, "plaza"), of(log)) == (TWO, TWO)


def test_a_stall_that_falls_due_while_clocks_stand_is_said_once_when_they_go_on() -> None:
    log = Log(feeds={"kiosk-events.plaza": "plaza", "jlis-events": None})
    story = Story(log=log)
    story.plaza("application.uploaded", TEN)
    log.clock(NOON)
    assert log.clock("2026-04-01 16:30", input_set=2, partitions=2, plaza=None) == []
    assert log.clock("2026-04-01 17:00", input_set=2, partitions=2) == ["raised forward notice"]
    assert log.clock(EVENING, input_set=2, partitions=2) == []


# --- a vendor retires ----------------------------------------------------------------------------------------------------


def test_what_a_retired_vendor_held_is_judged_by_those_who_are_left() -> None:
    log = Log()
    alone, shared = Story(log=log, seed=1), Story(log=log, seed=2)
    alone.plaza("application.uploaded", TEN)
    shared.plaza("application.uploaded", TEN)
    shared.tokiwa("application.forwarded", TEN)
    log.clock(NOON)
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "plaza"}
    assert log.clock(EVENING, input_set=2, tokiwa=ONE) == ["raised forward notice"]
    assert (len(alone.said), len(shared.said)) == (1, 0)  # tokiwa could still disprove the other
    assert log.clock("2026-04-01 18:01", input_set=2) == ["raised forward notice"]


def test_what_the_worker_on_the_old_set_still_reads_of_a_retired_vendor_counts() -> None:
    log = Log()
    story = Story(log=log)
    story.plaza("application.uploaded", TEN)
    log.clock(NOON)
    log.feeds = {topic: vendor for topic, vendor in FEEDS.items() if vendor != "plaza"}
    log.clock(EVENING, input_set=2)
    assert story.plaza("application.submitted", "2026-04-01 08:00", arrived=EVENING) == ["recorded upload notice"]
    log.feeds = FEEDS
    log.clock("2026-04-01 18:01", input_set=1, plaza=ONE)
    assert of(log, "plaza") == "2026-04-01 18:01"  # as the shared feeds are read: plaza's own, behind, is waited for no more
    assert log.partition.clocks.input_set == 2


# --- the watch starts again in the middle --------------------------------------------------------------------------------


def test_a_watch_that_starts_again_at_any_point_of_the_change_says_the_same() -> None:
    log = Log()
    stories = [Story(log=log, seed=seed) for seed in range(4)]
    for story in stories[:2]:
        story.plaza("application.uploaded", TEN)
    log.clock(NOON)
    log.feeds = WITH_MINATO
    stories[2].says(MINATO, "application.uploaded", TEN, arrived=ONE)
    log.clock(ONE, input_set=2, minato=None)
    log.clock(EVENING, input_set=2, partitions=2, plaza=TWO, minato=TWO)
    log.feeds = {topic: vendor for topic, vendor in WITH_MINATO.items() if vendor != "plaza"}
    log.clock(EVENING, input_set=3, minato=None)
    stories[3].tokiwa("application.uploaded", TEN, arrived=EVENING)
    log.clock("2026-04-02 18:00", input_set=3)
    assert len(log.transitions) > 4
    for cut in range(1, len(log.records)):
        first = Partition(log.policies, 0)
        head = first.judge(log.records[:cut])
        first.keep(head, head.changed(), head.applied())
        second = Partition(log.policies, 0)
        second.restore(dict(first.records), first.applied)
        tail: Batch = second.judge(log.records[cut:])
        assert head.said + tail.said == log.batch.said, f"cut at {cut}: {log.records[cut][1] == PULSE_KEY}"
        assert second.clocks.floors() == log.partition.clocks.floors()
