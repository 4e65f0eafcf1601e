"""Topics as their cards say, on both brokers."""

import uuid

import msgspec
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from schemas.cards import Card, load_cards
from streams.brokers import Broker
from streams.parties import Feed
from streams.settings import Settings
from streams.topics import ensure_topics, topic_ids, wanted_topics

LONGEST = "9223372036854775807"


@pytest.fixture
def cards() -> dict[str, Card]:
    """The cards, under names that no other test has."""
    prefix = f"test-{uuid.uuid4().hex}-"
    return {key: msgspec.structs.replace(card, name=prefix + card.name) for key, card in load_cards().items()}


def feeds_of(cards: dict[str, Card], *vendors: str, partitions: int = 2) -> dict[str, Feed]:
    """One feed for each vendor, and the two shared ones."""
    own = [Feed(cards["kiosk-events"].topic(vendor), "kiosk-events", vendor, ("vendor",), vendor, partitions) for vendor in vendors]
    shared = [Feed(cards[name].topic(), name, None, cards[name].speakers, None, partitions) for name in ("jlis-events", "municipal-events")]
    return {feed.topic: feed for feed in own + shared}


def settings_of(broker: Broker, **more: object) -> Settings:
    return Settings.model_validate({"brokers": broker.bootstrap, "embedded": broker.embedded, **more})


def kept_config(broker: Broker, name: str) -> dict[str, str]:
    """What the broker itself says about a topic."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    (described,) = admin.describe_configs([resource]).values()
    return {key: entry.value for key, entry in described.result(20).items()}


def partitions(broker: Broker) -> dict[str, int]:
    topics = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=20).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def test_each_vendor_has_a_topic_and_the_others_share_one() -> None:
    cards = load_cards()
    names = [topic.name for topic in wanted_topics(Settings(), cards, feeds_of(cards, "plaza", "tokiwa"))]

    assert sorted(name for name in names if name.startswith("kiosk-events")) == ["kiosk-events.plaza", "kiosk-events.tokiwa"]
    assert names.count("municipal-events") == names.count("jlis-events") == 1
    assert len(names) == len(set(names)) == len(cards) + 1


def test_what_goes_together_by_application_has_the_same_partitions() -> None:
    cards = load_cards()
    feeds = feeds_of(cards, "plaza", partitions=3)
    wanted = {topic.name: topic.partitions for topic in wanted_topics(Settings(log_partitions=7), cards, feeds)}

    assert [wanted[name] for name in ("custody-log", "applications", "stall-events", "stalls")] == [7, 7, 7, 7]
    assert [wanted[name] for name in ("kiosk-events.plaza", "jlis-events", "municipal-events")] == [3, 3, 3]
    assert wanted["dead-letters"] == cards["dead-letters"].partitions


def test_every_card_becomes_a_topic_with_its_partitions(broker: Broker, cards: dict[str, Card]) -> None:
    created = ensure_topics(settings_of(broker, log_partitions=3), cards, feeds_of(cards, "plaza", "tokiwa"))

    there = partitions(broker)
    assert {name: there[name] for name in created} == {
        topic.name: topic.partitions for topic in wanted_topics(Settings(log_partitions=3), cards, feeds_of(cards, "plaza", "tokiwa"))
    }


def test_what_exists_stays_as_it_is(broker: Broker, cards: dict[str, Card]) -> None:
    ensure_topics(settings_of(broker, log_partitions=3), cards, feeds_of(cards, "plaza", "tokiwa"))

    again = ensure_topics(settings_of(broker, log_partitions=5), cards, feeds_of(cards, "plaza", "tokiwa", "minato"))

    assert again == [cards["kiosk-events"].topic("minato")]
    assert partitions(broker)[cards["custody-log"].topic()] == 3


def test_kafka_keeps_a_public_topic_by_arrival_and_for_its_days(kafka: Broker, cards: dict[str, Card]) -> None:
    ensure_topics(settings_of(kafka), cards, feeds_of(cards, "plaza", "tokiwa"))

    config = kept_config(kafka, cards["jlis-events"].topic())
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["retention.ms"] == str(cards["jlis-events"].retention_ms)
    assert kept_config(kafka, cards["stalls"].topic())["cleanup.policy"] == "compact"


def test_in_a_simulation_kafka_neither_deletes_nor_refuses_scenario_time(kafka: Broker, cards: dict[str, Card]) -> None:
    ensure_topics(settings_of(kafka, simulation=True), cards, feeds_of(cards, "plaza", "tokiwa"))

    for name in (cards["jlis-events"].topic(), cards["kiosk-events"].topic("plaza"), cards["municipal-events"].topic()):
        config = kept_config(kafka, name)
        assert config["message.timestamp.type"] == "CreateTime"
        assert config["retention.ms"] == "-1"
        assert config["message.timestamp.after.max.ms"] == LONGEST


def test_a_topic_that_the_broker_refuses_is_an_error(kafka: Broker, cards: dict[str, Card]) -> None:
    wrong = {"dead-letters": msgspec.structs.replace(cards["dead-letters"], name="no topic has a name like this")}

    with pytest.raises(KafkaException):
        ensure_topics(settings_of(kafka), wrong, {})


def test_a_topic_made_again_is_another_log(broker: Broker, cards: dict[str, Card]) -> None:
    settings = settings_of(broker)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    name = cards["dead-letters"].topic()
    only = {"dead-letters": cards["dead-letters"]}
    ensure_topics(settings, only, {})
    first = topic_ids(admin, [name])
    assert topic_ids(admin, [name]) == first

    admin.delete_topics([name])[name].result(20)
    while not ensure_topics(settings, only, {}):  # Kafka deletes in its own time
        pass

    assert topic_ids(admin, [name]) != first
