"""Everything that runs in a chaos run: three brokers behind proxies, stages each under its own supervisor, two histories."""

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.cards import load_cards
from streams.brokers.start import free_ports
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.programs import Program
from streams.senders import Senders
from streams.settings import Settings
from streams.topics import ensure_topics
from streams.up import environment
from tests.chaos.cluster import Cluster
from tests.chaos.policies import quick_policy
from tests.chaos.processes import Kept, Stage, stage_command
from tests.chaos.proxy import HOST, Network
from tests.chaos.recovery import Judged, Recoveries
from tests.chaos.recovery import Kept as KeptBy

CARDS = load_cards()
SESSION_S = 6.0
DISK_MB = 512
READY_S = 120.0
BROKER_STOPS_S = 1.0
"""Two of three nodes gone, the last one waits in vain for them, and nothing of it is needed any more."""


class Disk:
    """A small file system for one history's folder; ``why_not`` says why there is none (then the folder is an ordinary one)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        self.why_not = None if made.returncode == 0 else f"mounting a tmpfs was refused: {made.stderr.strip()}"

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Not a byte is left."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4_096):
                self._write(file.fileno(), bytes(size))

    @staticmethod
    def _write(file: int, block: bytes) -> None:
        try:
            while os.write(file, block):
                pass
        except OSError:
            return

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.why_not is None:
            subprocess.run(["umount", str(self.folder)], check=True)


class House:
    """Inside the ``with`` block it runs."""

    def __init__(self, folder: Path, cache: Path, say: Callable[[str], None], pulse_ms: int) -> None:
        self.folder, self._cache, self.say = folder, cache, say
        self._stack = ExitStack()
        self._policy = quick_policy(folder / "policies", pulse_ms)
        self.kept: dict[str, Kept] = {}

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _open(self) -> None:
        self.network = self._stack.enter_context(Network())
        self.disk = Disk(self.folder / "disk")
        self._stack.callback(self.disk.unmount)
        self.cluster = self._stack.enter_context(Cluster(self.folder / "kafka", self._cache, self.network))
        self.settings = self._settings()
        self.policies = load_policies(self.settings.policy)
        self.parties = load_parties(self.settings.parties, self.policies.newest)
        self.feeds = public_feeds(self.parties, self.policies.newest, CARDS, self.settings.public_partitions)
        ensure_topics(self.settings, CARDS, self.feeds)
        self.senders = Senders(self.parties, self.feeds.values(), CARDS)
        self._stack.callback(self._stop_all)
        self._start_all()
        self._look()

    def _settings(self) -> Settings:
        key = self.folder / "key"
        key.write_text("a key of the chaos, at least as long as 32 bytes")
        return Settings.model_validate(
            {
                "brokers": self.cluster.bootstrap,
                "policy": self._policy,
                "parties": self._policy.parent / "parties.yaml",
                "key_file": key,
                "replication": 3,
                "session_timeout_s": SESSION_S,
            }
        )

    @property
    def partitions(self) -> int:
        return CARDS["custody-log"].partitions

    def _start_all(self) -> None:
        for number, program in enumerate(self.cluster.programs, 1):
            self._keep(f"node-{number}", program, BROKER_STOPS_S)
        ports = free_ports(2)
        self.first_port, self.server_port = ports
        self.clickhouse = self.network.open(self.server_port)
        self._keep("clickhouse", self._server())
        self._ready("clickhouse")
        for name in ("intake-a", "intake-b", "watch-a", "watch-b"):
            self.stage(name)
        self.stage("history-1", history_dir=self.folder / "disk" / "history", history_port=self.first_port, history_group="history-1")
        over_http = {"clickhouse_url": f"http://writer:word@{HOST}:{self.clickhouse.port}", "history_group": "history-2"}
        self.stage("writer-a", **over_http)
        self._ready("writer-a")  # before the other: two that migrate an empty store at once may meet
        self.stage("writer-b", **over_http)
        self._ready(*self.kept)

    def _server(self) -> Stage:
        command = [*stage_command("")[:1], "-m", "tests.chaos.clickhouse_server", str(self.folder / "history-2"), str(self.server_port)]
        root = Path(__file__).parents[2]
        return Stage("clickhouse", command, self.folder / "logs" / "clickhouse.log", {"PYTHONPATH": str(root)})

    def stage(self, name: str, **more: object) -> Kept:
        """Start a stage, or another of its kind: ``watch-c``."""
        if name not in self.kept:
            kind = {"writer": "history"}.get(name.partition("-")[0], name.partition("-")[0])
            told = environment(self.settings.model_copy(update={"intake_slot": name, **more}))
            self._keep(name, Stage(name, stage_command(kind), self.folder / "logs" / f"{name}.log", told))
        elif not self.kept[name].wanted:
            self.kept[name].start()
        return self.kept[name]

    def _keep(self, name: str, program: Program, stop_within_s: float = 20.0) -> None:
        self.kept[name] = Kept(program, self.say, stop_within_s)
        self.kept[name].start()

    def _ready(self, *names: str) -> None:
        for name in names:
            self.kept[name].wait_ready(READY_S)

    def _look(self) -> None:
        self.judged = Judged(self.settings.brokers, CARDS["applications"].topic(), self.partitions)
        self._stack.callback(self.judged.close)
        self.recoveries = Recoveries()
        self._stack.callback(self.recoveries.close)
        self.stores = {
            "history-1": KeptBy(self.first_port, self.partitions),
            "history-2": KeptBy(self.server_port, self.partitions),
        }

    def running(self, *kinds: str) -> list[str]:
        """Names of those of these kinds that are to run."""
        return [name for name, kept in self.kept.items() if name.partition("-")[0] in kinds and kept.wanted]

    def stop(self, *names: str) -> None:
        for name in names:
            self.kept[name].stop()

    def _stop_all(self) -> None:
        for name in reversed(self.kept):
            self.kept[name].stop()
