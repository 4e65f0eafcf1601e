"""Settings of a stage: environment variables with the prefix ``TAIRYU_``. One name for each thing, used by every stage."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

HERE = Path(__file__).parent


class Settings(BaseSettings):
    """What a stage needs to know; each field is also ``TAIRYU_`` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="TAIRYU_", frozen=True, extra="forbid")

    brokers: str = Field(default="127.0.0.1:9092", description="Kafka bootstrap servers, host:port, comma separated.")
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
    clickhouse_url: str | None = Field(default=None, description="http(s)://user:password@host:port of a ClickHouse server.")
    stuck_after_s: float = Field(
        default=30.0, description="The watch ends itself if a partition stands still this long while readable records wait."
    )
    kafka_jars: Path | None = Field(default=None, description="Folder where Apache Kafka's jars are kept; default: the user's cache.")
