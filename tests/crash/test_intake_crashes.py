"""Intake, killed between its effects: every public record stands once in custody-log, and no T goes back."""

import time
from collections import Counter

import orjson
import pytest

from tests.crash.crashing import PATIENCE_S, crash, stop
from tests.mixed import mixed_events
from tests.pipeline.works import CUSTODY, Works
from tests.streams.intake_house import Line, check_promises

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("crash-intake")]

ORDERS = ["intake.after_produce", "intake.after_offsets", "intake.after_commit", "intake.after_produce:4", "intake.after_commit:3"]
"""The first transaction is the batch that waits there; later ones are pulses, or what comes then."""

SLOT = {"TAIRYU_INTAKE_SLOT": "only"}
"""The successor ends at once what its predecessor left open."""


def send(works: Works, seed: int) -> None:
    works.send(list(mixed_events(30, seed, time.time_ns() // 1_000)))
    works.send_raw([("kiosk-events.plaza", [], b"no JSON")] * 5)


@pytest.mark.parametrize("order", ORDERS)
def test_killed_there_intake_takes_in_every_record_once(works: Works, order: str) -> None:
    send(works, seed=ORDERS.index(order))
    crash(works, "intake", order, SLOT)
    send(works, seed=100 + ORDERS.index(order))

    works.run("intake", env=SLOT)
    works.wait(lambda: works.handled() >= len(works.origins), PATIENCE_S)
    stop(works, "intake")

    lines = told(works)
    assert Counter(line.origin for line in lines if line.kind != "pulse") == Counter(works.origins)
    check_promises(lines)


def told(works: Works) -> list[Line]:
    return [
        Line(line.partition, line.offset, line.key, orjson.loads(line.value or b""), line.value or b"")
        for lines in works.logs[CUSTODY].values()
        for line in lines
    ]
