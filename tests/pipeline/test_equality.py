"""One log, judged twice, kept once: over a seeded mix of everything odd, on both brokers; and over the demo's log.

``TAIRYU_TEST_APPLICATIONS`` sets the size (400): the acceptance of a release runs 20,000.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from schemas.instants import SECOND_US
from streams.programs import Program
from tests.mixed import Sent, mixed_events
from tests.pipeline.equality import (
    EVENTS,
    HOPS,
    REFUSALS,
    TRANSITIONS,
    Left,
    doubled,
    event_rows,
    hashable,
    hop_rows,
    left_by,
    origins,
    refusal_rows,
    transition_rows,
)
from tests.pipeline.works import Works, own_broker

APPLICATIONS = int(os.environ.get("TAIRYU_TEST_APPLICATIONS", "400"))
PATIENCE_S = 60 + APPLICATIONS / 50
BOTH = [pytest.param("embedded", marks=pytest.mark.embedded), pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture
def works(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Works]:
    kind = request.param
    with own_broker(kind, tmp_path, request.getfixturevalue("kafka_jars") if kind == "kafka" else None) as broker:
        works = Works(broker, tmp_path / "works")
        try:
            yield works
        finally:
            works.close()


def mixed(seed: int) -> list[Sent]:
    return list(mixed_events(APPLICATIONS, seed, time.time_ns() // 1_000))


def unreadable(rng: Random, count: int) -> list[tuple[str, list[tuple[str, bytes]], bytes]]:
    """Records that are refused, each for a reason of its own."""
    values = [b"no JSON", b"[" * 1_000, b"{}", json.dumps({"specversion": "1.0", "id": "1", "source": "/x", "type": "y"}).encode()]
    return [(f"kiosk-events.{rng.choice(['plaza', 'tokiwa'])}", [], rng.choice(values)) for _ in range(count)]


def send_in_parts(works: Works, seed: int, between: Callable[[int], None] = lambda part: None) -> None:
    """In three parts, the later ones sent when something of the earlier was found to be held: so it is seen to be cleared.

    Returns when all silence by then is judged.
    """
    events, rng = mixed(seed), Random(seed)
    third = len(events) // 3 + 1
    for part in range(3):
        raised = works.said("raised")
        works.send(events[part * third : (part + 1) * third])
        works.send_raw(unreadable(rng, 20))
        between(part)
        works.wait(lambda raised=raised: works.handled() == len(works.origins) and works.said("raised") > raised, PATIENCE_S)
    now_us = time.time_ns() // 1_000
    works.wait(lambda: works.all_clocks_passed(now_us + 2 * SECOND_US), PATIENCE_S)


def check_history(works: Works, left: Left) -> None:
    expected = {
        "events": (EVENTS, event_rows(left.custody)),
        "refusals": (REFUSALS, refusal_rows(left.custody)),
        "transitions": (TRANSITIONS, transition_rows(left.transitions)),
        "hops_now": (HOPS, hop_rows(left.verdicts)),
    }
    wanted = {table: len(rows) for table, (_, rows) in expected.items()}
    found: dict[str, int] = {}

    def complete() -> bool:
        found.update({table: works.ask(f"SELECT count() FROM {table}")[0][0] for table in expected})
        return found == wanted

    works.wait(complete, PATIENCE_S, lambda: f"history has {found}, wanted {wanted}")
    for table, (sql, rows) in expected.items():
        kept = hashable(works.ask(sql))
        assert (kept - rows, rows - kept) == (set(), set()), table


def check(works: Works, intakes: Sequence[str] = ("intake",)) -> dict[str, int]:
    """Stops intake, so that the logs stand still, and compares everything with everything."""
    for name in intakes:
        assert works.programs[name].stop(), works.last_words()
        assert works.programs[name].exit_code == 0, works.last_words()
    works.wait(lambda: works.handled() == len(works.origins) and works.all_applied(), PATIENCE_S)
    left = left_by(works.settings, works.policies)

    assert sorted(origins(left.custody)) == sorted(works.origins), doubled(origins(left.custody))
    assert left.judged.keys() == left.said.keys()
    for number, said in left.said.items():
        assert left.judged[number] == said, f"partition {number}"
    check_history(works, left)
    return {
        "public": len(works.origins),
        "custody": len(left.custody),
        "said": sum(map(len, left.said.values())),
        "transitions": len(left.transitions),
        "verdicts": len(left.verdicts),
    }


@pytest.mark.parametrize("works", BOTH, indirect=True)
def test_judge_and_history_say_exactly_what_the_watch_committed(works: Works, record_property: Callable[[str, object], None]) -> None:
    for stage in ("history", "watch", "intake"):
        works.run(stage)

    send_in_parts(works, 41)

    figures = check(works)
    record_property("figures", figures)
    print(figures)
    kinds = {kind for (kind,) in works.ask("SELECT DISTINCT kind FROM transitions")}
    assert kinds >= {"raised", "escalated", "cleared", "recorded", "retracted"}
    assert works.ask("SELECT count(DISTINCT reason) > 1 FROM refusals") == [(True,)]


def kill(program: Program) -> None:
    os.kill(program.pid, signal.SIGKILL)
    assert program.wait(10)


@pytest.mark.parametrize("works", BOTH[1:], indirect=True)
def test_so_do_two_intakes_and_two_watches_though_each_is_killed_in_the_middle(
    works: Works, record_property: Callable[[str, object], None]
) -> None:
    works.run("history")
    for number in (1, 2):
        works.run("watch", f"watch-{number}")
        works.run("intake", f"intake-{number}")

    def between(part: int) -> None:
        """Kills while something is in hand: some of the part is handled, and some is not."""
        if part < 2:
            already = works.handled()
            works.wait(lambda: works.handled() > already, PATIENCE_S)
            for name in (f"watch-{part + 1}", f"intake-{part + 1}"):
                kill(works.programs[name])
                works.programs[name].start()

    send_in_parts(works, 43, between)

    figures = check(works, ["intake-1", "intake-2"])
    record_property("figures", figures)
    print(figures)
