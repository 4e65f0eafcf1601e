"""Every transition, clock mark and final verdict of the product is what the oracle gives by definition."""

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.events import Event
from schemas.instants import SECOND_US, from_text, to_text
from schemas.records import Input, Pulse
from streams.judge import FileJudge, sorted_by_arrival
from streams.policy import Policies
from tests.oracle.judge import Oracle
from tests.oracle.policy import Version
from tests.oracle.sayings import Mark, Saying
from tests.properties.budget import tried
from tests.properties.histories import BEGINNINGS, HOUR, Beat, Next, Say, Step, told
from tests.properties.judges import READINGS, oracle_of, oracle_verdicts, product_of, read, verdicts_of
from tests.properties.strategies import beginnings, stories

readings = st.sampled_from(sorted(READINGS))
PLAIN_WEEK = BEGINNINGS[0]


@tried()
@given(beginning=beginnings, steps=stories(), reading=readings)
# A retraction named the kiosk's town that only the proof had brought.
@example(PLAIN_WEEK, [Next(1), Beat(HOUR + 1), Say(1, "plaza", "application.uploaded", 0, HOUR, town="112216")], "plain")
# A vendor that no pulse had named was judged by the shared feeds alone.
@example(PLAIN_WEEK, [Say(0, "tokiwa", "application.submitted"), Beat(HOUR + 1, (), 3)], "plain")
@example(  # Evidence about a feed that was retired is forgotten: should it return, it may be another one.
    PLAIN_WEEK, [Beat(0, (), 3), Beat(1), Beat(59, (("t", 61),), 4)], "plain"
)
def test_over_a_log_the_product_says_what_the_oracle_says(beginning: str, steps: list[Step], reading: str) -> None:
    policies, versions = READINGS[reading]
    log = told(beginning, steps)
    lines, verdicts = product_of(log, policies)
    oracle = oracle_of(log, versions)
    assert read(lines) == oracle.said
    assert verdicts_of(verdicts) == oracle_verdicts(oracle)


@tried(0.4)
@given(beginning=beginnings, steps=stories(sets=1), reading=readings, more=st.integers(0, 40 * 86_400))
def test_over_a_file_the_product_says_what_the_oracle_says(beginning: str, steps: list[Step], reading: str, more: int) -> None:
    policies, versions = READINGS[reading]
    events = sorted_by_arrival(record for record in told(beginning, steps) if isinstance(record, Event))
    until_us = from_text(events[-1].received if events else beginning) + more * SECOND_US
    judge = FileJudge(policies)
    lines = [line for event in events for line in judge.feed(event)] + list(judge.finish(until_us))
    oracle = jumping(events, until_us, policies, versions)
    assert read(lines) == oracle.transitions()
    assert verdicts_of(judge.verdicts()) == oracle_verdicts(oracle)


def jumping(events: list[Event], until_us: int, policies: Policies, versions: list[Version]) -> Oracle:
    """Everything is read through; a pulse on the grid of the interval after each due time, one before each event, one at the end."""
    oracle, grid = Oracle(versions), policies.newest.pulse_interval_us
    vendors = sorted({event.speaker for event in events if event.own_feed})
    for event in events:
        pulse_through(oracle, (from_text(event.received) - 1) // grid * grid, grid, vendors)
        oracle.feed([event])
    pulse_through(oracle, until_us, grid, vendors)
    return oracle


def pulse_through(oracle: Oracle, until_us: int, grid: int, vendors: list[str]) -> None:
    while (due := oracle.next_due()) is not None and (due // grid + 1) * grid <= until_us:
        oracle.feed([whole(max((due // grid + 1) * grid, last_pulse(oracle)), vendors)])
    if until_us > last_pulse(oracle):
        oracle.feed([whole(until_us, vendors)])


def last_pulse(oracle: Oracle) -> int:
    return from_text(oracle.pulses[-1].at) if oracle.pulses else 0


def whole(at_us: int, vendors: list[str]) -> Pulse:
    at = to_text(at_us)
    inputs = {name or "shared": Input(vendor=name, partitions=1, through={0: at}, heard={}) for name in (None, *vendors)}
    return Pulse(at=at, bucket_s=5, policy="", input_set=1, inputs=inputs)


def test_the_comparison_compares_something() -> None:
    """A history with every kind of transition, so that two empty lists are not what agrees."""
    steps: list[Step] = [
        *(Next(0), Beat(25 * HOUR)),  # raised, escalated, escalated: the upload
        *(Say(0, "plaza", "application.submitted", 0, -120), Say(0, "tokiwa", "application.submitted", 0, 40 * HOUR), Beat(1)),  # revised
        *(Say(0, "tokiwa", "application.uploaded", 0, 39 * HOUR), Next(1), Beat(HOUR + 1), Next(1)),  # retracted; cleared
        *(Say(1, "plaza", "application.resubmitted", 0, 3 * HOUR), Say(1, "plaza", "application.uploaded")),  # recorded
    ]
    lines, verdicts = product_of(told(PLAIN_WEEK, steps), READINGS["plain"][0])
    said = read(lines)
    kinds = {one.kind for one in said if isinstance(one, Saying)}
    assert kinds == {"raised", "escalated", "revised", "retracted", "cleared", "recorded"}
    assert any(isinstance(one, Mark) for one in said)
    assert {verdict.verdict for verdict in verdicts} == {"late", "open"}
