"""The gate: what it lets through, as what, and the reason for everything else."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from schemas.codec import encode
from schemas.events import PREFIX, Data, Event
from schemas.identity import municipality_ok, token
from schemas.reasons import Reason, Refused
from streams.gate import Gate, sayers
from streams.policy import Policies, Policy
from streams.policy_file import load_policies
from streams.settings import Settings

RNG = Random(23)
SUBJECT, OTHER = ("".join(RNG.choices("0123456789", k=23)) for _ in range(2))
NUMBER = "1" + "".join(RNG.choices("0123456789", k=11))
KEY = b"a key that only these tests use.."
NOON_US = 1_775_012_400_000_000
"""2026-04-01T12:00:00+09:00."""


ROLES = {"plaza": "vendor", "tokiwa": "vendor", "j-lis": "j-lis", "ghost": "no role of the policy"}


class Town:
    """Two vendors, J-LIS, and every municipality whose code holds."""

    def role(self, name: str) -> str | None:
        return ROLES.get(name) or ("municipality" if municipality_ok(name) else None)

    def owner_of_source(self, source: str) -> str | None:
        return next((name for name in ROLES if source.startswith(f"/{name}/")), None)


POLICIES: Policies = load_policies(Settings().policy)
GATE = Gate(POLICIES, Town(), KEY)


def said(kind: str = "application.uploaded", **changes: Any) -> dict[str, Any]:
    """An honest event; a change to None leaves the attribute out."""
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/plaza/soka",
        "type": PREFIX + kind,
        "time": "2026-04-01T09:00:00+09:00",
        "subject": SUBJECT,
        "data": {"kiosk": "soka-2", "kiosk_municipality": "112216", "residence_municipality": "131016"},
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def admit(event: Any, speaker: str | None = "plaza", headers: list[tuple[str, bytes]] | None = None, gate: Gate = GATE) -> Event:
    value = event if isinstance(event, bytes) or event is None else json.dumps(event).encode()
    return gate.admit(value, headers, speaker=speaker, arrived_us=NOON_US, origin="kiosk-events.plaza:0:17")


def refused(event: Any, speaker: str | None = "plaza", **more: Any) -> tuple[Reason, str]:
    with pytest.raises(Refused) as fault:
        admit(event, speaker, **more)
    return fault.value.reason, fault.value.path


def correction(**data: Any) -> dict[str, Any]:
    named = {"source": "/plaza/soka", "id": "e-0", "reason": "sent in error"} | data
    return said("event.corrected", data={name: value for name, value in named.items() if value is not None})


def line(event: Any) -> Event:
    return GATE.admit_line(event if isinstance(event, bytes) else json.dumps(event).encode(), origin="events.ndjson:3")


def test_an_honest_event_passes_with_token_role_arrival_and_origin() -> None:
    assert admit(said()) == Event(
        specversion="1.0",
        id="e-1",
        source="/plaza/soka",
        type="jp.tairyu.application.uploaded",
        time="2026-04-01T09:00:00+09:00",
        speaker="plaza",
        role="vendor",
        own_feed=True,
        received="2026-04-01T03:00:00Z",
        origin="kiosk-events.plaza:0:17",
        subject=token(KEY, SUBJECT),
        last4=SUBJECT[-4:],
        data=Data(kiosk="soka-2", kiosk_municipality="112216", residence_municipality="131016"),
    )


def test_the_speaker_is_the_topic_and_never_the_payload() -> None:
    event = admit(said(speaker="j-lis", received="1999-01-01T00:00:00Z"))
    assert (event.speaker, event.received) == ("plaza", "2026-04-01T03:00:00Z")


def test_a_binary_cloudevent_passes_as_the_same_event() -> None:
    attributes = said(data=None)
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    assert admit(json.dumps(said()["data"]).encode(), headers=headers) == admit(said())


def test_a_full_width_id_is_the_same_application() -> None:
    wide = "".join(chr(0xFF10 + int(digit)) for digit in SUBJECT)
    assert admit(said(subject=wide)) == admit(said())


def nested(depth: int) -> bytes:
    return json.dumps(said(other="x")).replace('"x"', "[" * depth + "]" * depth).encode()


UNREADABLE: list[tuple[Reason, Callable[[], Any]]] = [
    (Reason.EMPTY, lambda: b""),
    (Reason.TOO_LARGE, lambda: said(filler="x" * 1024 * 1024)),
    (Reason.INVALID_ENCODING, lambda: json.dumps(said(id="x")).encode().replace(b'"x"', b'"\xff"')),
    (Reason.INVALID_JSON, lambda: b"{"),
    (Reason.DUPLICATE_KEY, lambda: json.dumps(said()).replace('"id"', '"id": "e-0", "id"').encode()),
    (Reason.TOO_DEEP, lambda: nested(500_000)),
    (Reason.TOO_DEEP, lambda: nested(100)),
    (Reason.NUMBER_OUT_OF_RANGE, lambda: said(data={"count": 10**30})),
    (Reason.NOT_CLOUDEVENTS, lambda: {"kiosk": "soka-2"}),
    (Reason.UNSUPPORTED_SPECVERSION, lambda: said(specversion="0.3")),
    (Reason.WRONG_TYPE, lambda: said(data={"kiosk": 2})),
    (Reason.FIELD_TOO_LONG, lambda: said(id="i" * 257)),
]


@pytest.mark.parametrize(("reason", "value"), UNREADABLE, ids=[reason.value for reason, _ in UNREADABLE])
def test_what_cannot_be_read_is_refused_whoever_sent_it(reason: Reason, value: Callable[[], Any]) -> None:
    assert refused(value(), None)[0] is reason


@pytest.mark.parametrize("place", ["id", "source", "type", "time", "subject", "unknown", NUMBER])
def test_a_number_is_refused_in_any_field_and_key(place: str) -> None:
    assert refused(said(**{place: NUMBER}))[0] in (Reason.INDIVIDUAL_NUMBER, Reason.POSSIBLE_INDIVIDUAL_NUMBER)


def test_the_check_digit_tells_the_two_reasons_apart() -> None:
    reasons = [refused(said(id=f"{NUMBER[:11]}{digit}"))[0] for digit in range(10)]
    assert reasons.count(Reason.INDIVIDUAL_NUMBER) in (1, 2)
    assert reasons.count(Reason.INDIVIDUAL_NUMBER) + reasons.count(Reason.POSSIBLE_INDIVIDUAL_NUMBER) == 10


def test_a_number_in_a_header_is_refused() -> None:
    assert refused(said(), headers=[("note", NUMBER.encode())])[1] == "/headers/#0"


@pytest.mark.parametrize("speaker", [None, "", "nobody", "112217", "ghost"])
def test_nobody_speaks_whom_parties_and_policy_do_not_know(speaker: str | None) -> None:
    assert refused(said(), speaker) == (Reason.UNKNOWN_SPEAKER, "/speaker")


@pytest.mark.parametrize(
    "kind", [PREFIX + "application.lost", "application.uploaded", "com.example.application.uploaded", PREFIX, "pulse", PREFIX + "pulse"]
)
def test_a_type_that_nobody_defined_is_refused(kind: str) -> None:
    assert refused(said(type=kind)) == (Reason.UNKNOWN_TYPE, "/type")


SPEAKERS = {"vendor": "plaza", "j-lis": "j-lis", "municipality": "112216"}


def test_each_milestone_passes_from_exactly_the_roles_of_the_policy() -> None:
    for milestone in POLICIES.newest.milestones.values():
        for role, speaker in SPEAKERS.items():
            if role in milestone.speakers:
                assert admit(said(milestone.name), speaker).role == role
            else:
                assert refused(said(milestone.name), speaker) == (Reason.NOT_YOURS_TO_SAY, "/type")


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        ("source.heartbeat", {"vendor", "j-lis", "municipality"}),
        ("event.corrected", {"vendor", "j-lis", "municipality"}),
        ("batch.manifest", {"vendor"}),
        ("batch.acknowledged", {"j-lis"}),
        ("enquiry.logged", {"j-lis", "municipality"}),
    ],
)
def test_the_common_types_have_their_roles_too(kind: str, roles: set[str]) -> None:
    assert sayers(POLICIES.newest)[kind] == roles


def test_where_nobody_takes_over_from_an_own_feed_any_shared_feed_may_acknowledge() -> None:
    policy: Policy = replace(POLICIES.newest, hops={})
    assert sayers(policy)["batch.acknowledged"] == {"j-lis", "municipality"}


@pytest.mark.parametrize(("kind", "speaker"), [("source.heartbeat", "plaza"), ("batch.manifest", "plaza"), ("enquiry.logged", "112216")])
def test_what_is_about_no_application_needs_no_subject(kind: str, speaker: str) -> None:
    event = admit(said(kind, subject=None), speaker)
    assert (event.subject, event.last4) == (None, None)
    assert b"subject" not in encode(event)


def test_an_enquiry_may_name_its_application() -> None:
    assert admit(said("enquiry.logged"), "112216").subject == token(KEY, SUBJECT)


@pytest.mark.parametrize("kind", ["application.uploaded", "event.corrected"])
@pytest.mark.parametrize("subject", [None, ""])
def test_everything_else_needs_a_subject(kind: str, subject: str | None) -> None:
    assert refused(said(kind, subject=subject)) == (Reason.MISSING_SUBJECT, "/subject")


@pytest.mark.parametrize("subject", [SUBJECT[:22], SUBJECT + "1", f"{SUBJECT[:-1]}x", f" {SUBJECT}", f"{SUBJECT}\n", "not an id"])
def test_a_subject_that_is_no_id_is_refused_even_where_none_is_needed(subject: str) -> None:
    assert refused(said(subject=subject)) == (Reason.BAD_SUBJECT, "/subject")
    assert refused(said("source.heartbeat", subject=subject)) == (Reason.BAD_SUBJECT, "/subject")


@pytest.mark.parametrize("time", [None, ""])
def test_time_must_be_there(time: str | None) -> None:
    assert refused(said(time=time)) == (Reason.MISSING_TIME, "/time")


@pytest.mark.parametrize("time", ["2026-04-01T09:00:00", "2026-04-01T09:00:00.5", "2026-04-01t09:00:00"])
def test_time_must_have_an_offset(time: str) -> None:
    assert refused(said(time=time)) == (Reason.TIME_WITHOUT_OFFSET, "/time")


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "2026-04-01",
        "2026-04-01 09:00:00+09:00",
        "2026-04-01T09:00+09:00",
        "20260401T090000+0900",
        "2026-W14-3T09:00:00+09:00",
        "2026-02-29T09:00:00+09:00",
        "2026-04-01T24:00:00+09:00",
        "2026-06-30T23:59:60Z",  # a leap second
        "2026-04-01T09:00:00+24:00",
        "2026-04-01T09:00:00,5+09:00",
        "２０２６-04-01T09:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+09:00",  # year 0 in UTC
        "9999-12-31T23:59:59-09:00",  # year 10000 in UTC
    ],
)
def test_time_must_be_an_instant_of_rfc_3339(time: str) -> None:
    assert refused(said(time=time)) == (Reason.BAD_TIME, "/time")


@pytest.mark.parametrize(
    "time",
    [
        "1970-01-01T00:00:00Z",
        "2099-12-31T23:59:59+09:00",
        "0001-01-01T09:00:00+09:00",
        "9999-12-31T23:59:59.999999Z",
        "2026-04-01T09:00:00.123456789012345+09:00",
        "2026-04-01T09:00:00-00:00",
    ],
)
def test_every_instant_of_the_years_1_to_9999_passes_as_it_was_claimed(time: str) -> None:
    assert admit(said(time=time)).time == time


def test_lower_case_letters_of_a_time_become_capitals() -> None:
    assert admit(said(time="2026-04-01t00:00:00z")).time == "2026-04-01T00:00:00Z"


@pytest.mark.parametrize("name", ["kiosk_municipality", "residence_municipality"])
@pytest.mark.parametrize("code", ["112217", "11221", "soka", ""])
def test_a_municipality_needs_its_check_digit(name: str, code: str) -> None:
    assert refused(said(data={name: code})) == (Reason.BAD_MUNICIPALITY, f"/data/{name}")


def test_a_correction_of_ones_own_event_passes() -> None:
    assert admit(correction()).data == Data(source="/plaza/soka", id="e-0", reason="sent in error")


def test_a_correction_of_a_source_that_is_nobodys_passes() -> None:
    assert admit(correction(source="/elsewhere/1"), "112216").data.source == "/elsewhere/1"


@pytest.mark.parametrize("name", ["source", "id"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_correction_names_source_and_id(name: str, value: str | None) -> None:
    assert refused(correction(**{name: value})) == (Reason.INCOMPLETE_CORRECTION, f"/data/{name}")


@pytest.mark.parametrize("speaker", ["tokiwa", "j-lis", "112216"])
def test_a_correction_of_another_partys_event_is_refused(speaker: str) -> None:
    assert refused(correction(), speaker) == (Reason.NOT_YOURS_TO_CORRECT, "/data/source")


def test_source_and_id_in_the_data_of_other_types_are_not_judged() -> None:
    assert admit(said(data={"source": "/tokiwa/1"})).data.source == "/tokiwa/1"


@pytest.mark.parametrize("name", ["id", "source"])
def test_an_applications_id_within_an_attribute_becomes_its_token(name: str) -> None:
    event = admit(said(**{name: f"/plaza/{SUBJECT}/1"}))
    assert getattr(event, name) == f"/plaza/{token(KEY, SUBJECT)}/1"


@pytest.mark.parametrize("name", ["kiosk", "vendor", "batch", "reason", "source", "id", "sha256"])
def test_an_applications_id_within_the_data_becomes_its_token(name: str) -> None:
    event = admit(said(data={name: f"x {OTHER}", "count": 3}))
    assert event.data == Data(count=3, **{name: f"x {token(KEY, OTHER)}"})


def test_no_application_id_is_left_in_what_is_passed_on() -> None:
    texts = ("kiosk", "vendor", "batch", "reason", "source", "id", "sha256")
    event = said(id=SUBJECT, source=f"/plaza/{OTHER}", data=dict.fromkeys(texts, SUBJECT), extension=OTHER)
    passed = encode(admit(event)).decode()
    assert SUBJECT not in passed
    assert OTHER not in passed


def test_a_correction_that_names_an_id_names_the_replaced_one() -> None:
    first = admit(said(id=f"upload-{SUBJECT}"))
    assert admit(correction(id=f"upload-{SUBJECT}")).data.id == first.id


def test_the_first_fault_in_the_documented_order_is_the_reason() -> None:
    wrong = said("card.arrived", subject="x", time="x", data={"kiosk_municipality": "x"})
    assert refused(wrong, "nobody")[0] is Reason.UNKNOWN_SPEAKER
    assert refused(wrong | {"type": "x"})[0] is Reason.UNKNOWN_TYPE
    assert refused(wrong)[0] is Reason.NOT_YOURS_TO_SAY
    assert refused(wrong, "112216")[0] is Reason.BAD_SUBJECT
    assert refused(wrong | {"subject": SUBJECT}, "112216")[0] is Reason.BAD_TIME
    assert refused(wrong | {"subject": SUBJECT, "time": "2026-04-01T09:00:00Z"}, "112216")[0] is Reason.BAD_MUNICIPALITY
    assert refused(wrong | {"id": NUMBER, "source": 5})[0] in (Reason.INDIVIDUAL_NUMBER, Reason.POSSIBLE_INDIVIDUAL_NUMBER)


def test_in_a_file_the_event_says_who_speaks_and_when_it_arrived() -> None:
    event = line(said(speaker="plaza", received="2026-04-02t10:00:00.25+09:00"))
    assert (event.speaker, event.received, event.origin) == ("plaza", "2026-04-02T01:00:00.250000Z", "events.ndjson:3")


def test_in_a_file_an_event_without_received_arrives_when_it_happens() -> None:
    assert line(said(speaker="plaza")).received == "2026-04-01T00:00:00Z"


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({}, Reason.UNKNOWN_SPEAKER, "/speaker"),
        ({"speaker": "j-lis"}, Reason.NOT_YOURS_TO_SAY, "/type"),
        ({"speaker": "plaza", "received": "x"}, Reason.BAD_TIME, "/received"),
        ({"speaker": "plaza", "received": "2026-04-01T09:00:00"}, Reason.TIME_WITHOUT_OFFSET, "/received"),
    ],
)
def test_in_a_file_speaker_and_received_are_checked(changes: dict[str, str], reason: Reason, path: str) -> None:
    with pytest.raises(Refused) as fault:
        line(said(**changes))
    assert (fault.value.reason, fault.value.path) == (reason, path)


def test_every_reason_tells_when_it_is_given_and_what_to_do() -> None:
    for reason in Reason:
        assert reason.when.endswith(".")
        assert reason.remedy.endswith(".")
    assert Reason("too_deep") is Reason.TOO_DEEP
