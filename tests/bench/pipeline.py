"""The highest rate that all stages together sustain on this machine: intake, watch, history and chDB, with Apache Kafka beside them.

They run as ``tairyu up --data`` runs them, with the shipped policy. A sender keeps a steady rate of events that happened a moment ago.
Once a second each stage is asked how old what it has handled is (its ``/metrics``); of each few seconds the lowest age counts, since
history's goes up and down with its cuts. A rate is sustained if that age does not grow: its slope over the window stays below five seconds
in a hundred, in every stage, and the sender could send at that rate at all. A quick run only says whether the first rate is sustained.
"""

import time
from collections.abc import Mapping, Sequence
from math import inf, sqrt
from statistics import linear_regression
from typing import NamedTuple
from urllib.request import urlopen

import orjson
from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from streams.programs import Program
from streams.settings import Settings
from streams.up import Plan, SetUp, start_set_up
from tests.bench.latency import said_by, sending
from tests.bench.measurement import BenchError, Findings, Ground, Measurement, Size
from tests.bench.race import cpu_s

AGES = {"intake": "tairyu_feed_clock_lag_seconds", "watch": "tairyu_watch_lag_seconds", "history": "tairyu_history_lag_seconds"}
"""Stage -> how old what it has handled is: of its slowest input."""
GROWS = 0.05
"""Seconds a second: beyond it, less than 95 of 100 events that are sent are handled."""
SENT = 0.97
"""Of the rate, that has to be sent."""


class Numbers(NamedTuple):
    first: int
    """The rate to begin with, events a second."""
    warm_s: float
    window_s: float
    ratio: float
    """How close the rate that is sustained and the one that is not have to be."""
    tries: int


NUMBERS = {
    Size.TINY: Numbers(200, 2, 12, 2.0, 1),
    Size.QUICK: Numbers(10_000, 8, 25, 1.2, 1),
    Size.FULL: Numbers(10_000, 15, 60, 1.07, 8),
}
CUTS_S = 5
"""Between history's cuts."""
HELD_PER_S, DUE_AFTER_S = 20, 65
"""A few stalls, so that every stage has all its work."""
DRAIN_S = 120.0
QUIET_S = 8.0
"""Age below which a stage has caught up: history's cuts are five seconds apart."""


class Try(NamedTuple):
    rate: int
    sent_per_s: float
    slope: Mapping[str, float]
    """Stage -> seconds a second by which the age of what it has handled grew."""
    age_s: Mapping[str, float]
    """At the end of the window."""
    cores: Mapping[str, float]
    """Process -> cores that it kept busy."""

    @property
    def sustained(self) -> bool:
        return self.sent_per_s >= SENT * self.rate and max(self.slope.values()) < GROWS


def measure(ground: Ground) -> Findings:
    numbers, tries = NUMBERS[ground.size], list[Try]()
    folder = ground.folder / "pipeline"
    settings = Settings.model_validate({"kafka_jars": ground.jars})
    with start_set_up(Plan(folder, kafka=True, settings=settings), lambda said: None) as set_up:
        rate: int | None = numbers.first
        while rate is not None and len(tries) < numbers.tries:
            if tries:
                _drain(ground, set_up)
            tries.append(_try(ground, set_up, numbers, rate, ground.seed + len(tries)))
            ground.say(f"pipeline: {_in_words(tries[-1])}")
            rate = _next(tries, numbers)
    best = max((each.rate for each in tries if each.sustained), default=0)
    if not best:
        ground.say("pipeline: no rate that was tried was sustained: the figure is 0")
    return Findings({"pipeline_events_per_s": best}, [_table(tries)], [each._asdict() | {"sustained": each.sustained} for each in tries])


def _next(tries: Sequence[Try], numbers: Numbers) -> int | None:
    """Upwards or downwards by a third, then between the highest that was sustained and the lowest that was not."""
    yes = max((each.rate for each in tries if each.sustained), default=0)
    no = min((each.rate for each in tries if not each.sustained and each.rate > yes), default=0)
    if not no:
        return int(round(yes * 4 / 3, -2))
    if not yes:
        return int(round(no * 3 / 4, -2))
    return None if no / yes < numbers.ratio else int(round(sqrt(no * yes), -2))


def _try(ground: Ground, set_up: SetUp, numbers: Numbers, rate: int, seed: int) -> Try:
    """``seed``: each try has its own, else all its events would contradict those of the try before."""
    sender = sending(ground.folder, set_up.settings, rate, numbers.warm_s + numbers.window_s, seed, HELD_PER_S, DUE_AFTER_S)
    programs = {**{program.name: program for program in set_up.programs}, "the sender": sender}
    sender.start()
    try:
        _wait_for(sender, "began")
        time.sleep(numbers.warm_s)
        began, busy, ages = time.monotonic(), _cpu(programs), list[tuple[float, dict[str, float]]]()
        while sender.running and time.monotonic() - began < numbers.window_s - 1:
            time.sleep(1)
            ages.append((time.monotonic() - began, _ages(ground, set_up)))
        took = time.monotonic() - began
        cores = {name: round((after - busy[name]) / took, 2) for name, after in _cpu(programs).items()}
        ended = _wait_for(sender, "ended")
    finally:
        sender.stop()
    slope = {stage: _slope([at for at, _ in ages], [age[stage] for _, age in ages]) for stage in AGES}
    sent_s = (ended["at_us"] - ended["began_us"]) / 1e6
    return Try(rate, (ended["sent"] - ended["held"]) / sent_s, slope, ages[-1][1], cores)


def _slope(at_s: Sequence[float], ages: Sequence[float]) -> float:
    """Of the lowest ages within some seconds; an age that is not known is a very high one."""
    lowest = [min(1e6, *ages[max(0, place - CUTS_S) : place + 1]) for place in range(len(ages))]
    return linear_regression(at_s[CUTS_S:], lowest[CUTS_S:]).slope


def _wait_for(sender: Program, event: str) -> dict[str, int]:
    while sender.running:
        if said := said_by(sender, event):
            return said
        time.sleep(0.05)
    if said := said_by(sender, event):
        return said
    raise BenchError(f"the sender failed:\n{sender.last_words()}")


def _cpu(programs: Mapping[str, Program]) -> dict[str, float]:
    return {name: cpu_s(program.pid) for name, program in programs.items() if program.running}


def _ages(ground: Ground, set_up: SetUp) -> dict[str, float]:
    ports: dict[str, int] = orjson.loads((ground.folder / "pipeline" / "run.json").read_bytes())["health_ports"]
    return {stage: _age(ports[stage], name) for stage, name in AGES.items()}


def _age(port: int, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return max((sample.value for family in families if family.name == name for sample in family.samples), default=inf)


def _drain(ground: Ground, set_up: SetUp) -> None:
    """Until every stage has caught up: the next rate begins with nothing left of this one."""
    give_up = time.monotonic() + DRAIN_S
    while max(_ages(ground, set_up).values()) > QUIET_S:
        if set_up.failed or time.monotonic() > give_up:
            raise BenchError(f"the stages did not catch up within {DRAIN_S:.0f} s: {_ages(ground, set_up)}")
        time.sleep(1)


def _in_words(each: Try) -> str:
    ages = ", ".join(f"{stage} {age:.1f} s ({each.slope[stage]:+.2f})" for stage, age in each.age_s.items())
    busy = ", ".join(f"{name} {cores:.2f}" for name, cores in each.cores.items())
    verdict = "sustained" if each.sustained else "NOT sustained"
    return f"{each.rate:,} events/s {verdict} (sent {each.sent_per_s:,.0f}); behind by: {ages}; cores: {busy}"


def _table(tries: Sequence[Try]) -> Table:
    shown = Table(title="the whole pipeline on this machine (seconds behind, growth per second in brackets; cores kept busy)")
    for heading in ("events/s", "", *AGES, *tries[0].cores):
        shown.add_column(heading, justify="right")
    for each in sorted(tries, key=lambda each: each.rate):
        ages = (f"{each.age_s[stage]:.1f} ({each.slope[stage]:+.2f})" for stage in AGES)
        verdict = "sustained" if each.sustained else "not"
        shown.add_row(f"{each.rate:,}", verdict, *ages, *(f"{cores:.2f}" for cores in each.cores.values()))
    return shown


MEASUREMENT = Measurement("pipeline", ["pipeline_events_per_s"], measure)
