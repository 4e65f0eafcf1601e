"""The page for subscribers: ``subscribing_page.md`` with its tables from cards and flags, and the programs of ``docs/examples``."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

import msgspec

from schemas.cards import Card
from schemas.flags import FLAGS
from schemas.markdown import table
from schemas.situations import situation

TEMPLATE = Path(__file__).with_name("subscribing_page.md")
PROGRAMS = {"python": "subscriber.py", "java": "Subscriber.java"}


def subscribing_page(cards: Mapping[str, Card], examples: Path) -> str:
    """The whole page. ``examples``: the folder of the programs."""
    parts = {
        "topics": _topics(cards),
        "flags": table(("flag", "meaning"), ((f"`{flag}`", meaning) for flag, meaning in FLAGS.items())),
        "transition": _value(cards["stall-events"], "raised-after-six-hours"),
        "clock_mark": _value(cards["stall-events"], "every-vendor-known"),
        "log": cards["custody-log"].name,
        **{name: (examples / program).read_text(encoding="utf-8").rstrip() for name, program in PROGRAMS.items()},
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(parts)


def _topics(cards: Mapping[str, Card]) -> str:
    rows = ((f"`{card.name}`", card.meaning, card.key, card.cleanup) for card in cards.values() if "subscribers" in card.readers)
    return table(("topic", "meaning", "key", "cleanup"), rows)


def _value(card: Card, name: str) -> str:
    return msgspec.json.format(situation(card.examples, name).values()[0], indent=2).decode()
