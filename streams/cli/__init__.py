"""``tairyu``, the command: what people and programs ask. A user's own mistake is a sentence, never a traceback.

Exit codes: 0 done; 1 done, and something was found wrong (a refused line, a demo that differs from its truth); 2 not done, and
why is said on stderr.
"""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer
from confluent_kafka import KafkaException

from streams.brokers import BrokerError
from streams.cli.answers import Sorry
from streams.files import FileError
from streams.marked_yaml import PolicyError
from streams.run_file import SetUpError

COMMANDS = ("stages", "topics", "sending", "looking", "history", "judging", "demo")
"""Modules that add their commands, in the order in which help lists them."""

app = typer.Typer(
    name="tairyu",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="滞留 Tairyu: who has been holding each card application, and since when.",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"tairyu {version('tairyu')}")
        raise typer.Exit


@app.callback()
def tairyu(
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """滞留 Tairyu: who has been holding each card application, and since when."""


def main() -> None:
    for name in COMMANDS:
        import_module(f"streams.cli.{name}")
    try:
        app(prog_name="tairyu")
    except (Sorry, FileError, PolicyError, BrokerError, SetUpError, LookupError) as error:
        sys.exit(_say(str(error)))
    except KafkaException as error:
        sys.exit(_say(f"the broker did not do it: {error.args[0].str()}"))
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> int:
    print(f"tairyu: {text}", file=sys.stderr)
    return 2
