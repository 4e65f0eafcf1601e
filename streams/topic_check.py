"""Topics as they are against topics as their cards say. Nothing is changed: what to do is said."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from schemas.cards import PARTY, Card
from streams.findings import Finding
from streams.parties import Feed, Parties
from streams.settings import Settings
from streams.topics import LOG, TIMEOUT_S, Wanted, wanted_topics

CREATE = "`tairyu topics --create` makes it"
UNCLEAN = "unclean.leader.election.enable"


class There(NamedTuple):
    """A topic as the brokers have it."""

    partitions: int
    copies: int
    """Of the partition that has the fewest."""
    config: Mapping[str, str]
    """Empty where the broker does not tell (the embedded one)."""


def check_topics(
    admin: AdminClient, settings: Settings, cards: Mapping[str, Card], feeds: Mapping[str, Feed], parties: Parties
) -> list[Finding]:
    """Every difference. KafkaException if the brokers do not answer, or do not let this user ask."""
    wanted = wanted_topics(settings, cards, feeds)
    topics = admin.list_topics(timeout=TIMEOUT_S).topics
    there = _there(admin, topics, [topic.name for topic in wanted], told=not settings.embedded)
    logs = {card.topic() for name, card in cards.items() if LOG in (name, card.partitioned_as)}
    found = [each for topic in wanted for each in _differences(topic, there.get(topic.name), topic.name in logs, settings)]
    return found + list(_nobodys(topics, cards, feeds, parties))


def _there(admin: AdminClient, topics: Mapping[str, Any], names: Iterable[str], *, told: bool) -> dict[str, There]:
    named = [name for name in names if name in topics]
    configs: dict[str, dict[str, str]] = {}
    if told and named:
        asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in named], request_timeout=TIMEOUT_S)
        configs = {where.name: _values(outcome.result(TIMEOUT_S)) for where, outcome in asked.items()}
    found: dict[str, There] = {}
    for name in named:
        parts = topics[name].partitions.values()
        found[name] = There(len(parts), min((len(part.replicas) for part in parts), default=0), configs.get(name, {}))
    return found


def _values(entries: Mapping[str, Any]) -> dict[str, str]:
    return {name: entry.value for name, entry in entries.items()}


def _differences(wanted: Wanted, there: There | None, is_log: bool, settings: Settings) -> Iterator[Finding]:
    name, ask = wanted.name, f"--bootstrap-server {settings.brokers}"
    if there is None:
        yield Finding(name, "the topic is missing", CREATE)
        return
    if there.partitions != wanted.partitions:
        yield Finding(
            name, f"has {there.partitions} partitions, and is to have {wanted.partitions}", _partitions(wanted, there, is_log, ask)
        )
    if there.copies < settings.replication:
        remedy = "add copies with kafka-reassign-partitions.sh, or say what is meant in TAIRYU_REPLICATION"
        yield Finding(name, f"has {there.copies} copies, and is to have {settings.replication}", remedy)
    for key, value in wanted.config.items():
        if key in there.config and there.config[key] != value:
            remedy = f"kafka-configs.sh {ask} --alter --entity-type topics --entity-name {name} --add-config {key}={value}"
            yield Finding(name, f"{key} is {there.config[key]}, and is to be {value}", remedy)
    if there.config.get(UNCLEAN) == "true":
        remedy = f"kafka-configs.sh {ask} --alter --entity-type topics --entity-name {name} --add-config {UNCLEAN}=false"
        yield Finding(name, f"{UNCLEAN} is true: what was committed may be lost", remedy)


def _partitions(wanted: Wanted, there: There, is_log: bool, ask: str) -> str:
    if is_log:
        return f"the log's topics never change theirs: set TAIRYU_LOG_PARTITIONS={there.partitions} everywhere, if that is how it was begun"
    if there.partitions < wanted.partitions:
        return f"kafka-topics.sh {ask} --alter --topic {wanted.name} --partitions {wanted.partitions}"
    return "no clock waits for those beyond: say how many in the parties' file, and raise its input_set"


def _nobodys(topics: Iterable[str], cards: Mapping[str, Card], feeds: Mapping[str, Feed], parties: Parties) -> Iterator[Finding]:
    """Topics that look like a party's, and are no party's: what is sent there, nobody reads."""
    begins = tuple(card.name.partition(PARTY)[0] for card in cards.values() if card.public and card.own_feed)
    for name in sorted(topics):
        party = next((name.removeprefix(each) for each in begins if each and name.startswith(each)), None)
        if party is not None and name not in feeds and party not in parties.parties:
            yield Finding(name, "belongs to no party: nobody reads it", "name the party in the parties' file, or delete the topic")
