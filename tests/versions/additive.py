"""What of a message's JSON Schema may change from one release to the next: additions only. Each change that breaks is a sentence."""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
SCALARS = ("type", "format", "const", "enum", "pattern", "contentEncoding")


def breaking(released: Schema, now: Schema, *, only_read: bool = False) -> list[str]:
    """Every change by which a release cannot read the other's records. ``only_read``: others write them, so more may be taken."""
    released, now = json.loads(json.dumps(released)), json.loads(json.dumps(now))
    return sorted(set(Comparison(released, now, only_read).of(released, now, "", frozenset())))


class Comparison:
    def __init__(self, released: Schema, now: Schema, only_read: bool) -> None:
        self._released, self._now, self._only_read = released, now, only_read

    def of(self, released: Schema, now: Schema, path: str, within: frozenset[str]) -> Iterator[str]:
        before, after = _alternatives(released, self._released), _alternatives(now, self._now)
        yield from (f"{path or '/'}: {kind} is no longer taken" for kind in before.keys() - after.keys())
        if not self._only_read:
            yield from (f"{path or '/'}: {kind} is new, and an earlier release cannot read it" for kind in after.keys() - before.keys())
        for kind in before.keys() & after.keys():
            title = before[kind].get("title", "")
            if title not in within or "properties" not in before[kind]:
                yield from self._parts(before[kind], after[kind], path, within | {title})

    def _parts(self, released: Schema, now: Schema, path: str, within: frozenset[str]) -> Iterator[str]:
        yield from self._fields(_fields(released), _fields(now), path, within)
        yield from self._required(released, now, path)
        if "prefixItems" in released:
            yield from _places([*_fields(released)], [*_fields(now)], path)
        for inner in ("items", "additionalProperties"):
            if isinstance(released.get(inner), dict) and isinstance(now.get(inner), dict):
                yield from self.of(released[inner], now[inner], f"{path}/*", within)

    def _fields(self, released: Schema, now: Schema, path: str, within: frozenset[str]) -> Iterator[str]:
        for name, field in released.items():
            place = f"{path}/{name}"
            if name not in now:
                yield f"{place}: is gone"
                continue
            if "default" in field and "default" in now[name] and field["default"] != now[name]["default"]:
                yield f"{place}: means {now[name]['default']!r} where it is left out, and meant {field['default']!r}"
            yield from self.of(field, now[name], place, within)

    def _required(self, released: Schema, now: Schema, path: str) -> Iterator[str]:
        before, after = _required(released), _required(now)
        yield from (f"{path}/{name}: is required, and earlier records may lack it" for name in after - before)
        if not self._only_read:
            yield from (
                f"{path}/{name}: may be left out, and an earlier release needs it" for name in before - after if name in _fields(now)
            )


def _alternatives(schema: Schema, root: Schema) -> dict[str, Schema]:
    """What may stand there: a word for each kind of value -> its schema, references followed."""
    found: dict[str, Schema] = {}
    for each in schema.get("anyOf", [schema]):
        whole = root["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        shared = {name: schema[name] for name in SCALARS if name in schema}
        told = {name: value for name, value in (shared | whole).items() if name in SCALARS}
        if told.get("type") == "null":
            told = {"type": "null"}
        found[" ".join(str(told[name]) for name in SCALARS if name in told) or "anything"] = whole
    return found


def _fields(schema: Schema) -> Schema:
    """By name, also where they stand in an array."""
    return schema.get("properties") or {item["title"]: item for item in schema.get("prefixItems", ())}


def _required(schema: Schema) -> set[str]:
    return set(schema.get("required", ())) | set([*_fields(schema)][: schema.get("minItems", 0)] if "prefixItems" in schema else ())


def _places(released: list[str], now: list[str], path: str) -> Iterator[str]:
    for place, name in enumerate(released):
        if name in now and now[place : place + 1] != [name]:
            yield f"{path}/{name}: stands at place {now.index(name)} of the array, and stood at {place}"
