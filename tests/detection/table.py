"""What was found of simulated traffic, by its kind: against what really happened, which only the simulation knows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

from schemas.identity import token
from streams.hearing import Told
from streams.lives import Leg
from streams.story import Story
from streams.world import World

Hop = tuple[str, str, int]
"""Token, hop, attempt."""


class Final(NamedTuple):
    """A final verdict, in the form of a line of ``truth.ndjson``."""

    verdict: str
    level: str | None
    entered_us: int
    closed_us: int | None


@dataclass
class Row:
    """Of one kind of traffic."""

    applications: int = 0
    hops: int = 0
    """That really began."""
    truly_late: int = 0
    """Whose real duration was over the first limit, or is by now."""
    raised: int = 0
    """Of which somebody was woken."""
    false_alarms: int = 0
    """Raised, though the real duration was under the limit."""
    undetermined: int = 0
    """The end was never told: nobody is accused."""
    missed: int = 0
    """Truly late, and finally neither late nor open beyond a limit."""
    wrongly_late: int = 0
    """Not truly late, and finally late, or open beyond a limit."""


def table(story: Story, raised: set[Hop], final: dict[Hop, Final]) -> dict[str, Row]:
    rows: dict[str, Row] = defaultdict(Row)
    for told in story.told:
        row, name = rows[told.life.kind], token(story.key, told.life.subject)
        row.applications += 1
        for leg in _begun(story.world, told):
            hop, late = (name, leg.hop, leg.attempt), _truly_late(story.world, told, leg)
            said = final.get(hop)
            accused = said is not None and said.level is not None
            row.hops += 1
            row.truly_late += late
            row.raised += hop in raised
            row.false_alarms += hop in raised and not late
            row.undetermined += said is not None and said.verdict == "undetermined"
            row.missed += late and not accused
            row.wrongly_late += accused and not late
    return dict(rows)


def _begun(world: World, told: Told) -> Iterator[Leg]:
    return (leg for leg in told.life.legs if told.life.steps[leg.opened].at_us < world.ends_us)


def _truly_late(world: World, told: Told, leg: Leg) -> bool:
    """By the real instants of its begin and end; what has not ended lasts until the scenario's end."""
    entered_us, ended_us = told.life.steps[leg.opened].at_us, told.life.steps[leg.ended].at_us
    notice_us = world.ruled(leg.hop, told.life.attributes, entered_us).limits_us(entered_us)[0]
    return notice_us is not None and min(ended_us, world.ends_us) > notice_us


def markdown(rows: dict[str, Row]) -> Iterable[str]:
    names = [field.name for field in fields(Row)]
    yield "| kind of traffic | " + " | ".join(name.replace("_", " ") for name in names) + " |"
    yield "| --- |" + " ---: |" * len(names)
    total = Row()
    for kind, row in sorted(rows.items(), key=lambda item: -item[1].applications):
        yield f"| {kind} | " + " | ".join(f"{getattr(row, name):,}" for name in names) + " |"
        for name in names:
            setattr(total, name, getattr(total, name) + getattr(row, name))
    yield "| all | " + " | ".join(f"{getattr(total, name):,}" for name in names) + " |"
