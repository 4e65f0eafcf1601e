"""What becomes of one public record: an event or a refusal in ``custody-log``, exactly one of them. No I/O.

A refused record also leaves its value in ``dead-letters``, masked; ``custody-log`` never gets any of it.
"""

from collections import Counter
from collections.abc import Mapping

import msgspec

from schemas.cards import Card
from schemas.codec import Headers, encode
from schemas.identity import Key, keyed_hash
from schemas.instants import to_text
from schemas.masking import mask
from schemas.reasons import Refused
from schemas.records import REFUSAL_KEY, DeadLetter, Origin, Refusal
from streams.gate import REMEMBERED, Gate, Parties
from streams.parties import Feed

BY_KEY = -1
"""The partition that murmur2 of the key gives."""


class PublicRecord(msgspec.Struct, frozen=True):
    topic: str
    partition: int
    offset: int
    appended_us: int
    value: bytes | None
    headers: Headers | None
    fault: Refused | None = None
    """What was found wrong with it before the gate could see it."""

    @property
    def origin(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Output(msgspec.Struct, frozen=True):
    topic: str
    key: bytes
    value: bytes
    partition: int


class Admission:
    """Knows the feeds, asks the gate, and words the refusals."""

    def __init__(
        self, gate: Gate, parties: Parties, feeds: Mapping[str, Feed], cards: Mapping[str, Card], key: Key, log_partitions: int
    ) -> None:
        self._gate, self._parties, self._feeds, self._key = gate, parties, feeds, key
        self._headers = {topic: cards[feed.card].speaker_header for topic, feed in feeds.items()}
        self._log, self._log_partitions = cards["custody-log"].topic(), log_partitions
        self._dead_letters = cards["dead-letters"].topic()
        self._named: dict[tuple[str, bytes], str] = {}
        """Topic and header -> the speaker that it names, who may speak there."""
        self.refused: Counter[tuple[str, str]] = Counter()
        """(topic, reason) -> how many since it was last told."""

    def judge(self, record: PublicRecord, arrived_us: int) -> list[Output]:
        """All that is written for this record; whatever a source sent, it raises nothing."""
        speaker = self._speaker(record)
        try:
            if record.fault is not None:
                raise record.fault
            event = self._gate.admit(record.value, record.headers, speaker=speaker, arrived_us=arrived_us, origin=record.origin)
        except Refused as refused:
            return self._refuse(record, refused, speaker, arrived_us)
        return [Output(self._log, (event.subject or event.speaker).encode(), encode(event), BY_KEY)]

    def _speaker(self, record: PublicRecord) -> str | None:
        """The topic says it, or the header that only the topic's writer can set; never the payload."""
        feed = self._feeds[record.topic]
        if feed.speaker is not None:
            return feed.speaker
        header = self._headers[record.topic]
        named = [text for name, text in record.headers or () if name == header]
        if len(named) != 1 or not named[0]:
            return None
        return self._named.get((record.topic, named[0])) or self._speaker_named(feed, named[0])

    def _speaker_named(self, feed: Feed, text: bytes) -> str | None:
        speaker = text.decode(errors="replace")
        # Only a name that may speak here goes on: anything else could be a text of any kind, and refusals quote the speaker.
        if self._parties.role(speaker) not in feed.roles:
            return None
        if len(self._named) < REMEMBERED:
            self._named[feed.topic, text] = speaker
        return speaker

    def _refuse(self, record: PublicRecord, refused: Refused, speaker: str | None, arrived_us: int) -> list[Output]:
        self.refused[record.topic, refused.reason.value] += 1
        value = record.value or b""
        origin = Origin(record.topic, record.partition, record.offset)
        reason, received, keyed = refused.reason.value, to_text(arrived_us), keyed_hash(self._key, value)
        refusal = Refusal(reason=reason, path=refused.path, origin=origin, speaker=speaker, size=len(value), hmac=keyed, received=received)
        letter = DeadLetter(
            reason=reason,
            path=refused.path,
            origin=origin,
            size=len(value),
            hmac=keyed,
            received=received,
            value=mask(value.decode(errors="replace")),
        )
        return [
            Output(self._log, REFUSAL_KEY, encode(refusal), record.partition % self._log_partitions),
            Output(self._dead_letters, record.origin.encode(), encode(letter), BY_KEY),
        ]
