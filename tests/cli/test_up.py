"""``tairyu up`` with its real stages: what it says, how it ends, and that with a folder everything stays."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from streams.run_file import held
from tests.cli.house import READY, House, Sources, impatient_policy, lines_of, read_until, stop


@pytest.mark.embedded
def test_it_says_first_that_nothing_is_kept_and_ctrl_c_stops_all(house: House) -> None:
    with house.start("up") as process:
        lines = read_until(process, READY)
        assert house.tairyu("stalls").stdout == "Nothing is held.\n"
        rest = stop(process, signal.SIGINT)

    assert lines[0] == "NOTHING IS KEPT: all of it, history too, is gone at the end. With --data DIR everything is kept"
    assert [f"{stage}: ready after" in "\n".join(lines) for stage in ("intake", "watch", "history")] == [True, True, True]
    assert (process.returncode, rest) == (0, "stopping …\n")
    assert [path.name for path in house.folder.iterdir()] == ["tairyu"]  # of the folder for what runs; nothing else is left
    assert house.tairyu("stalls").returncode == 2


def test_a_port_in_use_is_one_sentence(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = house.tairyu("up", "--port", str(port))

    assert said.returncode == 2
    assert said.stdout.count("\n") == 1  # that nothing is kept
    assert said.stderr == f"tairyu: port {port} is in use by another program (Address already in use): stop it, or choose another port\n"


def test_a_folder_that_cannot_be_made_is_one_sentence(house: House) -> None:
    (house.folder / "file").write_text("")
    said = house.tairyu("up", "--data", house.folder / "file" / "d")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"tairyu: {house.folder / 'file' / 'd'} cannot be used: Not a directory\n"


def test_a_folder_in_use_is_refused_before_anything_is_said_of_it(house: House) -> None:
    with held(house.folder / "d"):
        said = house.tairyu("up", "--data", house.folder / "d")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        f"tairyu: {house.folder / 'd'} is held by another tairyu up (pid {os.getpid()}): stop that one, or use another folder\n"
    )


@pytest.mark.kafka
def test_with_a_folder_everything_stays(house: House, kafka_jars: Path, sources: Sources) -> None:
    data = house.folder / "data"
    house.more = {"TAIRYU_KAFKA_JARS": str(kafka_jars), "TAIRYU_POLICY": str(impatient_policy(house.folder))}
    counted = "SELECT kiosk, count() AS n FROM events GROUP BY kiosk ORDER BY kiosk"
    keys = []
    for number in (1, 2):
        path = house.folder / f"{number}.ndjson"
        events = [sources.event("plaza", "application.submitted", 3, sources.application(), kiosk=f"FILE-{number}") for _ in range(20)]
        path.write_text(lines_of(*events))
        with house.start("up", "--data", data) as process:
            try:
                lines = read_until(process, READY)
                assert house.tairyu("replay", path, "--data", data).stdout == "20 events sent, 0 refused\n"
                house.wait_for(lambda: len(house.json("stalls", "--json")) == 20 * number)  # noqa: B023
                expected = [{"kiosk": f"FILE-{each}", "n": 20} for each in range(1, number + 1)]
                house.wait_for(lambda: house.json("query", counted, "--json") == expected)  # noqa: B023
                second = house.tairyu("up", "--data", data)
                without_the_folder = house.json("query", counted, "--json")
            finally:
                stop(process)
        keys.append(((data / "key").read_bytes(), stat.S_IMODE((data / "key").stat().st_mode)))

        assert process.returncode == 0
        assert lines[0].startswith(f"everything is kept in {data} (Apache Kafka and history; needs Java 17")
        assert not (data / "run.json").exists()
        # while it ran, a second one was refused, which did not hide the first
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr == (f"tairyu: {data} is held by another tairyu up (pid {process.pid}): stop that one, or use another folder\n")
        assert without_the_folder == expected
    assert keys[0] == keys[1]
    assert keys[0][1] == 0o600
