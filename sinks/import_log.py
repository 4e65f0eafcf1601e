"""What an import is to history: a log of its own, with an id, and when it is in it (docs/decisions/0018)."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from schemas.identity import Key
from sinks.arrow import ArrowRows
from sinks.clickhouse import Load, Store
from sinks.named_queries import OF_NOW
from sinks.references import Version
from streams.failpoints import reach
from streams.keys import key_marks
from streams.loop import LoopError

LAYOUT = 1
"""Raised by whoever changes how lines become shares and rows: the same files are then another log."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TOPIC = "import:"
KNOWN_ELSEWHERE = """
SELECT topic, uniqExact(application) AS applications FROM applications
WHERE log_id IN (SELECT argMax(log_id, entered_at) FROM ranges WHERE topic != {topic:String} GROUP BY topic)
  AND application IN (SELECT application FROM applications WHERE log_id = {log_id:String})
GROUP BY topic ORDER BY topic"""
"""The topic of each other log of now that tells of applications of this one, and how many they are."""


class ImportingError(LoopError):
    """Files that cannot be imported, or not so; the text says what to do."""


def import_log(name: str, files: Sequence[Path], by: Sequence[object], rules: Sequence[Version], key: Key) -> str:
    """The log's id: the name, and a digest of the files' content and of all by which their lines are taken and judged (``by``: what else
    there is), so that the same id means the same rows. ImportingError for a name that is none, or a file that cannot be read."""
    if NAME.fullmatch(name) is None:
        raise ImportingError(f"{name!r} is no name of an import: up to 64 letters, digits, dots, hyphens and underscores")
    told = [LAYOUT, *by, key_marks(key), *(version.digest for version in rules)]
    digest = hashlib.sha256(repr(told).encode())
    for path in files:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise ImportingError(f"{path}: {error.strerror}") from error
    return f"{TOPIC}{name}:{digest.hexdigest()[:32]}"


def there_as(store: Store, log_id: str) -> str | None:
    """The name under which this very content is in the history now. ImportingError if it was, and gave way to other content."""
    name, _, digest = log_id.removeprefix(TOPIC).rpartition(":")
    held = f"SELECT log_id, {OF_NOW} FROM ranges"
    for there, current in store.query(f"{held} WHERE endsWith(log_id, {{digest:String}}) GROUP BY log_id", {"digest": f":{digest}"}):
        if current:
            return str(there).removeprefix(TOPIC).rpartition(":")[0]
        if there == log_id:
            raise ImportingError(f"this was imported as {name} before, and replaced by other files since: take another --name")
    return None


def check_alone(store: Store, log_id: str, topic: str) -> None:
    """What is said of an application follows from all its events, so they must all be in one log (docs/decisions/0018)."""
    if not store.query("SELECT 1 FROM ranges WHERE topic != {topic:String} LIMIT 1", {"topic": topic}):
        return  # which is the rule, and tokens of millions need not be kept in mind
    elsewhere = store.query(KNOWN_ELSEWHERE, {"log_id": log_id, "topic": topic})
    if elsewhere:
        where = ", ".join(f"{count} in {topic}" for topic, count in elsewhere)
        raise ImportingError(
            f"of its applications, others have told already ({where}), so nothing is entered: what is said of an application follows from"
            " all its events together. Import files that share applications as one (several files, one --name); of those that are in the"
            " live logs, send the events by `tairyu replay`, and import the rest"
        )


def enter(store: Store, loads: Sequence[Load]) -> None:
    """In one insert: an import is in the history whole, or not at all."""
    entries, first = ArrowRows(store.types("ranges")["ranges"]), loads[0].range
    same = {name: first[name] for name in ("log_id", "topic", "cut_at")}
    entries.add(
        {
            "partition": [load.log.partition for load in loads],
            "lo": [load.cut.lo for load in loads],
            "hi": [load.cut.hi for load in loads],
            "records": [load.cut.records for load in loads],
            "bucket": [load.cut.bucket for load in loads],
        }
    )
    reach("import.before_entering")
    store.send("ranges", entries.stream(same), f"{same['log_id']}:ranges")
    reach("import.after_entering")
