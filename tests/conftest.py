"""Brokers for the tests: one of each kind per session (per xdist worker), started when first asked for."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.brokers import Broker, EmbeddedBroker, KafkaBroker, kafka_missing
from streams.topics import wait_for_topics

JARS = Path(os.environ.get("TAIRYU_KAFKA_JARS") or Path(__file__).parents[1] / ".cache" / "kafka")
ABSENT = "is not here"
"""Says why a test was not run: what it needs is missing on this machine."""
NOT_RUN = f"real Apache Kafka {ABSENT}"


def new_topic(broker: Broker, partitions: int = 1, **config: str) -> str:
    """Creates a topic nobody else uses; ``config`` has ``_`` for ``.`` (``cleanup_policy="compact"``). Gives its name."""
    name = f"test-{uuid.uuid4().hex}"
    settings = {key.replace("_", "."): value for key, value in config.items()}
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for created in admin.create_topics([NewTopic(name, partitions, 1, config=settings)]).values():
        created.result(20)
    wait_for_topics(admin, [name])
    return name


@pytest.fixture(scope="session")
def embedded() -> Iterator[Broker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """The cache of Kafka's jars, where Kafka can run; else the test is listed as not run."""
    if missing := kafka_missing(JARS):
        pytest.skip(f"{NOT_RUN}: {missing}")
    return JARS


@pytest.fixture(scope="session")
def kafka(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), cache=kafka_jars) as broker:
        yield broker


@pytest.fixture(params=[pytest.param("embedded", marks=pytest.mark.embedded), pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each test that takes it runs on both brokers."""
    found: Broker = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def create_topic() -> Callable[..., str]:
    """``create_topic(broker, partitions, **config)``, for tests that name their broker."""
    return new_topic


@pytest.fixture
def topic(broker: Broker) -> Callable[..., str]:
    """``topic(partitions, **config)``: a new topic on ``broker``."""
    return lambda partitions=1, **config: new_topic(broker, partitions, **config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A suite without Kafka is green, but nobody may take it for the whole."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if ABSENT in str(report.longrepr)]
    if skipped:
        terminalreporter.section(f"NOT RUN: {len(skipped)} tests", red=True, bold=True)
        for report in skipped:
            terminalreporter.line(f"  not run  {report.nodeid}: {report.longrepr[-1].removeprefix('Skipped: ')}")
