"""The watch, killed between its effects: what stands in stall-events is what `judge --log` says, byte for byte."""

import pytest

from tests.crash.crashing import PATIENCE_S, crash, stop
from tests.crash.logs import write_custody_log
from tests.pipeline.equality import left_by
from tests.pipeline.works import Works

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("crash-watch")]

ORDERS = [
    "watch.after_produce",
    "watch.after_commit",
    "watch.before_memory",
    "watch.after_fencing",
    "watch.in_loading:20",
]
"""The ledger that the last one reads is what the first ones left."""


@pytest.mark.parametrize("order", ORDERS)
def test_killed_there_the_watch_says_everything_once(works: Works, order: str) -> None:
    events = works.handled() + write_custody_log(works, seed=ORDERS.index(order), applications=25)
    crash(works, "watch", order)
    events += write_custody_log(works, seed=50 + ORDERS.index(order), applications=5)
    works.wait(lambda: works.handled() == events)

    works.run("watch")
    works.wait(works.all_applied, PATIENCE_S)
    stop(works, "watch")

    left = left_by(works.settings, works.policies)
    assert min(map(len, left.said.values())) > 10 * (ORDERS.index(order) + 1)
    assert left.said == left.judged
