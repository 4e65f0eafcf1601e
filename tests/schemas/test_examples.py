"""Every example does what its place and name say: valid ones pass the gate, invalid ones are refused for the reason they name."""

import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas import codec
from schemas.events import Event
from schemas.identity import token
from schemas.json_schemas import MESSAGES, json_schema, kebab
from schemas.lint import BY_KEBAB
from schemas.numbers import number_in
from schemas.reasons import Reason, Refused
from schemas.situations import FORMS, Situation, individual_number, situation, situations
from streams.gate import Gate
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings

EXAMPLES = situations()
VALID = [example for example in EXAMPLES if example.public and example.reason is None]
INVALID = [example for example in EXAMPLES if example.reason is not None]
RECORDS = [example for example in EXAMPLES if example.schema is not None]
SPEAKER_OF_TOPIC = {"public/kiosk-events": "plaza", "public/jlis-events": "j-lis"}
KEY = b"a key that only these tests use.."
ARRIVED_US = 1_775_088_764_000_000


def named(example: Situation) -> str:
    return f"{example.folder}/{example.path.stem}"


@cache
def gate() -> Gate:
    policies = load_policies(Settings().policy)
    return Gate(policies, load_parties(Settings().parties, policies.newest), KEY)


@cache
def validator(message: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(MESSAGES[message]), format_checker=FormatChecker())


def speaker_of(example: Situation, value: bytes) -> str | None:
    """Who speaks: the value's word stands for the header of the shared topic; elsewhere the topic decides if the value doesn't say."""
    try:
        said = json.loads(value)["speaker"]
    except (ValueError, LookupError, TypeError, RecursionError):
        said = None
    return said or SPEAKER_OF_TOPIC.get(example.folder)


def admitted(example: Situation, numbers: Random | None = None) -> Iterator[Event]:
    for value in example.values(numbers):
        yield gate().admit(value, None, speaker=speaker_of(example, value), arrived_us=ARRIVED_US, origin="t:0:0")


def test_there_are_enough_examples() -> None:
    assert len(VALID) >= 40
    assert len(INVALID) >= 40
    assert len(RECORDS) >= 30


def test_every_situation_has_a_name_of_its_own_in_its_folder() -> None:
    names = [(example.folder, example.schema, example.reason, example.name) for example in EXAMPLES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("example", VALID, ids=named)
def test_a_valid_event_fits_its_schema_and_passes_the_gate(example: Situation) -> None:
    for value in example.values():
        validator("PublicEvent").validate(json.loads(value))
    for event in admitted(example):
        validator("Event").validate(json.loads(codec.encode(event)))


@pytest.mark.parametrize("example", VALID, ids=named)
def test_a_valid_event_is_also_a_line_of_a_file(example: Situation) -> None:
    for value in example.values():
        event = gate().admit_line(value.replace(b"\n", b" "), origin="f:1")
        assert event.speaker == json.loads(value)["speaker"]


@pytest.mark.parametrize("example", VALID, ids=named)
def test_no_applications_id_gets_through_the_gate(example: Situation) -> None:
    for value, event in zip(example.values(), admitted(example), strict=True):
        subject = msgspec.json.decode(value, type=dict[str, Any]).get("subject")
        assert subject is None or (subject.encode() not in codec.encode(event) and event.last4 is not None)


@pytest.mark.parametrize("example", INVALID, ids=named)
def test_an_invalid_event_is_refused_for_the_reason_it_names(example: Situation) -> None:
    assert example.reason in list(Reason)
    with pytest.raises(Refused) as refused:
        list(admitted(example, Random(example.name)))
    assert refused.value.reason == example.reason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_example(reason: Reason) -> None:
    assert [example for example in INVALID if example.reason == reason]


@pytest.mark.parametrize("example", RECORDS, ids=named)
def test_a_record_decodes_and_fits_its_schema(example: Situation) -> None:
    message = BY_KEBAB[example.schema or ""]
    for value in example.values():
        validator(message).validate(json.loads(value))
        decoded = msgspec.json.decode(value, type=MESSAGES[message])
        assert json.loads(codec.encode(decoded)) == json.loads(value), "what is written again is what was read"


@pytest.mark.parametrize("example", [each for each in RECORDS if each.schema == "application"], ids=named)
def test_an_application_is_the_same_in_msgpack(example: Situation) -> None:
    (value,) = example.values()
    application = msgspec.json.decode(value, type=MESSAGES["Application"])
    assert codec.decode_application(codec.encode_application(application)) == application


def test_each_of_the_six_kinds_of_transitions_has_an_example() -> None:
    kinds = {json.loads(value)["data"]["kind"] for each in RECORDS if each.schema == "transition" for value in each.values()}
    assert kinds == {"raised", "escalated", "revised", "cleared", "recorded", "retracted"}


def test_each_milestone_of_the_policy_has_an_example() -> None:
    said = {event.type.removeprefix("jp.tairyu.") for example in VALID for event in admitted(example)}
    assert said >= load_policies(Settings().policy).newest.milestones.keys()


def test_an_event_that_repeats_the_applications_id_keeps_only_its_token() -> None:
    (event,) = admitted(situation("public/kiosk-events", "id-repeats-the-application-id"))
    assert event.id == f"submitted-{event.subject}"


def test_what_the_schema_does_not_name_does_not_get_through() -> None:
    (event,) = admitted(situation("public/kiosk-events", "extension-and-data-field-nobody-knows"))
    assert b"boothlanguage" not in codec.encode(event)
    assert b"firmware" not in codec.encode(event)


def test_a_subject_in_full_width_digits_is_the_same_application() -> None:
    example = situation("public/kiosk-events", "subject-in-full-width-digits")
    (event,), (value,) = admitted(example), example.values()
    written = json.loads(value)["subject"]
    assert not written.isascii()
    assert event.subject == token(KEY, str(int(written)).zfill(23))


def test_a_placeholder_is_filled_only_with_a_generator() -> None:
    example = situation("public/kiosk-events", "as-a-key")
    with pytest.raises(ValueError, match="needs a generator"):
        example.values()
    assert example.values(Random(1)) == example.values(Random(1)) != example.values(Random(2))


@pytest.mark.parametrize("form", FORMS)
def test_a_drawn_number_passes_or_fails_its_check_digit_as_asked(form: str) -> None:
    numbers = Random(17)
    for _ in range(200):
        assert number_in(FORMS[form](individual_number(numbers))) == Reason.INDIVIDUAL_NUMBER
        assert number_in(FORMS[form](individual_number(numbers, passing=False))) == Reason.POSSIBLE_INDIVIDUAL_NUMBER


def test_an_example_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="0 examples are named 'nobody'"):
        situation("public/kiosk-events", "nobody")


def test_a_file_of_several_events_gives_each() -> None:
    events = list(admitted(situation("public/kiosk-events", "forwarded-but-never-received")))
    assert [event.type.rpartition(".")[2] for event in events] == ["submitted", "uploaded", "forwarded"]
    assert len({event.subject for event in events}) == 1


def test_a_schemas_file_is_named_in_kebab_case() -> None:
    assert [kebab(name) for name in ("ClockMark", "Pulse", "DeadLetter")] == ["clock-mark", "pulse", "dead-letter"]
