"""How every client reaches the servers of the settings: the one place that knows the names of librdkafka and of ClickHouse's client.

The watch's Faust worker reads by aiokafka, which takes the same settings in its own way: ``faust_batch.credentials``.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

from streams.logs import KafkaClients
from streams.setting_sources import SettingsError
from streams.settings import Settings

LOG = KafkaClients()
Config = dict[str, Any]
"""By librdkafka's names."""


def kafka(settings: Settings) -> Config:
    """What every librdkafka client needs to reach the brokers."""
    reached = {"bootstrap.servers": settings.brokers, "security.protocol": settings.brokers_security, "logger": LOG}
    return {**reached, **_tls(settings), **_sasl(settings)}


def _tls(settings: Settings) -> Config:
    if settings.brokers_security == "PLAINTEXT":
        return {}
    files = {
        "ssl.ca.location": settings.brokers_ca,
        "ssl.certificate.location": settings.brokers_certificate,
        "ssl.key.location": settings.brokers_key,
        "ssl.key.password": settings.brokers_key_password,
    }
    return {name: str(value) for name, value in files.items() if value is not None}


def _sasl(settings: Settings) -> Config:
    if settings.brokers_security != "SASL_SSL":
        return {}
    return {
        "sasl.mechanism": settings.brokers_mechanism,
        "sasl.username": settings.brokers_user,
        "sasl.password": settings.brokers_password,
    }


def clickhouse(settings: Settings) -> dict[str, Any] | None:
    """Arguments of ``clickhouse_connect.get_client``; None if no server is named. SettingsError if its URL is none.

    User and password of the URL come first: who writes them there means this server.
    """
    if settings.clickhouse_url is None:
        return None
    url = urlsplit(settings.clickhouse_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SettingsError("TAIRYU_CLICKHOUSE_URL: expected http(s)://user:password@host:port")
    found = {
        "interface": url.scheme,
        "host": url.hostname,
        "port": url.port or (8443 if url.scheme == "https" else 8123),
        "username": unquote(url.username) if url.username else settings.clickhouse_user,
        "password": unquote(url.password) if url.password else settings.clickhouse_password or "",
    }
    return found if settings.clickhouse_ca is None else {**found, "ca_cert": str(settings.clickhouse_ca)}
