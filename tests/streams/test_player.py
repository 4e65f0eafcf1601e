"""What stands in the public topics after a scenario was played."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import confluent_kafka as ck
import pytest

from schemas.cards import load_cards
from schemas.instants import SECOND_US, from_text
from streams.brokers import Broker
from streams.parties import load_parties, public_feeds
from streams.player import BUCKET_S, TICK_US, Played, PlayError, last_tick_us, play, records_of, tick_at_or_after
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.senders import Senders
from streams.settings import Settings
from streams.story import Story
from streams.ticks import TICK_HEADER

Topic = Callable[..., str]
BEGINS_US = from_text("2026-04-01T00:00:00Z")
ENDS_US = from_text("2026-04-01T03:00:00Z")


class Stood(NamedTuple):
    """A record as it is found: a tick has an instant, and nothing else."""

    at_us: int
    value: bytes | None
    tick_us: int | None
    key: bytes | None
    headers: dict[str, bytes]


def at(broker: Broker) -> Settings:
    return Settings(brokers=broker.bootstrap)


def simulated(topic: Topic, partitions: int) -> str:
    config = load_cards()["jlis-events"].broker_config(simulated=True)
    return topic(partitions, **{name.replace(".", "_"): value for name, value in config.items()})


def record(name: str, minute: float, number: int) -> Played:
    arrived_us = BEGINS_US + int(minute * 60_000) * 1_000
    return Played(arrived_us, name, f"key {number}".encode(), f"{number}".encode(), [("tairyu-speaker", b"112216")])


def stood(broker: Broker, name: str, partitions: int) -> list[list[Stood]]:
    return [list(_stood(broker, name, partition)) for partition in range(partitions)]


def _stood(broker: Broker, name: str, partition: int) -> Iterator[Stood]:
    consumer = ck.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "test-player", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    consumer.assign([ck.TopicPartition(name, partition, 0)])
    try:
        while (message := consumer.poll(20)) is not None:
            if (error := message.error()) is not None:
                assert error.code() == ck.KafkaError._PARTITION_EOF, error
                return
            headers = headers_of(message)
            tick = headers.get(TICK_HEADER)
            value, key = message.value(), message.key()
            yield Stood(
                message.timestamp()[1] * 1_000,
                None if value is None else bytes(value),
                None if tick is None else from_text(tick.decode()),
                None if key is None else bytes(key),
                headers,
            )
    finally:
        consumer.close()
    raise AssertionError("the partition was not read to its end")


def headers_of(message: ck.Message) -> dict[str, bytes]:
    given: Any = message.headers() or []  # the client's own stubs are wrong about it
    return dict(given)


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        ("2026-05-14T15:00:00Z", "2026-05-15T00:10:00Z"),  # boundaries at 18:00 and 24:00
        ("2026-05-14T18:00:00Z", "2026-05-15T06:10:00Z"),  # a boundary itself is not the next one
        ("2026-05-14T17:59:59.999Z", "2026-05-15T00:10:00Z"),
    ],
)
def test_the_last_tick_is_past_the_next_two_bucket_boundaries(ends: str, last: str) -> None:
    assert last_tick_us(from_text(ends)) == from_text(last)


def test_ticks_stand_on_the_full_ten_minutes() -> None:
    assert BUCKET_S * SECOND_US % TICK_US == 0
    assert tick_at_or_after(TICK_US) == TICK_US
    assert tick_at_or_after(TICK_US + 1) == 2 * TICK_US


def test_a_tick_stands_behind_all_that_arrived_up_to_it_in_every_partition(broker: Broker, topic: Topic) -> None:
    topics = {simulated(topic, 3): 3, simulated(topic, 1): 1}
    wide, narrow = topics
    # 10:00 just before, at, and just after the tick at ten minutes past
    minutes = [0, 3, 9.9995, 10, 10, 10.0005, 25, 120]
    records = [record(wide if number % 2 else narrow, minute, number) for number, minute in enumerate(minutes)]
    heard: list[int] = []
    assert play(records, topics, at(broker), begins_us=BEGINS_US, ends_us=ENDS_US, progress=heard.append) == len(minutes)

    grid = [*range(BEGINS_US, last_tick_us(ENDS_US) + 1, TICK_US)]
    assert heard == grid
    found: dict[bytes, Stood] = {}
    for name, partitions in topics.items():
        for partition in stood(broker, name, partitions):
            assert [each.tick_us for each in partition if each.tick_us is not None] == grid
            assert [each.at_us for each in partition] == sorted(each.at_us for each in partition)
            through_us = -1
            for each in partition:
                if each.tick_us is not None:
                    assert (each.at_us, each.key, each.value) == (each.tick_us, None, None)
                    through_us = each.tick_us
                else:
                    assert each.at_us > through_us
                    found[each.value or b""] = each
    assert sorted(found) == sorted(sent.value for sent in records)
    for sent in records:
        there = found[sent.value]
        assert (there.at_us, there.key, there.headers) == (sent.arrived_us, sent.key, {"tairyu-speaker": b"112216"})


def test_one_applications_records_stay_in_one_partition(embedded: Broker, create_topic: Topic) -> None:
    name = create_topic(embedded, 4)
    records = [record(name, minute, minute % 7) for minute in range(70)]
    play(records, {name: 4}, at(embedded), begins_us=BEGINS_US, ends_us=ENDS_US)
    places: dict[bytes, set[int]] = defaultdict(set)
    for number, partition in enumerate(stood(embedded, name, 4)):
        for each in partition:
            if each.key is not None:
                places[each.key].add(number)
    assert len(places) == 7
    assert all(len(numbers) == 1 for numbers in places.values())


@pytest.mark.parametrize(
    "wrong",
    [
        [record("t", 2, 1), record("t", 1, 2)],
        [record("t", -1, 1)],
        [record("t", 1, 1)._replace(arrived_us=BEGINS_US + 1)],
    ],
)
def test_records_out_of_order_or_between_milliseconds_are_not_played(embedded: Broker, create_topic: Topic, wrong: list[Played]) -> None:
    name = create_topic(embedded, 1)
    with pytest.raises(ValueError, match="not by arrival, or no whole milliseconds"):
        play([each._replace(topic=name) for each in wrong], {name: 1}, at(embedded), begins_us=BEGINS_US, ends_us=ENDS_US)


def test_a_record_that_the_broker_does_not_take_ends_the_play(embedded: Broker, create_topic: Topic) -> None:
    name = create_topic(embedded, 1)
    with pytest.raises(PlayError, match="the broker did not take a record"):
        # a partition too many: there is no second one to tick in
        play([], {name: 2}, at(embedded), begins_us=BEGINS_US, ends_us=ENDS_US)


def test_the_soka_case_plays_as_public_records(embedded: Broker, create_topic: Topic) -> None:
    """Who speaks is told by topic and header; arrival by the timestamp; neither by the value."""
    files = Settings.model_construct()
    policies, parties, cards = load_policies(files.policy), load_parties(files.parties), load_cards()
    feeds = public_feeds(parties, policies.newest, cards)
    story = Story(load_scenario("soka", held=5), policies, 1)
    records = list(records_of(story.tidings, Senders(parties, feeds.values(), cards)))
    assert {each.topic for each in records} == set(feeds)
    assert [each.arrived_us for each in records] == [tiding.arrived_us for tiding in story.tidings]
    assert not any(b'"received"' in each.value or b'"speaker"' in each.value for each in records)

    renamed = {topic: create_topic(embedded, feed.partitions) for topic, feed in feeds.items()}
    topics = {renamed[topic]: feed.partitions for topic, feed in feeds.items()}
    played = (each._replace(topic=renamed[each.topic]) for each in records)
    count = play(played, topics, at(embedded), begins_us=story.world.begins_us, ends_us=story.world.ends_us)
    assert count == len(records)
    values = [each.value for name, partitions in topics.items() for partition in stood(embedded, name, partitions) for each in partition]
    assert sorted(value for value in values if value is not None) == sorted(each.value for each in records)
