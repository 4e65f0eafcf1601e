"""The ordinary way is a short cut: after every record of a log, what is kept is to the byte what a derivation from all events gives."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event
from schemas.stored import Stored, encode_stored
from streams.ordinary import Ordinary
from streams.partition import Batch, Partition
from streams.policy import Policies, Policy
from tests.properties.budget import tried
from tests.properties.histories import BEGINNINGS, DAY, HOUR, TYPES, VENDORS, WAY, Again, Beat, Log, Next, Say, Step, Void, told
from tests.properties.judges import READINGS
from tests.properties.strategies import beginnings, says, stories
from tests.properties.test_replay import newest, records

READ = {name: policies for name, (policies, _) in READINGS.items()}


def odd(policy: Policy) -> Policy:
    """Hops that open first stand last, one spans others, one may end before it begins, and one ends with what may begin it."""
    hops = dict(reversed(policy.hops.items()))
    hops["upload"] = replace(hops["upload"], ends=("card.dispatched",))
    hops["notice"] = replace(hops["notice"], ends=("card.dispatched", *hops["notice"].ends))
    begins, ends = ("application.accepted", "card.dispatched"), ("application.accepted", "card.arrived")
    hops["delivery"] = replace(hops["delivery"], begins=begins, ends=ends)
    return replace(policy, hops=hops, overrides=())


READ["odd"] = Policies(tuple(map(odd, READ["ruled"].versions)))
readings = st.sampled_from(sorted(READ))
PLAIN_WEEK = BEGINNINGS[0]
BEFORE_A_VERSION, AFTER_A_VERSION = "2026-05-14T12:00:00Z", "2026-05-20T12:00:00Z"


class Never(Ordinary):
    def step(self, record: Stored | None, name: str, event: Event, arrived_us: int) -> Stored | None:
        return None


class Counting(Ordinary):
    taken = 0

    def step(self, record: Stored | None, name: str, event: Event, arrived_us: int) -> Stored | None:
        after = super().step(record, name, event, arrived_us)
        if after is not None:
            type(self).taken += 1
        return after


class Wayless(Batch):
    """No record knows its way: everything is derived from its events, silence too."""

    def _put(self, token: bytes, was: Any, after: Stored | None) -> None:
        super()._put(token, was, None if after is None else msgspec.structs.replace(after, way=None))


def batch(policies: Policies, ordinary: type[Ordinary], of: type[Batch] = Batch) -> Batch:
    partition = Partition(policies, 0)
    partition.ordinary = ordinary(policies)
    return of(partition)


def kept(of: Batch, *, way: bool = True) -> dict[bytes, bytes | None]:
    """What a commit would write now."""
    records = {
        token: record if record is None or way else msgspec.structs.replace(record, way=None) for token, record in of.working.items()
    }
    return {token: None if record is None else encode_stored(record) for token, record in records.items()}


def short_cuts(log: Log, policies: Policies) -> int:
    """How many events took it; everything is compared on the way."""
    long, short, wayless = batch(policies, Never), batch(policies, Counting), batch(policies, Never, Wayless)
    Counting.taken = 0
    for record in records(newest(log, policies)):
        long.handle(*record)
        short.handle(*record)
        wayless.handle(*record)
        assert kept(short) == kept(long)
        assert kept(short, way=False) == kept(wayless)
        assert short.said == long.said == wayless.said
        assert short.opened == long.opened
        assert short.first_due() == long.first_due()
    assert short.changed() == long.changed()
    assert short.ended() == long.ended()
    return Counting.taken


@tried()
@given(beginning=beginnings, steps=stories(), reading=readings)
def test_the_short_cut_keeps_what_a_derivation_from_all_events_gives(beginning: str, steps: list[Step], reading: str) -> None:
    short_cuts(told(beginning, steps), READ[reading])


@st.composite
def almost_ordinary(draw: st.DrawFn) -> list[Step]:
    """One application that goes its way, but for an oddity here and there."""
    steps: list[Step] = []
    place, vendor = 0, draw(st.sampled_from(VENDORS))
    for odd in draw(st.lists(st.integers(0, 21), min_size=4, max_size=16)):
        wait, ago = draw(st.sampled_from((1, 60, HOUR, 7 * HOUR, 2 * DAY, 12 * DAY))), 0
        speaker, what = WAY[place % len(WAY)]
        kiosk, town = draw(st.sampled_from((None, None, "k1", "k2"))), draw(st.sampled_from((None, None, "112216", "131016")))
        name = draw(st.sampled_from((None, None, "a")))
        if odd == 12:  # silence is said, and then the end is heard of that came before it
            steps.append(Beat(wait))
            ago, wait = max(0, wait - 60), 1
        elif odd == 13:
            place += 1  # it is never told
        elif odd == 14:
            place = max(0, place - draw(st.integers(1, 3)))  # told once more, or later than what follows it
        elif odd == 15:
            steps.append(Beat(wait))
        elif odd == 16:
            steps.append(Again(draw(st.integers(0, 3)), wait))
        elif odd == 17:
            steps.append(Void(draw(st.integers(0, 3)), wait))
        elif odd == 18:
            speaker = draw(st.sampled_from((vendor, vendor, "tokiwa")))
            steps.append(Say(0, speaker, draw(st.sampled_from(TYPES[speaker])), wait, 0, 0, name, kiosk, town))
        elif odd == 20:
            steps.append(Say(0, "j-lis", "application.returned", wait))
        elif odd == 21:
            steps.append(Say(0, vendor, "application.resubmitted", wait, name=name))
            place = 1
        elif odd == 19:
            steps.append(draw(says(1, st.just(wait))))
        late = draw(st.sampled_from((0, 0, 0, 0, 8 * DAY, 15 * DAY)))
        if odd <= 12:
            steps.append(Say(0, vendor if speaker == "plaza" else speaker, what, wait, max(0, ago - late), late, name, kiosk, town))
            place += 1
    return [*steps, Beat(20 * DAY)]


@tried(2)
@given(beginning=st.sampled_from((*BEGINNINGS, BEFORE_A_VERSION)), steps=almost_ordinary(), reading=readings)
def test_an_oddity_on_the_way_is_left_to_the_derivation(beginning: str, steps: list[Step], reading: str) -> None:
    short_cuts(told(beginning, steps), READ[reading])


def test_a_correction_that_came_before_its_event_is_left_to_the_derivation() -> None:
    *log, event, correction = told(PLAIN_WEEK, [Next(0, HOUR), Next(0, HOUR), Void(1, 1)])
    assert short_cuts([*log, correction, event], READ["plain"]) == 1


def test_a_terminal_read_so_late_that_what_came_before_it_no_longer_counts_is_left_to_the_derivation() -> None:
    """It arrived ten days before what was read before it: the record had shrunk when that arrived."""
    way: list[Step] = [Next(0, HOUR) for _ in WAY[:-2]]
    late: list[Step] = [Beat(28 * DAY), Next(0, HOUR, 20 * DAY), Next(0, 60, 5 * DAY, 10 * DAY), Beat(30 * DAY)]
    assert short_cuts(told(PLAIN_WEEK, [*way, *late]), READ["plain"]) == len(WAY) - 2


def test_a_version_that_came_into_force_before_its_deployment_is_left_to_the_derivation() -> None:
    """Kept under the first version alone; then the worker starts again with both."""
    older = Policies(READ["ruled"].versions[:1])
    *first, second = records(newest(told(AFTER_A_VERSION, [Next(0, HOUR), Next(0, 60), Next(0, 4 * HOUR)]), READ["ruled"]))
    before = Partition(older, 0)
    batch = before.judge(first)
    ledger, applied = {token: record or b"" for token, record in batch.changed().items()}, batch.applied()
    said = []
    for ordinary in (Ordinary, Never):
        after = Partition(READ["ruled"], 0)
        after.ordinary = ordinary(READ["ruled"])
        after.restore(dict(ledger), applied)
        batch = after.judge([second])
        said.append((batch.said, kept(batch)))
    assert said[0] == said[1]
    assert len(said[0][0]) == 1


def test_who_goes_the_way_as_it_should_always_takes_the_short_cut() -> None:
    way: list[Step] = [Next(0, HOUR) for _ in WAY]
    assert short_cuts(told(PLAIN_WEEK, [*way, Beat(8 * DAY), Beat(410 * DAY)]), READ["plain"]) == len(WAY)
