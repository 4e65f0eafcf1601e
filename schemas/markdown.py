"""Pieces of the pages that are made from data."""

from collections.abc import Iterable

import msgspec

from schemas.json_schemas import field_prose


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def fields(struct: type[msgspec.Struct]) -> str:
    """A table of a message's fields that have prose in their source."""
    prose = field_prose(struct.__name__)
    names = (name for name in struct.__struct_fields__ if name != "data")
    return table(("field", "meaning"), ((f"`{name}`", prose[name].replace("``", "`")) for name in names))
