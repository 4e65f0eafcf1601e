"""Which statements a reader may run on chDB's engine, judged on the engine's own rewriting of them. Pure.

``readonly = 1`` makes the engine refuse inserts, DDL, settings, and table functions that reach out. Found by trying, it still lets
through: the function ``file``, ``INTO OUTFILE``, ``KILL``, ``USE``, and ``eval``, which runs a text as a query. Hence this page.

``formatQuery`` has parsed the statement by then: one statement, no comments, escapes resolved, texts in single quotes.
"""

import re

READS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS"})
FORBIDDEN = {
    "the function file()": re.compile(r"\bfile\s*\(", re.IGNORECASE),
    "eval()": re.compile(r"\beval\s*\(", re.IGNORECASE),
    "Python()": re.compile(r"\bpython\s*\(", re.IGNORECASE),
    "fuzzQuery()": re.compile(r"\bfuzzquery\s*\(", re.IGNORECASE),
    "INTO OUTFILE": re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE),
    "PARALLEL WITH": re.compile(r"\bPARALLEL\s+WITH\b", re.IGNORECASE),
}
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?P<name>(?:[^`\\]|\\.)*)`", re.DOTALL)
FORMAT = re.compile(r"\nFORMAT (\w+)\s*(?:\nSETTINGS [^\n]*)?\s*\Z")
SETTINGS = re.compile(r"(?:max|min|output_format|date_time|join|group_by)_\w+|limit|offset|extremes|final|session_timezone")
"""What a reader may set: none of it widens what may be read."""


def forbidden(formatted: str) -> str | None:
    """What a reader may not do in this statement, None if all of it is allowed."""
    bare = without_texts(formatted)
    first = bare.split(maxsplit=1)[0].upper()
    if first not in READS:
        return first
    return next((name for name, pattern in FORBIDDEN.items() if pattern.search(bare)), None)


def gives_rows(formatted: str) -> bool:
    return without_texts(formatted).split(maxsplit=1)[0].upper() in READS


def format_of(formatted: str) -> str | None:
    """The format that the statement itself asks for."""
    found = FORMAT.search(without_texts(formatted))
    return found[1] if found else None


def without_texts(formatted: str) -> str:
    """Texts emptied, so that none is taken for a word; quoted names bare, so that none hides one."""
    return QUOTED.sub(lambda match: match["name"] if match["name"] is not None else "''", formatted)
