"""Creates the topics of a set-up from their cards, and tells one log from its successor of the same name."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.cards import Card
from streams.connection import kafka
from streams.loop import LoopError
from streams.parties import Feed
from streams.settings import Settings

LOG = "custody-log"
"""The card after which the per-application topics are partitioned."""
TIMEOUT_S = 30.0
ANSWER_S = 8.0
"""Within which a broker that is there has told its topics."""


class TopicsError(LoopError):
    """Brokers that do not answer, or topics that cannot be used: which, and what to do."""


@dataclass(frozen=True)
class Wanted:
    name: str
    partitions: int
    config: dict[str, str]


def wanted_topics(settings: Settings, cards: Mapping[str, Card], feeds: Mapping[str, Feed]) -> list[Wanted]:
    """Every topic of the set-up: the public ones as ``feeds`` says (``parties.public_feeds``), the others as their cards say.

    With copies, one of them may be missing when a record is taken, and no more.
    """
    widths = [(cards[feed.card], feed.topic, feed.partitions) for feed in feeds.values()]
    widths += [(card, card.topic(), partitions_of(settings, name, card)) for name, card in cards.items() if not card.public]
    durable = {"min.insync.replicas": str(settings.replication - 1)} if settings.replication > 1 else {}
    return [Wanted(name, width, card.broker_config(simulated=settings.simulation) | durable) for card, name, width in widths]


def partitions_of(settings: Settings, card_name: str, card: Card) -> int:
    """Of a topic that is not public: as its card says; for custody-log and what is partitioned as it, the settings may say otherwise."""
    if LOG in (card_name, card.partitioned_as):
        return settings.log_partitions or card.partitions
    return card.partitions


def ensure_topics(settings: Settings, cards: Mapping[str, Card], feeds: Mapping[str, Feed]) -> list[str]:
    """Creates those that are missing and gives their names; what exists stays as it is. KafkaException if the broker refuses one.

    Afterwards all of them can be used.
    """
    topics = [
        NewTopic(each.name, each.partitions, settings.replication, config=each.config) for each in wanted_topics(settings, cards, feeds)
    ]
    admin = admin_client(settings)  # by name: were it collected, the answers would be errors
    created = admin.create_topics(topics, operation_timeout=TIMEOUT_S)
    new = [name for name, outcome in created.items() if _created(outcome.exception(TIMEOUT_S))]
    wait_for_topics(admin, created)
    return new


def wait_for_topics(admin: AdminClient, names: Iterable[str]) -> None:
    """Returns when each has a leader in every partition: Kafka confirms a new topic some milliseconds before its nodes know it.

    TopicsError if one still has none after half a minute.
    """
    give_up = time.monotonic() + TIMEOUT_S
    while missing := set(names) - _usable(admin):
        if time.monotonic() > give_up:
            raise TopicsError(
                f"no broker leads {', '.join(sorted(missing))} after {TIMEOUT_S:.0f} s: "
                "are these topics there (`tairyu topics --check`), and do all brokers run?"
            )
        admin.poll(0.02)


def topics_there(settings: Settings) -> dict[str, int]:
    """Topic -> number of partitions, of all that there are; TopicsError if no broker answers within seconds."""
    wrong: list[KafkaError] = []
    admin = AdminClient(kafka(settings) | {"log_level": 0, "error_cb": wrong.append})
    try:
        topics = admin.list_topics(timeout=ANSWER_S).topics
    except KafkaException as error:
        admin.poll(0)
        told = next((each for each in wrong if each.code() != KafkaError._ALL_BROKERS_DOWN), error.args[0]).str()
        raise TopicsError(f"no broker answers at {settings.brokers} ({told}): does it run, and is its address right?") from error
    return {name: len(topic.partitions) for name, topic in topics.items()}


def topic_ids(admin: AdminClient, names: Iterable[str]) -> dict[str, str]:
    """Name -> id of the log: another one after a topic was deleted and made again, on either broker. KafkaException if one is missing."""
    described = admin.describe_topics(TopicCollection(list(names)), request_timeout=TIMEOUT_S)
    return {name: str(outcome.result(TIMEOUT_S).topic_id) for name, outcome in described.items()}


def admin_client(settings: Settings) -> AdminClient:
    """It logs nothing: what goes wrong is raised."""
    return AdminClient(kafka(settings) | {"log_level": 0})


def _usable(admin: AdminClient) -> set[str]:
    topics = admin.list_topics(timeout=TIMEOUT_S).topics
    return {name for name, topic in topics.items() if all(partition.leader >= 0 for partition in topic.partitions.values())}


def _created(error: BaseException | None) -> bool:
    if error is None:
        return True
    if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return False
    raise error
