"""``python -m tests.operations.sizes [--applications N]``: what applications cost in bytes, on this machine, from simulated traffic.

The logs are measured as lz4 of a thousand records, which is about what a Kafka batch is; ClickHouse is not measured.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cramjam

from schemas.codec import encode
from schemas.stored import encode_stored
from streams.files import read_lines
from streams.gate import Gate
from streams.judge import FileJudge
from streams.parties import load_parties
from streams.partition import Partition
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.streams.story import PULSE

OVERHEAD = 61 + 9 + 78
"""Of a batch with one record, and of the marker that ends a transaction (Kafka's record format 2)."""
KEPT = 200_000
"""Applications held in memory, to see what one costs."""
CLI = (sys.executable, "-m", "streams.cli")


def compressed(values: Iterable[bytes]) -> int:
    values, size = iter(values), 0
    while batch := b"".join(islice(values, 1_000)):
        size += len(bytes(cramjam.lz4.compress_block(batch)))
    return size


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def lines(file: Path) -> Iterator[bytes]:
    return (line for _, line in read_lines(str(file)))


def measure(applications: int, folder: Path) -> Iterator[tuple[str, float]]:
    file, settings = folder / "events.ndjson", Settings()
    made = (*CLI, "simulate", "--applications", str(applications), "--seed", "1", "--out", str(file), "--truth", str(folder / "truth"))
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    policies = load_policies(settings.policy)
    gate = Gate(policies, load_parties(settings.parties, policies.newest), b"a key for measuring, at least of 32 bytes")
    events = [gate.admit_line(line, origin=f"{file.name}:{number}") for number, line in read_lines(str(file))]
    judge = FileJudge(policies)
    said = [value for event in events for _, _, value in judge.feed(event)]
    yield "events per application", len(events) / applications
    yield "transitions per application", len(said) / applications
    yield "public bytes per event, lz4", compressed(lines(file)) / len(events)
    yield "custody-log bytes per event, lz4", compressed(map(encode, events)) / len(events)
    yield "stall-events bytes per transition, lz4", compressed(said) / max(1, len(said))
    yield "bytes of a pulse with its marker, lz4", len(bytes(cramjam.lz4.compress_block(encode(PULSE)))) + OVERHEAD
    records = [record for record in judge._batch.working.values() if record is not None and record.open_hops]
    stored = [encode_stored(record) for record in records]
    yield "open applications at the end", len(stored)
    yield "bytes of an open application's record", sum(map(len, stored)) / len(stored)
    partition, before = Partition(policies, 0), resident()
    kept = {os.urandom(32).hex().encode(): bytes(bytearray(stored[number % len(stored)])) for number in range(KEPT)}
    partition.restore(kept, partition.applied)
    yield "bytes of memory per open application in the watch", (resident() - before) / KEPT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", type=int, default=2_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, value in measure(asked.applications, Path(folder)):
            print(f"{name:52}{value:12,.1f}")


if __name__ == "__main__":
    main()
