"""Instants as text and as days, many a second: by quarter hour from a table (every zone's offset is whole quarter hours)."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from schemas.instants import SECOND_US, from_us
from streams.deadlines import day_of

QUARTER_US = 900 * SECOND_US
SECONDS = tuple(f"{minute:02d}:{second:02d}" for minute in range(60) for second in range(60))
MILLISECONDS = ("", *(f".{each:03d}000" for each in range(1, 1_000)))


class _Quarters(dict[int, tuple[str, tuple[str, ...], str]]):
    """Quarter hour since 1970 -> text up to the hour, that of its seconds, that of the offset."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, quarter: int) -> tuple[str, tuple[str, ...], str]:
        local = from_us(quarter * QUARTER_US).astimezone(self._zone)
        begins, text = local.minute * 60, local.isoformat()
        found = self[quarter] = text[:14], SECONDS[begins : begins + 900], text[19:].replace("+00:00", "Z")
        return found


class Stamps:
    """RFC 3339 in one zone, down to milliseconds, which are written (as microseconds) only where there are any."""

    def __init__(self, zone: tzinfo) -> None:
        self._quarters = _Quarters(zone)

    def text(self, instant_us: int) -> str:
        hour, seconds, offset = self._quarters[instant_us // QUARTER_US]
        within_us = instant_us % QUARTER_US
        return f"{hour}{seconds[within_us // SECOND_US]}{MILLISECONDS[within_us % SECOND_US // 1_000]}{offset}"


class Days:
    """Of which day, in one zone, an instant is."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._quarters: dict[int, int] = {}

    def of(self, instant_us: int) -> int:
        quarter = instant_us // QUARTER_US
        day = self._quarters.get(quarter)
        if day is None:
            day = self._quarters[quarter] = day_of(quarter * QUARTER_US, self._zone)
        return day
