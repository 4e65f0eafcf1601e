"""Values that are no JSON, or no JSON that two readers would read alike."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.corpus.cases import PLAZA, TOKIWA, Case, event, raw

DEEPEST = 64
MEBIBYTE = 1024 * 1024
UNCOMPRESSED = 1_048_588 - 61 - 11
"""Bytes of the longest value that a broker takes by default, without key and headers: less what the batch and the record need."""


def cases(rng: Random) -> Iterator[Case]:
    yield from empty(rng)
    yield from nested(rng)
    yield from encodings(rng)
    yield from numbers(rng)
    yield from no_json(rng)
    yield from twice(rng)
    yield from large(rng)
    yield from cut(rng, 30)
    yield from spoiled(rng, 20)


def with_data(rng: Random, text: str, field: str = "extra") -> bytes:
    """An honest event with this JSON text as a field of ``data``."""
    return raw(event(rng, data={field: "@"})).replace(b'"@"', text.encode())


def empty(rng: Random) -> Iterator[Case]:
    yield Case("zero bytes", "empty", b"")
    yield Case("tombstone", "empty", None)
    yield Case("tombstone with a key", "empty", None, key=b"s-0001")
    yield Case("tombstone of a whole event's headers but one", "empty", None, headers=(("ce_id", b"1"), ("ce_type", b"x")))
    yield Case("zero bytes with a flood of headers", "empty", b"", headers=tuple((f"h{n}", b"") for n in range(5_000)))


def nested(rng: Random) -> Iterator[Case]:
    """The event is level 1, its data level 2."""
    for levels in (65, 66, 100, 500, 100_000):
        yield Case(f"{levels} levels of arrays", "too_deep", b"[" * levels + b"]" * levels)
        yield Case(f"{levels} levels of objects", "too_deep", b'{"a":' * levels + b"1" + b"}" * levels)
        inner = levels - 2
        yield Case(f"{levels} levels within an event's data", "too_deep", with_data(rng, "[" * inner + "]" * inner))
    yield Case("64 levels of arrays", "not_cloudevents", b"[" * DEEPEST + b"]" * DEEPEST)
    yield Case("64 levels of objects", "not_cloudevents", b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST)
    inner = DEEPEST - 2
    yield Case("64 levels in an event, mixed", None, with_data(rng, '[{"a":' * (inner // 2) + "1" + "}]" * (inner // 2)))
    yield Case("65 levels in an event, mixed", "too_deep", with_data(rng, "[" + '[{"a":' * (inner // 2) + "1" + "}]" * (inner // 2) + "]"))
    yield Case("100,000 brackets that never close", "too_deep", b"[" * 100_000)
    yield Case("100,000 objects that never close", "too_deep", b'{"a":' * 100_000)
    yield Case("64 brackets that never close", "invalid_json", b"[" * DEEPEST)


def encodings(rng: Random) -> Iterator[Case]:
    for name, bad in {
        "overlong slash": b"\xc0\xaf",
        "overlong zero": b"\xc0\x80",
        "lone continuation": b"\x80",
        "cut two bytes": b"\xe8\x8d",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "surrogate as UTF-8": b"\xed\xa0\x80",
        "pair of surrogates as UTF-8": b"\xed\xa0\xbd\xed\xb8\x80",
        "0xff": b"\xff",
        "Shift_JIS": "草加市".encode("shift_jis"),
        "EUC-JP": "草加市".encode("euc_jp"),
        "Latin-1": "é".encode("latin-1"),
    }.items():
        yield Case(f"{name} in a text", "invalid_encoding", raw(event(rng, data={"reason": "@@"})).replace(b"@@", bad))
        yield Case(f"{name} in a key", "invalid_encoding", raw(event(rng, data={"@@": 1})).replace(b"@@", bad))
    for codec in ("utf-16-le", "utf-16-be", "utf-32-le"):
        yield Case(f"{codec} without a mark", "invalid_json", json.dumps(event(rng)).encode(codec))
    yield Case("UTF-16 with a mark", "invalid_encoding", json.dumps(event(rng)).encode("utf-16"))
    yield Case("UTF-32 with a mark", "invalid_encoding", json.dumps(event(rng)).encode("utf-32"))
    yield Case("bytes of a picture", "invalid_encoding", b"\x89PNG\r\n\x1a\n" + rng.randbytes(200))
    yield Case("gzip of an event", "invalid_encoding", b"\x1f\x8b\x08\x00" + rng.randbytes(100))
    for half in ("\\ud800", "\\udc00", "\\udc00\\ud800", "x\\uDBFFy"):
        yield Case(f"half of a pair: {half}", "invalid_encoding", with_data(rng, f'"{half}"', "reason"), path="/data/reason")
        yield Case(f"half of a pair in id: {half}", "invalid_encoding", raw(event(rng, id="@")).replace(b"@", half.encode()), path="/id")
    yield Case("half of a pair where nobody looks", None, with_data(rng, '"\\ud800"'))
    yield Case("a pair of escapes is one character", None, with_data(rng, '"\\ud83d\\ude00"', "reason"))


def numbers(rng: Random) -> Iterator[Case]:
    for text in ("1e400", "-1e400", "1" + "0" * 5_000, "-1" + "0" * 5_000, str(2**63), str(-(2**63) - 1), "9" * 4_301, "1e" + "9" * 300):
        yield Case(f"number {text[:12]} ({len(text)})", "number_out_of_range", with_data(rng, text))
        yield Case(f"count {text[:12]} ({len(text)})", "number_out_of_range", with_data(rng, text, "count"))
    yield Case("10^5000 alone", "number_out_of_range", b"1" + b"0" * 5_000)
    for text in ("NaN", "Infinity", "-Infinity", "nan", "+1", "01", "1.", ".5", "0x10", "1_000", "１", "--1", "1e", "1e+"):
        yield Case(f"no number: {text}", "invalid_json", with_data(rng, text))
    for text in ("-0", "-0.0", "0e0", "1e-400", str(2**63 - 1), str(-(2**63)), "5e-324", "1.7976931348623157e308"):
        yield Case(f"odd number: {text}", None, with_data(rng, text))
    for text in ("1.5", "1e-400", "true", '"3"', "[3]", "{}"):
        yield Case(f"count of {text}", "wrong_type", with_data(rng, text, "count"))


def no_json(rng: Random) -> Iterator[Case]:
    honest = json.dumps(event(rng))
    for name, text in {
        "blank": "   \n",
        "a word": "event",
        "single quotes": honest.replace('"', "'"),
        "trailing comma": honest[:-1] + ",}",
        "comment": honest[:-1] + "/* from the kiosk */}",
        "two events": honest + honest,
        "two events, one a line": f"{honest}\n{honest}",
        "text behind": honest + " x",
        "zero byte behind": honest + "\0",
        "zero byte before": "\0" + honest,
        "byte order mark": "\ufeff" + honest,
        "control character in a text": honest.replace("soka-2", "soka\x012"),
        "line break in a text": honest.replace("soka-2", "soka\n2"),
        "tab in a text": honest.replace("soka-2", "soka\t2"),
        "escape that is none": honest.replace("soka-2", "soka\\x32"),
        "half an escape": honest.replace("soka-2", "soka\\u00"),
        "XML": "<event><id>1</id></event>",
        "CSV": "plaza,2026-04-01,s-1",
        "YAML": "specversion: '1.0'\nid: a",
        "form": "id=1&source=%2Fvendors%2Fplaza",
        "SQL": "'; DROP TABLE events; --",
        "log4j": "${jndi:ldap://localhost/a}",
        "blank before the mark of no-break": "\u00a0" + honest,
        "closing bracket alone": "}",
        "quote alone": '"',
        "keys without quotes": "{id: 1}",
        "no-break spaces between": honest.replace(" ", "\u00a0"),
    }.items():
        yield Case(f"no JSON: {name}", "invalid_json", text.encode())
    for text in ("[]", "{}", '"event"', "1", "true", "null", "[null]", f"[{honest}]", '{"event":1}', "0", '""'):
        yield Case(f"JSON, but no event: {text[:16]}", "not_cloudevents", text.encode())
    yield Case("blanks around an event", None, f" \r\n\t{json.dumps(event(rng))}\n ".encode())


def twice(rng: Random) -> Iterator[Case]:
    for name in event(rng):
        honest = event(rng)
        again = json.dumps({name: honest[name]})[1:-1]
        yield Case(f"{name} twice, alike", "duplicate_key", f"{json.dumps(honest)[:-1]}, {again}}}".encode())
    honest = json.dumps(event(rng))
    for name, text in {
        "subject twice, another": f'{honest[:-1]}, "subject": "2"}}',
        "kiosk twice": honest.replace('"kiosk": ', '"kiosk": "a", "kiosk": '),
        "an extension twice": f'{honest[:-1]}, "x": 1, "x": 2}}',
        "null and text": f'{honest[:-1]}, "id": null}}',
        "the same by an escape": f'{honest[:-1]}, "\\u0069d": "other"}}',
        "deep in an extension": f'{honest[:-1]}, "x": [{{"a": [{{"b": 1, "b": 1}}]}}]}}',
        "the empty key twice": f'{honest[:-1]}, "": 1, "": 2}}',
        "a thousand times": honest[:-1] + ', "x": 1' * 1_000 + "}",
    }.items():
        yield Case(f"key twice: {name}", "duplicate_key", text.encode())
    yield Case("keys that only look alike", None, f'{json.dumps(event(rng))[:-1]}, "ID": "a", "\\u0456d": "b"}}'.encode())


def large(rng: Random) -> Iterator[Case]:
    """Uncompressed, a broker's own limit is met first; packed, anything goes through."""
    room = UNCOMPRESSED - len(with_data(rng, '""', "reason"))
    yield Case("the broker's maximum in one text", "field_too_long", with_data(rng, f'"{"x" * room}"', "reason"), codec="none")
    yield Case("the broker's maximum in brackets", "too_deep", b"[" * UNCOMPRESSED, codec="none")
    yield Case("the broker's maximum in zero bytes", "invalid_json", b"\0" * UNCOMPRESSED, codec="none")
    yield Case("the broker's maximum in quotes", "invalid_json", b'"' * UNCOMPRESSED, codec="none")
    yield Case("the broker's maximum in backslashes", "invalid_json", b"\\" * UNCOMPRESSED, codec="none")
    yield Case("the broker's maximum of 0xff", "invalid_encoding", b"\xff" * UNCOMPRESSED, codec="none")
    yield Case("the broker's maximum where nobody looks", None, with_data(rng, f'"{"x" * room}"'), codec="none")
    exactly = MEBIBYTE - len(with_data(rng, '""'))
    yield Case("one mebibyte exactly", None, with_data(rng, f'"{"x" * exactly}"'), codec="zstd")
    yield Case("a byte more than a mebibyte", "too_large", with_data(rng, f'"{"x" * (exactly + 1)}"'), codec="zstd")
    yield Case("a mebibyte with its header", "too_large", with_data(rng, f'"{"x" * exactly}"'), headers=(("h", b""),), codec="lz4")
    yield Case("headers of a mebibyte", "too_large", raw(event(rng)), headers=(("h", b"x" * MEBIBYTE),), codec="gzip")
    for codec in ("gzip", "zstd", "lz4"):
        yield Case(f"16 MiB of blanks in a few KiB of {codec}", "too_large", b" " * (16 * MEBIBYTE), topic=TOKIWA, codec=codec)
    yield Case("10,000 keys in data", None, raw(event(rng, data={f"k{n}": n for n in range(10_000)})))
    yield Case("10,000 extensions", None, raw(event(rng, **{f"k{n}": "v" for n in range(10_000)})))
    yield Case("an array of 100,000 zeros", None, raw(event(rng, data={"x": [0] * 100_000})))
    yield Case("a flood of headers", None, raw(event(rng)), headers=tuple((f"h{n}", b"v") for n in range(20_000)))
    yield Case("a key of 100,000 characters", None, raw(event(rng, data={"k" * 100_000: 1})))
    yield Case("a record's key of 100,000 bytes", None, raw(event(rng)), key=b"k" * 100_000)


def cut(rng: Random, count: int) -> Iterator[Case]:
    """An honest event that ends too early; it is ASCII, so that no character is cut in two."""
    for number in range(count):
        whole = json.dumps(event(rng)).encode()
        yield Case(f"cut off, {number}", "invalid_json", whole[: rng.randrange(1, len(whole))])


def spoiled(rng: Random, count: int) -> Iterator[Case]:
    """A byte of an honest event that became one that UTF-8 never has, or a quote that is gone (but not before digits)."""
    for number in range(count):
        whole = bytearray(json.dumps(event(rng)).encode())
        whole[rng.randrange(len(whole))] = rng.choice((0xC0, 0xC1, *range(0xF5, 0x100)))
        yield Case(f"spoiled byte, {number}", "invalid_encoding", bytes(whole), topic=rng.choice((PLAZA, TOKIWA)))
    for number in range(count):
        whole = bytearray(json.dumps(event(rng)).encode())
        quotes = [place for place, byte in enumerate(whole) if byte == ord('"') and not whole[place + 1 : place + 2].isdigit()]
        del whole[rng.choice(quotes)]
        yield Case(f"quote lost, {number}", "invalid_json", bytes(whole))


def every_type() -> dict[str, Any]:
    """One value of each JSON type."""
    return {"a number": 3, "a fraction": 1.5, "true": True, "an array": ["x"], "an object": {"x": "y"}, "text": "x"}
