"""How long it takes until all of the system works again: read from what it commits, never from what it says of itself."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import clickhouse_connect
import confluent_kafka as ck
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.codec import decode_applied
from schemas.records import APPLIED_KEY
from sinks.clickhouse import DATABASE

ALL = ""
LOOK_S = 0.25
CUT = """
SELECT count(), min(cut) FROM (SELECT partition, toUnixTimestamp64Micro(max(cut_at)) AS cut FROM ranges WHERE topic = 'custody-log'
GROUP BY partition)"""


class Reader:
    """A client that only reads."""

    def __init__(self, port: int) -> None:
        self._client = clickhouse_connect.get_client(host="127.0.0.1", port=port, database=DATABASE, tz_mode="aware", query_retries=0)

    def query(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._client.query(query).result_rows]

    def close(self) -> None:
        self._client.close()


def now_us() -> int:
    return time.time_ns() // 1_000


class Judged:
    """Follows ``applications``: through which time every silence is judged, in every partition."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._partitions = partitions
        self.clocks_us: dict[int, int] = {}
        self.offsets: dict[int, int] = {}
        """Partition -> the last offset of custody-log that is applied."""
        self._over = threading.Event()
        config = {"bootstrap.servers": bootstrap, "group.id": "chaos", "isolation.level": "read_committed", "log_level": 2}
        self._consumer = ck.Consumer(config)
        self._consumer.assign([ck.TopicPartition(topic, number, 0) for number in range(partitions)])
        self._thread = threading.Thread(target=self._follow, name="judged")
        self._thread.start()

    def reached(self, instant_us: int) -> bool:
        """Whether the slowest clock of each partition, over all inputs, has passed it: every input has a reader, every partition a
        judge that commits."""
        return len(self.clocks_us) == self._partitions and min(self.clocks_us.values()) >= instant_us

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._over.is_set():
            for message in self._consumer.consume(1_000, 0.2):
                if message.error() is None and message.key() == APPLIED_KEY:  # a broker that is away is no end of the run
                    applied = decode_applied(message.value() or b"")
                    number = message.partition() or 0
                    self.clocks_us[number] = applied.floor_us.get(ALL, 0)
                    self.offsets[number] = applied.offset


@dataclass
class Kept:
    """A store: through which time it has entered the ranges of every partition of ``custody-log``. Looked at by nobody else."""

    port: int
    partitions: int
    _reader: Reader | None = field(default=None, init=False)

    def reached(self, instant_us: int) -> bool:
        try:
            if self._reader is None:
                self._reader = Reader(self.port)
            ((count, cut_us),) = self._reader.query(CUT)
        except (ClickHouseError, OSError):
            self._reader = None
            return False
        return bool(count == self.partitions and cut_us >= instant_us)


@dataclass
class Wait:
    """One fault, and whether it is overcome."""

    number: int
    what: str
    reached: dict[str, Callable[[int], bool]]
    begun_us: int
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.seconds.keys() == self.reached.keys()


class Recoveries:
    """Looks, from a thread of its own, when what was hit works again. Measured from the beginning of the fault."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="recoveries")
        self._thread.start()

    def expect(self, number: int, what: str, reached: dict[str, Callable[[int], bool]]) -> Wait:
        wait = Wait(number, what, reached, now_us())
        self.waits.append(wait)
        return wait

    def wait(self, at_most_s: float) -> bool:
        """Whether all are over by then."""
        until = time.monotonic() + at_most_s
        while not all(wait.over for wait in list(self.waits)):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_S)
        return True

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            for wait in list(self.waits):
                for part, reached in wait.reached.items():
                    if part not in wait.seconds and reached(wait.begun_us):
                        wait.seconds[part] = (now_us() - wait.begun_us) / 1_000_000
