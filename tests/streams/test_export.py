"""A log as lines: every committed record to its end as it is now, on both brokers."""

import json
import socket
from collections.abc import Callable

import confluent_kafka as ck
import pytest

from streams.brokers import Broker
from streams.export import line_of, read_log
from streams.log_reader import LogError
from streams.settings import Settings


def transactional(broker: Broker, name: str) -> ck.Producer:
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name, "log_level": 0})
    producer.init_transactions(20)
    return producer


def lines(broker: Broker, topic: str) -> list[dict[str, object]]:
    return [json.loads(line_of(message)) for message in read_log(Settings(brokers=broker.bootstrap), topic)]


def test_a_log_is_read_partition_by_partition_in_its_order(broker: Broker, topic: Callable[..., str]) -> None:
    name = topic(3)
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(30):
        producer.produce(name, json.dumps({"n": number}).encode(), b"key", partition=number % 2)
    producer.flush(20)

    found = lines(broker, name)

    assert [(line["partition"], line["offset"]) for line in found] == [(part, offset) for part in (0, 1) for offset in range(15)]
    assert [line["value"] for line in found] == [{"n": number} for part in (0, 1) for number in range(part, 30, 2)]
    assert {line["key"] for line in found} == {"key"}


def test_only_what_is_committed_is_read(broker: Broker, topic: Callable[..., str]) -> None:
    name = topic(1)
    producer = transactional(broker, f"{name}-a")
    producer.begin_transaction()
    producer.produce(name, b'"committed"')
    producer.commit_transaction(20)
    assert [line["value"] for line in lines(broker, name)] == ["committed"]

    producer.begin_transaction()
    producer.produce(name, b'"open"')
    producer.flush(20)
    # still open: reading neither gives it nor waits for it
    assert [line["value"] for line in lines(broker, name)] == ["committed"]
    producer.commit_transaction(20)
    assert [line["value"] for line in lines(broker, name)] == ["committed", "open"]


def test_a_line_has_the_value_as_it_is_and_a_tombstone_as_null(broker: Broker, topic: Callable[..., str]) -> None:
    name = topic(1)
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(name, '{"b":1.50, "a":"滞留"}'.encode(), b"k")
    producer.produce(name, None, None)
    producer.flush(20)

    found = [line_of(message).decode() for message in read_log(Settings(brokers=broker.bootstrap), name)]

    assert found == [
        '{"partition":0,"offset":0,"key":"k","value":{"b":1.50, "a":"滞留"}}',
        '{"partition":0,"offset":1,"key":null,"value":null}',
    ]


def test_an_empty_log_has_no_lines(broker: Broker, topic: Callable[..., str]) -> None:
    assert lines(broker, topic(4)) == []


def test_a_topic_that_is_not_there_is_said(broker: Broker) -> None:
    with pytest.raises(LogError) as raised:
        lines(broker, "nowhere")

    assert str(raised.value) == f"the broker at {broker.bootstrap} has no topic nowhere: is it a broker of Tairyu's?"


def test_a_broker_that_does_not_answer_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LogError) as raised:
            list(read_log(Settings(brokers=address), "custody-log"))

    assert str(raised.value).startswith(f"the broker at {address} does not answer (")
