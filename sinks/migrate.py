"""Applies ``migrations/NNNN_name.sql`` in order, each once. Killed midway, it is run again: every statement may be repeated."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sinks.dialects import Dialect
from streams.failpoints import reach
from streams.loop import LoopError

FOLDER = Path(__file__).parent / "migrations"
HEADER = re.compile(r"-- What: (.+\n(?:--   .+\n)*)-- Why: (.+\n(?:-- .+\n)*?)-- Blocks: (.+)\n")

REGISTER = """\
CREATE TABLE IF NOT EXISTS migrations
(
    number UInt16,
    name String,
    sha256 String COMMENT 'of the file as it was applied',
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'which migrations this database has had'"""
APPLIED_AS = "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'"


class MigrationError(LoopError):
    """The database and these migrations do not go together; the text says how."""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def head(self) -> tuple[str, str, str]:
        """What it does, why, and what it blocks meanwhile."""
        found = HEADER.match(self.sql)
        assert found is not None, self.name  # _read has seen to it
        what, why, blocks = (" ".join(re.sub(r"^-- +", "", part, flags=re.MULTILINE).split()) for part in found.groups())
        return what, why, blocks

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


def migrate(
    database: Database,
    migrations: list[Migration],
    say: Callable[[Migration], None] = lambda migration: None,
    dialect: Dialect | None = None,
) -> None:
    """Applies what is missing, telling ``say`` of each. MigrationError if the database has had others than these, or has them in
    another dialect than this one (None: in its own; a new database's is single)."""
    kept = dialect_of(database)
    if kept is not None and dialect not in (None, kept):
        raise MigrationError(f"the database has had its migrations in the dialect {kept}: go on with that")
    spoken = kept or dialect or Dialect.SINGLE
    if kept is None:
        database.command(_in(spoken, REGISTER))
    for migration in missing(database, migrations):
        _apply(database, migration, spoken, say)


def missing(database: Database, migrations: list[Migration]) -> list[Migration]:
    """What would be applied; nothing is changed. MigrationError if the database has had others than these."""
    if dialect_of(database) is None:
        return migrations
    applied = dict(database.query("SELECT number, sha256 FROM migrations FINAL"))
    if unknown := sorted(set(applied) - {migration.number for migration in migrations}):
        raise MigrationError(f"the database has had migration {unknown[-1]}, which this version of Tairyu does not know: use a newer one")
    for migration in migrations:
        if applied.get(migration.number, migration.sha256) != migration.sha256:
            raise MigrationError(f"migration {migration.number:04} ({migration.name}) is not the one that was applied: add one instead")
    return [migration for migration in migrations if migration.number not in applied]


def dialect_of(database: Database) -> Dialect | None:
    """In which its migrations were applied; None: it has had none."""
    engines = database.query(APPLIED_AS)
    return None if not engines else Dialect.REPLICATED if engines[0][0].startswith("Replicated") else Dialect.SINGLE


def script(migrations: list[Migration], dialect: Dialect, database: str) -> str:
    """The statements that would be run, for `clickhouse-client --multiquery`; the register is told of each migration."""
    begin = [_in(dialect, f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic"), f"USE {database}", _in(dialect, REGISTER)]
    parts = ["".join(f"{statement};\n\n" for statement in begin)]
    for migration in migrations:
        head = "\n".join(f"-- {word}: {said}" for word, said in zip(("What", "Why", "Blocks"), migration.head, strict=True))
        statements = [*(_in(dialect, statement) for statement in migration.statements), _registering(migration)]
        parts.append(f"-- {migration.number:04} {migration.name}\n{head}\n" + "".join(f"{each};\n\n" for each in statements))
    return "".join(parts).rstrip("\n") + "\n"


def _apply(database: Database, migration: Migration, dialect: Dialect, say: Callable[[Migration], None]) -> None:
    for statement in migration.statements:
        database.command(_in(dialect, statement))
        reach("history.in_migration")
    reach("history.before_registering")
    database.command(_registering(migration))
    say(migration)


def _registering(migration: Migration) -> str:
    values = f"({migration.number}, '{migration.name}', '{migration.sha256}')"
    return f"INSERT INTO migrations (number, name, sha256) VALUES {values}"


def _in(dialect: Dialect, statement: str) -> str:
    try:
        return dialect.of(statement)
    except ValueError as error:
        raise MigrationError(str(error)) from error


def _read(path: Path) -> Migration:
    named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
    sql = path.read_text(encoding="utf-8")
    if named is None:
        raise MigrationError(f"{path.name}: expected a name like 0001_events.sql")
    if HEADER.match(sql) is None:
        raise MigrationError(f"{path.name}: expected to begin with the lines '-- What: …', '-- Why: …', '-- Blocks: …'")
    return Migration(int(named[1]), named[2], sql)
