"""Who may do what at the brokers (rule 9): rights of the stages, of each party, of operators and subscribers, from cards and parties.

Whoever is not named here may do nothing: ``allow.everyone.if.no.acl.found`` is to stay false. A vendor writes its own topic and reads
none, its own neither: what it has sent it knows, and what is refused it hears from an operator.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from schemas.cards import Card
from streams.groups import READER, groups_of
from streams.parties import Feed
from streams.settings import Settings

Kind = Literal["topic", "group", "transactional-id"]
STAGES = ("intake", "watch", "history")
OPERATORS = frozenset({"operators", "replay", "judge --log", "key rotate", "tairyu stalls"})
"""Words of the cards that mean a person with the command in hand."""
SUBSCRIBERS = "subscribers"


class Right(NamedTuple):
    """One operation on one thing. ``prefixed``: on all whose names begin so."""

    principal: str
    kind: Kind
    name: str
    prefixed: bool
    operation: str
    """By Kafka's name: Read and Write (each implies Describe), Describe, DescribeConfigs."""


def rights_of(
    settings: Settings,
    cards: Mapping[str, Card],
    feeds: Mapping[str, Feed],
    *,
    subscribers: Sequence[str] = (),
    operators: Sequence[str] = (),
    principal: str = "User:{}",
) -> list[Right]:
    """Everything that is to be allowed, sorted. ``principal``: how a name becomes a principal (``User:CN={}`` with certificates).

    Names: ``tairyu-intake``, ``tairyu-watch``, ``tairyu-history``; a party's own; ``CARD-gateway`` where several speak in one topic, by
    a header that only the gateway may set.
    """
    found = {right for name, card in cards.items() for right in _of_card(name, card, feeds, subscribers, operators)}
    found |= {Right(f"tairyu-{stage}", *right) for stage in STAGES for right in _of_stage(stage, settings)}
    found |= {Right(name, "group", READER, False, "Describe") for name in (*subscribers, *operators)}
    found |= {Right(name, "group", f"{name}-", True, "Read") for name in subscribers}
    found |= {Right(name, "group", group, False, "Describe") for name in operators for group in groups_of(settings).values()}
    return sorted(right._replace(principal=principal.format(right.principal)) for right in found)


def _of_card(name: str, card: Card, feeds: Mapping[str, Feed], subscribers: Sequence[str], operators: Sequence[str]) -> Iterator[Right]:
    own = {feed.topic: feed for feed in feeds.values() if feed.card == name} if card.public else {card.topic(): None}
    for topic, feed in own.items():
        writers = {*_named(card.writers, subscribers, operators), *([_speaker(card, feed)] if feed else [])}
        readers = _named(card.readers, subscribers, operators)
        yield from (Right(each, "topic", topic, False, "Write") for each in writers)
        yield from (Right(each, "topic", topic, False, "Read") for each in readers)
        yield from (Right(each, "topic", topic, False, operation) for each in operators for operation in ("Describe", "DescribeConfigs"))


def _named(words: Iterable[str], subscribers: Sequence[str], operators: Sequence[str]) -> set[str]:
    """Whom a card's words mean. Parties and gateways are not among them: who speaks in a public topic, its feed says."""
    found = {f"tairyu-{word}" for word in words if word in STAGES}
    if OPERATORS & {*words}:
        found |= {*operators}
    return found | ({*subscribers} if SUBSCRIBERS in words else set())


def _speaker(card: Card, feed: Feed) -> str:
    return feed.speaker or f"{card.name}-gateway"


def _of_stage(stage: str, settings: Settings) -> Iterator[tuple[Kind, str, bool, str]]:
    group = groups_of(settings)[stage]
    yield "group", group, False, "Read"
    if stage in ("intake", "watch"):
        yield "transactional-id", f"{group}-", True, "Write"
    if stage == "watch":
        yield "group", READER, False, "Describe"


def command_lines(found: Iterable[Right], brokers: str) -> list[str]:
    """The same as calls of Kafka's own tool, one for each principal and thing."""
    together: dict[tuple[str, Kind, str, bool], list[str]] = {}
    for principal, kind, name, prefixed, operation in found:
        together.setdefault((principal, kind, name, prefixed), []).append(operation)
    return [_line(*key, operations, brokers) for key, operations in together.items()]


def _line(principal: str, kind: Kind, name: str, prefixed: bool, operations: Sequence[str], brokers: str) -> str:
    pattern = " --resource-pattern-type prefixed" if prefixed else ""
    asked = " ".join(f"--operation {operation}" for operation in operations)
    call = f"kafka-acls.sh --bootstrap-server {brokers} --command-config admin.properties --add"
    return f"{call} --allow-principal '{principal}' {asked} --{kind} {name}{pattern}"
