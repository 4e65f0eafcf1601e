"""What no named query may contain, so that what it reads can be seen from its words. Pure."""

import re
from collections.abc import Collection
from pathlib import Path

_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_CREATED = re.compile(r"\bCREATE (?:MATERIALIZED )?(?:TABLE|VIEW) IF NOT EXISTS (\w+)")
_MIGRATIONS = Path(__file__).parent / "migrations"
TABLES = frozenset(
    ["migrations", *(name for path in _MIGRATIONS.glob("*.sql") for name in _CREATED.findall(path.read_text(encoding="utf-8")))]
)
_FORBIDDEN = {
    "quotes a name: names stand bare, so that it can be seen what is read": r"[`\"]",
    "has a comment within: comments stand on lines of their own": r"--|/\*|#",
    "names a database": r"\b(?:FROM|JOIN|IN)\s+\w+\s*\.|\b(?:system|information_schema)\b",
    "reads from a function": r"\b(?:FROM|JOIN|IN)\s+\w+\s*\(",
    "has a function that reads past the tables": r"\b(?:dict\w*|joinGet\w*|file|eval|python|hasColumnInTable)\s*\(",
}
_PATTERNS = {said: re.compile(pattern, re.IGNORECASE) for said, pattern in _FORBIDDEN.items()}


def past_the_layer(sql: str, columns: Collection[str], named_within: Collection[str]) -> str | None:
    """What is wrong, if anything is. ``sql``: all of the file that is run. ``columns``: of its answer, which may have a table's name;
    ``named_within``: its own subqueries, which may not."""
    bare = _TEXT.sub("''", sql)
    said = next((said for said, pattern in _PATTERNS.items() if pattern.search(bare)), None)
    tables = {*re.findall(r"\w+", bare)} & TABLES - {*columns} | {*named_within} & TABLES
    return said or (f"reads {', '.join(sorted(tables))}, or calls something so" if tables else None)
