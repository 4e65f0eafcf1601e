"""One Kafka and one set of topics for each module of crashes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.works import Works, own_broker


@pytest.fixture(scope="module")
def works(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("crash")
    with own_broker("kafka", folder, kafka_jars) as broker:
        works = Works(broker, folder / "works", log_partitions=2, public_partitions=1)
        try:
            yield works
        finally:
            works.close()
