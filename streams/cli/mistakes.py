"""Which errors are somebody's mistake, or a server's: a sentence for a person. Everything else is ours, and keeps its traceback."""

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaError, KafkaException
from pydantic import ValidationError

from streams.brokers import BrokerError
from streams.cli.answers import Sorry
from streams.cli.asking import first_line
from streams.files import FileError
from streams.health import HealthError
from streams.keys import KeyFileError
from streams.log_reader import LogError
from streams.marked_yaml import PolicyError
from streams.player import PlayError
from streams.run_file import SetUpError
from streams.scenario import ScenarioError
from streams.setting_sources import SettingsError
from streams.settings import SECRETS
from streams.topics import TopicsError

OURS = (
    Sorry,
    BrokerError,
    FileError,
    HealthError,
    KeyFileError,
    LogError,
    PlayError,
    PolicyError,
    ScenarioError,
    SettingsError,
    SetUpError,
    TopicsError,
)
NO_ANSWER = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE})


def sentence(error: Exception) -> str | None:
    """What to say of it; None: it is nobody's mistake but ours."""
    if isinstance(error, OURS):
        return str(error)
    if isinstance(error, ValidationError) and error.title == "Settings":
        return _settings(error)
    if isinstance(error, KafkaException):
        return _broker(error.args[0])
    if isinstance(error, ClickHouseError):
        return f"history could not answer: {first_line(error)}"
    return None


def _settings(error: ValidationError) -> str:
    return "\n".join(f"{_name(fault['loc'])}{_expected(fault)}" for fault in error.errors(include_url=False))


def _name(place: tuple[int | str, ...]) -> str:
    """Of the setting; none where several together are wrong."""
    return f"TAIRYU_{'_'.join(map(str, place)).upper()}: " if place else ""


def _expected(fault: object) -> str:
    assert isinstance(fault, dict)
    got = "" if not fault["loc"] or {*fault["loc"]} & SECRETS else f", got {fault['input']!r}"
    return f"{str(fault['msg']).removeprefix('Value error, ').removeprefix('Input should be ')}{got}"


def _broker(error: KafkaError) -> str:
    if error.code() in NO_ANSWER:
        return f"the broker does not answer ({error.str()}): does it run, and is its address right?"
    return f"the broker did not do it: {error.str()}"
