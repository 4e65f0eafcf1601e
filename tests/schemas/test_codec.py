"""Public bytes become a typed event, or the one reason against them; both ways through the codec say the same."""

import json
from random import Random
from typing import Any

import msgspec
import orjson
import pytest

from schemas import codec
from schemas.codec import decode_application, decode_event, encode, encode_application, read_public
from schemas.events import Data, Event, PublicEvent
from schemas.reasons import Reason, Refused
from schemas.records import Application, Contribution

RNG = Random(20)
SUBJECT = "".join(RNG.choices("0123456789", k=23))
NUMBER = "1" + "".join(RNG.choices("0123456789", k=11))
NUMBERS = {Reason.INDIVIDUAL_NUMBER, Reason.POSSIBLE_INDIVIDUAL_NUMBER}
HONEST: dict[str, Any] = {
    "specversion": "1.0",
    "id": "upload-1",
    "source": "/plaza/soka",
    "type": "jp.tairyu.application.uploaded",
    "time": "2026-04-01T09:00:00+09:00",
    "subject": SUBJECT,
    "data": {"kiosk": "soka-2", "kiosk_municipality": "112216", "count": 7},
}
EXPECTED = msgspec.convert(HONEST, PublicEvent)


def text(**changes: Any) -> bytes:
    return json.dumps(HONEST | changes, ensure_ascii=False).encode()


def refusal(value: bytes | None, headers: codec.Headers | None = None) -> Refused:
    with pytest.raises(Refused) as refused:
        read_public(value, headers)
    return refused.value


def reason_and_path(value: bytes | None, headers: codec.Headers | None = None) -> tuple[Reason, str]:
    refused = refusal(value, headers)
    return refused.reason, refused.path


@pytest.mark.parametrize(
    "value",
    [
        text(),
        json.dumps(HONEST, indent=4).encode(),
        json.dumps(HONEST).replace("/", "\\/").encode(),
        json.dumps(HONEST).replace("soka-2", "\\u0073oka-2").encode(),
        text(extension="x", another={"a": [1, None, {"b": 1.5}]}),
        text(datacontenttype=None, speaker=None),
    ],
    ids=["plain", "indented", "escaped slashes", "escaped letters", "extensions", "nulls"],
)
def test_one_event_is_read_the_same_however_it_is_written(value: bytes) -> None:
    assert read_public(value, None) == EXPECTED


def test_what_the_schema_does_not_name_does_not_pass() -> None:
    event = read_public(text(data={"kiosk": "soka-2", "name": "x"}, customer="y"), None)
    assert json.loads(encode(event)) == HONEST | {"data": {"kiosk": "soka-2"}}


@pytest.mark.parametrize("data", [None, {}, {"kiosk": None}])
def test_data_may_be_empty(data: Any) -> None:
    assert read_public(text(data=data), None).data == Data()


def test_data_may_be_absent() -> None:
    value = json.dumps({key: part for key, part in HONEST.items() if key != "data"}).encode()
    assert read_public(value, None).data == Data()


def test_japanese_text_passes_unchanged() -> None:
    assert read_public(text(data={"kiosk": "草加市役所 第２庁舎 １Ｆ"}), None).data.kiosk == "草加市役所 第２庁舎 １Ｆ"


@pytest.mark.parametrize("value", [None, b""])
def test_nothing_is_empty(value: bytes | None) -> None:
    assert reason_and_path(value) == (Reason.EMPTY, "")


def test_a_mebibyte_may_be_read_and_one_byte_more_may_not() -> None:
    value = text()
    assert read_public(value + b" " * (codec.LARGEST - len(value)), None) == EXPECTED
    assert refusal(value + b" " * (codec.LARGEST - len(value) + 1)).reason is Reason.TOO_LARGE
    assert refusal(value, [("filler", b"x" * codec.LARGEST)]).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (text(id="x").replace(b'"x"', b'"\xff"'), Reason.INVALID_ENCODING),
        (text(other="x").replace(b'"x"', b'"\xed\xa0\x80"'), Reason.INVALID_ENCODING),
        (text(id="x").replace(b'"x"', b'"\\ud800"'), Reason.INVALID_ENCODING),
        (json.dumps(HONEST).encode("utf-16"), Reason.INVALID_ENCODING),
        (b"not json", Reason.INVALID_JSON),
        (b" ", Reason.INVALID_JSON),
        (text() + b"{}", Reason.INVALID_JSON),
        (text()[:-1], Reason.INVALID_JSON),
        (b"\xef\xbb\xbf" + text(), Reason.INVALID_JSON),
        (text(other=float("nan")), Reason.INVALID_JSON),
        (text(id="x").replace(b'"x"', b'"a\nb"'), Reason.INVALID_JSON),
        (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, Reason.TOO_DEEP),
        (b"[" * 1_000_000, Reason.TOO_DEEP),
        (text(other="x").replace(b'"x"', b"[" * 64 + b"]" * 64), Reason.TOO_DEEP),
        (text(data={"kiosk": "x"}).replace(b'"x"', b"[" * 500_000 + b"]" * 500_000), Reason.TOO_DEEP),
        (text(data={"count": 2**63}), Reason.NUMBER_OUT_OF_RANGE),
        (text(other=-(2**63) - 1), Reason.NUMBER_OUT_OF_RANGE),
        (text(other="x").replace(b'"x"', b"9" * 5_000), Reason.NUMBER_OUT_OF_RANGE),
        (text(other="x").replace(b'"x"', b"1e999"), Reason.NUMBER_OUT_OF_RANGE),
        (b"[]", Reason.NOT_CLOUDEVENTS),
        (b"null", Reason.NOT_CLOUDEVENTS),
        (b"{}", Reason.NOT_CLOUDEVENTS),
    ],
)
def test_what_cannot_be_read_says_why(value: bytes, reason: Reason) -> None:
    assert refusal(value).reason is reason


def test_sixty_four_levels_are_read() -> None:
    assert read_public(text(other="x").replace(b'"x"', b"[" * 63 + b"]" * 63), None) == EXPECTED


@pytest.mark.parametrize("count", [2**63 - 1, -(2**63)])
def test_the_largest_numbers_pass(count: int) -> None:
    assert read_public(text(data={"count": count}), None).data.count == count


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("change", ["", None])
def test_an_envelope_without_its_four_attributes_is_no_cloudevent(name: str, change: str | None) -> None:
    assert reason_and_path(text(**{name: change})) == (Reason.NOT_CLOUDEVENTS, f"/{name}")


@pytest.mark.parametrize("version", ["0.3", "1.1", "1", 1.0])
def test_other_versions_of_cloudevents_are_not_understood(version: object) -> None:
    assert reason_and_path(text(specversion=version)) == (Reason.UNSUPPORTED_SPECVERSION, "/specversion")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": 5}, "/id"),
        ({"time": 1_775_000_000}, "/time"),
        ({"subject": ["x"]}, "/subject"),
        ({"data": "kiosk"}, "/data"),
        ({"data": []}, "/data"),
        ({"data": {"kiosk": {"name": "soka"}}}, "/data/kiosk"),
        ({"data": {"count": "7"}}, "/data/count"),
        ({"data": {"count": 7.0}}, "/data/count"),
        ({"data": {"count": True}}, "/data/count"),
    ],
)
def test_a_field_of_another_type_is_named(changes: dict[str, Any], path: str) -> None:
    assert reason_and_path(text(**changes)) == (Reason.WRONG_TYPE, path)
    assert reason_and_path(text(**changes, extension=1)) == (Reason.WRONG_TYPE, path)


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"id": "i" * 257}, "/id"), ({"subject": "1" * 257}, "/subject"), ({"data": {"reason": "写" * 257}}, "/data/reason")],
)
def test_a_text_of_more_than_256_characters_is_named(changes: dict[str, Any], path: str) -> None:
    assert reason_and_path(text(**changes)) == (Reason.FIELD_TOO_LONG, path)


def test_256_characters_are_not_too_long() -> None:
    assert read_public(text(id="i" * 256, data={"reason": "写" * 256}), None).data.reason == "写" * 256


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (text().replace(b'"id"', b'"id": "other", "id"'), ""),
        (text().replace(b'"id"', b'"\\u0069d": "other", "id"'), ""),
        (text(other=1).replace(b'"other"', b'"other": 2, "other"'), ""),
        (text().replace(b'"kiosk":', b'"kiosk": null, "kiosk":'), "/data"),
        (text(other=[{"a": 1}]).replace(b'"a"', b'"a": 2, "a"'), "/#7/0"),
    ],
)
def test_a_key_that_comes_twice_is_refused(value: bytes, path: str) -> None:
    assert reason_and_path(value) == (Reason.DUPLICATE_KEY, path)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (text(id=NUMBER), "/id"),
        (text(data={"kiosk": f"{NUMBER[:4]}-{NUMBER[4:8]}-{NUMBER[8:]}"}), "/data/kiosk"),
        (text(data={"reason": "".join(chr(0xFF10 + int(digit)) for digit in NUMBER)}), "/data/reason"),
        (text(data={"count": int(NUMBER)}), "/data/count"),
        (text(data={"count": float(NUMBER)}), "/data/count"),
        (text(data={"count": "x"}).replace(b'"x"', f"{NUMBER[0]}.{NUMBER[1:]}E+11".encode()), "/data/count"),
        (text(data={"kiosk": {"deep": [[{"deeper": NUMBER}]]}}), "/data/kiosk/#0/0/0/#0"),
        (text(data={NUMBER: 1}), "/data/#0"),
        (text(**{NUMBER: 1}), "/#7"),
        (text(unknown=NUMBER), "/#7"),
        (text(id="x").replace(b'"x"', b'"' + "".join(f"\\u003{digit}" for digit in NUMBER).encode() + b'"'), "/id"),
        (text().replace(b'"id"', f'"id": "{NUMBER}", "id"'.encode()), "/id"),
        (text().replace(b'"kiosk":', f'"kiosk": {NUMBER}, "kiosk":'.encode()), "/data/kiosk"),
        (f'["{NUMBER}"]'.encode(), "/0"),
        (NUMBER.encode(), ""),
    ],
)
def test_a_number_is_found_before_any_fault_of_the_envelope(value: bytes, path: str) -> None:
    refused = refusal(value)
    assert refused.reason in NUMBERS
    assert refused.path == path


@pytest.mark.parametrize("header", [("note", NUMBER.encode()), (NUMBER, b"x"), (NUMBER, None), ("note", b"\xff" + NUMBER.encode())])
def test_a_number_in_a_header_is_found(header: tuple[str, bytes | None]) -> None:
    refused = refusal(text(), [("content-type", b"application/cloudevents+json"), header])
    assert refused.reason in NUMBERS
    assert refused.path == "/headers/#1"


def test_a_refusal_carries_nothing_of_the_value() -> None:
    for value in (text(id=NUMBER), b'{"secret-text', b"\xffsecret-text", text(id=["secret-text"]), text(data={"count": "secret-text"})):
        refused = refusal(value)
        assert refused.__context__ is None
        assert refused.__cause__ is None
        assert NUMBER not in str(refused)
        assert "secret" not in str(refused)


def binary(**changes: str | None) -> list[tuple[str, bytes | None]]:
    attributes = {key: part for key, part in HONEST.items() if key != "data"} | changes
    return [("content-type", b"application/json"), *((f"ce_{key}", part.encode()) for key, part in attributes.items() if part is not None)]


DATA = json.dumps(HONEST["data"]).encode()


def test_a_binary_cloudevent_is_the_same_event() -> None:
    assert read_public(DATA, binary()) == EXPECTED
    assert read_public(DATA, binary(traceparent="x")) == EXPECTED
    assert read_public(DATA, [(key.upper(), part) for key, part in binary()]) == EXPECTED


def test_a_binary_cloudevent_may_have_no_data() -> None:
    assert read_public(None, binary()).data == Data()


def test_a_structured_event_stays_one_though_its_headers_repeat_attributes() -> None:
    headers: codec.Headers = [
        ("content-type", b"application/cloudevents+json; charset=utf-8"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"other"),
    ]
    assert read_public(text(), headers) == EXPECTED


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (DATA, binary(id=None), Reason.NOT_CLOUDEVENTS),
        (DATA, binary(specversion="0.3"), Reason.UNSUPPORTED_SPECVERSION),
        (b"{", binary(), Reason.INVALID_JSON),
        (b'"text"', binary(), Reason.WRONG_TYPE),
        (DATA, [*binary(), ("ce_id", b"again")], Reason.DUPLICATE_KEY),
        (DATA, [*binary(subject=None), ("ce_subject", b"\xff")], Reason.INVALID_ENCODING),
        (DATA, binary(source="s" * 257), Reason.FIELD_TOO_LONG),
    ],
)
def test_a_faulty_binary_cloudevent_says_why(value: bytes, headers: codec.Headers, reason: Reason) -> None:
    assert refusal(value, headers).reason is reason


def test_a_number_in_binary_data_is_found() -> None:
    assert refusal(json.dumps({"a": NUMBER}).encode(), binary()).reason in NUMBERS


def mutated(rng: Random) -> bytes:
    """An honest event with a few bytes changed, doubled or left out."""
    value = bytearray(text(extension="x") if rng.random() < 0.3 else text())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(value))
        value[at : at + rng.randint(0, 2)] = rng.choice(
            [b"", b'"', b"\\", b"{", b"]", b",", b"0", b"\xff", b"null", b"\\u0031", b"-", b" "]
        )
    return bytes(value)


def test_whatever_is_sent_gives_an_event_or_a_reason() -> None:
    rng = Random(8)
    read = 0
    for _ in range(5_000):
        try:
            decode_event_again = encode(read_public(mutated(rng), None))
        except Refused:
            continue
        read += 1
        assert read_public(decode_event_again, None)
    assert 500 < read < 4_500


def test_adding_an_extension_never_changes_the_answer() -> None:
    rng = Random(9)
    for _ in range(3_000):
        value = mutated(rng)
        assert answer(value) == answer(value.replace(b"{", b'{"an_extension": 1, ', 1))


def answer(value: bytes) -> object:
    """The event or the reason (an extension moves the positions in paths)."""
    try:
        return read_public(value, None)
    except Refused as refused:
        return refused.reason


def test_messages_are_encoded_as_orjson_would() -> None:
    event = Event(
        specversion="1.0",
        id='a"\\\u0007\u007f\u2028草',
        source="/plaza",
        type="jp.tairyu.card.arrived",
        time="2026-04-01T09:00:00+09:00",
        speaker="plaza",
        role="vendor",
        own_feed=True,
        received="2026-04-01T00:00:01Z",
        origin="t:0:1",
        data=Data(kiosk="😀", count=3),
    )
    assert encode(event) == orjson.dumps(msgspec.to_builtins(event))
    assert decode_event(encode(event)) == event


def test_an_application_record_comes_back_as_it_was() -> None:
    record = Application(
        last4="1234", vendors=("plaza",), contributions=(Contribution(b"e" * 8, b"c" * 8, "m", 1, -2, "plaza", "vendor", None, "k", None),)
    )
    assert decode_application(encode_application(record)) == record
