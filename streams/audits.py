"""What the parties file says of a party beyond its events: dated inspections, and its own replies and disputes. Pure.

Nothing of it changes a figure: an inspection is one of its own, a reply or a dispute is shown beside the figure it concerns.
"""

from dataclasses import dataclass
from datetime import date

from streams.marked_yaml import Spot

KINDS = ("technical", "financial")
RESULTS = ("passed", "failed")
REPLY_STATES = ("published", "withdrawn")
DISPUTE_STATES = ("open", "upheld", "dismissed")
DAY = "a day like 2026-04-01"


@dataclass(frozen=True)
class Inspection:
    """``on`` a day, and good through ``valid_until``; what is past that is overdue."""

    kind: str
    on: date
    valid_until: date
    result: str
    source: str
    """Where the result can be read: a document's number, or its address."""


@dataclass(frozen=True)
class Statement:
    """What a party says of a figure of its scorecard. ``hop``: None: of every hop."""

    on: date
    criterion: str
    hop: str | None
    state: str
    text: str

    def concerns(self, criterion: str, hop: str) -> bool:
        return self.criterion == criterion and self.hop in (None, hop)


def read_inspections(spot: Spot) -> tuple[Inspection, ...]:
    """Without the key there are none."""
    return tuple(_inspection(item) for item in ([] if spot.missing else spot.items("{kind, on, valid_until, result, source}")))


def read_statements(spot: Spot, states: tuple[str, ...]) -> tuple[Statement, ...]:
    return tuple(_statement(item, states) for item in ([] if spot.missing else spot.items("{on, criterion, state, text}")))


def _inspection(spot: Spot) -> Inspection:
    keys = spot.keys(("kind", "on", "valid_until", "result", "source"))
    on, valid_until = _day(keys["on"]), _day(keys["valid_until"])
    if valid_until < on:
        keys["valid_until"].expected(f"a day not before {on}")
    kind, result = keys["kind"].one_of(KINDS, "one of"), keys["result"].one_of(RESULTS, "one of")
    return Inspection(kind, on, valid_until, result, keys["source"].text())


def _statement(spot: Spot, states: tuple[str, ...]) -> Statement:
    keys = spot.keys(("on", "criterion", "state", "text"), ("hop",))
    hop = None if keys["hop"].missing else keys["hop"].text()
    return Statement(_day(keys["on"]), keys["criterion"].text(), hop, keys["state"].one_of(states, "one of"), keys["text"].text())


def _day(spot: Spot) -> date:
    try:
        return date.fromisoformat(spot.text(DAY))
    except ValueError:
        spot.expected(DAY)
        return date.min
