"""``tairyu``, the command: what people and programs ask. A user's own mistake is a sentence, never a traceback.

Exit codes: 0 done; 1 done, and something was found wrong (a refused line, a demo that differs from its truth); 2 not done, and
why is said on stderr. A reader that closes early (``| head``) is no error.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from streams.setting_sources import CONFIG

COMMANDS = {
    "demo": "demo",
    "up": "stages",
    "run": "stages",
    "config": "config",
    "topics": "topics",
    "migrate": "migrating",
    "roles": "roles",
    "doctor": "doctor",
    "key": "keys",
    "replay": "sending",
    "import": "importing",
    "simulate": "simulating",
    "stalls": "looking",
    "where": "whereabouts",
    "query": "history",
    "report": "reporting",
    "scorecard": "scoring",
    "curve": "curving",
    "check": "checking",
    "judge": "judging",
    "export": "exporting",
}
"""Command -> the module that adds it: a stage, or an answer, loads only what it needs."""


class _Group(TyperGroup):
    """Lists the commands in the order of ``COMMANDS``."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name in COMMANDS if name in self.commands]

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter would complain at its end
            raise typer.Exit(0) from None


app = typer.Typer(
    name="tairyu",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="滞留 Tairyu: who has been holding each card application, and since when.",
)


def _version(asked: bool) -> None:
    if asked:
        try:
            print(f"tairyu {version('tairyu')}")
        except PackageNotFoundError:
            print("tairyu, not installed: run from its source")
        raise typer.Exit


@app.callback()
def tairyu(
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings; default: $TAIRYU_CONFIG, else ./tairyu.toml.")] = None,
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """滞留 Tairyu: who has been holding each card application, and since when."""
    if config is not None:
        os.environ[CONFIG] = str(config)  # for the stages that a command starts, too


def main() -> None:
    _load(sys.argv[1:])
    try:
        app(prog_name="tairyu")
    except Exception as error:
        from streams.cli.mistakes import sentence

        said = sentence(error)
        if said is None:
            raise
        print(f"tairyu: {said}", file=sys.stderr)
        sys.exit(2)


def _load(arguments: Sequence[str]) -> None:
    """The module of the command that is named; all of them where it takes all to answer."""
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    for module in {COMMANDS[named]} if named in COMMANDS else dict.fromkeys(COMMANDS.values()):
        import_module(f"streams.cli.{module}")
