"""What looks hostile and is accepted: it must go through without harm to anybody."""

from collections.abc import Iterator
from random import Random

from tests.corpus.cases import JLIS, MINATO, PLAZA, TOKIWA, Case, event, raw

TEXTS = {
    "right to left": "\u202eakos\u202c",
    "zero-width": "so\u200bka\u200d",
    "controls": "a\x01\x1b[31m\x7f",
    "zero bytes": "a\0b",
    "a line break": "a\r\nb",
    "a flag": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "combining": "a" + "\u0301" * 200,
    "variants of 草": "草\U000e0100",
    "markup": "[bold red]<script>alert(1)</script>",
    "SQL": "'); DROP TABLE events; --",
    "a template": "{{7*7}}${7*7}%s%n",
    "a separator": "a\u2028b\u2029c",
    "noncharacters": "\uffff\ufffe",
    "a private character": "\ue000",
    "a quote and a backslash": '"\\',
    "a path": "../../../../etc/passwd",
    "tabs": "a\tb;c,d|e",
    "a spreadsheet's formula": "=1+1",
    "a byte order mark": "\ufeffa",
    "a word of the log's keys": "pulse",
}


def cases(rng: Random) -> Iterator[Case]:
    for name, text in TEXTS.items():
        yield Case(f"id: {name}", None, raw(event(rng, id=text + str(rng.random()))))
        yield Case(f"kiosk, batch and reason: {name}", None, raw(event(rng, data=dict.fromkeys(("kiosk", "batch", "reason"), text))))
        yield Case(f"source: {name}", None, raw(event(rng, TOKIWA, source=f"/vendors/tokiwa/{text}")), topic=TOKIWA)
    for name, key in {
        "bytes": rng.randbytes(32),
        "a pulse's": b"pulse",
        "a refusal's": b"refusal",
        "the ledger's": b"\0applied",
        "a token": rng.randbytes(32).hex().encode(),
        "empty": b"",
        "no UTF-8": b"\xff" * 8,
        "another application's": "".join(rng.choices("0123456789", k=23)).encode(),
    }.items():
        yield Case(f"record's key: {name}", None, raw(event(rng)), key=key)
    for name, headers in {
        "a tick of no simulation": (("tairyu-tick", b"2099-01-01T00:00:00Z"),),
        "a header without a value": (("x", None),),
        "a header of bytes": (("x", rng.randbytes(64)),),
        "a header without a name": (("", b"x"),),
    }.items():
        yield Case(f"headers: {name}", None, raw(event(rng)), headers=headers)
    same = event(rng, MINATO)
    yield Case("sent once", None, raw(same), topic=MINATO)
    yield Case("sent again", None, raw(same), topic=MINATO)
    yield Case("sent again with other content", None, raw(same | {"time": "2026-04-01T10:00:00+09:00"}), topic=MINATO)
    yield Case("the same event by another vendor", None, raw(same), topic=PLAZA)
    yield Case("members the other way round", None, raw(dict(reversed(event(rng, JLIS).items()))), topic=JLIS)
    yield Case("a milestone of an application nobody knows", None, raw(event(rng, JLIS)), topic=JLIS)
    yield Case("a token as id", None, raw(event(rng, id=rng.randbytes(32).hex())))
    yield Case("an application's id as id", None, raw(event(rng, id="".join(rng.choices("0123456789", k=23)))))
