"""The two forms of the migrations: as they stand in their files, for one server or chDB; and for replicas. Pure.

The replicated form is for one shard on several replicas, whose servers have the macros ``cluster``, ``shard`` and ``replica``. It follows
from the same files: a migration that is applied in one form counts as applied in the other.
"""

import re
from enum import StrEnum

CLUSTER = "ON CLUSTER '{cluster}'"
WHERE = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
"""Path in Keeper and name of the replica: ClickHouse's own defaults, said so that a server's configuration cannot differ."""
OWN = re.compile(r"CREATE TABLE IF NOT EXISTS (?:compactions|hops_compacted)\b")
"""Each server compacts hops for itself: they are exchanged, which replicas cannot do together."""
_ENGINE = re.compile(r"^(ENGINE = )(\w*MergeTree)(?:\(([^)]*)\))?", re.MULTILINE)
_NAMED = re.compile(
    r"(?:CREATE(?: OR REPLACE)? (?:TABLE|VIEW|MATERIALIZED VIEW|DATABASE|DICTIONARY)(?: IF NOT EXISTS)?"
    r"|DROP (?:TABLE|VIEW|DATABASE|DICTIONARY)(?: IF EXISTS)?|ALTER TABLE|TRUNCATE TABLE(?: IF EXISTS)?|OPTIMIZE TABLE) \w+",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?:RENAME TABLE \w+ TO|EXCHANGE TABLES \w+ AND) \w+", re.IGNORECASE)
_ROWS = re.compile(r"(?:INSERT|SELECT)\b", re.IGNORECASE)


class Dialect(StrEnum):
    SINGLE = "single"
    REPLICATED = "replicated"

    def of(self, statement: str) -> str:
        """The statement in this form. ValueError for one of which no replicated form is known."""
        return statement if self is Dialect.SINGLE else _replicated(statement)


def _replicated(statement: str) -> str:
    """Rows are inserted once, and replicated; whatever defines something is said to all replicas."""
    if _ROWS.match(statement):
        return statement
    named = _NAMED.match(statement) or _PAIR.match(statement)
    if named is None:
        raise ValueError(f"no replicated form is known of {' '.join(statement.split()[:3])} …")
    rest = statement[named.end() :]
    return f"{named[0]} {CLUSTER}{rest if OWN.match(statement) else _ENGINE.sub(_engine, rest)}"


def _engine(found: re.Match[str]) -> str:
    begin, engine, arguments = found.groups()
    return f"{begin}Replicated{engine}({WHERE}{f', {arguments}' if arguments else ''})"
