"""Random histories: steps of every kind, at waits around the limits, with claims that are early, late and absurd."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.properties.histories import (
    BEGINNINGS,
    CLAIMS,
    DAY,
    ENDS,
    HOUR,
    OFFICES,
    SETS,
    TYPES,
    VENDORS,
    Again,
    Beat,
    Next,
    Say,
    Step,
    Void,
)

WAITS = (
    0,
    0,
    1,
    59,
    60,
    61,
    600,
    HOUR,
    HOUR + 1,
    6 * HOUR,
    6 * HOUR + 1,
    DAY,
    DAY + 1,
    3 * DAY + 1,
    9 * DAY,
    13 * DAY,
    35 * DAY,
    100 * DAY,
    410 * DAY,
)
AGO: tuple[int | str, ...] = (
    0,
    0,
    0,
    0,
    1,
    -299,
    -300,
    -301,
    HOUR,
    HOUR + 1,
    6 * HOUR + 1,
    25 * HOUR,
    80 * HOUR,
    9 * DAY,
    40 * DAY,
    *CLAIMS,
)
LATE = (0, 0, 0, 0, 0, 1, 61, HOUR, DAY, 8 * DAY)
BEHIND = (0, 0, 0, 1, 61, 7 * HOUR, 3 * DAY, None)
lates = st.sampled_from(LATE)


@st.composite
def says(draw: st.DrawFn, apps: int, waits: SearchStrategy[int]) -> Say:
    speaker = draw(st.sampled_from(VENDORS + OFFICES))
    return Say(
        draw(st.integers(0, apps - 1)),
        speaker,
        draw(st.sampled_from(TYPES[speaker])),
        draw(waits),
        draw(st.sampled_from(AGO)),
        draw(lates),
        draw(st.sampled_from((None, None, None, None, "a", "b"))),
        draw(st.sampled_from((None, None, "k1", "k2"))),
        draw(st.sampled_from((None, None, "112216", "131016"))),
    )


def beats(sets: int, waits: SearchStrategy[int]) -> SearchStrategy[Step]:
    lags = st.sampled_from(BEHIND)
    uneven = st.tuples(*(st.tuples(st.just(topic), lags) for topic in SETS[1]))
    return st.builds(Beat, waits, st.one_of(st.just(()), st.just(()), uneven), st.integers(1, sets))


def stories(apps: int = 2, sets: int = 4, size: int = 16, longest: int = 410 * DAY) -> SearchStrategy[list[Step]]:
    """At most ``size`` steps of every kind, single ones and turns; ``longest``: the longest wait between two of them."""
    waits = st.sampled_from([wait for wait in WAITS if wait <= longest])
    single = steps(apps, sets, waits).map(lambda step: (step,))
    turn = st.integers(0, 2).flatmap(lambda number: turns(st.integers(0, apps), waits) if number == 2 else single)
    return st.lists(turn, min_size=4, max_size=size).map(lambda turns: [step for turn in turns for step in turn][:size])


def steps(apps: int, sets: int, waits: SearchStrategy[int]) -> SearchStrategy[Step]:
    """Pulses and the ordinary way are the most frequent."""
    places = st.integers(0, 15)
    foreign = st.sampled_from((None, None, None, *VENDORS, *OFFICES))
    of = st.integers(0, apps - 1)
    return st.one_of(
        says(apps, waits),
        says(apps, waits),
        st.builds(Next, of, waits, st.sampled_from(AGO), lates),
        st.builds(Next, of, waits),
        st.builds(Next, of, waits, after=st.sampled_from((60, HOUR, HOUR + 1, 6 * HOUR, 25 * HOUR, 9 * DAY))),
        st.builds(Again, places, waits, lates),
        st.builds(Void, places, waits, lates, foreign),
        beats(sets, waits),
        beats(1, waits),
    )


@st.composite
def turns(draw: st.DrawFn, apps: SearchStrategy[int], waits: SearchStrategy[int]) -> tuple[Step, ...]:
    """A few steps that single ones rarely make: each has caught a broken rule that they had missed."""
    app, vendor, soon = draw(apps), draw(st.sampled_from(VENDORS[:2])), draw(st.sampled_from((1, 59, 60, 61, HOUR + 1)))
    return draw(st.sampled_from((redated, reopened, renamed, tried_again, followed, late_news)))(draw, app, vendor, soon, draw(waits))


def redated(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """Dated earlier, and the news has to settle; or dated later by a correction, to a lower level or to none."""
    what = draw(st.sampled_from(TYPES[vendor][:2]))
    earlier, later = draw(st.sampled_from((9 * HOUR, 30 * HOUR, 80 * HOUR))), draw(st.sampled_from((0, 2 * HOUR, 8 * HOUR)))
    if draw(st.booleans()):
        return Say(app, vendor, what, wait, later), Say(app, vendor, what, soon, earlier), Beat(soon)
    return Say(app, vendor, what, wait, earlier), Say(app, vendor, what, 1, later), Beat(soon), Void(-2), Beat(soon)


def reopened(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """Late, and open again."""
    heard = Say(app, vendor, "application.uploaded", wait, draw(st.sampled_from((HOUR, 8 * HOUR, 30 * HOUR))))
    return heard, Say(app, "j-lis", "application.received", soon), Beat(soon), Void(-1, soon), Beat(soon)


def renamed(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """It was another booth's, perhaps another vendor's, or is known too late to have been anybody's."""
    first = Say(app, vendor, "application.uploaded", wait, 8 * HOUR)
    kiosk, town, ago = (
        draw(st.sampled_from(("k1", "k2"))),
        draw(st.sampled_from(("112216", "131016"))),
        draw(st.sampled_from((HOUR, 9 * HOUR))),
    )
    other = draw(st.sampled_from((vendor, vendor, *VENDORS)))
    return first, Beat(soon), Say(app, other, "application.submitted", soon, ago, kiosk=kiosk, town=town), Beat(soon)


def tried_again(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """Returned, and sent again."""
    again = Say(app, vendor, "application.resubmitted", soon)
    back = Say(app, "j-lis", "application.returned", wait)
    ago = draw(st.sampled_from((0, 1, HOUR)))
    return (
        back,
        again,
        Say(app, vendor, "application.uploaded", soon * ago),
        Say(app, "j-lis", "application.received", soon, ago),
        Beat(soon),
    )


def followed(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """Something follows a terminal."""
    end = Say(app, OFFICES[1], draw(st.sampled_from(ENDS[::2])), wait)
    again = Say(app, vendor, "application.resubmitted", soon)
    return (end, again, Beat(soon)) if draw(st.booleans()) else (end, again, Say(app, OFFICES[1], "notice.sent", soon))


def late_news(draw: st.DrawFn, app: int, vendor: str, soon: int, wait: int) -> tuple[Step, ...]:
    """At the very end of the grace, before or after its pulse."""
    week, on_time = 7 * DAY + draw(st.integers(0, 1)), draw(st.integers(0, 1))
    begun = (Say(app, vendor, "application.uploaded", wait), Say(app, OFFICES[1], ENDS[0]))
    return *begun, Beat(week - on_time), Say(app, "j-lis", "application.received", on_time, week - soon)


beginnings = st.sampled_from(BEGINNINGS)
