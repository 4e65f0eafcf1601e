"""Versions under running stages: a policy is deployed to the watch, then to intake; a newer release's ledger meets an older watch."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import confluent_kafka as ck
import msgspec
import orjson
import pytest

from schemas.codec import encode_application
from schemas.instants import SECOND_US, to_text
from schemas.records import NEWEST, PULSE_KEY, Application
from streams.policy_file import load_policies
from tests.pipeline.works import APPLICATIONS, CUSTODY, STALL_EVENTS, Works, own_broker
from tests.versions.running import committed, custody_of, judged
from tests.versions.versions import next_version

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("versions")]

HOUR_US = 3_600 * SECOND_US
QUICK = ("limits: {notice: 6h, warn: 24h, breach: 72h}", "limits: {notice: 1s, warn: 24h, breach: 72h}")
SOON_US = 12 * SECOND_US
"""Until the new version is in force: enough for the old watch to end. (When its successor is ready does not matter: in between, nobody
judges.)"""


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    with own_broker("embedded", tmp_path, None) as broker:
        works = Works(broker, tmp_path / "works", log_partitions=1, public_partitions=1)
        try:
            yield works
        finally:
            works.close()


def now_us() -> int:
    return time.time_ns() // 1_000


class Sender:
    """Says what happens to applications of its own."""

    def __init__(self, works: Works, seed: int) -> None:
        self._works, self._rng = works, Random(seed)

    def subject(self) -> str:
        return "".join(self._rng.choices("0123456789", k=23))

    def says(self, speaker: str, milestone: str, subject: str, at_us: int) -> None:
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(UUID(int=self._rng.getrandbits(128))),
            "source": "/j-lis" if speaker == "j-lis" else f"/vendors/{speaker}/server",
            "type": f"jp.tairyu.{milestone}",
            "subject": subject,
            "time": to_text(at_us),
            "speaker": speaker,
        }
        self._works.send([event])


def said(works: Works) -> list[tuple[str, str, str]]:
    """What was said, in words, with the version that it names."""
    told = [orjson.loads(line.value or b"")["data"] for line in works.lines(STALL_EVENTS) if line.key is not None]
    return [(f"{data['kind']} {data['hop']} {data['level']}", data["policy_version"], data["token"]) for data in told]


def wait_for_words(works: Works, *words: tuple[str, str]) -> None:
    works.wait(lambda: [each[:2] for each in said(works)] == [*words], 40, lambda: str(said(works)))


def named(works: Works) -> str:
    """The version that the last pulse names."""
    pulses = [line.value or b"" for line in works.lines(CUSTODY) if line.key == PULSE_KEY]
    return str(orjson.loads(pulses[-1])["policy"]) if pulses else ""


def test_a_policy_is_deployed_to_the_watch_then_to_intake_and_old_verdicts_stand(works: Works) -> None:
    sender = Sender(works, 71)
    first, both = works.settings.policy, works.settings.policy.with_name("both.yaml")
    watch, intake = works.run("watch"), works.run("intake")
    old, new = sender.subject(), sender.subject()
    sender.says("plaza", "application.uploaded", old, now_us() - 7 * HOUR_US)
    wait_for_words(works, ("raised forward notice", "2026-1"))

    # the watch first: it hears pulses that name the old version
    effective_us = now_us() + SOON_US
    both.write_text(f"{first.read_text()}\n---\n{next_version(first.read_text(), '2026-2', to_text(effective_us), QUICK)}")
    policies = load_policies(both)
    assert watch.stop(20), works.last_words()
    assert now_us() < effective_us, "the old watch must have ended before the new version is in force"
    watch = works.run("watch", env={"TAIRYU_POLICY": str(both)})
    ready_at = now_us()
    works.wait(lambda: works.applied() and max(applied.at_us for applied in works.applied().values()) > ready_at + SECOND_US, 30)
    assert named(works) == "2026-1"
    custody, before = custody_of(works.settings), committed(works.settings)
    assert judged(policies, custody)[0][: len(before[0])] == before[0]  # as the watch committed it that knew one version

    # then intake, which names the new one
    assert intake.stop(20), works.last_words()
    intake = works.run("intake", env={"TAIRYU_POLICY": str(both)})
    works.wait(lambda: named(works) == "2026-2" and now_us() > effective_us + SECOND_US, 40)
    sender.says("plaza", "application.uploaded", new, now_us() - SECOND_US // 2)
    wait_for_words(works, ("raised forward notice", "2026-1"), ("raised forward notice", "2026-2"))
    sender.says("j-lis", "application.received", old, now_us())
    wait_for_words(works, ("raised forward notice", "2026-1"), ("raised forward notice", "2026-2"), ("cleared forward notice", "2026-1"))
    assert intake.stop(20), works.last_words()
    works.wait(works.all_applied, 40)
    after = committed(works.settings)
    assert judged(policies, custody_of(works.settings)) == after
    assert after[0][: len(before[0])] == before[0]

    # a watch with the old file takes over: something open was judged by what it lacks
    assert watch.stop(20), works.last_words()
    forgotten = works.run("watch", "forgotten", {"TAIRYU_POLICY": str(first)})
    assert forgotten.wait(40), works.last_words()
    assert forgotten.exit_code == 1
    assert "a hop was judged by policy version '2026-2', which is not among the versions loaded here" in forgotten.last_words()
    assert committed(works.settings) == after


def test_a_watch_ends_at_a_ledger_that_a_newer_release_has_written_and_says_so(works: Works) -> None:
    producer = ck.Producer({"bootstrap.servers": works.settings.brokers})
    producer.produce(APPLICATIONS, encode_application(msgspec.structs.replace(Application(), version=NEWEST + 1)), b"a" * 64, 0)
    assert producer.flush(20) == 0

    watch = works.run("watch")

    assert watch.wait(40), works.last_words()
    assert watch.exit_code == 1
    assert f"has version {NEWEST + 1}, and this release reads them up to version {NEWEST}" in watch.last_words()
    assert list(works.lines(STALL_EVENTS)) == []
