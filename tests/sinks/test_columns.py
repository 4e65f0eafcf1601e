"""Columns of instants: Arrow reads them, and gives what ``from_text`` gives."""

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_event
from schemas.instants import from_text
from schemas.situations import situation
from sinks.columns import EARLIEST_US, EVENTS, LATEST_US, instants
from tests.properties.budget import tried

EVENT = decode_event(situation("records/custody-log", "submitted-at-a-city-hall-booth").values()[0])
SHAPED = st.from_regex(
    r"[0-9]{4}-?[01][0-9]-?[0-3][0-9][T t_]?([012][0-9](:?[0-6][0-9](:?[0-6][0-9])?)?([.,][0-9]{0,9})?)? ?"
    r"(Z|z|[+-][012][0-9](:?[0-6][0-9])?(:[0-5][0-9])?)?\n?",
    fullmatch=True,
)
RIGHT = st.builds("{}{}".format, st.datetimes().map(lambda at: at.isoformat()), st.sampled_from(("Z", "+00:00", "+09:00", "-11:30")))
texts = st.lists(st.one_of(RIGHT, SHAPED, st.text(max_size=30)), min_size=1, max_size=4)


def plain(found: pa.Array) -> list[int | None]:
    told: list[int | None] = found.cast(pa.int64()).to_pylist()
    return told


def in_words(text: str) -> int | None:
    try:
        return from_text(text)
    except ValueError:
        return None


@tried(4)
@given(told=texts)
def test_instants_are_those_that_each_text_is_for_itself(told: list[str]) -> None:
    each = [in_words(text) for text in told]

    if None in each:
        with pytest.raises(ValueError, match=r"."):  # in the words of datetime, or ours
            instants(told)
    else:
        assert plain(instants(told)) == each


@tried(4)
@given(told=texts)
def test_a_claim_that_is_no_instant_or_none_that_clickhouse_can_say_is_null_and_takes_no_other_with_it(told: list[str]) -> None:
    each = [in_words(text) for text in told]
    sayable = [us if us is not None and EARLIEST_US <= us <= LATEST_US else None for us in each]

    assert plain(EVENTS["time"]([msgspec.structs.replace(EVENT, time=text) for text in told])) == sayable


def test_no_text_is_no_instant() -> None:
    assert plain(instants([None, "2026-04-01T09:12:40+09:00", None])) == [None, from_text("2026-04-01T00:12:40Z"), None]
    assert plain(instants([None])) == [None]
