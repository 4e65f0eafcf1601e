"""``roles.yaml`` as SQL for a ClickHouse server: roles, row policies, settings profiles, quotas. Pure.

They stand beside the layer of ``named_queries``, not in its place: with them a server keeps a user to its rows whatever is asked; only
the layer can say figures of others, if there are enough people behind them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import msgspec.yaml

from schemas.identity import municipality_ok
from sinks.dialects import CLUSTER, Dialect

FILE = Path(__file__).parent / "roles.yaml"
PLACES = ("kiosk_municipality", "residence_municipality")
PREFECTURE = re.compile(r"0[1-9]|[1-3][0-9]|4[0-7]")


class RolesError(Exception):
    """Roles that cannot be made so; the text says what would do."""


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    everybody: tuple[str, ...]
    by_place: tuple[str, ...]
    by_application: tuple[str, ...]

    @property
    def of_people(self) -> tuple[str, ...]:
        return *self.by_place, *self.by_application


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    profile: str
    rows: str | None = None
    """Which; None: all."""
    grants: tuple[str, ...] = ()
    """On the whole database; without any, SELECT on the tables that are everybody's or have rows for it."""


class Roles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    database: str
    tables: Tables
    roles: dict[str, Role]
    system: tuple[str, ...]
    profiles: dict[str, tuple[str, ...]]
    quotas: dict[str, str]


def read_roles(path: Path = FILE) -> Roles:
    return msgspec.yaml.decode(path.read_bytes(), type=Roles)


def role_statements(roles: Roles, towns: Sequence[str], prefectures: Sequence[str], dialect: Dialect = Dialect.SINGLE) -> Iterator[str]:
    """All of them may be run again; what is no longer generated stays. RolesError for a code that is none."""
    on = f" {CLUSTER}" if dialect is Dialect.REPLICATED else ""
    made = [*_made(roles, towns, prefectures)]
    for name, settings in roles.profiles.items():
        yield f"CREATE SETTINGS PROFILE OR REPLACE {name}{on} SETTINGS {', '.join(settings)}"
    for role, _ in made:
        yield f"CREATE ROLE IF NOT EXISTS {role.name}{on} SETTINGS PROFILE '{role.profile}'"
        yield from (f"GRANT{on} SELECT ON system.{table} TO {role.name}" for table in (roles.system if role.grants else ()))
        if role.grants:
            yield f"GRANT{on} {', '.join(role.grants)} ON {roles.database}.* TO {role.name}"
        else:
            named = (*roles.tables.everybody, *roles.tables.of_people)
            yield from (f"GRANT{on} SELECT ON {roles.database}.{table} TO {role.name}" for table in named)
    for table in roles.tables.of_people:
        # With it nobody is without a policy, so nobody sees all rows for having none
        yield f"CREATE ROW POLICY OR REPLACE tairyu_nobody{on} ON {roles.database}.{table} FOR SELECT USING 0 TO ALL"
        for role, code in made:
            shown = rows(roles, role, table, code)
            yield f"CREATE ROW POLICY OR REPLACE {role.name}{on} ON {roles.database}.{table} FOR SELECT USING {shown} TO {role.name}"
    for name, limits in roles.quotas.items():
        limited = ", ".join(role.name for role, _ in made if role.profile == name)
        yield f"CREATE QUOTA OR REPLACE {name}{on} KEYED BY user_name {limits}{f' TO {limited}' if limited else ''}"


def rows(roles: Roles, role: Role, table: str, code: str) -> str:
    """What must hold of a row of the table for the role to see it."""
    if role.rows is None:
        return "1"
    there = " OR ".join(f"ifNull({role.rows.format(place=place, code=code)}, 0)" for place in PLACES)
    return there if table in roles.tables.by_place else f"token IN (SELECT token FROM {roles.database}.hops WHERE {there})"


def _made(roles: Roles, towns: Sequence[str], prefectures: Sequence[str]) -> Iterator[tuple[Role, str]]:
    """Each role with its name, and the code that it is for."""
    for code in towns:
        if not municipality_ok(code):
            raise RolesError(f"{code!r} is no municipality's code: six digits, of which the last is a check digit")
    for code in prefectures:
        if PREFECTURE.fullmatch(code) is None:
            raise RolesError(f"{code!r} is no prefecture's code: 01 to 47")
    for kind, role in roles.roles.items():
        codes = {"town": towns, "prefecture": prefectures}.get(kind, ("",))
        for code in codes:
            yield msgspec.structs.replace(role, name=role.name.format(code=code)), code
