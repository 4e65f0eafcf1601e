"""Where a partition of a log is cut into ranges: a function of the log, never of poll timing (architecture, section 7). Pure."""

from dataclasses import dataclass

from schemas.instants import SECOND_US

LIMIT = 50_000
"""Committed records after which a range is cut though no mark came: what a writer must hold in memory, at most, per partition."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The time that a record of the log carries: a pulse, a clock mark, an applied record."""

    at_us: int
    bucket_s: int

    @property
    def bucket(self) -> int:
        return self.at_us // (self.bucket_s * SECOND_US)

    @property
    def start_us(self) -> int:
        """The instant at which its bucket begins. Compared instead of the number: it stays ascending when ``bucket_s`` changes."""
        return self.bucket * self.bucket_s * SECOND_US


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive committed records ``lo`` to ``hi``, both included; between them may be gaps (transaction markers)."""

    lo: int
    hi: int
    records: int
    bucket: int
    """Bucket of the last mark that cut; 0 before the first."""
    cut_us: int
    """The instant at which that bucket begins: whatever is kept of the range belongs to this instant's month."""


class Cutter:
    """One partition, record by record. A mark whose bucket is above the last cut's ends a range with itself; so does the limit.

    After a cut nothing but its bucket is remembered: so whoever resumes behind any range, with its bucket, cuts the same ranges.
    """

    def __init__(self, bucket: int = 0, cut_us: int = 0, limit: int = LIMIT) -> None:
        self._bucket, self.cut_us, self._limit = bucket, cut_us, limit
        self._lo = self._records = 0

    def feed(self, offset: int, mark: Mark | None) -> Range | None:
        """The range that this record ends, if it ends one. Offsets ascend."""
        if self._records == 0:
            self._lo = offset
        self._records += 1
        enters = mark is not None and mark.start_us > self.cut_us
        if mark is not None and enters:
            self._bucket, self.cut_us = mark.bucket, mark.start_us
        if not enters and self._records < self._limit:
            return None
        cut = Range(self._lo, offset, self._records, self._bucket, self.cut_us)
        self._records = 0
        return cut
