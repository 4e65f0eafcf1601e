"""``tairyu doctor`` on a machine without servers, and beside a running ``tairyu up``: what it says at its end."""

import pytest

from streams.keys import narrow
from tests.cli.house import House

MACHINE = "settings, disks, policy and parties, calendars"
NO_KEY = "not looked at: the key of the tokens: none is named here (TAIRYU_KEY_FILE); intake needs one"
NO_BROKERS = "not looked at: topics, groups and clocks: no brokers are named (TAIRYU_BROKERS), and no `tairyu up` runs here"
NO_HISTORY = "not looked at: history: no ClickHouse is named (TAIRYU_CLICKHOUSE_URL)"


def test_where_nothing_is_wrong_it_says_so_and_what_it_looked_at(house: House) -> None:
    said = house.tairyu("doctor", "--free", "0")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [NO_KEY, NO_BROKERS, NO_HISTORY, f"Nothing is wrong. Looked at: {MACHINE}."]


def test_what_is_wrong_is_counted_at_the_end(house: House) -> None:
    key = house.folder / "key"
    key.write_text("k" * 64)
    key.chmod(0o604)

    said = house.tairyu("doctor", "--free", "0", env={"TAIRYU_KEY_FILE": str(key)})

    assert said.returncode == 1
    first, *_, last = said.stdout.splitlines()
    assert first == f"{key}: the key of the tokens is readable by others (mode 604): {narrow(key)}"
    assert last == f"1 thing is wrong. Looked at: {MACHINE.replace('settings, ', 'settings, the key of the tokens, ')}."


@pytest.mark.embedded
def test_a_running_set_up_is_looked_at_as_far_as_its_broker_tells(running: House) -> None:
    said = running.tairyu("doctor", "--free", "0")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [
        "not looked at: groups: the embedded broker does not tell who is in them",
        "Nothing is wrong. Looked at: settings, the key of the tokens, disks, policy and parties, calendars, topics, clocks, history.",
    ]
