"""The corpus sent through real stages on real Kafka, between good traffic, with everything that is looked at afterwards."""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import confluent_kafka as ck

from schemas.events import PREFIX
from schemas.instants import SECOND_US
from schemas.records import PULSE_KEY
from streams.files import COLUMNS
from streams.groups import INTAKE as GROUP
from streams.up import environment
from tests.corpus.cases import JLIS, MINATO, MUNICIPAL, PLAZA, SOKA, Case, event, in_town, raw
from tests.corpus.disguises import Number, numbers, texts
from tests.corpus.everything import SEED, disguised, hostile
from tests.corpus.sending import left_open, send
from tests.mixed import Sent, mixed_events
from tests.pipeline.test_equality import check
from tests.pipeline.works import CUSTODY, Line, Works

APPLICATIONS = 60
PARTS = 3
OPEN_S = 10
"""The vendor's own limit for its transactions."""
SWEEP_S = 10
"""A broker looks for transactions beyond their limit this often."""
BUSY_S = 25
"""What everybody may be late by on a machine with much else to do."""
PATIENCE_S = 120
FILES = ("a.ndjson", "b.ndjson.gz", "c.csv", "no-header.csv", "number-as-column.csv")


@dataclass
class Run:
    works: Works
    folder: Path
    sent: dict[str, Case]
    """Origin -> the record of the corpus."""
    numbers: list[tuple[str, str]]
    """(digits, the topic that they were sent to)."""
    good: list[Sent]
    good_origins: set[str]
    held: tuple[list[str], list[str]]
    """Origins sent behind the open transaction: in its partition, elsewhere."""
    answers: dict[str, tuple[int, bytes]]
    """What was asked of ``tairyu`` -> exit code, all that it printed."""
    figures: dict[str, int]
    lag: dict[str, int]


def all_at_once(works: Works, folder: Path, people: Executor) -> Run:
    brokers = works.settings.brokers
    for stage in ("history", "watch", "intake"):
        works.run(stage)
    rng = Random(SEED)
    good = list(mixed_events(APPLICATIONS, SEED, time.time_ns() // 1_000))
    pairs = disguised()
    bad = [*hostile(), *(case for case, _ in pairs), *attacks(rng, good)]
    rng.shuffle(bad)
    answers, in_files = commands(works, folder, people)

    works.send(good[:20])
    works.wait(lambda: works.handled() == 20, PATIENCE_S)
    producer = left_open(brokers, MINATO, 0, [raw(event(rng, MINATO)) for _ in range(3)], OPEN_S)
    held, others = behind(works, rng)
    own_feed = wait_for(works, others, held)

    sent: dict[str, Case] = {}
    for part in range(PARTS):
        works.send(good[20:][part::PARTS])
        cases = bad[part::PARTS]
        origins = send(brokers, cases)
        sent |= dict(zip(origins, cases, strict=True))
    good_origins = {*works.origins} - {*held, *others}
    works.origins += sent
    assert own_feed, "records elsewhere waited for a transaction that was not theirs"
    works.wait(lambda: works.handled() == len(works.origins), PATIENCE_S)
    now_us = time.time_ns() // 1_000
    works.wait(lambda: works.all_clocks_passed(now_us + 2 * SECOND_US), PATIENCE_S)
    lag: dict[str, int] = {}

    def nothing_waits() -> bool:
        lag.update(behind_by(works))
        return not any(lag.values())

    works.wait(nothing_waits, PATIENCE_S, lambda: f"intake's lag is {lag}")
    printed = {name: answer.result(PATIENCE_S) for name, answer in answers.items()}
    figures = check(works)
    del producer
    known = [(number.digits, case.topic) for case, number in pairs] + [(number.digits, "a file") for number in in_files]
    return Run(works, folder, sent, known, good, good_origins, (held, others), printed, figures, lag)


def attacks(rng: Random, good: list[Sent]) -> list[Case]:
    """Others speak of applications that are not theirs: refused, or without effect."""
    found = []
    for place, said in enumerate(rng.sample(good, 40)):
        others = {"subject": said["subject"], "type": PREFIX + "event.corrected", "data": {"source": said["source"], "id": said["id"]}}
        topic = JLIS if said["speaker"] != "j-lis" else PLAZA
        found.append(Case(f"attack {place}: correction", "not_yours_to_correct", raw(event(rng, topic, **others)), topic))
        nobodys = others | {"data": {"source": "/nobody", "id": said["id"]}}
        found.append(in_town(Case(f"attack {place}: correction of nobody's", None, raw(event(rng, MUNICIPAL, **nobodys)))))
        ended = event(rng, type=PREFIX + rng.choice(("card.handed_over", "application.voided")), subject=said["subject"])
        found.append(Case(f"attack {place}: end", "not_yours_to_say", raw(ended)))
    return found


def behind(works: Works, rng: Random) -> tuple[list[str], list[str]]:
    """Records sent behind the open transaction: in its partition, and everywhere else."""
    producer = ck.Producer({"bootstrap.servers": works.settings.brokers})
    before = len(works.origins)
    header = [("tairyu-speaker", SOKA.encode())]
    for topic in (MINATO, *(topic for topic in works.feeds if topic != MINATO)):
        for partition in (0, 1):
            headers = header if topic == MUNICIPAL else []
            producer.produce(topic, raw(event(rng, topic)), partition=partition, headers=headers, on_delivery=works._delivered)
    assert producer.flush(20) == 0
    new = works.origins[before:]
    return [origin for origin in new if origin.startswith(f"{MINATO}:0:")], [
        origin for origin in new if not origin.startswith(f"{MINATO}:0:")
    ]


def wait_for(works: Works, origins: list[str], never: list[str] | None = None) -> bool:
    """Whether, when the origins have arrived in custody-log, none of ``never`` has."""

    def there() -> set[str]:
        return {origin for origin, _ in judged(works)}

    works.wait(lambda: {*origins} <= there(), PATIENCE_S)
    return not {*(never or ())} & there()


def judged(works: Works) -> Iterator[tuple[str, Line]]:
    """(origin, line of custody-log), without pulses."""
    for line in works.lines(CUSTODY):
        if line.key != PULSE_KEY:
            origin = json.loads(line.value or b"")["origin"]
            yield origin if isinstance(origin, str) else "{topic}:{partition}:{offset}".format(**origin), line


def behind_by(works: Works) -> dict[str, int]:
    """Partition of a public topic -> offsets between the group's position and the end."""
    consumer = ck.Consumer({"bootstrap.servers": works.settings.brokers, "group.id": GROUP})
    parts = [ck.TopicPartition(feed.topic, number) for feed in works.feeds.values() for number in range(feed.partitions)]
    ends = {(part.topic, part.partition): consumer.get_watermark_offsets(part, 20)[1] for part in parts}
    found = {
        f"{part.topic}:{part.partition}": ends[part.topic, part.partition] - max(part.offset, 0) for part in consumer.committed(parts, 20)
    }
    consumer.close()
    return found


def commands(works: Works, folder: Path, people: Executor) -> tuple[dict[str, "Future[tuple[int, bytes]]"], list[Number]]:
    """Files full of numbers, given to the commands that read files: every line is refused."""
    drawn = list(islice(numbers(Random(SEED + 2)), 200))
    forms = list(texts().values())
    rng, left = Random(SEED + 3), iter(drawn)
    lines = [json.dumps({**event(rng), "speaker": "plaza", "data": {"reason": form(next(left).digits)}}).encode() for form in forms]
    lines += [f"{next(left).digits}".encode(), b"[" * 70 + next(left).digits.encode(), f'{{"id": "{next(left).digits}"'.encode()]
    lines += [json.dumps({**event(rng), "speaker": next(left).digits}).encode(), b"\xff" + next(left).digits.encode()]
    (folder / FILES[0]).write_bytes(b"\n".join(lines))
    with gzip.open(folder / FILES[1], "wb") as file:
        file.write(b"\n".join(lines))
    plain = {"speaker": "plaza", "id": "1", "source": "/vendors/plaza/1", "type": PREFIX + "application.submitted"}
    plain |= {"time": "2026-04-01T09:00:00+09:00", "subject": "9" * 23}
    rows = [",".join(COLUMNS)]
    for column in COLUMNS:
        row = plain | {column: next(left).digits}
        rows.append(",".join(row.get(name, "") for name in COLUMNS))
    rows += [",".join(plain.get(name, "") for name in COLUMNS) + f",{next(left).digits}"]
    (folder / FILES[2]).write_text("\n".join(rows))
    (folder / FILES[3]).write_text("\n".join(rows[1:]))
    (folder / FILES[4]).write_text(f"{rows[0]},{next(left).digits}\n")
    a, b, c, headless, column = (
        str(folder / name) for name in ("a.ndjson", "b.ndjson.gz", "c.csv", "no-header.csv", "number-as-column.csv")
    )
    asked: Mapping[str, tuple[list[str], bytes]] = {
        "judge of lines": (["judge", a], b""),
        "judge of a table": (["judge", c], b""),
        "judge of a table without a header": (["judge", headless], b""),
        "judge of what is no log": (["judge", "--log", a], b""),
        "replay of files": (["replay", a, b, c], b""),
        "replay of a table with a column too many": (["replay", column], b""),
        "replay of its input": (["replay", "--json", "-"], b"\n".join(lines)),
        "where": (["where"], f"{next(left).digits}\n".encode()),
    }
    return {name: people.submit(answer, works, *question) for name, question in asked.items()}, drawn


def answer(works: Works, arguments: list[str], given: bytes) -> tuple[int, bytes]:
    env = {"PATH": "/usr/bin:/bin", **environment(works.settings)}
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments], input=given, capture_output=True, env=env, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr
