"""The demo's log, in scenario time: judged again, and kept, to the last row; its tail is cut by the player's last ticks."""

import time
from pathlib import Path

import pytest

from schemas.codec import decode_applied
from schemas.records import APPLIED_KEY
from streams.cli.demo_run import DemoRun, Player, Seen
from streams.export import read_log
from streams.settings import Settings
from streams.ticks import TICK_HEADER
from streams.up import SetUp
from tests.pipeline.equality import (
    EVENTS,
    HOPS,
    TRANSITIONS,
    Left,
    event_rows,
    hashable,
    hop_rows,
    left_by,
    origins,
    refusal_rows,
    transition_rows,
)
from tests.pipeline.works import APPLICATIONS, CUSTODY

SEED, HELD = 11, 3


def public_origins(run: DemoRun, settings: Settings) -> list[str]:
    """Of everything but ticks in the public topics."""
    return [
        f"{topic}:{message.partition()}:{message.offset()}"
        for topic in run.feeds
        for message in read_log(settings, topic)
        if TICK_HEADER not in dict(message.headers() or [])
    ]


def last_pulses_are_applied(set_up: SetUp) -> bool:
    """Whether the ledger contains each partition's last record of custody-log, now that nothing is added any more."""
    ends = {message.partition(): message.offset() or 0 for message in read_log(set_up.settings, CUSTODY)}
    applied = {
        m.partition(): decode_applied(m.value() or b"").offset for m in read_log(set_up.settings, APPLICATIONS) if m.key() == APPLIED_KEY
    }
    return ends.keys() == applied.keys() and all(applied[number] >= end for number, end in ends.items())


def left_in(run: DemoRun, set_up: SetUp) -> tuple[int, Left]:
    """Plays the scenario to its end. How many events were played, and what is left when every stage has read them."""
    player, seen = Player(run, set_up.settings, 0.0), Seen()
    player.start()
    for _ in run.watch(set_up, seen):
        pass
    played = player.finish()
    give_up = time.monotonic() + 60
    while not last_pulses_are_applied(set_up):
        assert time.monotonic() < give_up
        set_up.wait(0.2)
    return played, left_by(set_up.settings, run.policies)


@pytest.mark.embedded
def test_judge_and_history_say_of_the_demo_what_the_watch_committed(tmp_path: Path) -> None:
    run = DemoRun(tmp_path, "soka", SEED, HELD, False, Settings())
    said: list[str] = []
    with run.set_up(said.append) as set_up:
        played, left = left_in(run, set_up)
        client = run.wait_for_history(set_up, played, len(left.transitions), lambda count: None)
        kept = {sql: hashable(tuple(row) for row in client.query(sql).result_rows) for sql in (EVENTS, TRANSITIONS, HOPS)}
        client.close()
        assert sorted(origins(left.custody)) == sorted(public_origins(run, set_up.settings))

    assert refusal_rows(left.custody) == set()
    assert played == len(event_rows(left.custody))
    assert left.judged == left.said
    # all of stall-events lies before its last cut, but for the marks
    assert len(left.transitions) == sum(b'"key":null' not in line for lines in left.said.values() for line in lines)
    assert len(left.transitions) > 2 * HELD
    assert kept[EVENTS] == event_rows(left.custody)
    assert kept[TRANSITIONS] == transition_rows(left.transitions)
    assert kept[HOPS] == hop_rows(left.verdicts)
