"""The figures of a stage: their names, and what the gauges say of a state."""

import re
from collections.abc import Iterable
from math import inf
from random import Random
from typing import get_args

import confluent_kafka as ck
import pytest

from schemas.codec import decode_application
from schemas.instants import SECOND_US, from_text
from schemas.reasons import Reason
from streams.due import DueIndex
from streams.feed_figures import count_from_zero, feed_readings
from streams.health import STILL_S, Answer, livez, readyz
from streams.inputs import Inputs
from streams.metrics import METRICS, Name, Reading, registry
from streams.partition import Partition
from streams.watch_figures import partition_readings
from tests.streams.story import MY_NUMBER, Log, Story, rfc, token_of

HOUR_US = 3_600 * SECOND_US
BOUNDED = {"stage", "version", "topic", "partition", "reason", "clock", "kind", "hop"}


def said(readings: Iterable[Reading]) -> dict[tuple[str, ...], float]:
    """(Name, label values …) -> value."""
    return {(reading.name, *reading.labels): reading.value for reading in readings}


def us(local: str) -> int:
    return from_text(rfc(local))


def test_every_name_is_told_of_and_as_prometheus_wants_it() -> None:
    assert set(METRICS) == set(get_args(Name))
    for name, metric in METRICS.items():
        assert re.fullmatch(r"tairyu(_[a-z]+)+_(total|seconds|records|applications|info)", name)
        assert re.fullmatch(r"[A-Z].*\.", metric.says)
        assert set(metric.labels) <= BOUNDED


def test_a_feed_is_as_far_behind_as_its_slowest_partition_and_heard_when_any_was() -> None:
    kept = '{"through_us":%d,"heard_us":%d}'
    inputs = Inputs({}, 1, "1", 5, low_ends=False)
    inputs.take(
        [
            ck.TopicPartition("kiosk-events.plaza", 0, 7, kept % (us("2026-04-01 12:00"), us("2026-04-01 09:00"))),
            ck.TopicPartition("kiosk-events.plaza", 1, 7, kept % (us("2026-04-01 11:00"), us("2026-04-01 10:00"))),
            ck.TopicPartition("jlis-events", 0, 7, kept % (us("2026-04-01 12:00"), us("2026-04-01 12:00"))),
            ck.TopicPartition("jlis-events", 1, -1001),  # never read
        ]
    )

    readings = said(feed_readings(inputs, us("2026-04-01 12:01")))

    assert readings == {
        ("tairyu_feed_clock_lag_seconds", "kiosk-events.plaza"): 3_660,
        ("tairyu_feed_silence_seconds", "kiosk-events.plaza"): 7_260,
        ("tairyu_feed_clock_lag_seconds", "jlis-events"): inf,  # one partition of which nothing is known holds up the feed
        ("tairyu_feed_silence_seconds", "jlis-events"): 60,
    }


def test_every_refusal_is_counted_from_zero() -> None:
    count_from_zero(["a-feed-of-this-test"])

    told = [
        registry.get_sample_value("tairyu_refusals_total", {"topic": "a-feed-of-this-test", "reason": reason.value}) for reason in Reason
    ]
    assert told == [0.0] * len(Reason)


def test_the_watch_says_what_is_open_due_soon_overdue_and_whose_clock_it_waits_for() -> None:
    log = Log()
    held, other = Story(log=log, seed=1), Story(log=log, seed=2)
    held.plaza("application.submitted", "2026-04-01 09:00")  # upload is due an hour later
    other.tokiwa("application.submitted", "2026-04-01 10:30")
    log.clock("2026-04-01 10:40", plaza="2026-04-01 09:30")

    readings = said(partition_readings({0: log.batch}, us("2026-04-01 10:45")))

    assert readings[("tairyu_open_applications", "0")] == 0  # what is not committed does not count yet
    assert readings[("tairyu_overdue_applications", "0")] == 1  # plaza's: its clock stands at 09:30
    assert readings[("tairyu_due_soon_applications", "0")] == 1  # tokiwa's, at 11:30
    assert readings[("tairyu_watch_lag_seconds", "0")] == 300
    lag = "tairyu_clock_lag_seconds"
    assert [readings[(lag, clock)] for clock in ("plaza", "tokiwa", "shared", "all")] == [4_500, 300, 300, 4_500]

    log.partition.keep(log.batch, log.batch.changed(), log.batch.applied())
    assert said(partition_readings({0: log.batch}, us("2026-04-01 10:45")))[("tairyu_open_applications", "0")] == 2


def test_before_the_first_pulse_every_age_is_endless() -> None:
    readings = said(partition_readings({3: Log().batch}, us("2026-04-01 10:45")))

    assert readings[("tairyu_watch_lag_seconds", "3")] == inf


def test_the_number_of_open_applications_is_that_of_the_ledger_whatever_happens() -> None:
    log, chance = Log(), Random(7)
    stories = [Story(log=log, seed=seed) for seed in range(12)]
    for day in range(1, 25):
        for story in chance.sample(stories, 4):
            at = f"2026-04-{day:02} {chance.randrange(9, 18):02}:00"
            story.plaza(chance.choice(["application.submitted", "application.uploaded"]), at, id=str(day))
            if chance.random() < 0.4:
                story.plaza("event.corrected", at, corrects=str(chance.randrange(1, day + 1)))
            if chance.random() < 0.3:
                story.jlis(chance.choice(["application.received", "application.returned", "application.accepted"]), at)
            if chance.random() < 0.2:
                story.city("application.voided", at)
        log.clock(f"2026-04-{day:02} 20:00")
    log.clock("2027-09-01 00:00")  # those that ended have shrunk

    partition, counts = Partition(MY_NUMBER, 0), set()
    for begin in range(0, len(log.records), 5):
        batch = partition.judge(log.records[begin : begin + 5])
        partition.keep(batch, batch.changed(), batch.applied())
        counted = sum(bool(decode_application(stored).open_hops) for stored in partition.records.values())
        restored = Partition(MY_NUMBER, 0)
        restored.restore(dict(partition.records), partition.applied)
        assert partition.open == restored.open == counted
        counts.add(counted)
    assert len(counts) > 5


def test_transitions_are_counted_by_kind_and_hop() -> None:
    log = Log()
    story = Story(log=log)
    story.plaza("application.submitted", "2026-04-01 09:00")
    log.clock("2026-04-02 12:00")  # all three limits have passed
    story.plaza("application.uploaded", "2026-04-02 11:00", arrived="2026-04-02 12:30")

    assert log.batch.kinds == {("raised", "upload"): 1, ("escalated", "upload"): 2, ("cleared", "upload"): 1}


@pytest.mark.parametrize("size", [0, 1, 7, 500])
def test_what_is_due_before_an_instant_is_counted_without_what_was_replaced(size: int) -> None:
    index, chance = DueIndex(), Random(size)
    now: dict[bytes, int] = {}
    for _ in range(size * 3):
        token, due_us = token_of(chance.randrange(size)).encode(), chance.randrange(1_000)
        now[token] = due_us
        index.put(token, due_us, chance.choice([("plaza",), ("tokiwa",), ()]))
    index.tidy(len(now), now.get)

    for until_us in (0, 1, 400, 1_000):
        assert index.count(until_us, now.get) == sum(due_us < until_us for due_us in now.values())


def test_a_loop_that_stands_still_is_not_live_and_who_has_not_started_is_not_ready() -> None:
    assert answered(livez(STILL_S - 1)) == (200, "live")
    assert answered(livez(STILL_S)) == (503, "the loop has not turned for 300 s")
    assert answered(readyz(False, 0)) == (503, "not ready: it is still starting; the last line of its log says what it waits for")
    assert answered(readyz(True, 0)) == (200, "ready")
    assert answered(readyz(True, STILL_S)) == (503, "not ready: the loop has not turned for 300 s")  # it was ready once


def answered(answer: Answer) -> tuple[int, str]:
    status, _, text = answer
    return status, text.removesuffix("\n")
