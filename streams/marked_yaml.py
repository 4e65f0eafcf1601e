"""Reads YAML so that every mistake is named with its file, line and key, all mistakes of a file at once.

A ``Spot`` is a value where it stands. Its readers never raise: what is wrong is written down in ``faults``, and a stand-in of
the right type is returned, which nobody may use once ``raise_faults`` was asked.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import yaml

from schemas.instants import from_text

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
SPAN = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")
SPAN_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")


class PolicyError(ValueError):
    """Files that cannot be used; a line of text for each mistake: ``FILE:LINE: key: what was expected, what stood there``."""


class Fault(NamedTuple):
    """A mistake; ``line`` 0: the file as a whole."""

    file: str
    line: int
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.wrong}" if self.line else f"{self.file}: {self.wrong}"


@dataclass(frozen=True)
class Spot:
    """A value of a file; ``node`` is None where a key is missing."""

    file: str
    key: str
    line: int
    node: yaml.Node | None
    faults: list[Fault] = field(repr=False)

    @property
    def missing(self) -> bool:
        return self.node is None

    @property
    def empty(self) -> bool:
        """Whether a list or a mapping without anything in it stands here."""
        return isinstance(self.node, yaml.CollectionNode) and not self.node.value

    def fault(self, wrong: str) -> None:
        """Writes down what is wrong here."""
        self.faults.append(Fault(self.file, self.line, f"{self.key}: {wrong}" if self.key else wrong))

    def expected(self, what: str) -> None:
        if self.node is not None:
            self.fault(f"expected {what}, got {_shown(self.node)}")

    def keys(self, required: Collection[str], optional: Collection[str] = ()) -> "dict[str, Spot]":
        """A mapping with these keys only: a spot for each, also for the missing ones."""
        entries = self.entries()
        known = [*required, *optional]
        if self.node is not None:
            for name in entries.keys() - set(known):
                entries[name].fault(f"no such key here{_nearest(name, known)}")
            for name in required:
                if name not in entries and isinstance(self.node, yaml.MappingNode):
                    self._at(name, None).fault("is missing")
        return {name: entries.get(name) or self._at(name, None) for name in known}

    def entries(self, what: str = "a mapping of keys") -> "dict[str, Spot]":
        """A mapping with keys of the file's own choice, in its order."""
        found: dict[str, Spot] = {}
        if not isinstance(self.node, yaml.MappingNode):
            self.expected(what)
            return found
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fault("expected words as keys, got a list or a mapping as one")
            elif key.value in found:
                self._at(key.value, key).fault("stands twice")
            else:
                found[key.value] = self._at(key.value, value, key)
        return found

    def named(self, what: str) -> "dict[str, Spot]":
        """At least one entry, under names that may stand in keys and topics."""
        found = self.entries(f"{what} by name")
        if isinstance(self.node, yaml.MappingNode) and not self.node.value:
            self.expected(f"at least one of the {what}")
        for name, spot in found.items():
            spot.check_name(name)
        return found

    def check_name(self, name: str) -> None:
        """Names stand in keys, topics and ``stall_id``: no colon, no space."""
        if name and NAME.fullmatch(name) is None:
            self.fault(f"expected a name of a-z and 0-9 with single . _ - between them, got {name!r}")

    def items(self, what: str) -> "list[Spot]":
        """A list with at least one item."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            self.expected(f"a list of {what}")
            return []
        return [self._at(str(place), item) for place, item in enumerate(self.node.value)]

    def text(self, what: str = "a text") -> str:
        if isinstance(self.node, yaml.ScalarNode) and self.node.value.strip() and self.node.tag != "tag:yaml.org,2002:null":
            return str(self.node.value)
        self.expected(what)
        return ""

    def one_of(self, known: Collection[str], what: str) -> str:
        """One of the known words. Where none is known, the section that lists them is at fault, and has said so."""
        text = self.text(what)
        if text and known and text not in known:
            self.expected(f"{what} ({', '.join(known)})" if len(known) <= 8 else f"{what}{_nearest(text, known)}")
        return text

    def list_of(self, known: Collection[str], what: str) -> tuple[str, ...]:
        """A list of different known words."""
        items = self.items(what)
        words = tuple(item.one_of(known, f"one of the {what}") for item in items)
        for place, word in enumerate(words):
            if word and word in words[:place]:
                items[place].fault(f"{word!r} stands twice")
        return words

    def flag(self, default: bool = False) -> bool:
        if self.node is None:
            return default
        return self.one_of(("true", "false"), "one of") == "true"

    def whole(self, what: str, at_least: int = 1) -> int:
        text = self._scalar()
        if WHOLE.fullmatch(text) and int(text) >= at_least:
            return int(text)
        self.expected(what)
        return 0

    def span_us(self, what: str = "a duration like 6h", at_least: int = 1) -> int:
        match = SPAN.fullmatch(self._scalar())
        span_us = int(match[1]) * SPAN_US[match[2]] if match else -1
        if span_us >= at_least:
            return span_us
        self.expected(what)
        return 0

    def instant_us(self) -> int:
        try:
            return from_text(self._scalar())
        except (ValueError, OverflowError):
            self.expected("an instant with its offset, like 2015-10-05T00:00:00+09:00")
            return 0

    def _scalar(self) -> str:
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def _at(self, name: str, node: yaml.Node | None, mark: yaml.Node | None = None) -> "Spot":
        here = mark or node
        line = here.start_mark.line + 1 if here is not None else self.line
        return Spot(self.file, f"{self.key}.{name}" if self.key else name, line, node, self.faults)


def read_documents(path: Path, faults: list[Fault]) -> list[Spot]:
    """The file's YAML documents; none, with a fault, if it can't be read."""
    try:
        nodes = list(yaml.compose_all(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(str(path), 0, f"cannot be read: {error}"))
        return []
    except yaml.YAMLError as error:
        faults.append(_no_yaml(path, error))
        return []
    if not nodes:
        faults.append(Fault(str(path), 1, "expected a mapping of keys, got nothing"))
    return [Spot(str(path), "", node.start_mark.line + 1, node, faults) for node in nodes]


def read_document(path: Path, faults: list[Fault]) -> Spot:
    """The file's only document."""
    found = read_documents(path, faults)
    for more in found[1:]:
        more.fault("expected one document, got another")
    return found[0] if found else Spot(str(path), "", 1, None, faults)


def raise_faults(faults: list[Fault]) -> None:
    """PolicyError with all of them, if there are any: file by file, from top to bottom."""
    if faults:
        raise PolicyError("\n".join(str(fault) for fault in sorted(faults, key=lambda fault: (fault.file, fault.line))))


def _no_yaml(path: Path, error: yaml.YAMLError) -> Fault:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
    return Fault(str(path), mark.line + 1 if mark else 0, f"is no YAML: {problem}")


def _nearest(name: str, known: Collection[str]) -> str:
    nearest = get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (nearest: {nearest[0]})" if nearest else f" (known: {', '.join(known)})"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "nothing" if node.tag == "tag:yaml.org,2002:null" else repr(node.value)
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
