"""What the public may say: one CloudEvents 1.0 envelope, one typed ``data`` (architecture, section 3).

Which types exist, and who may say them, is the policy's; only the types that belong to no procedure stand here.
"""

import msgspec

PREFIX = "jp.tairyu."

CORRECTED = "event.corrected"
"""Voids an event of the same speaker, named by ``data.source`` and ``data.id``; ``data.reason`` says why."""

HEARTBEAT = "source.heartbeat"
"""A source is alive though it has nothing to say: moves *heard*, never T."""

MANIFEST = "batch.manifest"
"""How many applications a batch holds (``data.batch``, ``data.count``), with a hash (``data.sha256``)."""

ACKNOWLEDGED = "batch.acknowledged"
"""J-LIS confirms a batch: ``data.batch``, ``data.count``."""

ENQUIRY = "enquiry.logged"
"""A citizen asked at the counter; the subject may be missing, the kiosk may be all that is known."""

NEEDS_NO_SUBJECT = frozenset({HEARTBEAT, MANIFEST, ACKNOWLEDGED, ENQUIRY})
COMMON_TYPES = frozenset({CORRECTED, HEARTBEAT, MANIFEST, ACKNOWLEDGED, ENQUIRY})


class Data(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The typed payload; every field is optional, and what is not named here does not pass intake."""

    kiosk: str | None = None
    vendor: str | None = None
    kiosk_municipality: str | None = None
    """Where the kiosk stands: 6 digits with a check digit."""
    residence_municipality: str | None = None
    """Where the applicant lives: often another town than the kiosk's."""
    batch: str | None = None
    reason: str | None = None
    source: str | None = None
    """``event.corrected`` only: the ``source`` of the event that is voided."""
    id: str | None = None
    """``event.corrected`` only: the ``id`` of the event that is voided."""
    count: int | None = None
    sha256: str | None = None


class PublicEvent(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """An event as a source sends it. ``speaker`` and ``received`` count in files only; in a public record they are ignored."""

    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data: Data = Data()
    speaker: str | None = None
    received: str | None = None


class Event(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """An event in ``custody-log``, keyed by its token; without a subject, by its speaker's name.

    ``time`` is the speaker's claim, unchanged; ``received`` the arrival by which it is judged (UTC).
    """

    specversion: str
    id: str
    source: str
    type: str
    time: str
    speaker: str
    role: str
    """The speaker's role in the policy (``vendor``, ``j-lis``, ``municipality``)."""
    own_feed: bool
    """Whether the role writes feeds of its own, one per party: whose clock counts for this application."""
    received: str
    origin: str
    """``topic:partition:offset`` of the public record; in a file ``name:line``."""
    subject: str | None = None
    """The token, 64 hex digits."""
    last4: str | None = None
    data: Data = Data()
