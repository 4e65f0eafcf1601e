"""What intake says, and whether it goes on, when it finds its world not as it should be."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import yaml

from streams.brokers import EmbeddedBroker
from streams.programs import Program
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.streams.intake_house import INTAKE, LOG, House, Sent, submissions, submitted, vouched

pytestmark = pytest.mark.embedded


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


def said(program: Program) -> str:
    """Its last line, once it has ended."""
    assert program.wait(20)
    assert program.exit_code == 1
    last = json.loads(program.log.read_text().splitlines()[-1])
    assert last["event"] == "intake cannot start"
    return str(last["text"])


def test_without_a_key_it_says_where_one_is_named(broker: EmbeddedBroker, tmp_path: Path) -> None:
    house = House(broker, tmp_path)
    short = tmp_path / "short"
    short.write_text("too short\n")

    assert "at least 32 bytes, this one has 9" in said(house.intake(key_file=str(short)))
    assert "No such file" in said(house.intake(key_file=str(tmp_path / "none")))
    keyless = Program("intake", INTAKE, tmp_path / "keyless.log", {"TAIRYU_BROKERS": broker.bootstrap})
    keyless.start()
    assert "TAIRYU_KEY_FILE" in said(keyless)
    house.close()


def test_a_key_that_others_can_read_is_said_and_stops_nobody(broker: EmbeddedBroker, tmp_path: Path) -> None:
    house = House(broker, tmp_path)
    words = '"event": "others can read the key of the tokens"'
    logs = []
    for mode in (0o604, 0o600):
        (tmp_path / "key").chmod(mode)
        intake = house.intake(f"mode-{mode:o}")
        house.wait_for(house.send(submissions(Random(mode), 3)))
        assert intake.stop()
        logs.append(intake.log.read_text())
    house.close()

    (said,) = (json.loads(line) for line in logs[0].splitlines() if words in line)
    assert (said["level"], said["file"], said["mode"]) == ("warning", str(tmp_path / "key"), "604")
    assert said["remedy"].startswith(f"chmod 600 {tmp_path / 'key'}; ")
    assert words not in logs[1]


def test_without_custody_log_it_says_how_to_create_it(broker: EmbeddedBroker, tmp_path: Path) -> None:
    house = House(broker, tmp_path, create=False)
    assert f"topic {LOG} is missing" in said(house.intake())


def with_another_vendor(folder: Path) -> Path:
    """The usual parties, and ``aoba``, whose topic nobody has created yet."""
    parties = yaml.safe_load(Settings.model_construct().parties.read_text())
    parties["input_set"] += 1
    parties["parties"]["aoba"] = parties["parties"]["plaza"] | {"sources": ["/vendors/aoba/"]}
    path = folder / "parties.yaml"
    path.write_text(yaml.safe_dump(parties, allow_unicode=True))
    return path


def test_a_new_partys_missing_topic_stops_nobody_and_is_read_once_it_is_there(broker: EmbeddedBroker, tmp_path: Path) -> None:
    before = House(broker, tmp_path)
    house = House(broker, tmp_path, create=False, parties=str(with_another_vendor(tmp_path)))
    intake = house.intake()

    # the others are taken in, and their clocks go on; the new one's stands
    house.wait_for(house.send(submissions(Random(41), 10)))
    house.wait(lambda _: len(house.pulses()) > 0 and len(vouched(house.pulses()[-1])) == 10)
    told = house.pulses()[-1].value
    assert told["input_set"] == 2
    assert told["inputs"]["kiosk-events.aoba"] == {"vendor": "aoba", "partitions": 2, "through": {}, "heard": {}}
    assert "topic kiosk-events.aoba of party aoba is missing: create it with: kafka-topics.sh" in intake.log.read_text()

    ensure_topics(house.settings, house.cards, house.feeds)
    origins = house.send([Sent("kiosk-events.aoba", json.dumps(submitted(Random(42), "aoba")).encode())])
    (line,) = house.wait_for(origins)
    assert line.value["speaker"] == "aoba"
    house.wait(lambda _: len(vouched(house.pulses()[-1])) == 12)
    assert intake.stop()
    before.close()
    house.close()


def test_a_simulation_has_all_its_topics_or_does_not_start(broker: EmbeddedBroker, tmp_path: Path) -> None:
    before = House(broker, tmp_path)
    house = House(broker, tmp_path, create=False, simulation=True, parties=str(with_another_vendor(tmp_path)))
    assert "a simulation needs every public topic" in said(house.intake())
    before.close()
    house.close()


def test_partitions_beyond_the_input_set_are_read_and_said_to_be_too_many(broker: EmbeddedBroker, tmp_path: Path) -> None:
    before = House(broker, tmp_path, public_partitions=3)
    house = House(broker, tmp_path, create=False, public_partitions=2)
    intake = house.intake()
    sent = [Sent("kiosk-events.plaza", json.dumps(submitted(Random(43))).encode(), partition=partition) for partition in range(3)]

    house.wait_for(house.send(sent))
    house.wait(lambda _: len(vouched(house.pulses()[-1])) == 10)
    assert ("kiosk-events.plaza", 2) not in vouched(house.pulses()[-1])
    assert "has 3 partitions, the input set says 2" in intake.log.read_text()
    assert intake.stop()
    before.close()
    house.close()
