"""JSON in order, events not: every field of the schema missing, null, empty, of another type, too long, or without sense."""

from collections.abc import Iterator
from random import Random

from schemas.events import PREFIX, Data, PublicEvent
from tests.corpus.broken_text import every_type
from tests.corpus.cases import JLIS, Case, event, in_town, raw

TEXTS = [name for name in PublicEvent.__struct_fields__ if name != "data"]
NEEDED = ("specversion", "id", "source", "type")
LONGEST = 256


def cases(rng: Random) -> Iterator[Case]:
    yield from missing(rng)
    yield from types(rng)
    yield from lengths(rng)
    yield from versions(rng)
    yield from times(rng)
    yield from subjects(rng)
    yield from municipalities(rng)


def missing(rng: Random) -> Iterator[Case]:
    reasons = {**dict.fromkeys(NEEDED, "not_cloudevents"), "time": "missing_time", "subject": "missing_subject"}
    for name, reason in reasons.items():
        for how, value in (("missing", ...), ("null", None), ("empty", "")):
            yield Case(f"{name} {how}", reason, raw(event(rng, **{name: value})), path=f"/{name}")
    for how, value in (("missing", ...), ("null", None), ("empty", {})):
        yield Case(f"data {how}", None, raw(event(rng, data=value)))
    for name in Data.__struct_fields__:
        yield Case(f"data's {name} null", None, raw(event(rng, data={name: None})))
    yield Case("names in capitals", "not_cloudevents", raw({name.upper(): value for name, value in event(rng).items()}))
    yield Case("data_base64 instead of data", None, raw(event(rng, data=..., data_base64="e30=")))


def types(rng: Random) -> Iterator[Case]:
    for name in TEXTS:
        reason = "unsupported_specversion" if name == "specversion" else "wrong_type"
        for what, value in every_type().items():
            if what != "text":
                yield Case(f"{name} is {what}", reason, raw(event(rng, **{name: value})), path=f"/{name}")
    for what, value in every_type().items():
        if what != "an object":
            yield Case(f"data is {what}", "wrong_type", raw(event(rng, data=value)), path="/data")
    for name in Data.__struct_fields__:
        for what, value in every_type().items():
            if what != ("a number" if name == "count" else "text"):
                yield Case(f"data's {name} is {what}", "wrong_type", raw(event(rng, data={name: value})), path=f"/data/{name}")


def lengths(rng: Random) -> Iterator[Case]:
    for name in (name for name in TEXTS if name != "specversion"):
        yield Case(f"{name} of 257 characters", "field_too_long", raw(event(rng, **{name: "x" * (LONGEST + 1)})), path=f"/{name}")
    for name in (name for name in Data.__struct_fields__ if name != "count"):
        value = raw(event(rng, data={name: "x" * (LONGEST + 1)}))
        yield Case(f"data's {name} of 257 characters", "field_too_long", value, path=f"/data/{name}")
    yield Case(
        "reason of 257 wide characters", "field_too_long", raw(event(rng, data={"reason": "草" * (LONGEST + 1)})), path="/data/reason"
    )
    yield Case("reason of 256 wide characters", None, raw(event(rng, data={"reason": "草" * LONGEST})))
    yield Case("id of 256 characters", None, raw(event(rng, id="x" * LONGEST)))


def versions(rng: Random) -> Iterator[Case]:
    for text in ("0.3", "1", "1.0.0", "1.1", "2.0", " 1.0", "１.０", "v1.0", "1.00"):
        yield Case(f"specversion {text}", "unsupported_specversion", raw(event(rng, specversion=text)), path="/specversion")


def times(rng: Random) -> Iterator[Case]:
    for text in (
        "yesterday", "2026-04-01", "09:00:00+09:00", "2026-04-01 09:00:00+09:00", "2026-02-30T09:00:00Z", "2026-13-01T09:00:00Z",
        "2026-04-01T24:00:00Z", "2026-04-01T09:60:00Z", "2026-04-01T09:00:60Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "-2026-04-01T09:00:00Z", "2026-4-1T9:0:0Z", "2026-04-01T09:00Z", "2026-04-01T09:00:00.Z", "2026-04-01T09:00:00+9",
        "2026-W14-3T09:00:00Z",
        "2026-091T09:00:00Z", "2026-04-01T09:00:00+09:00 ", "２０２６-04-01T09:00:00Z", "令和8年4月1日", "2026-04-01T09:00:00+25:00",
        "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "1775012400", "2026-04-01T09:00:00 JST", "2026-04-01T09:00:00+0900",
        "2026-04-01T09:00:00,5Z", "\u202e2026-04-01T09:00:00Z",
    ):  # fmt: skip
        yield Case(f"time {text}", "bad_time", raw(event(rng, time=text)), path="/time")
    for text in ("2026-04-01T09:00:00", "2026-04-01t09:00:00.5", "1970-01-01T00:00:00"):
        yield Case(f"time {text}", "time_without_offset", raw(event(rng, time=text)), path="/time")
    for text in (
        "1970-01-01T00:00:00Z", "2099-12-31T23:59:59+09:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2027-11-24T00:00:00Z",
        "2026-04-01t09:00:00z", "2026-04-01T09:00:00.123456789+09:00", "2026-04-01T09:00:00-00:00", "2015-10-04T23:59:59+09:00",
    ):  # fmt: skip
        yield Case(f"time {text}, kept and flagged", None, raw(event(rng, time=text)))


def subjects(rng: Random) -> Iterator[Case]:
    one = "".join(rng.choices("0123456789", k=23))
    for name, text in {
        "22 digits": one[:22],
        "24 digits": one + "0",
        "46 digits": one + one,
        "a letter": "O" + one[1:],
        "hyphens": f"{one[:8]}-{one[8:16]}-{one[16:]}",
        "a blank behind": one + " ",
        "a line break behind": one + "\n",
        "a zero byte": one + "\0",
        "two of them": f"{one},{one}",
        "a word": "applicant",
        "a blank": " ",
        "zero-width between": "\u200b".join(one),
        "right to left": "\u202e" + one,
        "a path": f"/applications/{one}",
        "a token": "ab" * 32,
    }.items():
        yield Case(f"subject: {name}", "bad_subject", raw(event(rng, subject=text)), path="/subject")
    wide = one.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    yield Case("subject: full-width", None, raw(event(rng, subject=wide)))
    arabic = one.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    yield Case("subject: Arabic-Indic", "bad_subject", raw(event(rng, subject=arabic)), path="/subject")
    for kind in ("source.heartbeat", "batch.manifest"):
        yield Case(f"{kind} without subject", None, raw(event(rng, type=PREFIX + kind, subject=...)))
        yield Case(f"{kind} with a bad subject", "bad_subject", raw(event(rng, type=PREFIX + kind, subject="1")), path="/subject")


def municipalities(rng: Random) -> Iterator[Case]:
    codes = (
        "112210",
        "11221",
        "1122160",
        "１１２２１６",
        "112 16",
        "",
        "abcdef",
        "11221６",
        "-11221",
        "草加市",
        "112216\n",
        "\u200b112216",
    )
    for field in ("kiosk_municipality", "residence_municipality"):
        for code in codes:
            value = raw(event(rng, data={field: code}))
            yield Case(f"{field} {code!r}", "bad_municipality", value, path=f"/data/{field}")
    value = raw(event(rng, JLIS, data={"residence_municipality": "000000"}))
    yield Case("a municipality that is none, by J-LIS", "bad_municipality", value, topic=JLIS)
    yield in_town(
        Case(
            "a municipality that is none, by a municipality",
            "bad_municipality",
            raw(event(rng, "municipal-events", data={"kiosk_municipality": "999999"})),
        )
    )
