"""Between two owners of a partition: what the earlier one could still commit, the later one has loaded."""

import threading
from collections.abc import Callable

import confluent_kafka as ck
import pytest

from schemas.records import Applied
from streams.brokers import Broker
from streams.ledger import Held
from streams.settings import Settings
from tests.streams.story import MY_NUMBER, token_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("crash-intake")]

REST_S = 0.7
"""Between two commits: longer than a reader waits before it says that it is at the end."""


def commit_until_fenced(held: Held, going: threading.Event, over: threading.Event) -> int:
    """The last position that was surely committed: one small batch after the other, as long as the broker takes them."""
    last = -1
    while not over.is_set():
        try:
            held.commit({token_of(1).encode(): None}, Applied(offset=last + 1), [])
        except ck.KafkaException:
            return last
        last += 1
        going.set()
        over.wait(REST_S)
    return last


def test_whatever_an_earlier_owner_could_still_commit_is_loaded(kafka: Broker, create_topic: Callable[..., str]) -> None:
    settings, ledger = Settings(brokers=kafka.bootstrap), create_topic(kafka, 1)
    going, over = threading.Event(), threading.Event()
    first = Held(settings, ledger, 0, MY_NUMBER)
    committed: list[int] = []
    earlier = threading.Thread(target=lambda: committed.append(commit_until_fenced(first, going, over)))
    earlier.start()
    assert going.wait(30)

    second = Held(settings, ledger, 0, MY_NUMBER)

    earlier.join(10)
    over.set()
    earlier.join()
    assert [second.applied] == committed
