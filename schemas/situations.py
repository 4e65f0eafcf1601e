"""The examples by situation: every test that needs an event starts from one.

``examples/FOLDER/...``, the folder being a card's ``examples``. Public ones stand in ``valid/`` and in ``invalid/``, where the
name is ``REASON--situation``; others are ``SCHEMA--situation``. A ``.json`` or ``.bin`` file is one record's value, an ``.ndjson``
file several. Public values name their ``speaker`` and ``received``, as a line of a file does.

Personal numbers never enter, not even here: an example that must hold one has a placeholder, ``{{individual_number}}`` (its check
digit passes) or ``{{twelve_digits}}`` (it does not), which ``values`` fills with digits drawn from the caller's generator.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

EXAMPLES = Path(__file__).parent / "examples"
FILES = "files"
"""Folder of the examples of file formats, which belong to no topic."""
ENDINGS = frozenset({".json", ".ndjson", ".bin"})
PLACEHOLDER = re.compile(rb"\{\{([a-z0-9_]+)(?::([a-z0-9-]+))?\}\}")
BULK = {b"nesting": b"[" * 500_000 + b"]" * 500_000, b"mebibyte": b"x" * 2**20}


class Situation(NamedTuple):
    """One example file."""

    path: Path
    folder: str
    """As a card names it in ``examples``."""
    name: str
    """What happened, without reason or schema."""
    schema: str | None
    """Of an internal record: the name of its schema, in kebab case."""
    reason: str | None
    """Of an invalid one: why it is refused."""

    @property
    def public(self) -> bool:
        return self.schema is None

    def values(self, numbers: Random | None = None) -> list[bytes]:
        """The records' values, placeholders filled; ValueError if there are some and no generator is given."""
        raw = PLACEHOLDER.sub(lambda match: _fill(match, numbers), self.path.read_bytes())
        return raw.splitlines() if self.path.suffix == ".ndjson" else [raw.rstrip(b"\n")]


def situations(folder: str = "", root: Path | None = None) -> list[Situation]:
    """All examples below a folder of ``examples`` (of all, without), in the order of their paths."""
    root = root or EXAMPLES
    return [_situation(path, root) for path in sorted((root / folder).rglob("*")) if path.suffix in ENDINGS]


def situation(folder: str, name: str) -> Situation:
    """The one example of that name below a folder; LookupError if there is none, or more than one."""
    found = [each for each in situations(folder) if each.name == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} examples are named {name!r} in {folder!r}")
    return found[0]


def _situation(path: Path, root: Path) -> Situation:
    parts = path.relative_to(root).parts[:-1]
    before, dashes, after = path.stem.partition("--")
    name, prefix = (after, before) if dashes else (before, None)
    if parts[-1:] == ("valid",):
        return Situation(path, "/".join(parts[:-1]), path.stem, None, None)
    if parts[-1:] == ("invalid",):
        return Situation(path, "/".join(parts[:-1]), name, None, prefix or "")
    return Situation(path, "/".join(parts), name, prefix or "", None)


def individual_number(numbers: Random, *, passing: bool = True) -> str:
    """12 random digits, none of them a 0 in front, whose check digit passes or fails (総務省令第85号5条)."""
    base = str(numbers.randint(1, 9)) + "".join(str(numbers.randint(0, 9)) for _ in range(10))
    weighted = (int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(base), start=1))
    rest = sum(weighted) % 11
    check = 0 if rest <= 1 else 11 - rest
    return f"{base}{check if passing else (check + 1) % 10}"


def _fill(match: re.Match[bytes], numbers: Random | None) -> bytes:
    if bulk := BULK.get(match[1]):
        return bulk
    if numbers is None:
        raise ValueError(f"{match[0].decode()} needs a generator of numbers")
    form = FORMS.get((match[2] or b"plain").decode())
    if match[1] not in (b"individual_number", b"twelve_digits") or form is None:
        raise ValueError(f"{match[0].decode()} stands for nothing")
    return form(individual_number(numbers, passing=match[1] == b"individual_number")).encode()


def _groups(number: str) -> Iterator[str]:
    return (number[start : start + 4] for start in (0, 4, 8))


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "full-width": lambda number: number.translate({ord("0") + n: ord("０") + n for n in range(10)}),
    "hyphens": lambda number: "-".join(_groups(number)),
    "spaces": lambda number: " ".join(_groups(number)),
    "dots": lambda number: "・".join(_groups(number)),
}
