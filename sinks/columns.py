"""The columns that are written, and whence each value is taken: one name for each, as in ``migrations``. Pure."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schemas.codec import encode
from schemas.events import PREFIX
from schemas.instants import from_text
from streams.verdicts import HopVerdict

Values: TypeAlias = Sequence[Any] | pa.Array
Columns = dict[str, Values]
"""Column -> its values, all of one length; instants are integers (microseconds) or Arrow's."""
Take = Callable[[Sequence[Any]], Values]
"""Gives a column's values in all that was decoded."""
Takes = Mapping[str, Take]

INSTANT = pa.timestamp("us", "UTC")
EARLIEST_US = from_text("1900-01-01T00:00:00Z")
LATEST_US = from_text("2299-12-31T23:59:59Z")
"""What ClickHouse's DateTime64 can say."""

PLACE = ("kiosk", "kiosk_municipality", "residence_municipality")
CUSTODY = ("holder", "duty_basis", "supervisor")


def instants(texts: Sequence[str | None], read: Callable[[str], int | None] = from_text) -> pa.Array:
    """What ``read`` gives for each. Arrow reads them in a fifth of the time: what it takes for an instant is the same one for
    ``from_text``, but for the year 0. Where it does not take all of them, ``read`` decides, and may refuse (ValueError)."""
    try:
        found = pc.cast(pa.array(texts, pa.string()), INSTANT)
    except pa.ArrowInvalid:
        pass
    else:
        bounds = pc.min_max(found.cast(pa.int64())).as_py()
        if bounds["min"] is None or EARLIEST_US <= bounds["min"] <= bounds["max"] <= LATEST_US:
            return found
    return pa.array([None if text is None else read(text) for text in texts], INSTANT)


def _claimed_us(text: str) -> int | None:
    """The claim as an instant; None where it is none that ClickHouse can say. The text itself is kept beside it."""
    try:
        claimed_us = from_text(text)
    except (ValueError, OverflowError):
        return None
    return claimed_us if EARLIEST_US <= claimed_us <= LATEST_US else None


def _take(name: str) -> Take:
    get = attrgetter(name)
    return lambda told: [*map(get, told)]


def _instants(name: str, read: Callable[[str], int | None] = from_text) -> Take:
    get = attrgetter(name)
    return lambda told: instants([*map(get, told)], read)


def _same(*names: str, of: str = "") -> dict[str, Take]:
    """Columns that have the names of what they are taken from."""
    return {name: _take(of + name) for name in names}


EVENTS: Takes = {
    "token": _take("subject"),
    **_same("last4", "speaker", "role"),
    "type": lambda told: [event.type.removeprefix(PREFIX) for event in told],
    "event_id": _take("id"),
    "source": _take("source"),
    "time": _instants("time", _claimed_us),
    "claimed": _take("time"),
    "received": _instants("received"),
    **_same("vendor", *PLACE, "batch", "reason", of="data."),
    "origin": _take("origin"),
    "data": lambda told: [encode(event.data) for event in told],
}
REFUSALS: Takes = {
    **_same("reason", "path"),
    **{f"origin_{name}": _take(f"origin.{name}") for name in ("topic", "partition", "offset")},
    **_same("speaker", "size", "hmac"),
    "received": _instants("received"),
}
TRANSITIONS: Takes = {
    **_same("stall_id", "revision", "kind", "reason", "level", "hop", "attempt", "token", "last4", "vendor", *PLACE, *CUSTODY, of="data."),
    **_same("procedure", "policy_version", "calendar_version", "limit_rule", "flags", of="data."),
    **{name: _instants(f"data.{name}") for name in ("entered_at", "due_at", "closed_at", "closed_before", "at")},
    "time": _instants("time"),
}
OTHERWISE = {
    "verdict": "state",
    "entered_us": "entered_at",
    "due_us": "due_at",
    "closed_us": "closed_at",
    "closed_before_us": "closed_before",
}
"""Fields of a final verdict whose columns have other names."""
HOPS = tuple(OTHERWISE.get(field, field) for field in HopVerdict.__struct_fields__)
APPLICATIONS: Takes = {**_same("last4", "vendors"), "shrinks_at": _take("shrink_us")}
COVERAGE = ("at", "feed", "feed_partition", "vendor", "through", "input_set")
COLUMNS = {
    "events": ("offset", *EVENTS),
    "refusals": ("offset", *REFUSALS),
    "transitions": ("offset", *TRANSITIONS),
    "hops": ("offset", "begun_at", *HOPS),
    "applications": ("offset", "token", *APPLICATIONS),
    "coverage": ("offset", *COVERAGE),
}
