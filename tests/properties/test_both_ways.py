"""The gate's fast way against its plain one, which walks every member and searches every text: they say the same of every record.

An extension takes an event the plain way, and says nothing that the gate passes on.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode, read_record
from schemas.events import PREFIX, Data, PublicEvent
from schemas.numbers import number_in, parts
from schemas.reasons import Reason, Refused
from streams.gate import Gate
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.properties.budget import tried

SUBJECT, NUMBER = "40718281828459045235360", "123456789018"
POLICIES = load_policies(Settings().policy)
GATE = Gate(POLICIES, load_parties(Settings().parties, POLICIES.newest), b"a key that only these tests use..")
WIDE = {48 + digit: 0xFF10 + digit for digit in range(10)}

DIGITS = [
    SUBJECT,
    SUBJECT[:22],
    f"{SUBJECT}0",
    SUBJECT + SUBJECT,
    NUMBER,
    "1234-5678-9012",
    "1234 5678 9012",
    "1234--5678・ 9012",
    "⑫" * 12,
]
GAPS = ("\u200b", "\x7f", "\u0301")
HIDDEN = [*(run.translate(WIDE) for run in DIGITS), *(gap.join(run) for run in (SUBJECT, NUMBER) for gap in GAPS)]
BESIDE = st.sampled_from(["", "", "", "/", "-", "-1", "0", "a", ".", " ", "\x7f", "\u200b", "\uff02", "草加", "写" * 240, "c" * 240])
TEXTS = st.tuples(BESIDE, st.sampled_from(["", "soka-1", *DIGITS, *HIDDEN]), BESIDE).map("".join)
WHOSE = st.sampled_from(
    [("application.uploaded", SUBJECT), ("application.uploaded", SUBJECT.translate(WIDE)), ("batch.manifest", None), ("batch.manifest", "")]
)
"""Type and subject."""
NAMES = ("kiosk", "batch", "reason", "source", "id", "sha256")
COUNTS = st.sampled_from([0, 7, int(NUMBER), 10**17, int(SUBJECT)])
DATA = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=2) | st.fixed_dictionaries({"kiosk": TEXTS, "count": COUNTS})
ENVELOPE = st.dictionaries(st.sampled_from(("id", "source", "subject", "time", "type", "datacontenttype", "speaker")), TEXTS, max_size=1)


def said(**changes: Any) -> dict[str, Any]:
    honest = {"specversion": "1.0", "id": "e-1", "source": "/vendors/plaza/kiosks/soka-1", "type": PREFIX + "application.uploaded"}
    return honest | {"time": "2026-04-01T09:00:00+09:00", "subject": SUBJECT} | changes


def outcome(value: bytes) -> bytes | Reason:
    """What ``custody-log`` gets, or why nothing (an extension moves the positions in paths)."""
    try:
        return encode(GATE.admit(value, None, speaker="plaza", arrived_us=1_775_012_400_000_000, origin="kiosk-events.plaza:0:17"))
    except Refused as refused:
        return refused.reason


@tried(6)
@given(whose=WHOSE, data=DATA, changes=ENVELOPE)
def test_the_fast_way_and_the_plain_one_say_the_same_of_every_record(
    whose: tuple[str, str | None], data: dict[str, Any], changes: dict[str, Any]
) -> None:
    kind, subject = whose
    changed = said(type=PREFIX + kind, subject=subject, data=data) | changes
    value = json.dumps({name: part for name, part in changed.items() if part is not None}, ensure_ascii=False).encode()
    said_fast = outcome(value)

    assert isinstance(said_fast, Reason) or not any(map(number_in, parts(changed)))
    assert said_fast == outcome(value.replace(b"{", b'{"an_extension": 1, ', 1))


@pytest.mark.parametrize(
    ("changes", "searched"),
    [
        ({}, False),
        ({"data": {"kiosk": "草加市役所", "count": 7}}, False),
        ({"subject": None}, False),
        ({"id": f"{SUBJECT}-1"}, True),
        ({"data": {"batch": SUBJECT}}, True),
        ({"subject": None, "data": {"batch": SUBJECT}}, True),
        ({"subject": SUBJECT.translate(WIDE), "data": {"batch": SUBJECT}}, True),
    ],
)
def test_an_honest_event_goes_the_fast_way_and_one_with_an_id_elsewhere_does_not(changes: dict[str, Any], searched: bool) -> None:
    changed = {name: part for name, part in said(**changes).items() if part is not None}

    assert read_record(json.dumps(changed, ensure_ascii=False).encode(), None)[1] is searched


def test_every_field_but_count_and_data_is_a_text() -> None:
    """The fast way counts quotes on it."""
    others = {name for struct in (PublicEvent, Data) for name, kind in struct.__annotations__.items() if kind not in (str, str | None)}
    assert others == {"count", "data"}
