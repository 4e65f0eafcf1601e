"""``tairyu roles``: who may ask a ClickHouse server what, as SQL."""

from importlib import import_module
from typing import Annotated

import typer

from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.migrating import Form

HEAD = """\
-- Roles, row policies, profiles and quotas of history's database, for an administrator of the server (CREATE ROLE, ROW POLICY, …).
-- It has not been run on a server by those who wrote it: try it first. It may be run again; what is no longer here stays.
-- A user has a role by, for example:  CREATE USER soka IDENTIFIED BY '…' DEFAULT ROLE tairyu_town_112216; GRANT tairyu_town_112216 TO soka;
"""


@app.command()
def roles(
    towns: Annotated[str | None, typer.Option("--for", help="Municipalities' codes, with commas: a role for each.")] = None,
    prefectures: Annotated[str | None, typer.Option("--prefecture", help="Prefectures' codes (01 to 47), with commas.")] = None,
    dialect: Annotated[Form, typer.Option(help="For one server, or for replicas (ON CLUSTER).")] = Form.SINGLE,
) -> None:
    """Print who may ask a ClickHouse server what, as SQL: operator, writer, and a role for each town and prefecture that is named.

    A town's role sees the rows of its own applications, by the kiosk's or the residence's municipality, read-only and within limits.
    Not run here: chDB, which `tairyu up` has, knows no users.
    """
    made = import_module("sinks.roles")  # by name, as stages are
    spoken = import_module("sinks.dialects").Dialect(dialect.value)
    try:
        statements = [*made.role_statements(made.read_roles(), _codes(towns), _codes(prefectures), spoken)]
    except made.RolesError as error:
        raise Sorry(str(error)) from error
    print(HEAD)
    print("\n".join(f"{statement};" for statement in statements))


def _codes(text: str | None) -> list[str]:
    return [code for code in (text or "").split(",") if code]
