"""One chaos run: traffic flows, faults happen, then everything comes to rest and is counted."""

import random
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.instants import SECOND_US
from tests.chaos.checks import (
    Found,
    Logs,
    applied_by,
    check_history,
    check_origins,
    check_stall_events,
    check_verdicts,
    read_logs,
    readable_lag,
    truth_of,
    unapplied,
    until_true,
)
from tests.chaos.faults import DECK, JUDGED, Faults, Ruin, drawn
from tests.chaos.house import House
from tests.chaos.policies import LONGEST_S, SETTLE_S
from tests.chaos.processes import Stage
from tests.chaos.recovery import Reader, Wait, now_us
from tests.chaos.traffic import Traffic

Say = Callable[[str], None]
Line = dict[str, Any]

LIVES_PER_S = 6.0
QUIET_S = 6.0
"""Traffic before the first fault."""
RECOVERED_S = 180.0
"""Whatever has not recovered by then has not recovered."""
KEPT_S = 120.0
INTAKE_GROUP = "tairyu-intake"


@dataclass
class Outcome:
    """What a run leaves: the figures of its last line, and the tables above it."""

    figures: dict[str, int | float]
    waits: list[Wait]
    ends: dict[str, Counter[int]]
    not_run: list[str]
    words: list[str]
    """What differs, in words."""
    not_recovered: list[str]

    @property
    def sound(self) -> bool:
        wrong = ("lost", "doubled", "invented", "history_mismatches")
        return not any(self.figures[name] for name in wrong) and not self.not_recovered and not self.words


def run(
    folder: Path, cache: Path, seed: int, faults: int, say: Say, *, kinds: Iterable[str] = (), lives_per_s: float = LIVES_PER_S
) -> Outcome:
    """``kinds``: these faults in this order, instead of drawn ones. ``folder`` keeps logs, truth and histories."""
    rng = random.Random(seed)
    with House(folder, cache, say, pulse_ms=rng.choice((200, 300, 500))) as house:
        traffic = Traffic(house.settings.brokers, house.senders, seed, lives_per_s)
        traffic.start()
        try:
            time.sleep(QUIET_S)
            not_run = [f"disk_full: {house.disk.why_not}"] if house.disk.why_not else []
            plan = list(kinds) or drawn(rng, faults, {"disk_full"} if not_run else set())
            _ruin(house, plan, rng, say)
        finally:
            traffic.finish()
        return _rest(house, traffic, plan, not_run, say)


def _ruin(house: House, plan: list[str], rng: random.Random, say: Say) -> None:
    faults = Faults(house, rng)
    assert {kind for kind, _ in DECK} >= set(plan)
    for number, kind in enumerate(plan, 1):

        def begin(ruin: Ruin, number: int = number) -> None:
            say(f"fault {number}: {ruin.what}")
            reached = {part: house.judged.reached if part == JUDGED else house.stores[part].reached for part in ruin.hits}
            house.recoveries.expect(number, ruin.what, reached)

        getattr(faults, kind)(begin)
        # Sometimes the next one comes before all has recovered
        house.recoveries.wait(rng.uniform(3, 20))
        time.sleep(rng.uniform(0, 2))


def _rest(house: House, traffic: Traffic, plan: list[str], not_run: list[str], say: Say) -> Outcome:
    """Everything is mended and comes to rest; then it is counted."""
    for proxy in (*house.cluster.proxies, house.clickhouse):
        proxy.heal()
    quiet_us = now_us() + (LONGEST_S + SETTLE_S + 1) * SECOND_US
    not_recovered = []
    if not house.recoveries.wait(RECOVERED_S):
        not_recovered += [f"fault {wait.number} ({wait.what})" for wait in house.recoveries.waits if not wait.over]
    if not until_true(lambda: house.judged.reached(quiet_us), RECOVERED_S):
        not_recovered.append(f"the clocks stand at {house.judged.clocks_us}")
    say("all is quiet: counting")
    time.sleep(8)  # more than a bucket: the last rows are cut, and on their way into history
    house.stop(*house.running("intake"))
    say("intake has ended")
    logs = _resting(house)
    say("the watch has applied all of custody-log")
    house.stop(*house.running("watch"))
    truth = truth_of(logs, house.settings.policy)
    say("the oracle has spoken")
    found, words = Found(), list(not_recovered)
    check_origins(logs, found)
    check_verdicts(truth, check_stall_events(logs, house.policies, found), found)
    if len(logs.public) != traffic.sent:
        found.words.append(f"{traffic.sent} records were sent, {len(logs.public)} stand in the public topics")
    words += [f"intake's lag: {lag}"] if (lag := readable_lag(house.settings, INTAKE_GROUP, house.feeds)) else []
    words += [f"the watch's lag: {lag}"] if (lag := unapplied(logs, applied_by(logs))) else []
    for name, found_there in _histories(house, logs, truth).items():
        say(f"{name}: {found_there.history_mismatches} mismatches")
        found.history_mismatches += found_there.history_mismatches
        found.words += found_there.words
    house.stop(*(name for name in reversed(house.kept) if not name.startswith("node")))
    _keep(house, logs, truth)
    ends = {name: Counter(kept.program.ends) for name, kept in house.kept.items() if isinstance(kept.program, Stage)}
    seconds = [second for wait in house.recoveries.waits for second in wait.seconds.values()]
    figures = {
        "faults": len(plan),
        "events": len(logs.public),
        "transitions": logs.transitions,
        "lost": found.lost,
        "doubled": found.doubled,
        "invented": found.invented,
        "history_mismatches": found.history_mismatches,
        "recovery_p50_s": round(statistics.median(seconds), 1) if seconds else 0.0,
        "recovery_max_s": round(max(seconds), 1) if seconds else 0.0,
    }
    return Outcome(figures, house.recoveries.waits, ends, not_run, words + found.words, not_recovered)


def _resting(house: House) -> Logs:
    """The logs once the watch has applied all of custody-log, which nobody writes any more."""
    logs = read_logs(house.settings, house.feeds)
    until_true(lambda: not unapplied(logs, house.judged.offsets), RECOVERED_S)
    return read_logs(house.settings, house.feeds)


def _histories(house: House, logs: Logs, truth: list[Line]) -> dict[str, Found]:
    """Each store against the logs, once it is equal or has had its time."""
    found: dict[str, Found] = {}
    for name, port in (("history-1", house.first_port), ("history-2", house.server_port)):
        try:
            store = Reader(port)
        except ClickHouseError as error:
            found[name] = Found(history_mismatches=1, words=[f"{name} does not answer: {error}"])
            continue

        def equal(name: str = name, store: Reader = store) -> bool:
            found[name] = check_history(store, logs, truth, house.policies, name)
            return not found[name].history_mismatches

        until_true(equal, KEPT_S, 2.0)
        store.close()
    return found


def _keep(house: House, logs: Logs, truth: list[Line]) -> None:
    """The same files as the demo keeps; the histories as ``history-1`` and ``history-2``."""
    _write(house.folder / "custody-log.ndjson", logs.custody)
    _write(house.folder / "stall-events.ndjson", logs.stall_events)
    _write(house.folder / "truth.ndjson", map(orjson.dumps, truth))
    _write(house.folder / "events.ndjson", _events(logs))
    shutil.copytree(house.folder / "disk" / "history", house.folder / "history-1", symlinks=True)


def _events(logs: Logs) -> Iterable[bytes]:
    """Events as files have them: as they were sent, with their speaker and arrival, sorted by it."""
    told = [line["value"] for line in map(orjson.loads, logs.custody) if line["key"] not in ("pulse", "refusal")]
    for event in sorted(told, key=lambda event: event["received"]):
        sent = orjson.loads(logs.public[event["origin"]])
        yield orjson.dumps({**sent, "speaker": event["speaker"], "received": event["received"]})


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
