"""A set-up of an operator, in a folder of its own."""

from pathlib import Path

import pytest

from tests.operations.house import Box


@pytest.fixture
def box(tmp_path: Path, kafka_jars: Path) -> Box:
    return Box(tmp_path / "data", kafka_jars)
