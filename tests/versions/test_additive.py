"""The check of the schemas sees each change that would break: shown on the real ones, each with one thing changed."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from schemas.json_schemas import MESSAGES, json_schema
from schemas.records import Application, Contribution
from tests.versions.additive import Schema, breaking

Change = Callable[[Schema], Any]


def changed(message: str, change: Change, *, only_read: bool = False) -> list[str]:
    before = json_schema(MESSAGES[message])
    after = deepcopy(before)
    change(after)
    assert after != before
    return breaking(before, after, only_read=only_read)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_schema_that_stays_as_it_is_breaks_nothing(message: str) -> None:
    assert breaking(json_schema(MESSAGES[message]), json_schema(MESSAGES[message])) == []


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("Pulse", lambda s: s["properties"].update(shard={"type": "integer", "default": 0})),
        ("Pulse", lambda s: s["$defs"]["Input"]["properties"].update(rate={"type": "number"})),
        ("Transition", lambda s: s.update(description="said otherwise")),
        ("Application", lambda s: s["prefixItems"].append({"title": "notes", "type": "array", "default": []})),
        ("Application", lambda s: s["$defs"]["Said"]["prefixItems"].append({"title": "by", "type": "string", "default": ""})),
    ],
)
def test_what_is_added_and_may_be_left_out_breaks_nothing(message: str, change: Change) -> None:
    assert changed(message, change) == []


def verdict(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["Verdict"]["properties"]
    return found


def adds_a_required_field(schema: Schema) -> None:
    schema["properties"]["region"] = {"type": "string"}
    schema["required"].append("region")


UNREADABLE, NOT_TAKEN = "is new, and an earlier release cannot read it", "is no longer taken"
LACKING, NEEDED = "is required, and earlier records may lack it", "may be left out, and an earlier release needs it"


@pytest.mark.parametrize(
    ("message", "change", "wrong"),
    [
        ("Pulse", lambda s: s["properties"].pop("bucket_s"), ["/bucket_s: is gone"]),
        (
            "Pulse",
            lambda s: s["properties"]["inputs"].update(type="array"),
            [f"/inputs: array {UNREADABLE}", f"/inputs: object {NOT_TAKEN}"],
        ),
        ("Refusal", lambda s: s["$defs"]["Origin"]["properties"].pop("offset"), ["/origin/offset: is gone"]),
        ("Transition", lambda s: verdict(s)["vendor"].update(anyOf=[{"type": "string"}]), [f"/data/vendor: null {NOT_TAKEN}"]),
        ("Transition", lambda s: verdict(s).update(level=verdict(s)["kiosk"]), [f"/data/level: null {UNREADABLE}"]),
        ("Transition", adds_a_required_field, [f"/region: {LACKING}"]),
        ("ClockMark", lambda s: s["$defs"]["Mark"]["required"].remove("clocks"), [f"/data/clocks: {NEEDED}"]),
        (
            "Event",
            lambda s: s["properties"]["id"].update(pattern="^[a-z]+$"),
            [f"/id: string ^[a-z]+$ {UNREADABLE}", f"/id: string {NOT_TAKEN}"],
        ),
        ("Applied", lambda s: s["properties"]["bucket"].update(default=0), ["/bucket: means 0 where it is left out, and meant -1"]),
        ("Application", lambda s: s["$defs"]["Said"]["prefixItems"].pop(), ["/said/*/clock_us: is gone"]),
        ("Application", lambda s: s["$defs"]["Marker"].update(minItems=2), [f"/marker/shrunk_us: {NEEDED}"]),
        (
            "Pulse",
            lambda s: s["$defs"]["Input"]["properties"]["through"]["additionalProperties"].update(type="integer"),
            [f"/inputs/*/through/*: integer {UNREADABLE}", f"/inputs/*/through/*: string {NOT_TAKEN}"],
        ),
    ],
)
def test_each_change_that_breaks_is_named(message: str, change: Change, wrong: list[str]) -> None:
    assert changed(message, change) == wrong


def test_a_field_that_moved_in_an_array_is_named_though_every_name_is_there() -> None:
    def swap(schema: Schema) -> None:
        items = schema["$defs"]["Correction"]["prefixItems"]
        items[0], items[1] = items[1], items[0]

    assert changed("Application", lambda s: s["prefixItems"].insert(10, {"title": "region", "type": "string"})) == [
        "/way: stands at place 11 of the array, and stood at 10"
    ]
    assert changed("Application", swap) == [
        "/corrections/*/event: stands at place 1 of the array, and stood at 0",
        "/corrections/*/target: stands at place 0 of the array, and stood at 1",
    ]


def test_of_what_others_write_more_may_be_taken_but_never_less() -> None:
    def takes_null(schema: Schema) -> None:
        schema["properties"]["id"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}

    assert changed("PublicEvent", takes_null, only_read=True) == []
    assert changed("PublicEvent", takes_null) == [f"/id: null {UNREADABLE}"]
    assert changed("PublicEvent", lambda s: s["properties"].pop("speaker"), only_read=True) == ["/speaker: is gone"]


def test_what_the_check_allows_and_forbids_is_what_the_bytes_do() -> None:
    """The same two changes in the types themselves: a field added at the end with a default, and one without."""
    old = msgspec.msgpack.encode(
        Application(contributions=(Contribution(b"8 bytes.", b"8 bytes.", "card.issued", 1, 2, "j-lis", "j-lis", None, None, None),))
    )

    class Later(Application, array_like=True, frozen=True):
        region: str = "-"

    class Demanding(Contribution, array_like=True, frozen=True):
        region: str

    assert msgspec.msgpack.decode(old, type=Later).region == "-"
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Later(last4="0001", region="x")), type=Application).last4 == "0001"
    with pytest.raises(msgspec.ValidationError, match="at least length 11"):
        msgspec.convert(msgspec.msgpack.decode(old)[3][0], Demanding)
