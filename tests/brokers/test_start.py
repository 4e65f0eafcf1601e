"""Starting and ending the brokers."""

import os
import select
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams.brokers import BrokerError, EmbeddedBroker, KafkaBroker
from streams.brokers.kafka import Node, new_cluster_id, node_properties

PARENT = """
import sys
from streams.brokers import EmbeddedBroker
with EmbeddedBroker() as broker:
    print(broker.programs[0].pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_it_listens_on_loopback_only_and_is_gone_afterwards() -> None:
    with EmbeddedBroker() as broker:
        port = int(broker.bootstrap.rpartition(":")[2])
        pid = broker.programs[0].pid
        addresses = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]

    assert f"0100007F:{port:04X}" in addresses
    assert f"00000000:{port:04X}" not in addresses
    assert not Path(f"/proc/{pid}").exists()


def test_a_port_in_use_is_refused_in_a_sentence(listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    with pytest.raises(BrokerError, match=f"port {port} is in use by another program"), EmbeddedBroker(port):
        pass


def test_the_broker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        handle = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)

    ends = select.poll()  # and not select(): it takes no handle above 1,023
    ends.register(handle, select.POLLIN)
    ended = ends.poll(10 * 1_000)

    os.close(handle)
    assert ended


@pytest.mark.kafka
def test_kafkas_topics_survive_a_restart_on_another_port(kafka_jars: Path, create_topic: Callable[..., str], tmp_path: Path) -> None:
    seen = []
    with KafkaBroker(tmp_path, cache=kafka_jars) as broker:
        name = create_topic(broker, 3)
        seen.append((broker.bootstrap, AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10)))
    with KafkaBroker(tmp_path, cache=kafka_jars) as broker:
        seen.append((broker.bootstrap, AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10)))

    (first_address, first), (second_address, second) = seen
    assert first_address != second_address
    assert first.cluster_id == second.cluster_id
    assert len(second.topics[name].partitions) == 3


def test_three_nodes_keep_what_one_would_lose(tmp_path: Path) -> None:
    nodes = [Node(number, 9_000 + number, 9_100 + number, tmp_path / str(number)) for number in (1, 2, 3)]

    lines = node_properties(nodes[1], nodes).splitlines()

    assert "node.id=2" in lines
    assert "controller.quorum.voters=1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103" in lines
    assert {"transaction.state.log.replication.factor=3", "transaction.state.log.min.isr=2", "min.insync.replicas=2"} <= set(lines)


def test_no_cluster_id_looks_like_an_option_of_kafkas_own_tool() -> None:
    made = {new_cluster_id(uuid.UUID(bytes=bytes([first]) * 16)) for first in range(256)}

    assert len(made) == 256
    assert {(len(each), each[0]) for each in made} == {(22, "A")}
