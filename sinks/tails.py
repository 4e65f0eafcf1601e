"""One partition of a log behind what history holds of it."""

import confluent_kafka as ck
import structlog

from sinks.clickhouse import Log
from sinks.cuts import Cutter, Range
from sinks.rows import Record, Source, Unreadable
from streams.loop import LoopError
from streams.metrics import counter

log = structlog.get_logger()
unreadable = counter("tairyu_unreadable_records_total")


class HistoryError(LoopError):
    """History and log do not go together, or a setting is missing: going on would lose rows in silence."""


class Tail:
    """One partition behind its last range entered: what was read since the last cut."""

    def __init__(self, log: Log, source: Source, last: Range | None) -> None:
        self.log, self._source, self._last = log, source, last
        self._records: list[Record] = []
        self._cutter = Cutter() if last is None else Cutter(last.bucket, last.cut_us)

    @property
    def start(self) -> int:
        """Where to read from."""
        return ck.OFFSET_BEGINNING if self._last is None else self._last.hi + 1

    @property
    def cut_us(self) -> int:
        """The instant of the last cut; 0: none yet."""
        return self._cutter.cut_us

    def check(self, begin: int, end: int | None) -> None:
        """The log reaches from ``begin`` to before ``end`` (None: not known). HistoryError if that does not go with what is kept."""
        if self._last is None:
            return
        if end is not None and end <= self._last.hi:
            raise HistoryError(
                f"{self._name}: the log ends before offset {end}, and history holds it up to {self._last.hi}: it was cut short, "
                "or restored from a copy. Nothing is written, because new records would take offsets that history holds already"
            )
        if begin > self._last.hi + 1:
            raise HistoryError(
                f"{self._name}: the log begins at offset {begin}, and history holds it up to {self._last.hi}: "
                "what lay between was deleted before it was kept"
            )

    def feed(self, record: Record) -> tuple[Range, list[Record]] | None:
        """The range that this record ends, with its records other than marks that have no rows."""
        offset, key, value = record
        mark = None
        try:
            mark = self._source.mark(key, value)
        except Unreadable:
            self.unreadable(offset)
        if mark is None or self._source.is_kept(mark, self._cutter.cut_us, self.log.partition):
            self._records.append(record)
        cut = self._cutter.feed(offset, mark)
        if cut is None:
            return None
        records, self._records = self._records, []
        return cut, records

    def unreadable(self, offset: int) -> None:
        unreadable.labels(self.log.topic).inc()
        log.error("a record cannot be read: it has no row", topic=self.log.topic, partition=self.log.partition, offset=offset)

    @property
    def _name(self) -> str:
        return f"{self.log.topic}, partition {self.log.partition}"
