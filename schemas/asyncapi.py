"""``docs/asyncapi.yaml``: what others may send and read, as an AsyncAPI 3.0 document made from cards, types, policy and examples.

Its channels are the public topics and those that subscribers read; what the stages say to each other is nobody else's contract.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas.cards import PARTY, Card
from schemas.events import PREFIX
from schemas.events_page import may_say
from schemas.json_schemas import MESSAGES, component_schemas
from schemas.situations import situations

VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
FILES_ONLY = frozenset({"speaker", "received"})
HEAD = """\
# Made by `python -m schemas.generate` from the topic cards, the schemas, the policy and the examples. Change those, not this file.
"""
KEYLESS = {"ClockMark": "no key"}
"""Messages that do not have the key that their card tells."""


def asyncapi(cards: Mapping[str, Card], policy_file: Path, version: str) -> str:
    """The document as YAML; the policy is read as plain data, its newest version."""
    *_, policy = yaml.safe_load_all(policy_file.read_text(encoding="utf-8"))
    document = _document(outward(cards), policy, version)
    return HEAD + yaml.dump(document, Dumper=_Whole, allow_unicode=True, sort_keys=False, width=140)


def outward(cards: Mapping[str, Card]) -> dict[str, Card]:
    """The cards of topics that somebody outside writes or reads."""
    return {name: card for name, card in cards.items() if card.public or "subscribers" in card.readers}


class _Whole(yaml.SafeDumper):
    """Everything in its place: no anchors, which not every reader of YAML knows."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _document(cards: Mapping[str, Card], policy: dict[str, Any], version: str) -> dict[str, Any]:
    said = [MESSAGES[name] for name in dict.fromkeys(name for card in cards.values() for name in card.schemas)]
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Tairyu",
            "version": version,
            "description": f"Who has been holding each application, and since when; procedure `{policy['procedure']}`, version "
            f"{policy['version']}. Those who send find more in events.md, subscribers in subscribing.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": {"host": "{broker}", "protocol": "kafka", "variables": {"broker": {"default": "localhost:9092"}}}},
        "channels": {name: _channel(name, card, policy) for name, card in cards.items()},
        "operations": {
            f"{'receive' if card.public else 'send'}-{name}": {
                "action": "receive" if card.public else "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": card.meaning,
            }
            for name, card in cards.items()
        },
        "components": {
            "messages": {f"{name}.{kind}": _message(card, kind) for name, card in cards.items() for kind in card.schemas},
            "schemas": component_schemas(said, "#/components/schemas/{name}"),
        },
    }


def _channel(name: str, card: Card, policy: dict[str, Any]) -> dict[str, Any]:
    parameters = {PARTY.strip("{}"): {"description": f"Whose events these are: a party of the role {', '.join(card.speakers)}."}}
    config = {key: _as_number(value) for key, value in card.broker_config().items()}
    return {
        "address": card.name,
        "description": f"{card.meaning}{_types(card, policy)}",
        "messages": {kind: {"$ref": f"#/components/messages/{name}.{kind}"} for kind in card.schemas},
        **({"parameters": parameters} if card.own_feed else {}),
        "bindings": {
            "kafka": {
                "partitions": card.partitions,
                "topicConfiguration": {**config, "cleanup.policy": [card.cleanup]},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _types(card: Card, policy: dict[str, Any]) -> str:
    """Which types may be said there."""
    types = [f"`{PREFIX}{name}`" for name, roles in may_say(policy).items() if set(roles) & set(card.speakers)]
    return f" Types: {', '.join(types)}." if types else ""


def _as_number(value: str) -> str | int:
    return int(value) if value.lstrip("-").isdecimal() else value


def _message(card: Card, kind: str) -> dict[str, Any]:
    names = {"type": "string", "description": "The speaker, as the gateway has authenticated it."}
    headers = {"type": "object", "required": [card.speaker_header], "properties": {card.speaker_header: names}}
    key = {"kafka": {"key": {"type": "string", "description": KEYLESS.get(kind, card.key)}, "bindingVersion": KAFKA_BINDING}}
    return {
        "name": kind,
        **({"headers": headers} if card.speaker_header else {}),
        "payload": {"$ref": f"#/components/schemas/{kind}"},
        "bindings": key,
        "examples": list(_examples(card, kind)),
    }


def _examples(card: Card, kind: str) -> Iterator[dict[str, Any]]:
    """Named after their situations; of several records, numbered."""
    for situation in situations(card.examples):
        if situation.reason is not None or (situation.schema or "").replace("-", "") not in ("", kind.lower()):
            continue
        values = [json.loads(value) for value in situation.values()]
        for place, value in enumerate(values, 1):
            payload = {name: field for name, field in value.items() if not card.public or name not in FILES_ONLY}
            headers = {"headers": {card.speaker_header: value["speaker"]}} if card.speaker_header else {}
            yield {"name": f"{situation.name}{f'-{place}' if len(values) > 1 else ''}", **headers, "payload": payload}
