"""Topics as data: one card per topic in ``topics/NAME.yaml``. A topic's name stands nowhere else.

Everybody asks ``load_cards()["custody-log"].name``. Another procedure, with other speakers, brings another folder of cards.
"""

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import yaml

FOLDER = Path(__file__).parent / "topics"
PARTY = "{party}"
FOREVER = -1
LONGEST_MS = "9223372036854775807"
SPAN_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Cleanup = Literal["delete", "compact"]
TimestampType = Literal["LogAppendTime", "CreateTime"]


class Card(msgspec.Struct, kw_only=True, frozen=True):
    """What one topic is for, and how a broker is to keep it."""

    name: str
    """With ``{party}`` in it: one topic for each party of the role that speaks there."""
    meaning: str
    owner: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    key: str
    partitions: int
    retention_ms: int
    """-1: forever."""
    cleanup: Cleanup
    timestamp_type: TimestampType
    schemas: tuple[str, ...]
    """Names of the records in it (``schemas.events``, ``schemas.records``)."""
    examples: str
    """Folder below ``schemas/examples``."""
    speakers: tuple[str, ...] = ()
    """The roles of the policy that speak here: only public topics have any."""
    speaker_header: str | None = None
    """The record header that names the speaker, where several share the topic."""
    partitioned_as: str | None = None
    """The card whose partitions these are, number by number."""
    config: dict[str, str] = {}
    """Further topic configuration, by Kafka's names."""

    @property
    def public(self) -> bool:
        """Whether somebody outside writes here."""
        return bool(self.speakers)

    @property
    def own_feed(self) -> bool:
        """Whether each party has a topic of its own."""
        return PARTY in self.name

    def topic(self, party: str | None = None) -> str:
        """The topic's name for this party; ValueError if the card needs a party and none is given."""
        if party is None and self.own_feed:
            raise ValueError(f"{self.name}: whose?")
        return self.name.replace(PARTY, party or "")

    def broker_config(self, *, simulated: bool = False) -> dict[str, str]:
        """The topic's whole configuration. Simulated: records carry scenario time, and none is deleted or refused for it."""
        config = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": self.timestamp_type,
            **self.config,
        }
        if simulated and self.public:
            # Found by trying: otherwise Kafka deletes records of last April within minutes, and refuses a batch that is an hour ahead.
            config["message.timestamp.type"] = "CreateTime"
            config["retention.ms"] = str(FOREVER)
            config["message.timestamp.after.max.ms"] = LONGEST_MS
        return config


class Fault(NamedTuple):
    """What is wrong with a file of the contract, and where."""

    file: str
    key: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.wrong}"


class CardError(ValueError):
    """Cards that cannot be used; its text has a line per fault, each with file and key."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


WORDS = tuple[str, ...]
KEYS: dict[str, Any] = {
    "name": str,
    "meaning": str,
    "owner": str,
    "writers": WORDS,
    "readers": WORDS,
    "key": str,
    "partitions": int,
    "retention": str,
    "cleanup": Cleanup,
    "timestamp_type": TimestampType,
    "schema": WORDS,
    "examples": str,
    "speakers": WORDS,
    "speaker_header": str,
    "partitioned_as": str,
    "config": dict[str, str | int],
}
OPTIONAL = frozenset({"speakers", "speaker_header", "partitioned_as", "config"})


def load_cards(folder: Path | None = None) -> dict[str, Card]:
    """All cards of a folder, by file name without ``.yaml``; CardError names every fault at once."""
    cards, faults = read_cards(folder or FOLDER)
    if faults:
        raise CardError(faults)
    return cards


def read_cards(folder: Path) -> tuple[dict[str, Card], list[Fault]]:
    """The cards that can be read, and the faults of all others."""
    cards: dict[str, Card] = {}
    faults: list[Fault] = []
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        faults.append(Fault(str(folder), "-", "holds no card (*.yaml)"))
    for path in paths:
        try:
            cards[path.stem] = read_card(path)
        except CardError as error:
            faults.extend(error.faults)
    return cards, faults


def read_card(path: Path) -> Card:
    """One card; CardError names every unknown, missing or wrong key."""
    raw = _mapping(path)
    faults = [Fault(path.name, key, wrong) for key, wrong in _wrong(raw)]
    if faults:
        raise CardError(faults)
    fields = {key: value for key, value in raw.items() if key not in ("retention", "schema", "config")}
    fields["retention_ms"] = retention_ms(raw["retention"])
    fields["schemas"] = raw["schema"]
    fields["config"] = {key: str(value) for key, value in raw.get("config", {}).items()}
    return msgspec.convert(fields, Card)


def retention_ms(text: str) -> int:
    """``7d``, ``12h``, ``forever`` (-1); ValueError otherwise."""
    if text == "forever":
        return FOREVER
    match = re.fullmatch(r"([1-9][0-9]*)(ms|s|m|h|d)", text)
    if match is None:
        raise ValueError(f"expected a span like 7d or 12h, or forever, not {text!r}")
    return int(match[1]) * SPAN_MS[match[2]]


def _wrong(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((str(key), "no such key in a card") for key in raw if key not in KEYS)
    yield from ((key, "is missing") for key in KEYS if key not in raw and key not in OPTIONAL)
    yield from ((key, wrong) for key in KEYS if key in raw and (wrong := _wrong_value(key, raw[key])))


def _wrong_value(key: str, value: Any) -> str | None:
    try:
        msgspec.convert(value, KEYS[key])
        if key == "retention":
            retention_ms(value)
    except ValueError as error:
        return str(error)
    if key == "partitions" and value < 1:
        return f"expected at least 1, not {value}"
    return None if value or key == "config" else "is empty"


def _mapping(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_EachKeyOnce)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CardError([Fault(path.name, "-", f"is no YAML: {error}")]) from error
    if not isinstance(raw, dict):
        raise CardError([Fault(path.name, "-", "expected a mapping of keys")])
    return raw


class _EachKeyOnce(yaml.SafeLoader):
    """YAML in which a repeated key is an error; PyYAML itself silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
