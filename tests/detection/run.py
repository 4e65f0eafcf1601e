"""Simulated traffic through the real stages, by the simulation's clock, and what they finally say of it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from schemas.instants import from_text
from streams.cli.demo_run import DemoRun, Player, Seen
from streams.scenario import load_scenario
from streams.settings import Settings, load_settings
from streams.story import Story
from tests.detection.table import Final, Hop, Row, table

FINAL = """
SELECT token, hop, attempt, state, level, toUnixTimestamp64Micro(entered_at), toUnixTimestamp64Micro(closed_at) FROM hops_now"""
QUIET_S = 30.0


class Simulated(DemoRun):
    """As the demo runs its scenario; ``follow_days`` None: for as long as the scenario says."""

    def __init__(
        self, folder: Path, scenario: str, seed: int, applications: int, days: int, follow_days: int | None = None, kafka: bool = False
    ) -> None:
        super().__init__(folder, scenario, seed, None, kafka, Settings.model_construct(kafka_jars=load_settings().kafka_jars))
        self._asked, self._follow_days = (applications, days), follow_days

    @cached_property
    def story(self) -> Story:
        scenario = load_scenario(self.scenario, None, *self._asked)
        if self._follow_days is not None:
            scenario = replace(scenario, follow_days=self._follow_days)
        return Story(scenario, self.policies, self.seed)


@dataclass(frozen=True)
class Found:
    events: int
    transitions: Counter[str]
    truth: dict[Hop, Final]
    final: dict[Hop, Final]
    rows: dict[str, Row]
    seconds: float

    @property
    def differ(self) -> list[Hop]:
        """Whose final verdict is not the true one."""
        return sorted(hop for hop in self.truth.keys() | self.final.keys() if self.truth.get(hop) != self.final.get(hop))


def find(run: Simulated, say: Callable[[str], None]) -> Found:
    truth = true_of(run.story)
    say(f"{len(run.story.told)} applications and the truth of {len(truth)} hops are told")
    began_s = time.monotonic()
    with run.set_up(say) as set_up:
        player, seen = Player(run, set_up.settings, 0.0), Seen()
        player.start()
        for _ in run.watch(set_up, seen):
            pass
        events = player.finish()
        say(f"{events} events were played, and judged to the end after {time.monotonic() - began_s:.0f} s")
        client = run.wait_for_history(set_up, events, len(seen.transitions), lambda rows: None)
        final = _final(client, truth, say)
        client.close()
    raised = {(each.data.token, each.data.hop, each.data.attempt) for each in seen.transitions if each.data.kind == "raised"}
    kinds = Counter(each.data.kind for each in seen.transitions)
    return Found(events, kinds, truth, final, table(run.story, raised, final), time.monotonic() - began_s)


def true_of(story: Story) -> dict[Hop, Final]:
    return {
        (row.token, row.hop, row.attempt): Final(
            row.verdict, row.level, from_text(row.entered_at), None if row.closed_at is None else from_text(row.closed_at)
        )
        for row in story.truth
    }


def _final(client: Any, truth: dict[Hop, Final], say: Callable[[str], None]) -> dict[Hop, Final]:
    """What history has once it is the truth, or has not changed for a while: it writes hops behind everything else."""
    rows: Any = None
    moved_s, final = time.monotonic(), dict[Hop, Final]()
    while final != truth and time.monotonic() - moved_s < QUIET_S:
        time.sleep(1)
        found = sorted(client.query(FINAL).result_rows, key=str)
        if found != rows:
            rows, moved_s = found, time.monotonic()
            final = {(name, hop, attempt): Final(*rest) for name, hop, attempt, *rest in rows}
            say(f"{len(final)} hops, {sum(final.get(hop) == true for hop, true in truth.items())} as in the truth")
    return final
