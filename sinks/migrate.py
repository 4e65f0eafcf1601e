"""Applies ``migrations/NNNN_name.sql`` in order, each once. Killed midway, it is run again: every statement may be repeated."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from streams.failpoints import reach
from streams.loop import LoopError

FOLDER = Path(__file__).parent / "migrations"
HEADER = re.compile(r"-- What: .+\n(?:--   .+\n)*-- Why: .+\n(?:-- .+\n)*?-- Blocks: .+\n")

REGISTER = """
CREATE TABLE IF NOT EXISTS migrations
(
    number UInt16,
    name String,
    sha256 String COMMENT 'of the file as it was applied',
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'which migrations this database has had'
"""


class MigrationError(LoopError):
    """The database and these migrations do not go together; the text says how."""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Split at semicolons that end a line, comments left out."""
        code = "\n".join(line for line in self.sql.splitlines() if not line.startswith("--"))
        return [statement.strip() for statement in re.split(r";\s*$", code, flags=re.MULTILINE) if statement.strip()]


class Database(Protocol):
    def command(self, statement: str) -> object: ...

    def query(self, query: str) -> list[tuple[Any, ...]]: ...


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """By number, from 1 without a gap; MigrationError for a file that is named otherwise or lacks its three-line header."""
    migrations = [_read(path) for path in sorted(folder.glob("*.sql"))]
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationError(f"{folder}: migrations are numbered from 0001 without a gap")
    return migrations


def migrate(database: Database, migrations: list[Migration], say: Callable[[Migration], None] = lambda migration: None) -> None:
    """Applies what is missing, telling ``say`` of each. MigrationError if the database has had others than these."""
    database.command(REGISTER)
    applied = dict(database.query("SELECT number, sha256 FROM migrations FINAL"))
    if unknown := sorted(set(applied) - {migration.number for migration in migrations}):
        raise MigrationError(f"the database has had migration {unknown[-1]}, which this version of Tairyu does not know: use a newer one")
    for migration in migrations:
        if migration.number not in applied:
            _apply(database, migration, say)
        elif applied[migration.number] != migration.sha256:
            raise MigrationError(f"migration {migration.number:04} ({migration.name}) is not the one that was applied: add one instead")


def _apply(database: Database, migration: Migration, say: Callable[[Migration], None]) -> None:
    for statement in migration.statements:
        database.command(statement)
        reach("history.in_migration")
    reach("history.before_registering")
    values = f"({migration.number}, '{migration.name}', '{migration.sha256}')"
    database.command(f"INSERT INTO migrations (number, name, sha256) VALUES {values}")
    say(migration)


def _read(path: Path) -> Migration:
    named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
    sql = path.read_text(encoding="utf-8")
    if named is None:
        raise MigrationError(f"{path.name}: expected a name like 0001_events.sql")
    if HEADER.match(sql) is None:
        raise MigrationError(f"{path.name}: expected to begin with the lines '-- What: …', '-- Why: …', '-- Blocks: …'")
    return Migration(int(named[1]), named[2], sql)
