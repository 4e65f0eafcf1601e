"""JSON Schema 2020-12 of every message, from its type. The prose under a class and its fields becomes ``description``.

``application`` describes the msgpack array as JSON would show it (bytes in base64).
"""

import ast
import inspect
import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

import msgspec

from schemas import events, records

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:tairyu:schema:"
MESSAGES: dict[str, type[msgspec.Struct]] = {
    message.__name__: message
    for message in (
        events.PublicEvent,
        events.Event,
        records.Pulse,
        records.Refusal,
        records.DeadLetter,
        records.Application,
        records.Applied,
        records.Transition,
        records.ClockMark,
        records.Exported,
    )
}
"""Whatever has a schema of its own, by the name that cards use."""
FILE_FORMATS = frozenset({"Exported"})
"""Messages that are lines of files and stand in no topic."""

INSTANTS = frozenset({"time", "at", "received", "entered_at", "due_at", "closed_at", "closed_before"})
"""Fields that hold RFC 3339 text."""
CONSTANTS = {"specversion": "1.0"}
PATTERNS = {"PublicEvent.type": r"^jp\.tairyu\.", "Event.type": r"^jp\.tairyu\.", "Event.subject": "^[0-9a-f]{64}$"}


def kebab(name: str) -> str:
    """``ClockMark`` -> ``clock-mark``: as files are named."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def json_schema(message: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of one message, complete in itself."""
    described = component_schemas([message], "#/$defs/{name}")
    top: dict[str, Any] = described.pop(message.__name__)
    head: dict[str, Any] = {"$schema": DRAFT, "$id": ID + kebab(message.__name__)}
    return head | top | ({"$defs": dict(sorted(described.items()))} if described else {})


def component_schemas(messages: Iterable[type[msgspec.Struct]], refs: str) -> dict[str, Any]:
    """Name -> schema, of messages and all that they are made of, which point at each other by ``refs`` (``#/$defs/{name}``)."""
    _, components = msgspec.json.schema_components(messages, ref_template=refs)
    return {name: _described(name, component) for name, component in components.items()}


@cache
def field_prose(struct: str) -> dict[str, str]:
    """Field -> the sentence under it in the source; fields that need none are left out."""
    return {
        field.target.id: prose
        for field, below in pairwise(_classes()[struct].body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (prose := _prose(below))
    }


def _described(struct: str, component: dict[str, Any]) -> dict[str, Any]:
    if "prefixItems" in component:
        names = [field.name for field in msgspec.structs.fields(_type(struct))]
        items = [_field(struct, name, item) for name, item in zip(names, component["prefixItems"], strict=True)]
        return {**component, "prefixItems": [{"title": name, **item} for name, item in zip(names, items, strict=True)]}
    fields = {name: _field(struct, name, field) for name, field in component.get("properties", {}).items()}
    return {**component, "properties": fields}


def _field(struct: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name in INSTANTS:
        schema = {**schema, "format": "date-time"}
    if name in CONSTANTS:
        schema = {**schema, "const": CONSTANTS[name]}
    if pattern := PATTERNS.get(f"{struct}.{name}"):
        schema = {**schema, "pattern": pattern}
    prose = field_prose(struct).get(name)
    return {**schema, "description": prose} if prose else schema


def _prose(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(inspect.cleandoc(node.value.value).split())
    return None


@cache
def _classes() -> dict[str, ast.ClassDef]:
    trees = (ast.parse(inspect.getsource(module)) for module in _modules())
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def _type(struct: str) -> type[msgspec.Struct]:
    found: type[msgspec.Struct] = next(getattr(module, struct) for module in _modules() if hasattr(module, struct))
    return found


def _modules() -> tuple[ModuleType, ...]:
    return events, records
