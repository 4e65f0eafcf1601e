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


class Data(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
    """The typed payload; every field is optional, and what is not named here does not pass intake."""

    kiosk: str | None = None
    """The kiosk's name, the same in every event about it."""
    vendor: str | None = None
    """``enquiry.logged`` only: whose kiosk it is, as far as the citizen knows. Elsewhere the speaker says who the vendor is."""
    kiosk_municipality: str | None = None
    """Where the kiosk stands: 6 digits with a check digit."""
    residence_municipality: str | None = None
    """Where the applicant lives: often another town than the kiosk's."""
    batch: str | None = None
    """Name of the file, transmission or parcel that the application travels in."""
    reason: str | None = None
    """Why, in a few words about the matter; never about the person."""
    source: str | None = None
    """``event.corrected`` only: the ``source`` of the event that is voided."""
    id: str | None = None
    """``event.corrected`` only: the ``id`` of the event that is voided."""
    count: int | None = None
    """``batch.manifest``, ``batch.acknowledged``: how many applications the batch holds."""
    sha256: str | None = None
    """``batch.manifest``: SHA-256 of the batch as it was sent, hex."""


class PublicEvent(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
    """An event as a source sends it. ``speaker`` and ``received`` count in files only; in a public record they are ignored."""

    specversion: str
    """Always ``1.0``."""
    id: str
    """Unique within its ``source``: an event that is sent again has the same ``id``, another event another."""
    source: str
    """Who says it, as a path that begins with the speaker's own prefix (``/vendors/plaza/kiosks/soka-annex``)."""
    type: str
    """``jp.tairyu.`` and the name of what happened."""
    time: str | None = None
    """When it happened: RFC 3339 with an offset. Required."""
    subject: str | None = None
    """The application's id, all its digits and nothing else. Required where the type is about one application."""
    datacontenttype: str | None = None
    """``application/json``, or left out."""
    data: Data = Data()
    speaker: str | None = None
    """In files: who speaks. In a record the topic or its header says it, and this is ignored."""
    received: str | None = None
    """In files: when it arrived, RFC 3339 with an offset; left out: at ``time``. In a record the broker says it, and this is ignored."""


class Event(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
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
