"""A user's house, and one ``tairyu up`` that the commands of a module ask."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import READY, House, Sources, impatient_policy, read_until, stop


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Nothing runs here."""
    return House(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house of a user whose ``tairyu up`` runs."""
    folder = tmp_path_factory.mktemp("up")
    house = House(folder, {"TAIRYU_POLICY": str(impatient_policy(folder))})
    with house.start("up") as process:
        try:
            read_until(process, READY)
            yield house
        finally:
            stop(process)


@pytest.fixture
def sources(request: pytest.FixtureRequest) -> Sources:
    return Sources(random.Random(request.node.nodeid))
