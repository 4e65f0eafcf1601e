"""files of events -> ClickHouse: ``tairyu import``, past Kafka

The same rows as if the events had come through the logs, judged as of their arrival; nobody hears of them. An import is a log of its own:
its topic is ``import:NAME``, its partitions are shares of the applications, and its id is a digest of the files and of what judges them.
So shares, ranges and tokens follow from the content alone: killed anywhere and run again, what was inserted is made again,
identically, and stopped by its token. All ranges are entered at once, last: until then no view sees any of it.
"""

import os
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import chdir, contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from schemas.reasons import Reason
from sinks import shares
from sinks.arrow import Types
from sinks.clickhouse import FolderOpenError, Load, Store, token
from sinks.columns import COLUMNS
from sinks.compact import compact
from sinks.import_log import TOPIC, ImportingError, check_alone, enter, import_log, there_as
from sinks.migrate import read_migrations
from sinks.references import versions
from sinks.shares import Chunk, Import
from streams.connection import clickhouse
from streams.failpoints import reach
from streams.files import read_lines
from streams.keys import load_key
from streams.parties import load_parties
from streams.policy_file import load_policies
from streams.settings import Settings

LINES = 4_000
"""Of a chunk."""
AHEAD = 4
"""Tasks that are begun before the first is done with. Each holds a share's rows."""
SHARE_BYTES = 24 << 20
FEWEST, MOST = 8, 512
"""Shares: enough that each fits into a worker's memory, and not so many that each is a handful of rows."""
UNPACKED = {".gz": 12, ".parquet": 12}
"""How much larger than the file its lines are, roughly."""

Progress = Callable[[str, int, int | None], None]
"""Hears of a step (``read``: lines, ``judged``: shares) how much more of it is done, and of how much, if that is known."""
TellRefused = Callable[[Path, int, Reason, str], None]
"""File, number of the line, why, path of the fault."""


class Imported(NamedTuple):
    """What an import came to. ``there_as``: nothing was inserted, it had been imported already, under this name."""

    name: str
    events: int
    refused: int
    rows: Counter[str]
    """Table -> how many."""
    seconds: float
    there_as: str | None = None

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def import_files(
    settings: Settings,
    files: Sequence[Path],
    *,
    name: str,
    speaker: str | None = None,
    workers: int | None = None,
    tell_refused: TellRefused = lambda file, number, reason, path: None,
    progress: Progress = lambda step, more, of: None,
) -> Imported:
    """All events of the files, in this order, into the history of the settings: its server, else its folder, which no other process has
    open. ``workers``: processes; they change nothing but the time it takes (default: one a core).

    FileError for a file that cannot be read; PolicyError, KeyFileError; ImportingError, StoreError, MigrationError: sentences, too.
    """
    began = time.monotonic()
    files = [file.resolve() for file in files]
    policies = load_policies(settings.policy)
    rules = [*versions(load_parties(settings.parties, policies.newest), policies)]
    # The files also say what the rows of rules leave out
    read, count, key_file = [settings.policy, settings.parties, *files], _shares(files), _key_file(settings)
    log_id = import_log(name, read, (speaker, count), rules, load_key(key_file))
    with _store(settings) as store, tempfile.TemporaryDirectory(prefix="tairyu-import-") as folder:
        known = there_as(store, log_id)
        if known is not None:
            return Imported(name, 0, 0, Counter(), time.monotonic() - began, known)
        told = Import(
            log_id=log_id,
            topic=TOPIC + name,
            speaker=speaker,
            shares=count,
            folder=Path(folder),
            policy=settings.policy.resolve(),
            parties=settings.parties.resolve(),
            key=key_file.resolve(),
        )
        with _pool(told, store.types(*COLUMNS), workers or os.cpu_count() or 1) as pool:
            events, refused, latest_us = _read(pool, files, tell_refused, progress)
            if not events:
                raise ImportingError(f"{', '.join(file.name for file in files)}: no line was taken, so nothing is imported")
            rows, loads = _judge(pool, told.shares, latest_us, store, progress)
        check_alone(store, log_id, told.topic)
        for version in rules:
            store.keep(version)
        enter(store, loads)
        compact(store)
    return Imported(name, events, refused, rows, time.monotonic() - began)


def _key_file(settings: Settings) -> Path:
    if settings.key_file is None:
        raise ImportingError("import needs the deployment's key, or no application would be the one it is elsewhere: set TAIRYU_KEY_FILE")
    return settings.key_file


def _shares(files: Iterable[Path]) -> int:
    try:
        size = sum(path.stat().st_size * UNPACKED.get(path.suffix, 1) for path in files)
    except OSError as error:
        raise ImportingError(f"{error.filename}: {error.strerror}") from error
    return min(max(FEWEST, size // SHARE_BYTES + 1), MOST)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    server = clickhouse(settings)
    if server is None and settings.history_dir is None:
        raise ImportingError(
            "import needs TAIRYU_CLICKHOUSE_URL (a server), TAIRYU_HISTORY_DIR (a folder) or --data (the folder of a tairyu up that is not"
            " running)"
        )
    if server is not None:
        store = Store.on_server(server)
    else:
        assert settings.history_dir is not None
        folder = settings.history_dir.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with chdir(folder):  # chDB, as it is imported, would load ./config.xml in silence
            try:
                store = Store.in_folder(folder)
            except FolderOpenError as error:
                raise ImportingError(
                    f"{error}: stop that process (tairyu up, or tairyu run history), import, and start it again"
                ) from error
    try:
        store.migrate(read_migrations())
        if server is None:
            store.sync_to_disk()
        yield store
    finally:
        store.close()


@contextmanager
def _pool(told: Import, types: dict[str, Types], workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, get_context("spawn"), shares.prepare, (os.getpid(), told, types))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise ImportingError(
            "a worker process was ended from outside (too little memory?): nothing is entered; run the same command again, which goes on"
            " where nothing can stand twice"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _read(pool: ProcessPoolExecutor, files: Sequence[Path], tell_refused: TellRefused, progress: Progress) -> tuple[int, int, int]:
    """Events, refused lines, latest arrival."""
    events = refused = latest_us = 0
    for chunk, admitted in _in_turn(pool, shares.read, ((chunk,) for chunk in _chunks(files))):
        events += admitted.events
        refused += len(admitted.refused)
        latest_us = max(latest_us, admitted.latest_us)
        for number, reason, path in admitted.refused:
            tell_refused(files[chunk[0].file], number, reason, path)
        progress("read", admitted.events + len(admitted.refused), None)
    return events, refused, latest_us


def _chunks(files: Sequence[Path]) -> Iterator[Chunk]:
    offset = 0
    for place, path in enumerate(files):
        lines = read_lines(str(path))
        while some := [*islice(lines, LINES)]:
            yield Chunk(place, path.name, offset, some)
            offset += len(some)


def _judge(pool: ProcessPoolExecutor, count: int, until_us: int, store: Store, progress: Progress) -> tuple[Counter[str], Sequence[Load]]:
    """Inserts the rows of one share while others are judged. How many of each table; the ranges to be entered."""
    rows, loads = Counter[str](), list[Load]()
    for _, judged in _in_turn(pool, shares.judge, ((share, until_us) for share in range(count))):
        if judged is not None:
            reach("import.before_insert")
            for table, (number, stream) in judged.tables.items():
                store.send(table, stream, token(judged.load.log, judged.load.cut, table))
                rows[table] += number
                reach("import.after_insert")
            loads.append(judged.load)
        progress("judged", 1, count)
    return rows, loads


Done = TypeVar("Done")


def _in_turn(
    pool: ProcessPoolExecutor, work: Callable[..., Done], tasks: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], Done]]:
    """Each task with what came of it, in their order; only so many are begun beforehand that no process rests."""
    waiting: deque[tuple[tuple[Any, ...], Future[Done]]] = deque()
    for task in tasks:
        if len(waiting) >= AHEAD:
            begun, future = waiting.popleft()
            yield begun, future.result()
        waiting.append((task, pool.submit(work, *task)))
    for begun, future in waiting:
        yield begun, future.result()
