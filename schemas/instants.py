"""Instants: RFC 3339 text outside, integer microseconds since 1970 (``*_us``) inside."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JAPAN = "+09:00"
EPOCH_IN_JAPAN = datetime(1970, 1, 1, 9)
"""What clocks showed there then."""
SHORTEST = len("2026-04-01T00:00:00+09:00")
"""Anything shorter may be a date with something behind it."""
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exactly (no float on the way)."""
    span = instant - EPOCH
    return (span.days * 86_400 + span.seconds) * SECOND_US + span.microseconds


def from_us(instant_us: int) -> datetime:
    """The aware UTC instant; OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=instant_us)


def to_text(instant_us: int) -> str:
    """RFC 3339 in UTC with a ``Z``; microseconds only where there are any."""
    return from_us(instant_us).isoformat().replace("+00:00", "Z")


def from_text(text: str) -> int:
    """Microseconds of an RFC 3339 instant; ValueError without an offset or if it is no instant."""
    if text.endswith("Z"):  # as we write all of them ourselves: what is read most
        span = datetime.fromisoformat(text) - EPOCH
    else:
        if text.endswith(JAPAN) and len(text) >= SHORTEST:
            # As parties mostly write them. To subtract between time zones costs more than all the rest.
            instant, epoch = datetime.fromisoformat(text[: -len(JAPAN)]), EPOCH_IN_JAPAN
        else:
            instant, epoch = datetime.fromisoformat(text), EPOCH
        if (instant.tzinfo is None) is (epoch is EPOCH):
            raise ValueError(f"{text!r} has no offset, or two")
        span = instant - epoch
    return (span.days * 86_400 + span.seconds) * SECOND_US + span.microseconds
