"""Through which time T an input has been read: evidence, not a wish (rule 1). Pure: clocks and ends are arguments.

1. Read the clock, *then* ask the input's leader for its end (committed records only).
2. Position at or past that end: whatever was appended before the clock reading has been handled, so T = that reading.
3. Position before it: T = the append time of the last record handled. What follows was appended later.
4. No answer: T stays.
5. T never goes back. It is committed with the position, so a successor starts from it.
"""

from typing import Self

import msgspec

TopicPart = tuple[str, int]
"""Topic, partition."""


class Kept(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What is committed as the offset's metadata."""

    through_us: int | None = None
    heard_us: int | None = None
    key: str | None = None
    """Mark (``keys.key_marks``) of the newest key with which tokens were made."""


_decode = msgspec.json.Decoder(Kept).decode


class Reading:
    """How far one partition of a public topic has been read, and what that proves."""

    def __init__(self, *, low_ends: bool = False) -> None:
        """``low_ends``: the broker reports the *beginning* of the last batch as the end (the embedded one does): then the end of
        the partition must have been seen behind the last record, too."""
        self.position: int | None = None
        """The offset of the next record; None: not known yet, so it is vouched for in no pulse."""
        self.through_us: int | None = None
        """T, as it was last committed: whatever arrived up to it has been handled."""
        self.heard_us: int | None = None
        """Arrival of the last record, of any kind."""
        self.key: str | None = None
        """As it was committed."""
        self._appended_us: int | None = None
        self._at_end = False
        self._low_ends = low_ends

    @classmethod
    def resumed(cls, offset: int, metadata: str | None, *, low_ends: bool = False) -> Self:
        """From what the group has committed; an offset below 0: nothing. Metadata that is not ours proves nothing."""
        reading = cls(low_ends=low_ends)
        if offset >= 0:
            kept = _kept(metadata)
            reading.position, reading.through_us, reading.heard_us, reading.key = offset, kept.through_us, kept.heard_us, kept.key
        return reading

    def handled(self, offset: int, appended_us: int) -> int:
        """When the record arrived: not before the T that vouched for everything earlier."""
        self.position, self._appended_us, self._at_end = offset + 1, appended_us, False
        arrived_us = appended_us if self.through_us is None or self.through_us < appended_us else self.through_us
        if self.heard_us is None or self.heard_us < arrived_us:
            self.heard_us = arrived_us
        return arrived_us

    def ended(self, offset: int) -> None:
        """The partition's end was seen at ``offset``. Markers stand behind the last record, so it may lie beyond the position.

        An end before the position was seen before later records came.
        """
        if self.position is None or offset >= self.position:
            self.position, self._at_end = offset, True

    def prove(self, clock_us: int, end: int | None) -> None:
        """``end`` was asked for after the clock was read; None: no answer."""
        if self.position is None or end is None:
            return
        if self.position >= end and (self._at_end or not self._low_ends):
            self.vouch(clock_us)
        elif self._appended_us is not None:
            self.vouch(self._appended_us)

    def vouch(self, through_us: int) -> None:
        """T, unless it is later already."""
        self.through_us = through_us if self.through_us is None else max(self.through_us, through_us)

    def metadata(self, key: str | None = None) -> str:
        return msgspec.json.encode(Kept(through_us=self.through_us, heard_us=self.heard_us, key=key)).decode()


def _kept(metadata: str | None) -> Kept:
    try:
        return _decode(metadata or "{}")
    except msgspec.MsgspecError:
        return Kept()
