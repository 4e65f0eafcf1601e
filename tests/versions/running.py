"""What a change leaves in a running set-up: the committed ``stall-events`` against ``judge --log``, and clocks that never go back."""

from collections.abc import Iterable

from schemas.codec import decode_clock_mark
from schemas.instants import from_text
from streams.export import line_of, read_log
from streams.judge import LogJudge
from streams.judge import line_of as judged_line
from streams.policy import Policies
from streams.settings import Settings
from tests.pipeline.works import CUSTODY, STALL_EVENTS, Works, by_partition

Said = dict[int, list[bytes]]
"""Partition -> lines of ``judge --log``."""


def custody_of(settings: Settings) -> list[bytes]:
    """As ``tairyu export custody-log`` writes it."""
    return [line_of(message) for message in read_log(settings, CUSTODY)]


def committed(settings: Settings) -> Said:
    """The ``stall-events``, as ``judge --log`` would print them."""
    told = ((message.partition() or 0, message.key(), bytes(message.value() or b"")) for message in read_log(settings, STALL_EVENTS))
    return by_partition((number, judged_line((number, key, value))) for number, key, value in told)


def judged(policies: Policies, custody: Iterable[bytes]) -> Said:
    judge = LogJudge(policies)
    return by_partition((said[0], judged_line(said)) for line in custody for said in judge.feed(line))


def check_clocks(works: Works) -> None:
    """Mark by mark, in each partition: no vendor's clock, nor the one of all, is earlier than it was."""
    highest: dict[tuple[int, str], int] = {}
    for partition, name, clock in clocks(works):
        at_us = from_text(clock)
        assert at_us >= highest.get((partition, name), 0), f"the clock of {name} in partition {partition} went back to {clock}"
        highest[partition, name] = at_us


def clocks(works: Works) -> Iterable[tuple[int, str, str]]:
    """Partition, vendor ("": all), clock, in the order of the marks."""
    for line in works.lines(STALL_EVENTS):
        if line.key is None:
            mark = decode_clock_mark(line.value or b"").data
            told = {**mark.clocks, **({"": mark.all} if mark.all is not None else {})}
            yield from ((line.partition, name, clock) for name, clock in told.items())
