"""``tairyu config show``: every setting, its value, and where that comes from. A secret is never shown."""

from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
import typer

from streams.cli import app
from streams.cli.answers import Screen
from streams.cli.history import table_of
from streams.setting_sources import PREFIX
from streams.settings import SECRETS, Settings, load_settings, origins

HIDDEN = "********"

config = typer.Typer(no_args_is_help=True, help="The settings as this machine has them.")
app.add_typer(config, name="config")


@config.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: name -> value and origin.")] = False,
) -> None:
    """Show every setting with its value, and where that comes from: a variable, a file, or the default. Secrets are hidden.

    A name with the prefix TAIRYU_, or in the file, that is no setting is an error: exit code 2. A secret NAME may stand in a file of
    its own, which NAME_FILE names.
    """
    settings, found = load_settings(), origins()
    shown = {name: _shown(name, getattr(settings, name)) for name in Settings.model_fields}
    if as_json:
        print(orjson.dumps({name: {"value": shown[name], "origin": found[name]} for name in shown}).decode())
        return
    rows = [(PREFIX + name.upper(), "" if value is None else str(value), found[name]) for name, value in shown.items()]
    Screen().print(table_of(["setting", "value", "from"], rows))


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if name == "clickhouse_url":
        return _without_password(str(value))
    return HIDDEN if name in SECRETS else str(value)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        told = parts.netloc.rpartition("@")
        user = told[0].partition(":")[0]
        return parts._replace(netloc=f"{user}:{HIDDEN}@{told[2]}" if told[0] else told[2]).geturl()
    except ValueError:
        return HIDDEN
