"""The whole pipeline on a broker that lets in only whom it knows, each stage as its own user with the rights that are generated."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from streams.brokers import KafkaBroker
from streams.connection import kafka
from streams.held import held_now
from streams.rights import rights_of
from streams.settings import Settings
from streams.up import environment
from tests.mixed import mixed_events
from tests.pipeline.works import APPLICATIONS, CARDS, CUSTODY, Works
from tests.secured.locks import ADMIN, Doors

pytestmark = pytest.mark.kafka
STAGES = ("intake", "watch", "history")
OPERATOR, SUBSCRIBER = "operator-1", "town-hall"
PATIENCE_S = 100.0


@dataclass
class Secured:
    works: Works
    doors: Doors
    passwords: dict[str, str]

    def as_user(self, name: str) -> Settings:
        return self.works.settings.model_copy(update={"brokers_user": name, "brokers_password": self.passwords[name]})

    def by_certificate(self, name: str) -> Settings:
        certificate, key = self.doors.authority.vouch(name)
        where = {"brokers": f"127.0.0.1:{self.doors.by_certificate}", "brokers_security": "SSL"}
        return self.works.settings.model_copy(update={**where, "brokers_certificate": certificate, "brokers_key": key})

    def tairyu(self, settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "streams.cli", *arguments]
        return subprocess.run(command, env={**os.environ, **environment(settings)}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def secured(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    doors = Doors.build(folder / "ca")
    locks = doors.locks()
    with KafkaBroker(folder / "kafka", cache=kafka_jars, locks=locks) as broker:
        parties = ("plaza", "tokiwa", "minato", "j-lis", "municipal-events-gateway")
        passwords = dict.fromkeys((ADMIN, OPERATOR, SUBSCRIBER, *parties, *(f"tairyu-{stage}" for stage in STAGES)), "")
        passwords = {name: secrets.token_hex() for name in passwords}
        let_in(AdminClient(dict(locks.client)), passwords)
        works = Works(
            broker,
            folder / "works",
            brokers_security="SASL_SSL",
            brokers_ca=doors.authority.certificate,
            brokers_user=ADMIN,
            brokers_password=passwords[ADMIN],
        )
        try:
            yield Secured(works, doors, passwords)
        finally:
            works.close()


def let_in(admin: AdminClient, passwords: dict[str, str]) -> None:
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    users = [UserScramCredentialUpsertion(name, scram, word.encode()) for name, word in passwords.items()]
    for outcome in admin.alter_user_scram_credentials(users).values():
        outcome.result(30)


def written(settings: Settings, topic: str) -> ck.KafkaError | None:
    """Why the broker did not take a record; None: it did."""
    outcomes: list[ck.KafkaError | None] = []
    producer = ck.Producer(kafka(settings) | {"log_level": 0, "message.timeout.ms": 20_000})
    producer.produce(topic, b"{}", on_delivery=lambda error, message: outcomes.append(error))
    assert producer.flush(30) == 0
    return outcomes[0]


def read(settings: Settings, topic: str) -> list[ck.Message | ck.KafkaError]:
    """The first that came of a topic: a record, or why none did. Without any right there, its very name is not told."""
    consumer = ck.Consumer(kafka(settings) | {"group.id": f"{settings.brokers_user}-1", "auto.offset.reset": "earliest", "log_level": 0})
    if unknown := consumer.list_topics(topic, 20).topics[topic].error:
        consumer.close()
        return [unknown]
    consumer.assign([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING) for number in range(2)])
    found: list[ck.Message | ck.KafkaError] = []
    until = time.monotonic() + 30
    while not found and time.monotonic() < until:
        said = [message.error() or message for message in consumer.consume(1, 0.5)]
        found += [
            each for each in said if not (isinstance(each, ck.KafkaError) and each.code() == ck.KafkaError.GROUP_AUTHORIZATION_FAILED)
        ]
    consumer.close()
    return found


def code(error: object) -> int:
    assert isinstance(error, ck.KafkaError), error
    return error.code()


def test_rights_come_from_cards_and_parties_and_are_added_once(secured: Secured) -> None:
    asked = ("topics", "rights", "--apply", "--operator", OPERATOR, "--subscriber", SUBSCRIBER)
    generated = rights_of(secured.works.settings, CARDS, secured.works.feeds, subscribers=[SUBSCRIBER], operators=[OPERATOR])

    said = secured.tairyu(secured.works.settings, *asked)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"{len(generated)} rights added, 0 were there\n"

    again = secured.tairyu(secured.works.settings, *asked)
    assert (again.returncode, again.stdout) == (0, f"0 rights added, {len(generated)} were there\n")

    # Without the operator, its rights are what nobody asks for: said, and left alone
    beyond = secured.tairyu(secured.works.settings, *asked[:3], "--subscriber", SUBSCRIBER)
    assert beyond.returncode == 1
    assert f"beyond these: User:{OPERATOR}: ALLOW Read on {CUSTODY}: take it away" in beyond.stdout


def test_every_stage_works_as_its_own_user(secured: Secured) -> None:
    works = secured.works
    for stage in ("history", "watch", "intake"):
        user = secured.as_user(f"tairyu-{stage}")
        works.run(stage, env={"TAIRYU_BROKERS_USER": user.brokers_user or "", "TAIRYU_BROKERS_PASSWORD": user.brokers_password or ""})
    works.send(mixed_events(60, 71, time.time_ns() // 1_000))

    works.wait(lambda: works.handled() == len(works.origins) and works.said("raised"), PATIENCE_S)
    works.wait(lambda: works.ask("SELECT count() FROM transitions WHERE kind = 'raised'")[0][0], PATIENCE_S)

    assert held_now(secured.as_user(SUBSCRIBER), CARDS["stalls"].topic()).oldest_first()


def test_a_vendor_writes_its_own_topic_and_no_other(secured: Secured) -> None:
    plaza = secured.as_user("plaza")

    assert written(plaza, "kiosk-events.plaza") is None
    for topic in ("kiosk-events.tokiwa", "jlis-events", "municipal-events", CUSTODY, "stall-events"):
        assert code(written(plaza, topic)) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED, topic


def test_a_vendor_reads_nothing(secured: Secured) -> None:
    plaza = secured.as_user("plaza")

    for topic in ("kiosk-events.tokiwa", "kiosk-events.plaza", CUSTODY, APPLICATIONS, "dead-letters"):
        (found,) = read(plaza, topic)
        assert code(found) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED, topic


def test_a_subscriber_reads_verdicts_and_no_event(secured: Secured) -> None:
    town = secured.as_user(SUBSCRIBER)

    assert isinstance(read(town, "stall-events")[0], ck.Message)
    assert code(read(town, CUSTODY)[0]) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert code(written(town, "stall-events")) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_stage_has_no_more_rights_than_its_card_says(secured: Secured) -> None:
    assert code(written(secured.as_user("tairyu-history"), CUSTODY)) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert code(written(secured.as_user("tairyu-watch"), CUSTODY)) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert code(written(secured.as_user("tairyu-intake"), "stalls")) == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_wrong_password_opens_nothing_and_is_said(secured: Secured) -> None:
    wrong = secured.works.settings.model_copy(update={"brokers_password": "a guess"})
    said = secured.tairyu(wrong, "stalls")

    assert said.returncode == 2
    assert said.stderr.startswith(f"tairyu: the broker at {wrong.brokers} does not answer (")
    assert "a guess" not in said.stderr


def test_the_watch_also_works_by_certificate_beside_the_one_with_a_password(secured: Secured) -> None:
    """Faust reads by aiokafka, its ledger by librdkafka: both take the certificate."""
    works = secured.works
    said = secured.tairyu(works.settings, "topics", "rights", "--apply", "--principal", "User:CN={}")
    assert "rights added" in said.stdout, said.stderr
    env = environment(secured.by_certificate("tairyu-watch"))
    second = works.run("watch", "watch-2", {**env, "TAIRYU_BROKERS_USER": "", "TAIRYU_BROKERS_PASSWORD": ""})

    # It takes half of the partitions, and goes on where the other one was
    works.wait(lambda: any("ledger loaded" in line for line in second.last_words(200).splitlines()), PATIENCE_S)
    before = works.said("raised")
    works.send(mixed_events(60, 72, time.time_ns() // 1_000))
    works.wait(lambda: works.handled() == len(works.origins) + 1 and works.said("raised") > before and works.all_applied(), PATIENCE_S)

    (loaded,) = [json.loads(line) for line in second.last_words(200).splitlines() if "ledger loaded" in line]
    assert len(loaded["partitions"]) == works.partitions // 2
    assert second.stop()
