"""History's short cut to the hops: after every record of a log, they are what a derivation from all events gives."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from schemas.codec import decode_application
from schemas.instants import SECOND_US, from_text
from schemas.records import Application, Contribution
from schemas.stored import encode_stored
from streams.ordinary_hops import OrdinaryHops
from streams.partition import Batch, Partition
from streams.policy import Policies, Policy
from streams.verdicts import hop_verdicts
from tests.properties.budget import tried
from tests.properties.histories import BEGINNINGS, DAY, HOUR, WAY, Beat, Log, Next, Step, told
from tests.properties.strategies import beginnings, stories
from tests.properties.test_ordinary import BEFORE_A_VERSION, PLAIN_WEEK, READ, almost_ordinary, readings
from tests.properties.test_replay import newest, records
from tests.streams.story import MY_NUMBER

BEGIN_US, HOUR_US = from_text("2026-05-11T09:00:00Z"), HOUR * SECOND_US
ONE_OF = st.sampled_from
MILESTONES = (*sorted(MY_NUMBER.milestones), *sorted(MY_NUMBER.terminals) * 2, *["application.submitted", "application.resubmitted"] * 3)


def one_end(policy: Policy) -> Policy:
    """The other terminals do not end what waits for this one, and only show that it ended."""
    return replace(policy, hops={**policy.hops, "pickup": replace(policy.hops["pickup"], ends=("card.handed_over",))}, overrides=())


ALL = {**READ, "one end": Policies(tuple(map(one_end, READ["ruled"].versions)))}


def contribution(number: int, what: str, claimed_us: int, late_us: int = 0, vendor: str = "plaza", **place: str | None) -> Contribution:
    speaker, role = (vendor, "vendor") if what.startswith("application.") else ("112216", "municipality")
    kiosk, town = place.get("kiosk"), place.get("town")
    event = bytes([number]) * 8
    return Contribution(event, b"content!", what, claimed_us, claimed_us + late_us, speaker, role, kiosk, town, town)


@st.composite
def crowded(draw: st.DrawFn) -> Application:
    """An application to which much happens at the same few instants: in any order, with resubmissions, and with several ends."""
    told = [
        contribution(
            number,
            draw(ONE_OF(MILESTONES)),
            BEGIN_US + draw(st.integers(0, 5)) * 30 * HOUR_US,
            draw(ONE_OF((0, 0, 0, HOUR_US, 30 * 24 * HOUR_US, -HOUR_US))),
            draw(ONE_OF(("plaza",) * 9 + ("minato",))),
            kiosk=draw(ONE_OF((None, "k1", "k2"))),
            town=draw(ONE_OF((None, "112216"))),
        )
        for number in range(draw(st.integers(1, 9)))
    ]
    return Application(last4="0001", contributions=tuple(draw(st.permutations(told))))


def short_cuts(log: Log, policies: Policies) -> tuple[int, int]:
    """How many records took it, and of how many; those that did are compared."""
    batch, short, taken, asked = Batch(Partition(policies, 0)), OrdinaryHops(policies), 0, 0
    for record in records(newest(log, policies)):
        batch.handle(*record)
        for key, kept in batch.working.items():
            if kept is not None and kept.marker is None:
                token, application = key.decode(), decode_application(encode_stored(kept))
                rows = short.rows(token, application)
                asked += 1
                if rows is not None:
                    taken += 1
                    assert rows == [astuple(hop) for hop in hop_verdicts(token, application, policies)]
    return taken, asked


@tried()
@given(beginning=beginnings, steps=stories(), reading=readings)
def test_the_short_cut_gives_what_a_derivation_from_all_events_gives(beginning: str, steps: list[Step], reading: str) -> None:
    short_cuts(told(beginning, steps), READ[reading])


@tried(2)
@given(beginning=st.sampled_from((*BEGINNINGS, BEFORE_A_VERSION)), steps=almost_ordinary(), reading=readings)
def test_an_oddity_on_the_way_changes_nothing(beginning: str, steps: list[Step], reading: str) -> None:
    short_cuts(told(beginning, steps), READ[reading])


def test_ties_resubmissions_and_several_ends_change_nothing() -> None:
    taken = Counter[bool]()
    short = {name: OrdinaryHops(policies) for name, policies in ALL.items()}

    @tried(6)
    @given(application=crowded(), reading=ONE_OF(sorted(ALL)))
    def compare(application: Application, reading: str) -> None:
        rows = short[reading].rows("token", application)
        taken[rows is None] += 1
        assert rows is None or rows == [astuple(hop) for hop in hop_verdicts("token", application, ALL[reading])]

    compare()
    assert taken[False] > taken.total() / 10


def test_what_waits_for_the_second_of_two_ends_is_left_to_the_derivation() -> None:
    told = ("notice.sent", "card.discarded", "card.handed_over")
    # 09:00 the notice, 10:00 the card is discarded, 11:00 it is handed over
    application = Application(contributions=tuple(contribution(n, what, BEGIN_US + n * HOUR_US) for n, what in enumerate(told)))

    (pickup,) = hop_verdicts("token", application, ALL["one end"])
    assert pickup.closed_us == BEGIN_US + 2 * HOUR_US
    assert OrdinaryHops(ALL["one end"]).rows("token", application) is None


def test_who_goes_the_way_as_it_should_always_takes_the_short_cut() -> None:
    way: list[Step] = [Next(0, HOUR) for _ in WAY]
    taken, asked = short_cuts(told(PLAIN_WEEK, [*way, Beat(3 * DAY)]), READ["plain"])
    assert taken == asked == len(WAY) + 1
