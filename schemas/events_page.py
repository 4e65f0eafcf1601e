"""The page for those who send: ``events_page.md`` with its tables filled from cards, types, policy and reasons."""

from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

import msgspec
import yaml

from schemas.cards import PARTY, Card
from schemas.events import ACKNOWLEDGED, CORRECTED, ENQUIRY, HEARTBEAT, MANIFEST, NEEDS_NO_SUBJECT, PREFIX, Data, PublicEvent
from schemas.markdown import fields, table
from schemas.reasons import Reason
from schemas.situations import EXAMPLES, situation

TEMPLATE = Path(__file__).with_name("events_page.md")
CORRECTED_COLUMNS = {"source": "corrected_source", "id": "corrected_id"}
DAY_MS = 86_400_000
KIOSK = "public/kiosk-events"
QUOTED = {
    "submitted": "submitted.json",
    "morning": "a-morning.ndjson",
    "correction": "a-correction.ndjson",
    "python": "send.py",
    "java": "Send.java",
}
"""Place in the page -> file of ``docs/examples``."""


def events_page(cards: dict[str, Card], policy_file: Path, examples: Path) -> str:
    """The whole page; the policy is read as plain data, its newest version. ``examples``: the folder of files that the page quotes."""
    *_, policy = yaml.safe_load_all(policy_file.read_text(encoding="utf-8"))
    quoted = {name: (examples / file).read_text(encoding="utf-8").rstrip() for name, file in QUOTED.items()}
    parts = _tables(cards, policy) | _examples(cards) | quoted
    facts = {"procedure": policy["procedure"], "version": policy["version"], "epoch": policy["epoch"].isoformat(), "prefix": PREFIX}
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(parts | facts | {"log": cards["custody-log"].name})


def may_say(policy: dict[str, Any]) -> dict[str, list[str]]:
    """Type without prefix -> the roles that may say it, milestones first. A test holds this against what the gate does."""
    own = [role for role, about in policy["speakers"].items() if about["own_feed"]]
    shared = [role for role in policy["speakers"] if role not in own]
    milestones = {name: list(about["speakers"]) for name, about in policy["milestones"].items()}
    return milestones | {
        HEARTBEAT: [*own, *shared],
        CORRECTED: [*own, *shared],
        MANIFEST: own,
        ACKNOWLEDGED: _receivers(policy, own) or shared,
        ENQUIRY: shared,
    }


def columns() -> list[str]:
    """Columns of a CSV of events, in the order of the schema."""
    envelope = ["speaker", "received", "specversion", "id", "source", "type", "time", "subject"]
    return envelope + [CORRECTED_COLUMNS.get(name, name) for name in Data.__struct_fields__]


def _receivers(policy: dict[str, Any], own: list[str]) -> list[str]:
    said_by = {name: about["speakers"] for name, about in policy["milestones"].items()}
    over = [hop for hop in policy["hops"].values() if any(role in own for begin in hop["begins"] for role in said_by[begin])]
    ends = {role for hop in over for end in hop["ends"] for role in said_by[end]}
    return [role for role in policy["speakers"] if role in ends and role not in own]


def _tables(cards: dict[str, Card], policy: dict[str, Any]) -> dict[str, str]:
    return {
        "topics": _topics(cards, policy),
        "types": _types(policy),
        "envelope": fields(PublicEvent),
        "data": fields(Data),
        "columns": ", ".join(f"`{column}`" for column in columns()),
        "reasons": table(("reason", "when", "what to do"), ((f"`{reason}`", reason.when, reason.remedy) for reason in Reason)),
    }


def _topics(cards: dict[str, Card], policy: dict[str, Any]) -> str:
    rows = (
        (f"`{_name(card)}`", _roles(policy, card.speakers), card.meaning, _header(card), f"{card.retention_ms // DAY_MS} days")
        for card in cards.values()
        if card.public
    )
    return table(("topic", "who speaks there", "what is said", "header", "kept for"), rows)


def _types(policy: dict[str, Any]) -> str:
    labels = {name: about["label"] for name, about in policy["milestones"].items()}
    rows = (
        (f"`{name}`{_claim(policy, name)}", (labels | COMMON)[name], _roles(policy, roles), _subject(name), _passes_to(policy, name))
        for name, roles in may_say(policy).items()
    )
    return table(("type", "meaning", "who may say it", "subject", "custody passes to"), rows)


COMMON = {
    HEARTBEAT: "the source is alive, though it has nothing to say",
    CORRECTED: "an event of the same speaker is void",
    MANIFEST: "how many applications a batch holds",
    ACKNOWLEDGED: "how many applications of a batch were received",
    ENQUIRY: "a citizen asked at the counter; the kiosk may be all that is known",
}


def _claim(policy: dict[str, Any], name: str) -> str:
    return " ¹" if policy["milestones"].get(name, {}).get("claim") else ""


def _subject(name: str) -> str:
    return "may be missing" if name in NEEDS_NO_SUBJECT else "required"


def _passes_to(policy: dict[str, Any], name: str) -> str:
    holder = policy["milestones"].get(name, {}).get("passes_to", "none")
    if name in policy["terminals"]:
        return "nobody: it ends here"
    return "nobody new" if holder == "none" else str(policy["holders"][holder]["label"])


def _roles(policy: dict[str, Any], roles: Iterable[str]) -> str:
    return ", ".join(f"{role} ({policy['speakers'][role]['label']})" for role in roles)


def _header(card: Card) -> str:
    return f"`{card.speaker_header}`" if card.speaker_header else "–"


def _name(card: Card) -> str:
    return card.name.replace(PARTY, "VENDOR")


def _examples(cards: dict[str, Card]) -> dict[str, str]:
    return {
        "example_topic": cards["kiosk-events"].topic("plaza"),
        "example_submitted": _value("submitted-at-a-city-hall-booth"),
        "example_corrected": _value("corrected-a-wrong-kiosk", 1),
        "example_heartbeat": _value("heartbeat-of-one-kiosk"),
        "example_manifest": _value("manifest-of-a-batch-of-193"),
        "example_csv": (EXAMPLES / "files" / "events.csv").read_text(encoding="utf-8").rstrip(),
        "example_ndjson": "\n".join(value.decode() for value in situation("files", "same-as-events-csv").values()),
    }


def _value(name: str, place: int = 0) -> str:
    value = situation(KIOSK, name).values()[place]
    return msgspec.json.format(value, indent=2).decode()
