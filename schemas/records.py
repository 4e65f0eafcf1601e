"""What Tairyu's stages say to each other and to subscribers. Every message has a schema before its stage is written.

What is made in great numbers is ``gc=False``: it holds no cycles, so the collector need not look at it (7 % of the watch's time).
"""

from typing import Any

import msgspec

PULSE_KEY = b"pulse"
REFUSAL_KEY = b"refusal"
APPLIED_KEY = b"\0applied"
"""Keys of the records in ``custody-log`` and ``applications`` that belong to no application."""
TOKEN_LENGTH = 64

NEWEST = 2
"""The version of application records that this release writes, and up to which it reads."""

PULSE_TYPE = "jp.tairyu.pulse"
REFUSAL_TYPE = "jp.tairyu.refusal"
MARK_TYPE = "jp.tairyu.clock.mark"
STALL_PREFIX = "jp.tairyu.stall."


class Input(msgspec.Struct, kw_only=True, frozen=True):
    """One public topic of the input set, as one intake worker has read it."""

    vendor: str | None
    """The party that owns the feed; None for a shared one."""
    partitions: int
    through: dict[int, str]
    """Partition -> T: everything that arrived up to T has been read. Only partitions that this worker reads."""
    heard: dict[int, str]
    """Partition -> arrival of the last record, of any kind."""


class Pulse(msgspec.Struct, kw_only=True, frozen=True):
    """Time as a message (rule 1): written into every partition of ``custody-log`` after the records it vouches for."""

    type: str = PULSE_TYPE
    at: str
    """The writer's clock reading."""
    bucket_s: int
    policy: str
    """The newest policy version its writer knows; a watch that lacks it ends."""
    input_set: int
    inputs: dict[str, Input]
    """Topic -> input, for every topic of the set."""


class Origin(msgspec.Struct, frozen=True):
    topic: str
    partition: int
    offset: int


class Refusal(msgspec.Struct, kw_only=True, frozen=True):
    """Stands in ``custody-log`` for a public record that was refused. Holds nothing of the record's value."""

    type: str = REFUSAL_TYPE
    reason: str
    path: str
    """Where the fault lies, keys given by position (``/data/#2``): a key may be the very thing refused."""
    origin: Origin
    speaker: str | None
    size: int
    hmac: str
    """HMAC-SHA-256 of the record's bytes under the deployment's key, hex."""
    received: str


class DeadLetter(msgspec.Struct, kw_only=True, frozen=True):
    """The refused value, every run of 12 or more digits masked, cut at 256 KiB."""

    reason: str
    path: str
    origin: Origin
    size: int
    hmac: str
    received: str
    value: str


class Contribution(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event's part in an application's record: identity, claim, arrival, and the attributes it brings."""

    event: bytes
    """8 bytes of SHA-256 over speaker, source, id."""
    content: bytes
    """8 bytes of SHA-256 over what it says; differs under one ``event`` if a source reuses an id."""
    milestone: str
    claimed_us: int
    arrived_us: int
    """The earliest arrival of its copies."""
    speaker: str
    role: str
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None


class Correction(msgspec.Struct, array_like=True, frozen=True, gc=False):
    event: bytes
    target: bytes
    """The ``event`` hash that it voids."""
    arrived_us: int


class OpenHop(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A hop whose end is unknown, with the next level to be said and the instant after which it is."""

    hop: str
    attempt: int
    entered_us: int
    due_us: tuple[int | None, ...]
    """One per level of the hop, in the policy's order; None past the calendar's horizon."""
    rule: str
    """Which limits apply: ``default`` or an override's name."""
    policy_version: str
    news_us: int
    """Arrival of the news that opened, reopened or re-dated it."""


class Said(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was last said of one stall (hop and attempt): the last transition's figures."""

    hop: str
    attempt: int
    revision: int
    kind: str
    """``raised``, ``escalated``, ``revised``: open. ``cleared``, ``recorded``: late. ``retracted``."""
    reason: str | None
    level: str
    entered_us: int
    due_us: int
    closed_us: int | None
    rule: str
    policy_version: str
    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None
    clock_us: int
    """The highest clock by which a level of it was said."""


class Marker(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is left of an application after its terminal and the grace: enough to ignore what comes too late."""

    terminal: str
    terminal_us: int
    shrunk_us: int


class Way(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All that the next event need be compared with, where an application goes the ordinary way: one vendor, nothing odd, nothing
    corrected. A summary of its contributions; whoever lacks it derives from all of them."""

    version: str
    """Of the policy in force at the first of its events, when it was last derived."""
    first_us: int
    last_us: int
    """The earliest and the latest time of its milestones."""
    attempt: int
    seen: int
    """The milestones of this attempt, a bit for each at its place in the policy's order."""
    vendor: int
    kiosk: int
    kiosk_municipality: int
    residence_municipality: int
    """Whom and where verdicts name: places (from 1) in the order in which the contributions first name something; 0: nobody yet."""
    ended: int
    """The terminal's place in the policy's order, from 1; 0: there is none."""


class Application(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The per-application record in the table ``applications``; ``schemas.stored`` says in which bytes it is kept."""

    version: int = NEWEST
    last4: str = ""
    vendors: tuple[str, ...] = ()
    """The parties with feeds of their own that have spoken about it, sorted: whose clocks it waits for."""
    contributions: tuple[Contribution, ...] = ()
    corrections: tuple[Correction, ...] = ()
    open_hops: tuple[OpenHop, ...] = ()
    said: tuple[Said, ...] = ()
    shrink_us: int | None = None
    """Earliest arrival of a valid terminal + grace; None while there is none."""
    marker: Marker | None = None
    due_us: int | None = None
    """The earliest instant after which silence has something to say of it; None: it waits for nothing but news."""
    way: Way | None = None
    """None where it is not the ordinary one."""


class Verdict(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The ``data`` of a transition; the columns of ClickHouse's ``transitions`` have the same names."""

    stall_id: str
    """``token:hop:attempt``."""
    revision: int
    kind: str
    reason: str | None
    level: str
    hop: str
    attempt: int
    token: str
    last4: str
    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None
    holder: str
    duty_basis: str
    supervisor: str
    procedure: str
    policy_version: str
    calendar_version: str | None = None
    """Of the calendar by which the limit was computed; null where none is needed."""
    limit_rule: str
    flags: tuple[str, ...]
    entered_at: str
    due_at: str
    closed_at: str | None
    closed_before: str | None
    """A later milestone's time, where the hop's own end was never observed."""
    at: str
    """The application's clock, or the arrival of the news, by which it was said."""


class Transition(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A CloudEvent in ``stall-events``, keyed by the token; its identity is (``stall_id``, ``revision``)."""

    specversion: str = "1.0"
    id: str
    source: str = "/tairyu/watch"
    type: str
    subject: str
    time: str
    data: Verdict


class Mark(msgspec.Struct, kw_only=True, frozen=True):
    at: str
    bucket: int
    bucket_s: int
    input_set: int
    all: str | None
    """The clock of an application about which no vendor has spoken; null while an input is not yet known."""
    clocks: dict[str, str]
    """Vendor -> its clock; a vendor that is not yet known has none."""


class ClockMark(msgspec.Struct, kw_only=True, frozen=True):
    """A CloudEvent in ``stall-events`` (no key): every silence due by these clocks is judged; late news may still change verdicts."""

    specversion: str = "1.0"
    id: str
    source: str = "/tairyu/watch"
    type: str = MARK_TYPE
    time: str
    data: Mark


class AppliedInput(msgspec.Struct, array_like=True, frozen=True, gc=False):
    vendor: str | None
    through_us: tuple[int | None, ...]


class Applied(msgspec.Struct, kw_only=True, frozen=True):
    """The ledger's own record: what its partition of ``applications`` already contains, and by which clocks."""

    offset: int = -1
    at_us: int = 0
    """The highest pulse ``at`` handled."""
    bucket_s: int = 0
    bucket: int = -1
    """The bucket of the last clock mark."""
    input_set: int = -1
    inputs: dict[str, AppliedInput] = {}
    floor_us: dict[str, int] = {}
    """Vendor (``""``: all) -> the highest clock so far: a clock never goes back."""


class Exported(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A line of ``tairyu export`` (with ``offset``) and of ``tairyu judge --log`` (without)."""

    partition: int
    offset: int | None = None
    key: str | None
    value: Any
