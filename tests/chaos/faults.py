"""What is done to it. A fault is carried out whole (the frozen are woken, the cut is mended) before the next one begins."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.house import SESSION_S, House
from tests.chaos.processes import Stage
from tests.chaos.proxy import Fault, http_error

ARMED_S = 40.0
"""How long a stage that starts anew may take to come to the place at which it freezes."""
IN_TRANSACTION = {
    "intake": ("intake.after_produce", "intake.after_offsets"),
    "watch": ("watch.after_produce",),
    "writer": ("history.before_insert", "history.after_insert", "history.before_entering"),
}
ERROR = http_error("Code: 999. DB::Exception: Coordination error: Connection loss. (KEEPER_EXCEPTION)")

JUDGED, FIRST, SECOND = "judged", "history-1", "history-2"


@dataclass(frozen=True)
class Ruin:
    """One fault as it was carried out."""

    what: str
    hits: tuple[str, ...]
    """What has to recover from it."""


class Faults:
    """Every method is a kind of fault; it says what it did, and calls ``begin`` when the harm begins."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self._house, self._rng = house, rng

    # --- processes -------------------------------------------------------------------------------------------------------

    def kill(self, begin: Callable[[Ruin], None]) -> None:
        name = self._victim("intake", "watch", "history", "writer")
        begin(Ruin(f"kill -9 {name}", self._hit(name)))
        self._house.kept[name].signal(signal.SIGKILL)

    def kill_server(self, begin: Callable[[Ruin], None]) -> None:
        begin(Ruin("kill -9 of ClickHouse", (SECOND,)))
        self._house.kept["clickhouse"].signal(signal.SIGKILL)

    def term(self, begin: Callable[[Ruin], None]) -> None:
        name = self._victim("intake", "watch", "history", "writer")
        begin(Ruin(f"SIGTERM to {name}", self._hit(name)))
        self._house.kept[name].signal(signal.SIGTERM)

    def zombie(self, begin: Callable[[Ruin], None]) -> None:
        name = self._victim("intake", "watch")
        begin(Ruin(f"{name} stopped for longer than its session, then woken", self._hit(name)))
        self._asleep(name)

    def zombie_in_a_transaction(self, begin: Callable[[Ruin], None]) -> None:
        self._armed(self._victim("intake", "watch"), begin)

    def two_writers(self, begin: Callable[[Ruin], None]) -> None:
        self._armed(self._victim("writer"), begin)

    def _armed(self, name: str, begin: Callable[[Ruin], None]) -> None:
        """It ends, starts anew, and freezes at a place between two effects; another takes over; it wakes."""
        kept, place = self._house.kept[name], self._rng.choice(IN_TRANSACTION[name.partition("-")[0]])
        assert isinstance(kept.program, Stage)
        kept.program.arm(f"{place}:{self._rng.randint(1, 5)}:freeze")
        kept.signal(signal.SIGTERM)
        if not kept.wait_frozen(ARMED_S):
            begin(Ruin(f"SIGTERM to {name} (it never came to {place})", self._hit(name)))
            return
        begin(Ruin(f"{name} frozen at {place} for longer than its session, then woken", self._hit(name)))
        self._pause(SESSION_S + 2, SESSION_S + 5)
        kept.signal(signal.SIGCONT)

    def scale(self, begin: Callable[[Ruin], None]) -> None:
        name = self._rng.choice(("watch-c", "intake-c"))
        there = name in self._house.running("watch", "intake")
        begin(Ruin(f"{name} {'leaves' if there else 'joins'}", (JUDGED,)))
        self._house.stop(name) if there else self._house.stage(name)

    # --- brokers and their network ---------------------------------------------------------------------------------------

    def broker_killed(self, begin: Callable[[Ruin], None]) -> None:
        name = self._victim("node")
        begin(Ruin(f"kill -9 of broker {name}", (JUDGED,)))
        self._house.kept[name].signal(signal.SIGKILL)
        self._until_it_is_back(name)

    def controller_killed(self, begin: Callable[[Ruin], None]) -> None:
        leader = self._house.cluster.controller()
        name = next(name for name, kept in self._house.kept.items() if kept.program is leader)
        begin(Ruin(f"kill -9 of the active controller {name}", (JUDGED,)))
        self._house.kept[name].signal(signal.SIGKILL)
        self._until_it_is_back(name)

    def broker_frozen(self, begin: Callable[[Ruin], None]) -> None:
        name = self._victim("node")
        begin(Ruin(f"broker {name} frozen, then woken", (JUDGED,)))
        self._house.kept[name].signal(signal.SIGSTOP)
        self._pause(10, 14)
        self._house.kept[name].signal(signal.SIGCONT)

    def network_cut(self, begin: Callable[[Ruin], None]) -> None:
        self._network(Fault(cut=True), "cut", begin)

    def network_slow(self, begin: Callable[[Ruin], None]) -> None:
        self._network(Fault(delay_s=self._rng.uniform(0.1, 0.4)), "slow", begin)

    def _network(self, fault: Fault, how: str, begin: Callable[[Ruin], None]) -> None:
        number = self._rng.randrange(len(self._house.cluster.proxies))
        begin(Ruin(f"the network to broker node-{number + 1} {how}", (JUDGED,)))
        self._house.cluster.proxies[number].suffer(fault)
        self._pause(6, 10)
        self._house.cluster.proxies[number].heal()

    # --- ClickHouse ------------------------------------------------------------------------------------------------------

    def clickhouse_errors(self, begin: Callable[[Ruin], None]) -> None:
        self._clickhouse(Fault(answer=ERROR), "answers errors", 7, begin)

    def clickhouse_cut(self, begin: Callable[[Ruin], None]) -> None:
        self._clickhouse(Fault(unanswered=True), "takes inserts, and cuts the connection instead of an answer", 7, begin)

    def clickhouse_silent(self, begin: Callable[[Ruin], None]) -> None:
        self._clickhouse(Fault(silent=True), "is silent for 30 s", 30, begin)

    def _clickhouse(self, fault: Fault, how: str, seconds: float, begin: Callable[[Ruin], None]) -> None:
        begin(Ruin(f"ClickHouse {how}", (SECOND,)))
        self._house.clickhouse.suffer(fault)
        self._pause(seconds, seconds + 1)
        self._house.clickhouse.heal()

    def disk_full(self, begin: Callable[[Ruin], None]) -> None:
        begin(Ruin("the disk of history-1 is full", (FIRST,)))
        self._house.disk.fill()
        self._pause(7, 10)
        self._house.disk.clear()

    # --- what they share -------------------------------------------------------------------------------------------------

    def _victim(self, *kinds: str) -> str:
        return self._rng.choice(self._house.running(*kinds))

    def _hit(self, name: str) -> tuple[str, ...]:
        return {"history": (FIRST,), "writer": (SECOND,)}.get(name.partition("-")[0], (JUDGED,))

    def _asleep(self, name: str) -> None:
        self._house.kept[name].signal(signal.SIGSTOP)
        self._pause(SESSION_S + 2, SESSION_S + 5)
        self._house.kept[name].signal(signal.SIGCONT)

    def _until_it_is_back(self, name: str) -> None:
        """Two brokers of three away at once is another promise, which nobody gave."""
        self._pause(2, 4)
        until = time.monotonic() + 60
        while not self._house.cluster.answers(name) and time.monotonic() < until:
            time.sleep(0.2)

    def _pause(self, least_s: float, most_s: float) -> None:
        time.sleep(self._rng.uniform(least_s, most_s))


DECK: tuple[tuple[str, int], ...] = (
    ("kill", 4),
    ("zombie", 2),
    ("zombie_in_a_transaction", 3),
    ("term", 1),
    ("scale", 2),
    ("broker_killed", 1),
    ("broker_frozen", 1),
    ("controller_killed", 1),
    ("clickhouse_errors", 1),
    ("clickhouse_cut", 1),
    ("clickhouse_silent", 1),
    ("kill_server", 1),
    ("two_writers", 2),
    ("disk_full", 1),
    ("network_cut", 1),
    ("network_slow", 1),
)
"""Kind and how often it comes in a round."""


def drawn(rng: random.Random, count: int, not_run: set[str]) -> list[str]:
    """So many kinds of faults: whole rounds of the deck, each shuffled."""
    kinds: list[str] = []
    while len(kinds) < count:
        deck = [kind for kind, times in DECK for _ in range(times) if kind not in not_run]
        rng.shuffle(deck)
        kinds += deck
    return kinds[:count]
