"""Instants: text outside, integer microseconds inside."""

from datetime import datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import from_text, to_us

DATES = ["2026-04-01", "20260401", "2026-W14-3", "1969-12-31", "2026-13-01"]
SEPARATORS = ["T", " ", "t", "+", ""]
TIMES = ["", "00:00:00", "10:20", "10", "102030", "10:20:30.5", "10:20:30.123456", "24:00:00", "10:20:30+01:00", "09:00"]
OFFSETS = ["+09:00", "Z", "+00:00", "-09:00", "+09:00:30", "+0900", "+09:00+09:00", ""]


def by_python(text: str) -> int | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else to_us(instant)


def by_us(text: str) -> int | None:
    try:
        return from_text(text)
    except ValueError:
        return None


def test_an_instant_is_what_python_reads_whatever_its_form_and_offset() -> None:
    texts = [*map("".join, product(DATES, SEPARATORS, TIMES, OFFSETS))]
    assert [text for text in texts if by_us(text) != by_python(text)] == []
    assert len([text for text in texts if by_us(text) is not None]) > 100


@given(st.datetimes(min_value=datetime(1900, 1, 2)).map(datetime.isoformat))
def test_what_clocks_show_in_japan_is_nine_hours_ahead(shown: str) -> None:
    assert from_text(f"{shown}+09:00") == from_text(f"{shown}Z") - 9 * 3_600_000_000
