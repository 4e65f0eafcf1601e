"""Who sends where: the topic and headers of a public record, from the speaker that a file names. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from schemas.cards import Card
from schemas.codec import encode
from schemas.events import PublicEvent
from schemas.reasons import Reason, Refused
from streams.parties import Feed

Headers = list[tuple[str, bytes]]


class Roles(Protocol):
    """Who is known here."""

    def role(self, name: str) -> str | None:
        """The role of a speaker; None: nobody of that name."""


class Route(NamedTuple):
    topic: str
    headers: Headers
    """Names the speaker, where the topic does not."""


class Senders:
    """Speaks for every party: for replaying files and playing scenarios, never for a source of its own."""

    def __init__(self, parties: Roles, feeds: Iterable[Feed], cards: Mapping[str, Card]) -> None:
        self._parties = parties
        self._feeds = tuple(feeds)
        self._headers = {feed.topic: cards[feed.card].speaker_header for feed in self._feeds}

    def route(self, speaker: str | None) -> Route:
        """Where this speaker's records go. Refused (``unknown_speaker``): nobody we know, or a retired party, which has no feed."""
        role = self._parties.role(speaker) if speaker else None
        for feed in self._feeds:
            if speaker and role in feed.roles and feed.party in (None, speaker):
                header = self._headers[feed.topic] if feed.speaker is None else None
                return Route(feed.topic, [(header, speaker.encode())] if header else [])
        raise Refused(Reason.UNKNOWN_SPEAKER, "/speaker")


def public_value(event: PublicEvent) -> bytes:
    """The record's value: the event without what counts in files only."""
    return encode(replace(event, speaker=None, received=None))


def public_key(event: PublicEvent) -> bytes:
    """One application's records, or one source's, stay in order. (No reader relies on it.)"""
    return (event.subject or event.source).encode()
