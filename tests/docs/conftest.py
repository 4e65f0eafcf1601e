"""Intake and watch on an Apache Kafka of their own, which the programs of the documents talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.works import Works, own_broker


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory, kafka_jars: Path) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("docs")
    with own_broker("kafka", folder, kafka_jars) as broker:
        works = Works(broker, folder / "works")
        try:
            works.run("intake")
            works.run("watch")
            yield works
        finally:
            works.close()
