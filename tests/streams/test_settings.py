"""Where settings come from, and how the servers are reached with them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.connection import LOG, clickhouse, kafka
from streams.setting_sources import SettingsError, config_file, from_environment, from_toml
from streams.settings import SECRETS, Settings

FIELDS = Settings.model_fields.keys()
SECURED = {"brokers_security": "SASL_SSL", "brokers_user": "watch", "brokers_password": "hunter2"}


def test_a_variable_is_a_setting_whatever_its_case() -> None:
    given = from_environment(FIELDS, SECRETS, {"TAIRYU_BROKERS": "a:1", "tairyu_replication": "3", "PATH": "/bin"})

    assert given.values == {"brokers": "a:1", "replication": "3"}
    assert given.origins == {"brokers": "TAIRYU_BROKERS", "replication": "TAIRYU_REPLICATION"}
    assert given.unknown == ()


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("hunter2\n")
    given = from_environment(FIELDS, SECRETS, {"TAIRYU_BROKERS_PASSWORD_FILE": str(tmp_path / "word")})

    assert given.values == {"brokers_password": "hunter2"}
    assert given.origins == {"brokers_password": f"TAIRYU_BROKERS_PASSWORD_FILE ({tmp_path}/word)"}


def test_a_secret_and_its_file_at_once_are_a_question_to_the_user(tmp_path: Path) -> None:
    environ = {"TAIRYU_BROKERS_PASSWORD": "a", "TAIRYU_BROKERS_PASSWORD_FILE": "/b"}

    with pytest.raises(SettingsError, match="TAIRYU_BROKERS_PASSWORD_FILE: TAIRYU_BROKERS_PASSWORD is given as well: leave out one"):
        from_environment(FIELDS, SECRETS, environ)


def test_a_secret_whose_file_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="TAIRYU_CLICKHOUSE_PASSWORD_FILE: /nowhere/word cannot be read: No such file"):
        from_environment(FIELDS, SECRETS, {"TAIRYU_CLICKHOUSE_PASSWORD_FILE": "/nowhere/word"})


def test_only_secrets_have_such_files() -> None:
    given = from_environment(FIELDS, SECRETS, {"TAIRYU_BROKERS_FILE": "/etc/brokers"})

    (said,) = given.unknown
    assert said.startswith("TAIRYU_BROKERS_FILE is no setting: did you mean ")


def test_the_file_has_the_same_names_in_small_letters(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("hunter2")
    file = tmp_path / "tairyu.toml"
    file.write_text(f'brokers = "a:1,b:1"\nreplication = 3\nbrokers_password_file = "{tmp_path}/word"\n')
    given = from_toml(FIELDS, SECRETS, file)

    assert given.values == {"brokers": "a:1,b:1", "replication": 3, "brokers_password": "hunter2"}
    assert given.origins["replication"] == str(file)


def test_a_name_in_the_file_that_is_no_setting_is_said_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "tairyu.toml"
    file.write_text('broker = "a:1"\n[zzz]\nx = 1\n')

    assert from_toml(FIELDS, SECRETS, file).unknown == (
        f"{file}: broker is no setting: did you mean brokers? (`tairyu config show` lists all)",
        f"{file}: zzz is no setting (`tairyu config show` lists all)",
    )


@pytest.mark.parametrize(("text", "wrong"), [(None, "the settings cannot be read: No such file"), ("brokers = ", "is no TOML: ")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None, wrong: str) -> None:
    file = tmp_path / "tairyu.toml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(SettingsError, match=f"{file}: {wrong}"):
        from_toml(FIELDS, SECRETS, config_file({"TAIRYU_CONFIG": str(file)}))


def test_names_of_tests_and_of_faust_are_nobodys_mistake() -> None:
    environ = {"TAIRYU_TEST_FLOOD": "1", "TAIRYU_FAUST_DATADIR": "/x", "TAIRYU_FAILPOINT": "y", "TAIRYU_CONFIG": "z"}

    assert from_environment(FIELDS, SECRETS, environ).unknown == ()


def test_a_secret_is_in_no_picture_of_the_settings() -> None:
    shown = repr(Settings.model_validate({**SECURED, "clickhouse_url": "http://a:hunter2@b", "clickhouse_password": "hunter2"}))

    assert "hunter2" not in shown
    assert {"brokers_password", "brokers_key_password", "clickhouse_password", "clickhouse_url"} == SECRETS


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"brokers_security": "SASL_SSL", "brokers_user": "watch"}, "SASL_SSL needs TAIRYU_BROKERS_USER, and TAIRYU_BROKERS_PASSWORD"),
        ({"brokers_certificate": "/c.pem"}, "TAIRYU_BROKERS_CERTIFICATE and TAIRYU_BROKERS_KEY go together"),
    ],
)
def test_half_a_credential_is_none(given: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        Settings.model_validate(given)


def test_user_and_authority_are_said_to_librdkafka_by_its_names() -> None:
    settings = Settings.model_validate({**SECURED, "brokers": "k:9093", "brokers_ca": "/ca.pem"})

    assert kafka(settings) == {
        "bootstrap.servers": "k:9093",
        "security.protocol": "SASL_SSL",
        "logger": LOG,
        "ssl.ca.location": "/ca.pem",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "watch",
        "sasl.password": "hunter2",
    }


def test_without_tls_no_credential_leaves_this_machine() -> None:
    settings = Settings.model_validate({"brokers_user": "watch", "brokers_password": "hunter2", "brokers_ca": "/ca.pem"})

    assert kafka(settings) == {"bootstrap.servers": settings.brokers, "security.protocol": "PLAINTEXT", "logger": LOG}


def test_clickhouse_is_reached_by_its_url_and_who_that_does_not_name() -> None:
    settings = Settings(
        clickhouse_url="https://ch:9443", clickhouse_user="tairyu", clickhouse_password="a/b", clickhouse_ca=Path("/ca.pem")
    )
    expected = {"interface": "https", "host": "ch", "port": 9443, "username": "tairyu", "password": "a/b", "ca_cert": "/ca.pem"}

    assert clickhouse(settings) == expected


def test_user_and_password_of_the_url_come_first_and_may_be_escaped() -> None:
    found = clickhouse(Settings(clickhouse_url="http://writer:a%2Fb@ch", clickhouse_user="tairyu", clickhouse_password="c"))

    assert found == {"interface": "http", "host": "ch", "port": 8123, "username": "writer", "password": "a/b"}
