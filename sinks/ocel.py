"""History as an object-centric event log (OCEL 2.0, JSON): for process mining. Pure.

Objects: applications, and the kiosks, vendors and municipalities that have to do with them. Events: what the sources said, and what was
said of stalls (``stall.raised`` …). An object's attributes are as history has them now.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

APPLICATION, KIOSK, VENDOR, MUNICIPALITY = "application", "kiosk", "vendor", "municipality"
ALWAYS = "1970-01-01T00:00:00Z"
"""Since when an attribute has been so, where that is not told."""
PLACES = {"kiosk_municipality": "kiosk stands in", "residence_municipality": "applicant lives in"}
STATIC = {APPLICATION: ("vendor", "kiosk", *PLACES), KIOSK: ("vendor", "municipality"), VENDOR: (), MUNICIPALITY: ()}
SAID = {"speaker": "string", "role": "string", "received": "time", "batch": "string"}
"""Attributes of what a source said."""
OF_STALL = {
    **dict.fromkeys(("hop", "level", "holder", "duty_basis", "supervisor", "reason", "policy_version", "limit_rule"), "string"),
    "attempt": "integer",
    "revision": "integer",
    "entered_at": "time",
    "due_at": "time",
    "closed_at": "time",
    "said_at": "time",
}
Row = Mapping[str, Any]
Related = list[tuple[tuple[str, str], str]]
"""(Object's type, its id in history), and how it has to do with what is told."""


class Log:
    """Takes in hops (for the objects), then gives the log, event by event."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], dict[str, str]] = {}
        self._related: dict[tuple[str, str], Related] = {}
        self._event_types: dict[str, Mapping[str, str]] = {}

    def add_hops(self, rows: Iterable[Row]) -> None:
        """The last of an application says where it was begun."""
        for row in rows:
            application = (APPLICATION, row["token"])
            self._objects[application] = {name: row[name] for name in STATIC[APPLICATION] if row[name]}
            self._related[application] = self._places(row)

    def parts(self, events: Iterable[Row], transitions: Iterable[Row]) -> Iterator[bytes]:
        """The file, in pieces."""
        types = [{"name": name, "attributes": [_typed(each, "string") for each in names]} for name, names in STATIC.items()]
        yield b'{"objectTypes":' + orjson.dumps(types) + b',"events":['
        comma = b""
        for event in self._events(events, transitions):
            yield comma + orjson.dumps(event)
            comma = b",\n"
        yield b'],"objects":['
        comma = b""
        for (kind, name), attributes in sorted(self._objects.items()):
            yield comma + orjson.dumps(self._object(kind, name, attributes))
            comma = b",\n"
        told = [
            {"name": name, "attributes": [_typed(*each) for each in kinds.items()]} for name, kinds in sorted(self._event_types.items())
        ]
        yield b'],"eventTypes":' + orjson.dumps(told) + b"}"

    def _events(self, events: Iterable[Row], transitions: Iterable[Row]) -> Iterator[dict[str, Any]]:
        seen: dict[str, list[tuple[Any, ...]]] = {}
        for row in events:
            known, content = seen.setdefault(row["event"], []), (row["type"], row["token"], row["time"])
            if content not in known:  # sent twice; what says something else under the same identity is another event here
                known.append(content)
                yield self._event(f"{row['event']}:{len(known)}" if len(known) > 1 else row["event"], row["type"], row, SAID, row)
        for row in transitions:
            said = {**row, "said_at": row["at"]}
            named = f"{row['token']}:{row['hop']}:{row['attempt']}:{row['revision']}"
            yield self._event(named, f"stall.{row['kind']}", row, OF_STALL, said)

    def _event(self, named: str, kind: str, row: Row, attributes: Mapping[str, str], values: Row) -> dict[str, Any]:
        self._event_types[kind] = attributes
        application = (APPLICATION, row["token"])
        self._objects.setdefault(application, {})
        related = [(application, "about"), *self._places(row)]
        return {
            "id": named,
            "type": kind,
            "time": _instant(row["time"]),
            "attributes": [{"name": name, "value": _value(values[name])} for name in attributes if values[name] is not None],
            "relationships": _relationships(related),
        }

    def _places(self, row: Row) -> Related:
        """Kiosk, vendor and municipalities of a row, which become objects thereby."""
        found: Related = [((MUNICIPALITY, row[column]), how) for column, how in PLACES.items() if row.get(column)]
        if row.get("vendor"):
            found.append(((VENDOR, row["vendor"]), "attributed to"))
        if row.get("kiosk"):
            found.append(((KIOSK, row["kiosk"]), "at"))
            known = {"vendor": row.get("vendor"), "municipality": row.get("kiosk_municipality")}
            self._objects.setdefault((KIOSK, row["kiosk"]), {}).update({name: value for name, value in known.items() if value})
        for each, _ in found:
            self._objects.setdefault(each, {})
        return found

    def _object(self, kind: str, name: str, attributes: Mapping[str, str]) -> dict[str, Any]:
        related = self._related.get((kind, name), [])
        if kind == KIOSK:
            told = {"vendor": (VENDOR, "run by"), "municipality": (MUNICIPALITY, "stands in")}
            related = [((told[each][0], value), told[each][1]) for each, value in attributes.items()]
        return {
            "id": _id(kind, name),
            "type": kind,
            "attributes": [{"name": each, "time": ALWAYS, "value": value} for each, value in attributes.items()],
            "relationships": _relationships(related),
        }


def _relationships(related: Related) -> list[dict[str, str]]:
    return [{"objectId": _id(*other), "qualifier": how} for other, how in related]


def _id(kind: str, name: str) -> str:
    """A token is of one kind only; a vendor and a kiosk may have one name."""
    return name if kind == APPLICATION else f"{kind}:{name}"


def _typed(name: str, kind: str) -> dict[str, str]:
    return {"name": name, "type": kind}


def _value(value: Any) -> Any:
    return _instant(value) if isinstance(value, datetime) else value


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
