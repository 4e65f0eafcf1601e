"""What a reader may run, judged on statements as ``formatQuery`` writes them."""

import pytest

from sinks.screening import forbidden, format_of, gives_rows


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "WITH\n    1 AS x\nSELECT x",
        "SHOW TABLES",
        "DESCRIBE TABLE tairyu.events",
        "EXISTS TABLE tairyu.events",
        "EXPLAIN\nSELECT 1",
        "SELECT *\nFROM events\nWHERE reason = 'see file(1), INTO OUTFILE and eval(x)'",
        "SELECT count() AS `a \\` b`\nFROM events",
        "SELECT profile(x), file, evaluate(y)",
    ],
)
def test_reading_is_allowed(statement: str) -> None:
    assert forbidden(statement) is None


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("INSERT INTO t FORMAT Values", "INSERT"),
        ("KILL QUERY WHERE 1 ASYNC", "KILL"),
        ("USE x", "USE"),
        ("SET readonly = 0", "SET"),
        ("SELECT file('/etc/hostname')", "the function file()"),
        ("SELECT FILE('/etc/hostname')", "the function file()"),
        ("SELECT `file`('/etc/hostname')", "the function file()"),
        ("EXPLAIN\nSELECT file('x')", "the function file()"),
        ("SELECT *\nFROM view(\n    SELECT file('x')\n)", "the function file()"),
        ("SELECT *\nFROM eval('SELECT 1')", "eval()"),
        ("SELECT *\nFROM `eval`('SELECT 1')", "eval()"),
        ("SELECT *\nFROM pYthon(x)", "Python()"),
        ("SELECT 1\nINTO OUTFILE '/tmp/x'\nFORMAT CSV", "INTO OUTFILE"),
        ("EXPLAIN\nSELECT 1\nINTO OUTFILE '/tmp/x'", "INTO OUTFILE"),
        ("SELECT 1\nPARALLEL WITH\nSELECT 2", "PARALLEL WITH"),
        ("SELECT 'it\\'s', file('x')", "the function file()"),
        ("SELECT '\\\\', file('x')", "the function file()"),
    ],
)
def test_whatever_reaches_out_is_named(statement: str, word: str) -> None:
    assert forbidden(statement) == word


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1\nFORMAT Native", "Native"),
        ("SELECT 1\nFORMAT `Null`", "Null"),
        ("SELECT 1\nFORMAT JSON\nSETTINGS max_threads = 1", "JSON"),
        ("SELECT '\nFORMAT CSV'", None),
        ("SELECT 1", None),
    ],
)
def test_the_format_is_the_statements_own(statement: str, found: str | None) -> None:
    assert format_of(statement) == found


def test_only_what_reads_gives_rows() -> None:
    assert gives_rows("SHOW TABLES")
    assert not gives_rows("CREATE TABLE a\n(\n    `b` UInt8\n)\nENGINE = Memory")
