"""Which topics intake reads, and what it says when the broker's topics differ from the input set. No I/O."""

import re
from collections.abc import Mapping

import structlog

from schemas.cards import Card
from streams.loop import LoopError
from streams.parties import Feed
from streams.settings import Settings

log = structlog.get_logger()


def subscription(feeds: Mapping[str, Feed], cards: Mapping[str, Card], there: Mapping[str, int], settings: Settings) -> list[str]:
    """The topics to read. One that is missing stops nobody (its party's clock stands), and is read as soon as it is there."""
    for name in (cards["custody-log"].topic(), cards["dead-letters"].topic()):
        if name not in there:
            raise LoopError(f"topic {name} is missing: `tairyu up` creates it, or: {_creation(name, cards[name], 1, settings)}")
    wrong = [feed for feed in feeds.values() if there.get(feed.topic) != feed.partitions]
    for feed in wrong:
        log.error(_wrong(feed, cards[feed.card], there, settings))
    if wrong and settings.simulation:
        raise LoopError("a simulation needs every public topic, with the partitions of the input set")
    return [topic if topic in there else f"^{re.escape(topic)}$" for topic in feeds]


def _wrong(feed: Feed, card: Card, there: Mapping[str, int], settings: Settings) -> str:
    whose = f"party {feed.party}" if feed.party else " and ".join(feed.roles)
    if feed.topic not in there:
        return f"topic {feed.topic} of {whose} is missing: create it with: {_creation(feed.topic, card, feed.partitions, settings)}"
    has = f"topic {feed.topic} of {whose} has {there[feed.topic]} partitions, the input set says {feed.partitions}"
    if there[feed.topic] < feed.partitions:
        return f"{has}: its clock stands until they are added"
    return f"{has}: all are read, but no clock waits for those beyond. Raise input_set in {settings.parties} and say how many"


def _creation(topic: str, card: Card, partitions: int, settings: Settings) -> str:
    config = " ".join(f"--config {name}={value}" for name, value in card.broker_config(simulated=settings.simulation).items())
    return f"kafka-topics.sh --bootstrap-server {settings.brokers} --create --topic {topic} --partitions {partitions} {config}"
