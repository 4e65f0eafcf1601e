"""The examples of ``docs/events.md``: files that the gate accepts, programs whose records become events on Apache Kafka."""

from pathlib import Path
from random import Random

import orjson
import pytest

from schemas.codec import decode_event
from schemas.events import Event
from schemas.identity import token
from schemas.records import REFUSAL_KEY
from streams.brokers.jars import jars_in
from streams.programs import Program
from tests.cli.house import House, lines_of
from tests.docs.running import EXAMPLES, application, command
from tests.pipeline.works import CUSTODY, Works

FILES = ("submitted.json", "a-morning.ndjson", "a-correction.ndjson")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_documents_is_accepted_and_nothing_in_it_is_odd(tmp_path: Path, name: str) -> None:
    path = EXAMPLES / name
    if name.endswith(".json"):
        path = tmp_path / f"{name}.ndjson"
        path.write_text(lines_of(orjson.loads((EXAMPLES / name).read_bytes())))

    once, twice = (House(tmp_path).tairyu("check", "--speaker", "plaza", "--json", *paths) for paths in ([path], [path, path]))

    assert (once.returncode, twice.returncode) == (0, 0)
    verdicts = [[line for line in said.stdout.splitlines() if line.startswith('{"verdict"')] for said in (once, twice)]
    assert verdicts[0] == verdicts[1]
    assert [orjson.loads(verdict)["verdict"]["flags"] for verdict in verdicts[0]] == [[]] * len(verdicts[0])


def test_the_correction_leaves_the_kiosk_that_was_meant(tmp_path: Path) -> None:
    wrong, correction, right = (orjson.loads(line) for line in (EXAMPLES / "a-correction.ndjson").read_bytes().splitlines())

    assert (correction["data"]["source"], correction["data"]["id"]) == (wrong["source"], wrong["id"])
    assert right["id"] != wrong["id"]
    assert (right["subject"], right["time"], right["type"]) == (wrong["subject"], wrong["time"], wrong["type"])


def run(works: Works, name: str, *arguments: str) -> Program:
    program = works.programs[name] = Program(name, arguments, works.folder / f"{name}.log")
    program.start()
    return program


def events_of(works: Works, subject: str) -> list[Event]:
    assert works.settings.key_file is not None
    wanted = token(works.settings.key_file.read_bytes().strip(), subject).encode()
    return [decode_event(line.value or b"") for line in works.lines(CUSTODY) if line.key == wanted]


def refusals(works: Works) -> int:
    return sum(line.key == REFUSAL_KEY for line in works.lines(CUSTODY))


@pytest.mark.kafka
@pytest.mark.parametrize("example", ["send.py", "Send.java"])
def test_a_program_of_the_documents_is_taken_at_the_door_and_its_second_try_too(works: Works, kafka_jars: Path, example: str) -> None:
    subject = application(Random(example))
    arguments = command(example, jars_in(kafka_jars), works.settings.brokers, "kiosk-events.plaza", "r-20260401-0001", subject)

    for attempt in (1, 2):
        program = run(works, f"{example}-{attempt}", *arguments)
        works.wait(lambda program=program: not program.running, why=lambda: "it has ended")
        assert program.exit_code == 0, program.last_words()
    works.wait(lambda: len(events_of(works, subject)) == 4)

    events = events_of(works, subject)
    assert {event.id for event in events} == {"r-20260401-0001-application.submitted", "r-20260401-0001-application.uploaded"}
    assert {(event.speaker, event.role) for event in events} == {("plaza", "vendor")}
    assert refusals(works) == 0


@pytest.mark.kafka
@pytest.mark.parametrize("example", ["send.py", "Send.java"])
def test_a_program_of_the_documents_says_what_was_not_confirmed(works: Works, kafka_jars: Path, example: str) -> None:
    # No topic can have this name: the broker refuses at once.
    subject = application(Random(f"{example} in vain"))
    arguments = command(example, jars_in(kafka_jars), works.settings.brokers, "no topic", "r-20260401-0002", subject)

    program = run(works, f"{example}-in-vain", *arguments)
    works.wait(lambda: not program.running, at_most_s=90, why=lambda: "it has ended")

    assert program.exit_code == 1
    assert "not confirmed, send again: r-20260401-0002-application.submitted" in program.log.read_text(encoding="utf-8")


@pytest.mark.kafka
def test_kafkas_own_tool_sends_the_morning(works: Works, kafka_jars: Path) -> None:
    tool = ["java", "-cp", f"{jars_in(kafka_jars)}/*", "org.apache.kafka.tools.ConsoleProducer"]
    options = ["--bootstrap-server", works.settings.brokers, "--topic", "kiosk-events.plaza", "--command-property", "acks=all"]
    program = run(works, "console", "sh", "-c", '"$@" < "$0"', str(EXAMPLES / "a-morning.ndjson"), *tool, *options)

    works.wait(lambda: len(events_of(works, "99999999999999000000001")) == 3, why=lambda: "three events of the application")
    works.wait(lambda: not program.running)

    assert program.exit_code == 0, program.last_words()
    assert refusals(works) == 0
