"""Tokens, hashes and municipality codes."""

import hashlib
import hmac
from random import Random

import msgspec
import pytest

from schemas.events import Data, Event
from schemas.identity import content_hash, event_hash, keyed_hash, last4, municipality_ok, token

RNG = Random(4)
SUBJECT = "".join(RNG.choices("0123456789", k=23))


def event(**changes: object) -> Event:
    said = {
        "id": "1",
        "source": "/plaza",
        "type": "jp.tairyu.card.arrived",
        "time": "2026-04-01T09:00:00+09:00",
        "data": Data(kiosk="soka-2"),
    }
    carried = {
        "specversion": "1.0",
        "speaker": "plaza",
        "role": "vendor",
        "own_feed": True,
        "received": "2026-04-01T00:00:01Z",
        "origin": "t:0:1",
    }
    return msgspec.convert(said | carried | changes, Event, from_attributes=True)


@pytest.mark.parametrize("length", [1, 32, 64, 65, 200])
def test_a_token_is_hmac_sha_256_whatever_the_length_of_the_key(length: int) -> None:
    key = RNG.randbytes(length)
    assert token(key, SUBJECT) == hmac.digest(key, SUBJECT.encode(), "sha256").hex()


def test_a_token_depends_on_the_key_and_says_nothing_of_the_id() -> None:
    one, other = token(b"one", SUBJECT), token(b"other", SUBJECT)
    assert one != other
    assert SUBJECT not in one


def test_the_hash_of_refused_bytes_is_never_the_token_of_the_same_digits() -> None:
    assert keyed_hash(b"key", SUBJECT.encode()) != token(b"key", SUBJECT)
    assert keyed_hash(b"key", b"a") != keyed_hash(b"key", b"b")
    assert keyed_hash(b"key", b"a") != keyed_hash(b"other", b"a")


def test_the_last_four_digits_are_all_that_is_shown() -> None:
    assert last4(SUBJECT) == SUBJECT[19:]


def test_an_event_is_identified_by_speaker_source_and_id() -> None:
    assert event_hash("plaza", "/s", "1") == hashlib.sha256(b"plaza\0/s\x001").digest()[:8]
    assert len({event_hash("plaza", "/s", "12"), event_hash("plaza", "/s1", "2"), event_hash("plaz", "a/s", "12")}) == 3


def test_content_is_type_time_and_data_and_nothing_of_the_delivery() -> None:
    first = content_hash(event())
    assert content_hash(event(received="2026-05-01T00:00:00Z", origin="t:1:9", id="2")) == first
    assert content_hash(event(time="2026-04-01T09:00:01+09:00")) != first
    assert content_hash(event(type="jp.tairyu.notice.sent")) != first
    assert content_hash(event(data=Data(kiosk="soka-3"))) != first
    assert len(first) == 8


# Computed for the field's facts: seven codes of cities and wards, and Soka's.
@pytest.mark.parametrize("code", ["131016", "011002", "271004", "141003", "111007", "131041", "401307", "112216"])
def test_real_municipalities_pass_and_every_other_last_digit_fails(code: str) -> None:
    assert [digit for digit in "0123456789" if municipality_ok(code[:5] + digit)] == [code[5]]


@pytest.mark.parametrize("code", ["", "11221", "1122160", "11221x", "１１２２１６", " 12216", "11221\n", "112215"])
def test_what_is_not_six_digits_with_a_check_digit_is_no_municipality(code: str) -> None:
    assert not municipality_ok(code)
