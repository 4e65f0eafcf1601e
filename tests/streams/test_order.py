"""The final verdict is a function of the set of events: neither order, nor repetition, nor the pulses between them matter (rule 7)."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event
from schemas.instants import to_text
from streams.verdicts import HopVerdict
from tests.streams.story import CITY, HOUR, JLIS, PLAZA, TOKIWA, Log, Party, Story, event, jst, shown, token_of

TOKEN = token_of(1)
BEGIN = jst("2026-04-01 00:00")
SAID_BY: list[tuple[Party, list[str]]] = [
    (
        PLAZA,
        ["application.submitted", "application.uploaded", "application.forwarded", "application.resubmitted", "event.corrected"],
    ),
    (TOKIWA, ["application.submitted", "application.uploaded", "event.corrected"]),
    (JLIS, ["application.received", "application.returned", "application.accepted", "card.dispatched", "event.corrected"]),
    (CITY, ["card.arrived", "notice.sent", "card.handed_over", "application.voided", "event.corrected"]),
]
IDS = ["a", "b", "c", "d"]
"""Few: ids are used again, by copies with another content, and by corrections."""


def at(hours: int) -> str:
    text = shown(BEGIN + hours * HOUR)
    assert text is not None
    return text


@st.composite
def events(draw: st.DrawFn) -> Event:
    party, types = draw(st.sampled_from(SAID_BY))
    milestone = draw(st.sampled_from(types))
    arrived = draw(st.integers(0, 60 * 24))
    claimed = draw(st.one_of(st.integers(0, 400).map(lambda ago: arrived - ago), st.sampled_from([arrived + 1, -100_000, 1_000_000])))
    corrects = draw(st.sampled_from(IDS)) if milestone == "event.corrected" else None
    kiosk = draw(st.sampled_from([None, "k1", "k2"]))
    told = event(TOKEN, party, milestone, at(claimed), arrived=at(arrived), id=draw(st.sampled_from(IDS)), corrects=corrects)
    if kiosk is not None and corrects is None:
        told = event(TOKEN, party, milestone, at(claimed), arrived=at(arrived), id=told.id, kiosk=kiosk)
    return told


lives = st.lists(events(), min_size=1, max_size=12)


def told_as_it_came(life: list[Event]) -> list[HopVerdict]:
    """In the order of arrival, with a pulse before each event that vouches for all before it."""
    story = Story(log=Log())
    for each in sorted(life, key=lambda each: each.received):
        arrived = shown(each.received)
        assert arrived is not None
        story.clock(f"{arrived[:10]} 00:00")  # never after an arrival that is still to come
        story.put(each)
    story.clock(at(80 * 24))
    return story.hops()


def told_at_random(life: list[Event], chance: Random) -> list[HopVerdict]:
    """In any order, each once or twice, and a pulse only when nothing is left."""
    story = Story(log=Log())
    copies = [each for each in life for _ in range(chance.choice([1, 1, 2]))]
    chance.shuffle(copies)
    for each in copies:
        story.put(each)
    story.clock(at(80 * 24))
    return story.hops()


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(life=lives, seed=st.integers(0, 1000))
def test_the_order_of_events_and_their_copies_and_the_pulses_between_do_not_change_the_final_verdicts(life: list[Event], seed: int) -> None:
    assert told_at_random(life, Random(seed)) == told_as_it_came(life)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(life=lives)
def test_every_stall_that_is_held_at_the_end_is_the_level_of_an_open_hop(life: list[Event]) -> None:
    story = Story(log=Log())
    for each in life:
        story.put(each)
        story.clock("2026-04-01 00:00")
    story.clock(at(80 * 24))
    opened = {f"{hop.hop}:{hop.attempt}": hop.level for hop in story.hops() if hop.verdict == "open" and hop.level}
    assert story.held_now == opened


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(life=lives)
def test_the_revisions_of_a_stall_count_from_1_without_a_gap(life: list[Event]) -> None:
    story = Story(log=Log())
    for each in sorted(life, key=lambda each: each.received):
        story.clock(f"{shown(each.received)}"[:10] + " 00:00")
        story.put(each)
    stalls: dict[str, list[int]] = {}
    for said in story.said:
        stalls.setdefault(said.data.stall_id, []).append(said.data.revision)
        assert said.time <= to_text(jst("2027-01-01 00:00"))
    assert all(revisions == list(range(1, len(revisions) + 1)) for revisions in stalls.values())
