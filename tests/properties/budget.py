"""How many histories a property is tried on: few in `make test`, always the same ones; many in `make soak`, by the seed it prints."""

import os
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., None])

VARIABLE = "TAIRYU_TEST_HISTORIES"
LONG = VARIABLE in os.environ
HISTORIES = int(os.environ.get(VARIABLE, "500"))


def tried(share: float = 1.0) -> Callable[[Test], Test]:
    """Settings of a property: ``share`` of all histories."""
    made: Callable[[Test], Test] = settings(
        max_examples=max(1, int(HISTORIES * share)),
        deadline=None,
        database=None,
        derandomize=not LONG,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    return made
