"""The final verdict is a function of the set of events, with their arrivals where a claimed time is unusable (rule 7)."""

from collections import Counter
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.events import Event
from schemas.instants import DAY_US, SECOND_US, from_text, to_text
from schemas.records import Pulse
from tests.oracle.parts import AHEAD, content, counting, identity
from tests.oracle.policy import Version
from tests.oracle.sayings import Verdict
from tests.properties.budget import tried
from tests.properties.histories import DAY, SETS, Beat, Log, Telling, told
from tests.properties.judges import PLAIN, oracle_of, oracle_verdicts, product_of, verdicts_of
from tests.properties.strategies import beginnings, stories

POLICIES, VERSIONS = PLAIN
Verdicts = dict[tuple[str, str, int], Verdict]
YEAR_US = 355 * DAY_US
"""Nothing is forgotten on the way."""
seeds = st.integers(0, 1 << 30)
logs = st.builds(told, beginnings, stories(sets=1, size=14, longest=35 * DAY))
heard = logs.map(lambda log: [record for record in log if isinstance(record, Event)])
events = heard.filter(lambda events: len(events) > 0 and span_of(events) < YEAR_US)


@tried(0.4)
@given(events=events, seed=seeds)
def test_in_any_order_and_however_often_the_final_verdicts_are_the_same(events: list[Event], seed: int) -> None:
    chance, end = Random(seed), ending(events)
    copies = [later(event, chance.randrange(30 * DAY)) for event in events for _ in range(chance.choice((0, 0, 1, 2)))]
    other = events + copies
    chance.shuffle(other)
    as_it_came = final(sorted(events, key=lambda event: event.received), chance, end)
    assert final(other, chance, end) == as_it_came
    assert oracle_verdicts(oracle_of([*events, end], VERSIONS)) == as_it_came


@tried(0.4)
@given(events=events, seed=seeds)
def test_delays_within_the_grace_do_not_change_a_final_verdict(events: list[Event], seed: int) -> None:
    chance, end = Random(seed), ending(events)
    fixed = {copy_of(event) for event in events if not has_usable_time(event, VERSIONS[0])}
    delayed = [event if copy_of(event) in fixed else later(event, chance.randrange(7 * DAY)) for event in events]
    assume(counted(delayed) == counted(events))
    assert final(delayed, chance, end) == final(events, chance, end)


def final(events: list[Event], chance: Random, end: Pulse) -> Verdicts:
    """The product's verdicts, with pulses in between that vouch for nothing that is still to come."""
    log: Log = []
    for place, event in enumerate(events):
        if chance.random() < 0.5:
            log.append(through(min(from_text(left.received) for left in events[place:])))
        log.append(event)
    return verdicts_of(product_of([*log, end], POLICIES)[1])


def ending(events: list[Event]) -> Pulse:
    """All is silence for another 40 days; nothing is forgotten yet."""
    return through(max(from_text(event.received) for event in events) + 40 * DAY_US)


def through(at_us: int) -> Pulse:
    return Telling(at_us).pulse(Beat(0, tuple((topic, 0) for topic in SETS[1])))


def later(event: Event, seconds: int) -> Event:
    return replace(event, received=to_text(from_text(event.received) + seconds * SECOND_US))


def span_of(events: list[Event]) -> int:
    arrivals = [from_text(event.received) for event in events]
    return max(arrivals) - min(arrivals)


def copy_of(event: Event) -> tuple[str | None, tuple[str, str, str], bytes]:
    return event.subject, identity(event), content(event)


def has_usable_time(event: Event, policy: Version) -> bool:
    return policy.epoch <= from_text(event.time) <= from_text(event.received) + AHEAD


def counted(events: list[Event]) -> Counter[tuple[str | None, tuple[str, str, str], bytes]]:
    """What arrives before its application's record shrinks."""
    subjects = {event.subject for event in events}
    kept = [counting([event for event in events if event.subject == subject], VERSIONS[0]) for subject in subjects]
    return Counter(copy_of(event) for some in kept for event in some)


def test_the_steps_reach_every_final_verdict() -> None:
    """Found by counting: a strategy that never makes a late hop proves nothing about late hops."""
    found: Counter[str] = Counter()

    @tried(0.2)
    @given(events=events)
    def count(events: list[Event]) -> None:
        found.update(verdict.name for verdict in final(events, Random(1), ending(events)).values())

    count()
    assert set(found) == {"in_time", "late", "open", "undetermined"}
