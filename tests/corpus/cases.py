"""What one hostile or odd public record is, and what the documentation promises to become of it."""

import json
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from schemas.events import PREFIX

PLAZA, TOKIWA, MINATO = (f"kiosk-events.{vendor}" for vendor in ("plaza", "tokiwa", "minato"))
JLIS, MUNICIPAL = "jlis-events", "municipal-events"
SPEAKER_HEADER = "tairyu-speaker"
SOKA, CHIYODA = "112216", "131016"
SOURCES = {
    PLAZA: "/vendors/plaza/kiosks/1",
    TOKIWA: "/vendors/tokiwa/kiosks/1",
    MINATO: "/vendors/minato/kiosks/1",
    JLIS: "/j-lis/reception",
}

Headers = tuple[tuple[str, bytes | None], ...]


class Case(NamedTuple):
    """``reason`` is the documented one, by how the record was made, never by what the gate says; None: it is accepted."""

    name: str
    reason: str | None
    value: bytes | None
    topic: str = PLAZA
    headers: Headers = ()
    key: bytes | None = None
    codec: str | None = None
    """How its batch is compressed; None: in any way."""
    path: str | None = None
    """Where the fault lies, where that is told."""

    @property
    def speaker(self) -> str | None:
        """Who speaks if all is in order."""
        if self.topic != MUNICIPAL:
            return self.topic.removeprefix("kiosk-events.") if self.topic != JLIS else "j-lis"
        named = [text for name, text in self.headers if name == SPEAKER_HEADER]
        return (named[0] or b"").decode(errors="replace") or None if len(named) == 1 else None


def event(rng: Random, topic: str = PLAZA, **changes: Any) -> dict[str, Any]:
    """An honest event about an application that nobody else speaks of. A change to ``...`` leaves the attribute out."""
    kind = {JLIS: "application.received", MUNICIPAL: "card.arrived"}.get(topic, "application.submitted")
    honest = {
        "specversion": "1.0",
        "id": str(UUID(int=rng.getrandbits(128), version=4)),
        "source": SOURCES.get(topic, f"/municipalities/{SOKA}/counter"),
        "type": PREFIX + kind,
        "time": "2026-04-01T09:00:00+09:00",
        "subject": "".join(rng.choices("0123456789", k=23)),
        "data": {"kiosk": "soka-2", "kiosk_municipality": SOKA, "residence_municipality": CHIYODA},
    }
    return {name: value for name, value in (honest | changes).items() if value is not ...}


def raw(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def in_town(case: Case, code: bytes = SOKA.encode()) -> Case:
    """The same, by the gateway of municipalities."""
    return case._replace(topic=MUNICIPAL, headers=((SPEAKER_HEADER, code), *case.headers))
