"""CloudEvents in headers: malformed in every way, and odd but right."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.corpus.cases import PLAZA, Case, Headers, event, raw

DATA = b'{"kiosk": "soka-2"}'


def attributes(rng: Random, **changes: Any) -> Headers:
    """A change to ``...`` leaves the header out, one to None sends it without a value."""
    honest = event(rng, data=...) | changes
    return tuple(
        (f"ce_{name}", value if value is None or isinstance(value, bytes) else value.encode())
        for name, value in honest.items()
        if value is not ...
    )


def cases(rng: Random) -> Iterator[Case]:
    yield from missing(rng)
    yield from values(rng)
    yield from data(rng)
    yield from names(rng)


def missing(rng: Random) -> Iterator[Case]:
    reasons = {
        "id": "not_cloudevents",
        "source": "not_cloudevents",
        "type": "not_cloudevents",
        "time": "missing_time",
        "subject": "missing_subject",
    }
    for name, reason in reasons.items():
        for how, value in (("missing", ...), ("without a value", None), ("empty", b"")):
            yield Case(f"ce_{name} {how}", reason, DATA, headers=attributes(rng, **{name: value}), path=f"/{name}")
    yield Case("ce_specversion missing", "not_cloudevents", DATA, headers=attributes(rng, specversion=...))
    yield Case("ce_specversion without a value", "not_cloudevents", DATA, headers=attributes(rng, specversion=None))
    yield Case("ce_specversion alone", "not_cloudevents", None, headers=(("ce_specversion", b"1.0"),))


def values(rng: Random) -> Iterator[Case]:
    for name in ("id", "source", "type", "time", "subject"):
        place = f"/headers/#{[header for header, _ in attributes(rng)].index(f'ce_{name}')}"
        yield Case(f"ce_{name} no UTF-8", "invalid_encoding", DATA, headers=attributes(rng, **{name: b"a\xff"}), path=place)
        long = "2" * 257
        yield Case(f"ce_{name} of 257", "field_too_long", DATA, headers=attributes(rng, **{name: long}), path=f"/{name}")
    for version in ("0.3", "1", '"1.0"', " 1.0"):
        yield Case(f"ce_specversion {version}", "unsupported_specversion", DATA, headers=attributes(rng, specversion=version))
    yield Case("ce_type of another", "not_yours_to_say", DATA, headers=attributes(rng, type="jp.tairyu.card.issued"))
    yield Case("ce_type in JSON", "unknown_type", DATA, headers=attributes(rng, type='"jp.tairyu.application.submitted"'))
    yield Case("ce_type percent-encoded", "unknown_type", DATA, headers=attributes(rng, type="jp%2Etairyu%2Eapplication%2Esubmitted"))
    yield Case("ce_time local", "time_without_offset", DATA, headers=attributes(rng, time="2026-04-01T09:00:00"))
    yield Case("ce_time in seconds", "bad_time", DATA, headers=attributes(rng, time="1775012400"))
    yield Case("ce_subject short", "bad_subject", DATA, headers=attributes(rng, subject="1"))


def data(rng: Random) -> Iterator[Case]:
    for name, (value, reason) in {
        "no JSON": (b"kiosk=soka-2", "invalid_json"),
        "cut off": (DATA[:-1], "invalid_json"),
        "no UTF-8": (b'{"kiosk": "\xff"}', "invalid_encoding"),
        "a list": (b"[]", "wrong_type"),
        "a text": (b'"soka-2"', "wrong_type"),
        "a number": (b"1", "wrong_type"),
        "a key twice": (b'{"kiosk": "a", "kiosk": "b"}', "duplicate_key"),
        "too deep": (b"[" * 65 + b"]" * 65, "too_deep"),
        "much too deep": (b"[" * 100_000, "too_deep"),
        "a number out of range": (b'{"count": 1e400}', "number_out_of_range"),
        "a wrong type": (b'{"count": "1"}', "wrong_type"),
        "a whole event": (raw(event(rng)), None),
        "null": (b"null", None),
        "nothing": (None, None),
        "zero bytes": (b"", None),
    }.items():
        yield Case(f"binary, data: {name}", reason, value, headers=attributes(rng))


def names(rng: Random) -> Iterator[Case]:
    twice = (("ce_id", b"other"),)
    yield Case("ce_id twice", "duplicate_key", DATA, headers=attributes(rng) + twice, path="/headers")
    yield Case("ce_id and CE_ID", "duplicate_key", DATA, headers=(*attributes(rng), ("CE_ID", b"other")), path="/headers")
    yield Case("ce_specversion twice", "duplicate_key", DATA, headers=(*attributes(rng), ("ce_specversion", b"1.0")), path="/headers")
    yield Case("ce_x a thousand times", "duplicate_key", DATA, headers=attributes(rng) + (("ce_x", b"1"),) * 1_000, path="/headers")
    upper = tuple((name.upper(), value) for name, value in attributes(rng))
    yield Case("binary in capitals", None, DATA, headers=upper)
    yield Case(
        "ce-id with a hyphen", "not_cloudevents", DATA, headers=tuple((name.replace("_", "-"), text) for name, text in attributes(rng))
    )
    yield Case("ce_data in a header", None, DATA, headers=(*attributes(rng), ("ce_data", b"{")))
    structured = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
    yield Case("structured by its content type", None, raw(event(rng)), headers=attributes(rng) + structured)
    yield Case("data alone, though its content type says structured", "not_cloudevents", DATA, headers=attributes(rng) + structured)
    yield Case("an extension in binary", None, DATA, headers=(*attributes(rng), ("ce_booth", b"3"), ("", b""), ("ce_", b"x")))
    for count in (100, 5_000):
        flood = tuple((f"ce_x{n}", b"v") for n in range(count))
        yield Case(f"binary with {count} extensions", None, DATA, topic=PLAZA, headers=attributes(rng) + flood)
