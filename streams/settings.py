"""Settings: environment variables with the prefix ``TAIRYU_``, and a TOML file. One name for each thing, used by every stage."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from streams.setting_sources import Given, SettingsError, config_file, from_environment, from_toml

HERE = Path(__file__).parent

Security = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


class Settings(BaseSettings):
    """What a stage needs to know; each field is also ``TAIRYU_`` + its name in capitals, and its name in the TOML file.

    Order: what is passed, the environment, the file, the default. A field with ``repr=False`` is a secret: it is never shown, and
    may come from a file (``setting_sources``).
    """

    model_config = SettingsConfigDict(env_prefix="TAIRYU_", frozen=True, extra="forbid")

    brokers: str = Field(default="127.0.0.1:9092", description="Kafka bootstrap servers, host:port, comma separated.")
    brokers_security: Security = Field(
        default="PLAINTEXT", description="How the brokers are reached: PLAINTEXT, SSL (with a certificate: mTLS) or SASL_SSL."
    )
    brokers_mechanism: Mechanism = Field(default="SCRAM-SHA-512", description="How user and password are proven with SASL_SSL.")
    brokers_user: str | None = Field(default=None, description="User at the brokers, with SASL_SSL.")
    brokers_password: str | None = Field(default=None, repr=False, description="Its password.")
    brokers_ca: Path | None = Field(
        default=None, description="PEM file with the authority of the brokers' certificates; default: the system's authorities."
    )
    brokers_certificate: Path | None = Field(default=None, description="PEM file with this client's certificate (mTLS).")
    brokers_key: Path | None = Field(default=None, description="PEM file with that certificate's key.")
    brokers_key_password: str | None = Field(default=None, repr=False, description="Password of that key, if it has one.")
    embedded: bool = Field(
        default=False,
        description="The broker is the embedded one: it keeps nothing, has no LogAppendTime, and reports ends that are too low.",
    )
    simulation: bool = Field(default=False, description="Time comes from the ticks of a scenario's player instead of the clock.")
    policy: Path = Field(default=HERE / "policies" / "my-number-card.yaml", description="The policy file (the procedure as data).")
    parties: Path = Field(default=HERE / "policies" / "parties.yaml", description="Vendors, municipalities and their feeds.")
    key_file: Path | None = Field(
        default=None, description="File with the key of the tokens: 32 bytes or more, readable by its owner only."
    )
    replication: int = Field(default=1, description="Replication factor of the topics that are created.")
    log_partitions: int | None = Field(
        default=None,
        description="Partitions of custody-log, applications, stall-events and stalls; default: as their cards say. They never grow.",
    )
    public_partitions: int | None = Field(default=None, description="Partitions of each public topic; default: as their cards say.")
    session_timeout_s: float = Field(default=10.0, description="Consumer group session time-out; 6 on the embedded broker.")
    intake_slot: str | None = Field(
        default=None,
        description="Name of this intake among several, for one process at a time; default: a new one at each start. With a name, a "
        "start ends at once what its predecessor left open, which otherwise hides later records for up to 10 s.",
    )
    history_group: str = Field(
        default="tairyu-history",
        description="Consumer group of the history: its processes share the logs. Another history of the same logs is another group.",
    )
    history_dir: Path | None = Field(default=None, description="Folder of the chDB history; used when no ClickHouse server is named.")
    history_port: int = Field(default=0, description="Port of the read-only ClickHouse HTTP front over chDB; 0: any free one.")
    compact_every_s: float = Field(
        default=3600.0, description="How often history compacts hops, so that questions need not look for the last judgement of each."
    )
    clickhouse_url: str | None = Field(
        default=None, repr=False, description="http(s)://host:port of a ClickHouse server; may hold user:password@ before the host."
    )
    clickhouse_user: str | None = Field(default=None, description="User at ClickHouse, if the URL names none.")
    clickhouse_password: str | None = Field(default=None, repr=False, description="Its password.")
    clickhouse_ca: Path | None = Field(
        default=None, description="PEM file with the authority of ClickHouse's certificate; default: well-known authorities."
    )
    stuck_after_s: float = Field(
        default=30.0, description="The watch ends itself if a partition stands still this long while readable records wait."
    )
    health_host: str = Field(default="127.0.0.1", description="Address at which a stage tells its health; 0.0.0.0: to whoever may connect.")
    health_port: int | None = Field(
        default=None, description="Port of /livez, /readyz and /metrics, one for each stage of a machine; 0: any free one; default: none."
    )
    kafka_jars: Path | None = Field(default=None, description="Folder where Apache Kafka's jars are kept; default: the user's cache.")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *unused: Any, **also_unused: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, *(InitSettingsSource(settings_cls, given.values) for given in sources())

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.brokers_security == "SASL_SSL" and not (self.brokers_user and self.brokers_password):
            raise ValueError("SASL_SSL needs TAIRYU_BROKERS_USER, and TAIRYU_BROKERS_PASSWORD or TAIRYU_BROKERS_PASSWORD_FILE")
        if (self.brokers_certificate is None) != (self.brokers_key is None):
            raise ValueError("TAIRYU_BROKERS_CERTIFICATE and TAIRYU_BROKERS_KEY go together")
        return self


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if not field.repr)


def sources() -> tuple[Given, Given]:
    """What environment and file say, as they are now. SettingsError if a file cannot be read."""
    fields = Settings.model_fields.keys()
    return from_environment(fields, SECRETS, os.environ), from_toml(fields, SECRETS, config_file(os.environ))


def load_settings() -> Settings:
    """The settings as a command takes them. SettingsError also for every name that is no setting."""
    unknown = [wrong for given in sources() for wrong in given.unknown]
    if unknown:
        raise SettingsError("\n".join(unknown))
    return Settings()


def origins() -> dict[str, str]:
    """Field -> where its value comes from."""
    environment, file = sources()
    return dict.fromkeys(Settings.model_fields, "default") | file.origins | environment.origins
