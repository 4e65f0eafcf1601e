"""What the commands share: errors that are a sentence, lines on stdout, a console that leaves a pipe's lines whole."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from schemas.identity import Key
from schemas.instants import from_text
from schemas.reasons import Refused
from streams.keys import load_key

WIDE = 1_000
"""Columns where nobody's window has an edge."""

PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy file; default: as the settings say (TAIRYU_POLICY).")]
PartiesFile = Annotated[Path | None, typer.Option("--parties", help="Who the speakers are; default: as the settings say (TAIRYU_PARTIES).")]


class Sorry(Exception):
    """What is wrong, where, and what to do: shown to the user as it is; exit code 2."""


TEST_KEY = b"tairyu test key: not for anybody's real applications"


def key_from(path: Path | None, *, told: bool = True) -> Key:
    """The key of the tokens; without a file the fixed test key, which is said on stderr."""
    if path is None:
        if told:
            print("tairyu: no --key given: tokens are made with the fixed test key", file=sys.stderr)
        return TEST_KEY
    return load_key(path)


def instant(text: str | None, option: str) -> int | None:
    """Microseconds of an option's RFC 3339 instant."""
    if text is None:
        return None
    try:
        return from_text(text)
    except ValueError as error:
        raise Sorry(f"{option}: expected an instant with an offset such as 2026-05-14T00:00:00+09:00, got {text!r}") from error


def print_lines(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def why(refused: Refused) -> str:
    """A refusal for the person who sent the line: code, place, what it means, what to do."""
    return f"{refused.reason}: {refused.path or '/'}: {refused.reason.when} {refused.reason.remedy}"


class Screen(Console):
    """A window's width in a window; elsewhere as wide as it takes, and no more than text."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False)
        if not self.is_terminal:
            self.width = WIDE

    def on_broken_pipe(self) -> None:
        """A reader that closes early is no error."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
        raise SystemExit(0)


def cell(text: str) -> Text:
    """What somebody sent, for a table: neither markup nor orders to the terminal."""
    return Text("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))
