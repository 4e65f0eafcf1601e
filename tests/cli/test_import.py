"""``tairyu import`` as a process: what it prints, what it refuses, what it says of a mistake."""

import fcntl
import json
from pathlib import Path

import pytest

from streams.run_file import held
from tests.cli.house import House, Sources, lines_of


@pytest.fixture
def key(house: House) -> Path:
    path = house.folder / "key"
    path.write_text("k" * 32)
    path.chmod(0o600)
    return path


@pytest.fixture
def file(house: House, sources: Sources) -> Path:
    """Three events, of which one does not say when."""
    subject = sources.application()
    names = ("application.submitted", "application.uploaded")
    events = [sources.event("plaza", name, 400 - halves / 2, subject) for halves, name in enumerate(names)]
    path = house.folder / "events.ndjson"
    path.write_text(lines_of(events[0], events[0] | {"time": None, "id": "x"}, events[1]), encoding="utf-8")
    return path


def test_a_folder_gets_the_events_and_the_refused_line_is_named(house: House, file: Path, key: Path) -> None:
    kept = {"TAIRYU_HISTORY_DIR": str(house.folder / "history"), "TAIRYU_KEY_FILE": str(key)}

    first = house.tairyu("import", file, "--name", "spring", "--json", env=kept)
    again = house.tairyu("import", file, env=kept)

    assert first.returncode == 1
    assert first.stderr == f"{file}:2: missing_time: /time: time is missing. Send when it happened, as RFC 3339 with an offset.\n"
    said = json.loads(first.stdout)
    assert (said["events"], said["refused"], said["hops"], said["transitions"], said["there_as"]) == (2, 1, 2, 0, None)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "these files are in history already, as import:spring: nothing was inserted\n"


def test_the_folder_of_a_set_up_that_is_stopped_gets_them_with_its_own_key(house: House, file: Path) -> None:
    (house.folder / "data").mkdir()

    said = house.tairyu("import", file, "--data", house.folder / "data")

    assert said.returncode == 1
    assert said.stdout.startswith("import:events: 2 events, 1 refused; 2 hops, 0 transitions; ")
    assert (house.folder / "data" / "key").exists()


def test_a_mistake_is_a_sentence(house: House, file: Path, key: Path) -> None:
    folder = house.folder / "history"
    folder.mkdir()
    kept = {"TAIRYU_HISTORY_DIR": str(folder), "TAIRYU_KEY_FILE": str(key)}
    for given, env, sentence in (
        ([file], {}, "import needs the deployment's key, or no application would be the one it is elsewhere: set TAIRYU_KEY_FILE"),
        ([file], {"TAIRYU_KEY_FILE": str(key)}, "import needs TAIRYU_CLICKHOUSE_URL (a server), TAIRYU_HISTORY_DIR (a folder) or --data"),
        ([file, file], kept, "several files are one import: say by --name what it is called"),
        (["-"], kept, "-: import reads its files twice: name files"),
        ([house.folder / "away"], kept, f"{house.folder / 'away'}: No such file or directory"),
        ([file, "--speaker", "nobody"], kept, "--speaker: nobody of the name 'nobody' is a party here"),
        ([file, "--data", house.folder / "away"], {}, f"{house.folder / 'away'}: no such folder"),
    ):
        said = house.tairyu("import", *given, env=env)
        assert (said.returncode, said.stdout) == (2, ""), said
        assert said.stderr.startswith(f"tairyu: {sentence}")
        assert said.stderr.count("\n") == 1


def test_a_folder_that_is_open_elsewhere_is_said_with_what_to_do(house: House, file: Path, key: Path) -> None:
    folder = house.folder / "data" / "history"
    folder.mkdir(parents=True)
    # as ClickHouse's engine has it
    with (folder / "status").open("w") as status:
        fcntl.flock(status, fcntl.LOCK_EX)
        said = house.tairyu("import", file, env={"TAIRYU_HISTORY_DIR": str(folder), "TAIRYU_KEY_FILE": str(key)})
    with held(house.folder / "data"):
        running = house.tairyu("import", file, "--data", house.folder / "data")

    assert (said.returncode, running.returncode) == (2, 2)
    assert said.stderr.endswith(
        f"tairyu: the history folder {folder} is open in another process; one at a time may have it open: stop that process (tairyu up, or"
        " tairyu run history), import, and start it again\n"
    )
    assert running.stderr.startswith(f"tairyu: {house.folder / 'data'} is held by another tairyu up (pid ")
