"""Intake in scenario time: the same log on every run, whatever the broker, the batches and the kills."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from schemas.instants import from_text, to_text
from streams.ticks import TICK_HEADER
from tests.streams.intake_house import BROKERS, House, Line, Sent, open_broker, submitted, vouched

APRIL_US = from_text("2026-04-01T00:00:00+09:00")
TICK_US = 600_000_000


@pytest.fixture(params=BROKERS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with open_broker(request.param, request, tmp_path) as broker:
        house = House(broker, tmp_path, simulation=True, public_partitions=2)
        yield house
        house.close()


def tick(house: House, instant_us: int) -> list[Sent]:
    return [
        Sent(feed.topic, None, [(TICK_HEADER, to_text(instant_us).encode())], partition, instant_us // 1000)
        for feed in house.feeds.values()
        for partition in range(feed.partitions)
    ]


def played(house: House, rng: Random, ticks: int, *, most: int = 4) -> list[tuple[int, list[str]]]:
    """(tick, origins of the records before it, in the order in which they are to be handled), as they were sent to the topics."""
    plan: list[tuple[int, int, int]] = []
    sent: list[Sent] = []
    for number in range(1, ticks + 1):
        instant_us = APRIL_US + number * TICK_US
        records = [_record(rng, instant_us - rng.randrange(1_000, TICK_US, 1_000)) for _ in range(rng.randint(0, most))]
        plan.append((instant_us, len(sent), len(records)))
        sent += [*records, *tick(house, instant_us)]
    origins = house.send(sent)
    return [(instant_us, _in_order(sent, origins, range(first, first + count))) for instant_us, first, count in plan]


def _record(rng: Random, arrived_us: int) -> Sent:
    vendor = rng.choice(("plaza", "tokiwa", "minato"))
    return Sent(f"kiosk-events.{vendor}", json.dumps(submitted(rng, vendor)).encode(), (), rng.randrange(2), arrived_us // 1000)


def _in_order(sent: list[Sent], origins: list[str], places: range) -> list[str]:
    def key(place: int) -> tuple[int, str, int, int]:
        topic, partition, offset = origins[place].split(":")
        return sent[place].stamp_ms, topic, int(partition), int(offset)

    return [origins[place] for place in sorted(places, key=key)]


def check_order(lines: list[Line], plan: list[tuple[int, list[str]]]) -> None:
    """Per partition of the log: what stands before a tick, in order, then its one pulse; and nothing else."""
    home = {line.origin: line.partition for line in lines if line.kind != "pulse"}
    for partition in range(4):
        expected: list[str] = []
        for instant_us, origins in plan:
            expected += [origin for origin in origins if home[origin] == partition]
            expected.append(to_text(instant_us))
        ours = [line for line in lines if line.partition == partition]
        assert [line.value["at"] if line.kind == "pulse" else line.origin for line in ours] == expected


def test_what_stands_before_a_tick_is_handled_in_order_then_it_is_that_time_everywhere(house: House) -> None:
    intake = house.intake()
    plan = played(house, Random(31), 60)
    lines = house.wait(lambda lines: len(house.pulses()) == 4 * 60)

    assert intake.stop()
    check_order(lines, plan)
    everything = {(feed.topic, partition) for feed in house.feeds.values() for partition in range(feed.partitions)}
    for pulse in house.pulses():
        assert vouched(pulse) == everything
        assert {text for told in pulse.value["inputs"].values() for text in told["through"].values()} == {pulse.value["at"]}
        assert pulse.value["bucket_s"] == 21_600
    # arrival is the record's own stamp, in April, whatever the day is today
    assert all(APRIL_US < from_text(line.value["received"]) < APRIL_US + 60 * TICK_US for line in lines if line.kind == "event")


def test_what_comes_after_the_last_tick_waits_for_the_next(house: House) -> None:
    intake, rng = house.intake(), Random(32)
    first = played(house, rng, 3)
    (early,) = house.send([_record(rng, APRIL_US + 3 * TICK_US + 5_000)])
    house.wait(lambda lines: len(house.pulses()) == 12)
    assert intake.stop()  # what it read ahead is not committed
    assert early not in {line.origin for line in house.lines if line.kind == "event"}

    assert intake.wait(0)
    intake.start()
    house.send(tick(house, APRIL_US + 4 * TICK_US))
    lines = house.wait(lambda lines: len(house.pulses()) == 16)
    assert intake.stop()
    check_order(lines, [*first, (APRIL_US + 4 * TICK_US, [early])])


@pytest.mark.parametrize("house", BROKERS[1:], indirect=True)
def test_killed_on_the_way_it_writes_the_same_log(house: House) -> None:
    plan = played(house, Random(33), 2_000)
    intake = house.intake()
    house.wait(lambda lines: len(house.pulses()) > 1_000)
    os.kill(intake.pid, signal.SIGKILL)
    assert intake.wait(10)
    intake.start()
    lines = house.wait(lambda lines: len(house.pulses()) >= 4 * 2_000)
    assert intake.stop()
    check_order(lines, plan)
