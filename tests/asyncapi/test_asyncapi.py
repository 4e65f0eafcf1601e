"""``docs/asyncapi.yaml``: against the official schema of AsyncAPI, and against what we know ourselves."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from schemas.asyncapi import outward
from schemas.cards import load_cards
from schemas.codec import read_public
from schemas.generate import ASYNCAPI, ROOT

OFFICIAL = ROOT / ".cache" / "asyncapi" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
NOT_RUN = "the official schema of AsyncAPI is not here"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / ASYNCAPI).read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    if not OFFICIAL.exists():
        pytest.skip(f"{NOT_RUN}: `make asyncapi-schema` fetches it where npm is")
    return Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")), format_checker=FormatChecker())


def test_it_holds_against_the_official_schema(official: Draft7Validator, document: dict[str, Any]) -> None:
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in official.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("asyncapi",), "3"),
        (("channels", "stalls", "address"), 7),
        (("operations", "send-stalls", "action"), "shout"),
        (("components", "messages", "stalls.Transition", "bindings", "kafka", "key"), "a key"),
    ],
)
def test_the_official_schema_finds_what_is_wrong(
    official: Draft7Validator, document: dict[str, Any], place: tuple[str, ...], wrong: object
) -> None:
    broken = json.loads(json.dumps(document))
    inner = broken
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wrong
    assert not official.is_valid(broken)


def test_every_reference_leads_somewhere_and_every_component_is_used(document: dict[str, Any]) -> None:
    refs = set(_refs(document))

    for ref in refs:
        inner = document
        for key in ref.removeprefix("#/").split("/"):
            inner = inner[key]
    components = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert components - refs == set()


def test_its_channels_are_the_topics_that_others_write_or_read(document: dict[str, Any]) -> None:
    cards = outward(load_cards())

    assert {name: channel["address"] for name, channel in document["channels"].items()} == {name: card.name for name, card in cards.items()}
    assert {(each["action"], each["channel"]["$ref"].split("/")[-1]) for each in document["operations"].values()} == {
        ("receive" if card.public else "send", name) for name, card in cards.items()
    }
    assert cards.keys() & {"custody-log", "applications", "dead-letters"} == set()


def test_every_schema_is_json_schema_by_the_newest_draft_and_by_asyncapis_own(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        Draft7Validator.check_schema(schema)


def test_every_message_has_examples_that_hold_against_its_schema(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        schema = {**message["payload"], "components": document["components"]}
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        assert len(message["examples"]) > 0, name
        for example in message["examples"]:
            assert [error.message for error in validator.iter_errors(example["payload"])] == [], (name, example["name"])
            assert message.get("headers", {}).get("required", []) == list(example.get("headers", {}))


def test_examples_of_what_is_sent_are_records_and_not_lines_of_files(document: dict[str, Any]) -> None:
    for name, card in outward(load_cards()).items():
        for message in (document["components"]["messages"][f"{name}.{kind}"] for kind in card.schemas if card.public):
            events = [read_public(json.dumps(example["payload"]).encode(), None) for example in message["examples"]]
            assert {(event.speaker, event.received) for event in events} == {(None, None)}


def test_a_public_channel_names_the_types_that_are_said_there(document: dict[str, Any]) -> None:
    for name, card in outward(load_cards()).items():
        named = set(re.findall(r"`(jp\.tairyu\.[a-z._]+)`", document["channels"][name]["description"]))
        messages = [document["components"]["messages"][f"{name}.{kind}"] for kind in card.schemas]
        said = {example["payload"]["type"] for message in messages for example in message["examples"]}
        assert said <= named if card.public else named == set()


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref" and isinstance(value, str))
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def test_the_versions_of_the_official_schema_are_locked() -> None:
    lock = json.loads((Path(__file__).parent / "package-lock.json").read_text(encoding="utf-8"))
    assert {"integrity", "version"} <= lock["packages"]["node_modules/@asyncapi/specs"].keys()
    assert "resolved" not in json.dumps(lock)
