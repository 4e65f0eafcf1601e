"""The commands of the documents that ask history can be asked so."""

import re
import shlex
from pathlib import Path

import pytest

from sinks.clickhouse import Store
from sinks.named_queries import named_query, read_queries

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = re.findall(r"^tairyu query .+$", (DOCS / "questions.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("open_store", ["folder"], indirect=True)
def test_a_question_is_answered(store: Store, command: str) -> None:
    _, _, name, *given, option, towns = shlex.split(command)
    assert option == "--for"

    sql, values = named_query(name).bound(dict(each.split("=", 1) for each in given), towns.split(","))

    assert isinstance(store.query(sql, values), list)


def test_there_are_ten_questions() -> None:
    text = (DOCS / "questions.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\*\*.+?\?", text, re.MULTILINE | re.DOTALL)) == 10
    assert {shlex.split(command)[2] for command in COMMANDS} <= read_queries().keys()
