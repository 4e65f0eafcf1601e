"""Apache Kafka on loopback, from its jars: one node or several, each broker and controller in one process."""

import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.brokers.jars import default_cache, fetch_jars, kafka_missing
from streams.brokers.start import HOST, BrokerError, check_port, free_ports, wait_until_answers
from streams.programs import Program

LOGGING = ("defaultLogLevel=warn", "showDateTime=true", "dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "showThreadName=false")


@dataclass(frozen=True)
class Node:
    number: int
    """From 1."""
    port: int
    controller_port: int
    folder: Path
    """Its ``data``, ``server.properties`` and ``kafka.log``."""
    front: int | None = None
    """Port at which clients and the other nodes reach it, if it is not its own: that of a proxy before it."""


@dataclass(frozen=True)
class Locks:
    """What makes a broker let in only whom it knows."""

    properties: Callable[[Node], Mapping[str, object]]
    """Further properties of a node, instead of its own."""
    client: Mapping[str, str]
    """What a client needs to be let in, by librdkafka's names."""


def node_properties(node: Node, nodes: Sequence[Node], more: Mapping[str, object] | None = None) -> str:
    """The ``server.properties`` of one of ``nodes``; with three or more, one may be lost. ``more``: instead of its own."""
    copies, enough = (3, 2) if len(nodes) >= 3 else (1, 1)
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.front or node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "controller.quorum.voters": ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in nodes),
        "log.dirs": node.folder / "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": enough,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": enough,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": enough,
        # A member that joins alone need not wait for others
        "group.initial.rebalance.delay.ms": 0,
        # A set-up may rest for months: its positions are to be there when it comes back
        "offsets.retention.minutes": 525_600,
        "transactional.id.expiration.ms": 2_147_483_647,
        "log.retention.hours": 8_760,
    }
    return "".join(f"{name}={value}\n" for name, value in (settings | dict(more or {})).items())


class KafkaBroker:
    """Inside the ``with`` block it answers at ``bootstrap``.

    ``folder/data`` and the cluster's id outlive it; without a folder, nothing does.
    """

    embedded = False

    def __init__(
        self,
        folder: Path | None = None,
        *,
        nodes: int = 1,
        ports: Sequence[int] = (),
        cache: Path | None = None,
        say: Callable[[str], None] = print,
        heap: str = "512m",
        fronts: Sequence[int] = (),
        locks: Locks | None = None,
    ) -> None:
        """``ports``: of the first nodes; the others get free ones. ``cache``: of the jars. ``say`` is told of a fetch. ``fronts``: a port
        per node that it names as its own (a proxy's, which must pass on already while the nodes start)."""
        self._count = nodes
        self._ports = ports
        self._cache = cache or default_cache()
        self._say = say
        self._heap = heap
        self._fronts = fronts
        self._locks = locks
        self._temporary = folder is None
        self._folder = folder
        self._nodes: list[Node] = []
        self._programs: list[Program] = []

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{node.port}" for node in self._nodes)

    @property
    def nodes(self) -> Sequence[Node]:
        return self._nodes

    @property
    def programs(self) -> Sequence[Program]:
        return self._programs

    def __enter__(self) -> Self:
        if missing := kafka_missing(self._cache):
            raise BrokerError(missing)
        for port in self._ports:
            check_port(port)
        jars = fetch_jars(self._cache, self._say)
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="tairyu-kafka-"))
        try:
            self._start(jars, self._folder)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _start(self, jars: Path, folder: Path) -> None:
        self._nodes = _nodes(folder, self._count, self._ports, self._fronts)
        cluster = _cluster_id(folder)
        for node in self._nodes:
            properties = _prepare(node, self._nodes, jars, cluster, self._locks)
            command = [*_java(jars), f"-Xmx{self._heap}", "kafka.Kafka", str(properties)]
            self._programs.append(Program(f"Kafka node {node.number}", command, node.folder / "kafka.log", silent=True))
        for program in self._programs:
            program.start()
        wait_until_answers(self.bootstrap, self._programs, 60, self._locks.client if self._locks else None)

    def _end(self) -> None:
        for program in reversed(self._programs):
            program.stop(within_s=15)
        if self._temporary and self._folder is not None:
            shutil.rmtree(self._folder)


def _nodes(folder: Path, count: int, given: Sequence[int], fronts: Sequence[int]) -> list[Node]:
    """One node lives in the folder itself, several each in a folder of its own."""
    free = free_ports(2 * count)
    ports, controllers = [*given, *free[len(given) : count]], free[count:]
    homes = [folder] if count == 1 else [folder / f"node-{number + 1}" for number in range(count)]
    reached: Sequence[int | None] = fronts or [None] * count
    return [Node(number + 1, ports[number], controllers[number], homes[number], reached[number]) for number in range(count)]


def _cluster_id(folder: Path) -> str:
    """Made once per folder."""
    kept = folder / "cluster.id"
    folder.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        kept.write_text(new_cluster_id(uuid.uuid4()) + "\n")
    return kept.read_text().strip()


def new_cluster_id(random: uuid.UUID) -> str:
    """As Kafka writes it, in 22 characters; begun with ``A``, because Kafka's own tool takes an id that begins with ``-`` for an option."""
    return urlsafe_b64encode(b"\0" + random.bytes[1:]).decode().rstrip("=")


def _prepare(node: Node, nodes: Sequence[Node], jars: Path, cluster: str, locks: Locks | None) -> Path:
    """Writes the node's properties and formats its data folder, unless it is; gives the properties' path."""
    node.folder.mkdir(parents=True, exist_ok=True)
    properties = node.folder / "server.properties"
    properties.write_text(node_properties(node, nodes, locks.properties(node) if locks else None))
    if not (node.folder / "data" / "meta.properties").exists():
        _format(jars, cluster, properties)
    return properties


def _format(jars: Path, cluster: str, properties: Path) -> None:
    command = [*_java(jars), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    formatted = subprocess.run(command, capture_output=True, text=True, check=False)
    if formatted.returncode != 0:
        raise BrokerError(f"Kafka cannot format the data folder of {properties}:\n{formatted.stdout}{formatted.stderr}")


def _java(jars: Path) -> tuple[str, ...]:
    return ("java", "-cp", f"{jars}/*", *(f"-Dorg.slf4j.simpleLogger.{setting}" for setting in LOGGING))
