"""``tairyu config show``: what a machine's settings are, and why."""

import json
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.cli.house import House


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "word").write_text("hunter2\n")
    found = tmp_path / "tairyu.toml"
    found.write_text(f'brokers = "kafka-1:9093"\nbrokers_user = "watch"\nbrokers_password_file = "{tmp_path}/word"\n')
    return found


def test_each_setting_is_shown_with_its_origin_and_no_secret(house: House, file: Path) -> None:
    env = {
        "TAIRYU_CONFIG": str(file),
        "TAIRYU_BROKERS_SECURITY": "SASL_SSL",
        "TAIRYU_CLICKHOUSE_URL": "https://tairyu:hunter2@ch:8443",
    }
    said = house.tairyu("config", "show", "--json", env=env)

    assert said.returncode == 0, said.stderr
    shown = json.loads(said.stdout)
    assert list(shown) == list(Settings.model_fields)
    assert shown["brokers"] == {"value": "kafka-1:9093", "origin": str(file)}
    assert shown["brokers_security"] == {"value": "SASL_SSL", "origin": "TAIRYU_BROKERS_SECURITY"}
    assert shown["brokers_password"] == {"value": "********", "origin": f"{file}: brokers_password_file ({file.parent}/word)"}
    assert shown["clickhouse_url"] == {"value": "https://tairyu:********@ch:8443", "origin": "TAIRYU_CLICKHOUSE_URL"}
    assert shown["replication"] == {"value": 1, "origin": "default"}
    assert "hunter2" not in said.stdout


def test_the_environment_comes_before_the_file_that_an_option_names(house: House, file: Path) -> None:
    said = house.tairyu("--config", file, "config", "show", env={"TAIRYU_BROKERS": "kafka-9:9092"})

    rows = {line.split()[1]: line for line in said.stdout.splitlines() if "TAIRYU_" in line}
    assert "kafka-9:9092" in rows["TAIRYU_BROKERS"]
    assert str(file) in rows["TAIRYU_BROKERS_USER"]


def test_a_misspelt_name_in_the_file_is_an_error_with_the_nearest_one(house: House, file: Path) -> None:
    file.write_text('brokers_pasword = "x"\n')
    said = house.tairyu("--config", file, "run", "watch")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        f"tairyu: {file}: brokers_pasword is no setting: did you mean brokers_password? (`tairyu config show` lists all)\n"
    )


def test_half_a_credential_stops_a_command_with_a_sentence(house: House) -> None:
    said = house.tairyu("run", "watch", env={"TAIRYU_BROKERS_SECURITY": "SASL_SSL"})

    assert said.returncode == 2
    assert said.stderr == "tairyu: SASL_SSL needs TAIRYU_BROKERS_USER, and TAIRYU_BROKERS_PASSWORD or TAIRYU_BROKERS_PASSWORD_FILE\n"
