"""Nobody is accused for what another did, said, or failed to say."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.events import CORRECTED, Event
from schemas.instants import DAY_US, SECOND_US, from_text, to_text
from schemas.records import Input, Pulse
from streams.verdicts import HopVerdict
from tests.oracle.parts import counting, milestone_of
from tests.properties.budget import tried
from tests.properties.histories import DAY, OFFICES, TYPES, Beat, Log, Say, Step, Telling, token, told
from tests.properties.judges import PLAIN, product_of
from tests.properties.strategies import beginnings, stories

POLICIES, VERSIONS = PLAIN
OTHERS = ("tokiwa", "minato")
OFFICIAL = tuple(sorted({what for office in OFFICES for what in TYPES[office]}))


@tried(0.4)
@given(beginning=beginnings, steps=stories(apps=1, sets=1, size=12, longest=9 * DAY), lost=st.sampled_from(OFFICIAL))
def test_what_an_office_forgets_to_say_makes_no_vendor_late(beginning: str, steps: list[Step], lost: str) -> None:
    log = [record for record in told(beginning, steps) if isinstance(record, Event)]
    left = without(log, lost)
    assume(before_the_end(log) and before_the_end(left))
    after = {(hop.token, hop.hop, hop.attempt): hop.verdict for hop in verdicts(left)}
    for hop in verdicts(log):
        if hop.holder == "vendor" and hop.verdict == "in_time":
            assert after.get((hop.token, hop.hop, hop.attempt)) != "late"


def before_the_end(events: list[Event]) -> bool:
    """Whether all arrived before their application's record shrank: then no deletion brings others to bear."""
    each = [[event for event in events if event.subject == subject] for subject in {event.subject for event in events}]
    return all(len(counting(some, VERSIONS[0])) == len(some) for some in each)


def without(events: list[Event], lost: str) -> list[Event]:
    """Every contribution and every correction of one milestone deleted. (A correction of an id that means something else too, stays.)"""
    said = {(event.speaker, event.source, event.id): set[str]() for event in events}
    for event in events:
        said[event.speaker, event.source, event.id].add(milestone_of(event))

    def is_lost(event: Event) -> bool:
        target = (event.speaker, event.data.source or "", event.data.id or "")
        return milestone_of(event) == lost or (milestone_of(event) == CORRECTED and said.get(target) == {lost})

    return [event for event in events if not is_lost(event)]


def verdicts(events: list[Event]) -> list[HopVerdict]:
    last = max((from_text(event.received) for event in events), default=0)
    return product_of([*events, Telling(last + DAY_US).pulse(Beat())], POLICIES)[1]


@tried(0.4)
@given(beginning=beginnings, steps=stories(), odd=st.sampled_from(("silent", "behind", "absent", "flood", "gone", "early")))
def test_no_input_moves_the_verdicts_of_another_vendor(beginning: str, steps: list[Step], odd: str) -> None:
    log = [record for record in told(beginning, [Say(0, "plaza", "application.submitted"), *steps]) if not is_foreign(record)]
    assert said_of_the_first(changed(log, odd)) == said_of_the_first(log)


def is_foreign(record: Event | Pulse) -> bool:
    """The first application is plaza's alone: of what others say of it, it would have to wait for them."""
    return isinstance(record, Event) and record.subject == token(0) and record.speaker in OTHERS


def said_of_the_first(log: Log) -> list[bytes]:
    return [value for _, key, value in product_of(log, POLICIES)[0] if key == token(0).encode()]


def changed(log: Log, odd: str) -> Log:
    """The log as it would be had the other vendors' feeds fared otherwise."""
    if odd == "gone":
        return [record for record in log if isinstance(record, Pulse) or record.subject == token(0)]
    if odd == "flood":
        return [each for record in log for each in (record, *flood(record))]
    return [with_others(record, odd) if isinstance(record, Pulse) else record for record in log]


def flood(record: Event | Pulse) -> list[Event]:
    if isinstance(record, Pulse):
        return []
    telling = Telling(from_text(record.received))
    return [telling.said(Say(app, speaker, what, 0, 40 * 86_400)) for app in (7, 8) for speaker in OTHERS for what in TYPES[speaker]]


def with_others(pulse: Pulse, odd: str) -> Pulse:
    inputs = {topic: otherwise(put, odd) if put.vendor in OTHERS else put for topic, put in pulse.inputs.items()}
    if odd == "absent":
        inputs = {topic: put for topic, put in inputs.items() if put.vendor not in OTHERS}
    return replace(pulse, inputs=inputs)


def otherwise(put: Input, odd: str) -> Input:
    by_us = {"behind": -30 * DAY_US, "early": 3_600 * SECOND_US}.get(odd)
    moved = {} if by_us is None else {number: to_text(from_text(text) + by_us) for number, text in put.through.items()}
    return replace(put, through=put.through if odd == "absent" else moved)
