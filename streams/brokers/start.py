"""What both brokers share: free ports, and waiting until a broker answers."""

import socket
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.programs import Program

HOST = "127.0.0.1"


class BrokerError(Exception):
    """A broker cannot be started; the message says why, and what to do, in a sentence for a person."""


class Broker(Protocol):
    """A context manager: inside it, the broker at ``bootstrap`` answers."""

    embedded: bool

    @property
    def bootstrap(self) -> str:
        """host:port, comma separated."""
        ...

    @property
    def programs(self) -> Sequence[Program]:
        """Its processes, for whoever supervises them."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listens on now; somebody else may still be faster."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def check_port(port: int) -> None:
    """BrokerError if somebody listens on this loopback port."""
    with socket.socket() as each:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            each.bind((HOST, port))
        except OSError as error:
            raise BrokerError(f"port {port} is in use by another program ({error.strerror}): stop it, or choose another port") from error


def wait_until_answers(bootstrap: str, programs: Sequence[Program], at_most_s: float, client: Mapping[str, Any] | None = None) -> None:
    """Returns when every node is in the cluster's metadata; BrokerError if one ends before, or ``at_most_s`` have passed.

    ``client``: what a client needs to be let in, by librdkafka's names.
    """
    asking: dict[str, Any] = {"bootstrap.servers": bootstrap, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "log_level": 0}
    admin = AdminClient(asking | dict(client or {}))
    give_up = time.monotonic() + at_most_s
    while not _answers(admin, len(programs)):
        for program in programs:
            if program.wait(0.05):
                raise BrokerError(f"{program.name} ended with code {program.exit_code}:\n{program.last_words()}")
        if time.monotonic() > give_up:
            raise BrokerError(f"{programs[0].name} has not answered for {at_most_s:.0f} s:\n{programs[0].last_words()}")


def _answers(admin: AdminClient, nodes: int) -> bool:
    try:
        return len(admin.list_topics(timeout=0.5).brokers) >= nodes
    except KafkaException:
        return False
