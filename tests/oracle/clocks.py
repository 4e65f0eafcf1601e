"""Through when the feeds have been read, by definition: every clock computed anew from all pulses so far."""

from schemas.instants import from_text
from schemas.records import Pulse

ALL = ""
"""The clock of an application about which no vendor has spoken."""


def clocks_of(pulses: list[Pulse]) -> dict[str, int]:
    """Vendor (or ``ALL``) -> its clock; who is not yet known has none. A clock is the highest that it ever was."""
    highest: dict[str, int] = {}
    seen: set[str] = set()
    for count in range(1, len(pulses) + 1):
        through, current = evidence(pulses[:count])
        seen |= {put.vendor for put in pulses[count - 1].inputs.values() if put.vendor is not None}
        for name in (ALL, *sorted(seen)):
            now = slowest(name, through, current)
            if now is not None:
                highest[name] = max(now, highest.get(name, now))
    return highest


def evidence(pulses: list[Pulse]) -> tuple[dict[tuple[str, int], int], Pulse]:
    """The highest T told of each partition of the set in force, and the first pulse of that set.

    What two sets in a row both have stays known. What leaves with a set is known no more: should it return, it may be another topic
    under an old name.
    """
    through: dict[tuple[str, int], int] = {}
    current = pulses[0]
    for pulse in pulses:
        if pulse.input_set > current.input_set:
            current = pulse
            through = {place: told for place, told in through.items() if place in places(current)}
        for topic, put in pulse.inputs.items():
            for place in {(topic, partition) for partition in put.through} & places(current):
                told = from_text(put.through[place[1]])
                through[place] = max(told, through.get(place, told))
    return through, current


def places(pulse: Pulse) -> set[tuple[str, int]]:
    return {(topic, partition) for topic, put in pulse.inputs.items() for partition in range(put.partitions)}


def slowest(name: str, through: dict[tuple[str, int], int], current: Pulse) -> int | None:
    """The slowest partition of the shared feeds and of the vendor's own (``ALL``: of every vendor's); None while one is unknown."""
    times = []
    for topic, put in current.inputs.items():
        if put.vendor is None or name in (ALL, put.vendor):
            times += [through.get((topic, partition)) for partition in range(put.partitions)]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def clock_for(vendors: set[str], clocks: dict[str, int]) -> int | None:
    """An application's clock: the slowest of those who have spoken about it."""
    names = sorted(vendors) or [ALL]
    times = [clocks.get(name) for name in names]
    known = [time for time in times if time is not None]
    return min(known) if len(known) == len(times) else None
