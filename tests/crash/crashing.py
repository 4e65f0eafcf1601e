"""A stage that is ended exactly at a named place."""

import signal
from collections.abc import Mapping

from streams.failpoints import VARIABLE
from tests.pipeline.works import Works

PATIENCE_S = 60.0


def crash(works: Works, stage: str, order: str, env: Mapping[str, str] | None = None) -> None:
    """Runs the stage until it is killed at the place; anything else that ends it, or nothing, is a failure."""
    program = works.run(stage, f"{stage}-crashing", {**(env or {}), VARIABLE: order})
    assert program.wait(PATIENCE_S), f"{order} was not reached\n{program.last_words()}"
    assert program.exit_code == -signal.SIGKILL, f"{order}: {program.exit_code}\n{program.last_words()}"


def stop(works: Works, name: str) -> None:
    program = works.programs[name]
    assert program.stop(), works.last_words()
    assert program.exit_code == 0, program.last_words()
