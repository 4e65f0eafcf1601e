"""The gate: a public record becomes an event of ``custody-log``, or is refused for one reason. Pure.

Shared by intake, judge over files, and replay, so that all three say the same of the same bytes. The checks, in this order
(the first that fails is the reason): what ``schemas.codec.read_public`` checks, up to the types and lengths of the fields ·
speaker known · type known · the role may say it · subject there and good · time there and good · municipalities · correction
complete, and of an event that is not another party's.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from msgspec.structs import replace

from schemas.codec import SPECVERSION, Headers, read_record
from schemas.events import ACKNOWLEDGED, CORRECTED, ENQUIRY, HEARTBEAT, MANIFEST, NEEDS_NO_SUBJECT, PREFIX, Data, Event, PublicEvent
from schemas.identity import Key, last4, municipality_ok, token
from schemas.instants import from_text, to_text, to_us
from schemas.numbers import replace_ids
from schemas.reasons import Reason, Refused
from streams.policy import Policies, Policy

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
EARLIEST_US = -62_135_596_800_000_000
LATEST_US = 253_402_300_799_999_999
"""First and last microsecond of the years 1 to 9999, UTC."""
PLAIN = len("2026-04-01T00:00:00.000001Z")
REMEMBERED = 65_536
"""Speakers with a type that each may say."""

_received = lru_cache(1_024)(to_text)
"""Of a batch of records, all that a broker has taken at once arrived at one instant."""


class Parties(Protocol):
    """Who is known here, and whose sources are whose."""

    def role(self, name: str) -> str | None:
        """The role of a speaker; None: nobody of that name."""

    def owner_of_source(self, source: str) -> str | None:
        """The party under whose prefix (the longest that fits) a CloudEvents ``source`` falls; None: nobody's."""


class Gate:
    """Judges records by the newest policy. ``key`` makes the tokens."""

    def __init__(self, policies: Policies, parties: Parties, key: Key) -> None:
        policy = policies.newest
        self._roles = policy.speakers
        self._subject_ok: Callable[[str], object] = policy.subject.fullmatch
        self._sayers = {PREFIX + name: roles for name, roles in sayers(policy).items()}
        self._parties = parties
        self._key = key
        self._heard: dict[tuple[str | None, str], str] = {}
        """Speaker and type -> the speaker's role, which may say it."""

    def admit(self, value: bytes | None, headers: Headers | None, *, speaker: str | None, arrived_us: int, origin: str) -> Event:
        """The event of a public record whose speaker the topic has told; raises Refused."""
        event, ids = read_record(value, headers)
        role = self._heard.get((speaker, event.type)) or self._checked_role(event, speaker)
        subject, claim = self._subject(event), _claim(event)
        return self._event(event, ids, speaker or "", role, subject, claim, _received(arrived_us), origin)

    def admit_line(self, line: bytes, *, origin: str, speaker: str | None = None) -> Event:
        """The event of a line in a file; raises Refused.

        ``speaker`` is its own attribute, unless the file stands for a topic of this speaker; arrival is ``received``, else ``time``.
        """
        return self.admit_arrived(line, origin=origin, speaker=speaker)[0]

    def admit_arrived(self, line: bytes, *, origin: str, speaker: str | None = None) -> tuple[Event, int]:
        """``admit_line``, and when it arrived (microseconds)."""
        event, ids = read_record(line, None)
        speaker = speaker or event.speaker
        role = self._heard.get((speaker, event.type)) or self._checked_role(event, speaker)
        subject, claim = self._subject(event), _claim(event)
        received = claim if event.received is None else _spelled(event.received, "/received")
        arrived_us = from_text(received)
        if not _is_plain(received):
            received = _received(arrived_us)
        return self._event(event, ids, speaker or "", role, subject, claim, received, origin), arrived_us

    def _checked_role(self, event: PublicEvent, speaker: str | None) -> str:
        role = self._parties.role(speaker) if speaker else None
        if role is None or role not in self._roles:
            raise Refused(Reason.UNKNOWN_SPEAKER, "/speaker")
        may_say = self._sayers.get(event.type)
        if may_say is None:
            raise Refused(Reason.UNKNOWN_TYPE, "/type")
        if role not in may_say:
            raise Refused(Reason.NOT_YOURS_TO_SAY, "/type")
        if len(self._heard) < REMEMBERED:
            self._heard[speaker, event.type] = role
        return role

    def _subject(self, event: PublicEvent) -> str | None:
        if not event.subject:
            if event.type.removeprefix(PREFIX) in NEEDS_NO_SUBJECT:
                return None
            raise Refused(Reason.MISSING_SUBJECT, "/subject")
        subject = event.subject if event.subject.isascii() else unicodedata.normalize("NFKC", event.subject)
        if not self._subject_ok(subject):
            raise Refused(Reason.BAD_SUBJECT, "/subject")
        return subject

    def _event(
        self, event: PublicEvent, ids: bool, speaker: str, role: str, subject: str | None, claim: str, received: str, origin: str
    ) -> Event:
        """The event as ``custody-log`` has it, after the last checks. ``ids``: whether one may have strayed from where it belongs."""
        _check_municipalities(event.data)
        if event.type == PREFIX + CORRECTED:
            self._check_correction(event.data, speaker)
        return Event(
            specversion=SPECVERSION,
            id=replace_ids(event.id, self._key) if ids else event.id,
            source=replace_ids(event.source, self._key) if ids else event.source,
            type=event.type,
            time=claim,
            speaker=speaker,
            role=role,
            own_feed=self._roles[role].own_feed,
            received=received,
            origin=origin,
            subject=token(self._key, subject) if subject else None,
            last4=last4(subject) if subject else None,
            data=self._without_ids(event.data) if ids else event.data,
        )

    def _check_correction(self, data: Data, speaker: str) -> None:
        for name, named in (("source", data.source), ("id", data.id)):
            if not named:
                raise Refused(Reason.INCOMPLETE_CORRECTION, f"/data/{name}")
        if self._parties.owner_of_source(data.source or "") not in (None, speaker):
            raise Refused(Reason.NOT_YOURS_TO_CORRECT, "/data/source")

    def _without_ids(self, data: Data) -> Data:
        changed = {}
        for name in _LONG_TEXTS:
            text = getattr(data, name)
            if text is not None and len(text) >= 23:
                changed[name] = replace_ids(text, self._key)
        return replace(data, **changed) if changed else data


_LONG_TEXTS = tuple(name for name in Data.__struct_fields__ if name not in ("count", "kiosk_municipality", "residence_municipality"))


def sayers(policy: Policy) -> dict[str, frozenset[str]]:
    """Type (without prefix) -> the roles that may say it: the policy's milestones, and the types that belong to no procedure."""
    everybody = frozenset(policy.speakers)
    own = frozenset(name for name, role in policy.speakers.items() if role.own_feed)
    shared = everybody - own
    common = {
        HEARTBEAT: everybody,
        CORRECTED: everybody,
        MANIFEST: own,
        ACKNOWLEDGED: _receivers(policy, own) or shared,
        ENQUIRY: shared,
    }
    return {name: milestone.speakers for name, milestone in policy.milestones.items()} | common


def _receivers(policy: Policy, own: frozenset[str]) -> frozenset[str]:
    """The roles with shared feeds that take over from a role with feeds of its own: they end a hop that such a role began."""
    milestones = policy.milestones
    begun = [hop for hop in policy.hops.values() if any(milestones[name].speakers & own for name in hop.begins)]
    return frozenset().union(*(milestones[name].speakers - own for hop in begun for name in hop.ends))


def _check_municipalities(data: Data) -> None:
    if data.kiosk_municipality is not None and not municipality_ok(data.kiosk_municipality):
        raise Refused(Reason.BAD_MUNICIPALITY, "/data/kiosk_municipality")
    if data.residence_municipality is not None and not municipality_ok(data.residence_municipality):
        raise Refused(Reason.BAD_MUNICIPALITY, "/data/residence_municipality")


def _claim(event: PublicEvent) -> str:
    if not event.time:
        raise Refused(Reason.MISSING_TIME, "/time")
    return _spelled(event.time, "/time")


def _spelled(text: str, path: str) -> str:
    """The instant as it was claimed, but for capital T and Z; raises Refused if it is none."""
    text = text.upper()
    written = RFC_3339.fullmatch(text)
    if written is None:
        raise Refused(Reason.BAD_TIME, path)
    if written.group(1) is None:
        raise Refused(Reason.TIME_WITHOUT_OFFSET, path)
    if not _exists(text):
        raise Refused(Reason.BAD_TIME, path)
    return text


def _exists(text: str) -> bool:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return False
    # An offset is less than a day
    return 1 < instant.year < 9999 or EARLIEST_US <= to_us(instant) <= LATEST_US


def _is_plain(instant: str) -> bool:
    """Whether it is spelled as ``to_text`` spells it, for sure: in UTC, with microseconds."""
    return len(instant) == PLAIN and instant[-1] == "Z" and instant[-7:-1] != "000000"
