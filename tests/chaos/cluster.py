"""Three Kafka nodes, each behind a proxy that clients and the other nodes must pass."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.brokers import KafkaBroker
from streams.brokers.start import free_ports
from streams.programs import Program
from tests.chaos.proxy import HOST, Network, Proxy

NODES = 3


class Cluster:
    """Replication factor 3, of which 2 must be in sync."""

    def __init__(self, folder: Path, cache: Path, network: Network) -> None:
        ports = free_ports(NODES)
        self.proxies: Sequence[Proxy] = [network.open(port) for port in ports]
        fronts = [proxy.port for proxy in self.proxies]
        self._broker = KafkaBroker(folder, nodes=NODES, ports=ports, cache=cache, heap="400m", fronts=fronts)

    def __enter__(self) -> Self:
        self._broker.__enter__()
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._broker.__exit__(kind, error, trace)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies)

    @property
    def programs(self) -> Sequence[Program]:
        return self._broker.programs

    def answers(self, name: str) -> bool:
        """Whether this node (``node-2``) is in sync with what it keeps again: no partition of it is missing a copy."""
        number = int(name.removeprefix("node-"))
        try:
            topics = self._admin.list_topics(timeout=2).topics.values()
        except KafkaException:
            return False
        return all(number in part.isrs for topic in topics for part in topic.partitions.values())

    def controller(self) -> Program:
        """The node that is the active controller, as the nodes themselves note it."""
        found = [self._elected(node.folder) for node in self._broker.nodes]
        _, leader = max((epoch, leader) for epoch, leader in found if leader > 0)
        return self.programs[leader - 1]

    @staticmethod
    def _elected(folder: Path) -> tuple[int, int]:
        state = orjson.loads((folder / "data" / "__cluster_metadata-0" / "quorum-state").read_bytes())
        return state["leaderEpoch"], state["leaderId"]
