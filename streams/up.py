"""All of Tairyu on one machine: a broker, the topics, and the three stages, supervised.

The folder of a set-up: ``key`` (made once), ``run.json`` (while it runs), ``lock``, ``logs/``, ``kafka/``, ``history/``.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from schemas.cards import load_cards
from streams.brokers import Broker, EmbeddedBroker, KafkaBroker
from streams.brokers.start import check_port, free_ports
from streams.parties import Feed, load_parties, public_feeds
from streams.policy_file import load_policies
from streams.programs import Program
from streams.restarts import Rules
from streams.run_file import Running, SetUpError, announced, birth, ensure_key, find_running, held, write_running
from streams.setting_sources import CONFIG, PREFIX
from streams.settings import Settings
from streams.supervisor import Say, Supervisor
from streams.topics import ensure_topics

__all__ = ["Running", "SetUp", "SetUpError", "find_running", "start_set_up", "up"]

STAGES = ("intake", "watch", "history")
STOP = (signal.SIGINT, signal.SIGTERM)
EMBEDDED_SESSION_S = 6.0
"""A member that joins waits for half of it there."""
NEXT = """\
ready. In another terminal:
  tairyu replay FILE     send a file's events
  tairyu stalls          what is held now, and since when
  tairyu query SQL       ask the history
Ctrl-C stops everything"""


def stage_command(stage: str) -> list[str]:
    return [sys.executable, "-m", "streams.cli", "run", stage]


def say_at_once(text: str) -> None:
    """A line on stdout, also where stdout is a pipe."""
    print(text, flush=True)


@dataclass(frozen=True)
class Plan:
    """What is to run, and where."""

    folder: Path
    kafka: bool = False
    """Apache Kafka, whose log stays in the folder; else the embedded broker."""
    settings: Settings = field(default_factory=Settings)
    """Of the stages; brokers, key and history are filled in."""
    port: int | None = None
    """Of the broker; a free one if none is given."""
    stages: Sequence[str] = STAGES
    command: Callable[[str], Sequence[str]] = stage_command
    give_up: bool = False
    """Whether a crash loop of a stage ends the set-up."""
    rules: Rules = field(default_factory=Rules)
    """When a stage that ended is started again."""
    opening: str | None = None
    """Said first, as soon as the folder is ours."""


@dataclass(frozen=True)
class SetUp:
    """What runs inside ``start_set_up``."""

    settings: Settings
    supervisor: Supervisor
    programs: Sequence[Program]
    health: Mapping[str, int]
    """Stage -> where on loopback it answers /livez, /readyz and /metrics."""

    @property
    def failed(self) -> bool:
        """Whether a program's end has ended it all. What was said about it tells why."""
        return self.supervisor.over == 1

    def wait(self, at_most_s: float | None = None) -> bool:
        """True when it is over, False after ``at_most_s``."""
        return self.supervisor.ended.wait(at_most_s)


@contextmanager
def start_set_up(plan: Plan, say: Say = say_at_once) -> Iterator[SetUp]:
    """Inside, everything runs and has said that it is ready; afterwards nothing runs.

    SetUpError, BrokerError, PolicyError or KafkaException if it cannot start, each with a sentence for a person.
    """
    feeds = _feeds(plan.settings)
    if plan.settings.history_port:
        check_port(plan.settings.history_port)
    folder = plan.folder.resolve()
    plan = replace(plan, folder=folder)
    with ExitStack() as stack:
        stack.enter_context(held(folder))
        if plan.opening is not None:
            say(plan.opening)
        broker = stack.enter_context(_broker(plan, say))
        say(f"{'Apache Kafka' if plan.kafka else 'the embedded broker'}: ready at {broker.bootstrap}")
        settings = _settings(plan, broker)
        ensure_topics(settings, load_cards(), feeds)
        yield stack.enter_context(_supervised(plan, settings, broker, say))


def up(
    data: Path | None = None,
    *,
    kafka: bool = False,
    port: int | None = None,
    command: Callable[[str], Sequence[str]] = stage_command,
    say: Say = say_at_once,
) -> int:
    """``tairyu up``: until Ctrl-C or SIGTERM (0); 1 if what cannot be replaced ended. Errors as of ``start_set_up``.

    Apache Kafka if there is a folder to keep its log in, or if it is asked for; ``port``: of the broker.
    """
    for number in STOP:
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            folder = _folder(data, stack)
            opening = _what_is_kept(folder, data is not None)
            plan = Plan(folder, kafka or data is not None, port=port, command=command, opening=opening)
            set_up = stack.enter_context(start_set_up(plan, say))
            stack.enter_context(announced(folder))  # not before it is ours: another one's word for it would be taken back
            say(f"history answers at http://127.0.0.1:{set_up.settings.history_port} (read-only)")
            health = ", ".join(f"{stage} at http://127.0.0.1:{port}" for stage, port in set_up.health.items())
            say(f"health: {health} (/livez, /readyz, /metrics)\n{NEXT}")
            set_up.wait()
            return 1
    except KeyboardInterrupt:
        return 0


def _folder(data: Path | None, stack: ExitStack) -> Path:
    if data is not None:
        return data.resolve()
    folder = tempfile.mkdtemp(prefix="tairyu-up-")
    stack.callback(shutil.rmtree, folder)
    return Path(folder)


def _what_is_kept(folder: Path, kept: bool) -> str:
    if kept:
        return f"everything is kept in {folder} (Apache Kafka and history; needs Java 17 and, the first time, Maven)"
    return "NOTHING IS KEPT: all of it, history too, is gone at the end. With --data DIR everything is kept"


def _stop(number: int, frame: object) -> NoReturn:
    # What stops is to stop whole, and each part has its time limit: no second signal cuts it short.
    for each in STOP:
        signal.signal(each, signal.SIG_IGN)
    os.write(1, "stopping …\n".encode())  # print may be what was interrupted
    raise KeyboardInterrupt


def _feeds(settings: Settings) -> dict[str, Feed]:
    policy = load_policies(settings.policy).newest
    return public_feeds(load_parties(settings.parties, policy), policy, load_cards(), settings.public_partitions)


def _broker(plan: Plan, say: Say) -> AbstractContextManager[Broker]:
    if plan.kafka:
        return KafkaBroker(plan.folder / "kafka", ports=[plan.port] if plan.port else [], cache=plan.settings.kafka_jars, say=say)
    return EmbeddedBroker(plan.port)


def _settings(plan: Plan, broker: Broker) -> Settings:
    given = plan.settings
    filled: dict[str, object] = {
        "brokers": broker.bootstrap,
        "brokers_security": "PLAINTEXT",
        "embedded": broker.embedded,
        "policy": given.policy.resolve(),
        "parties": given.parties.resolve(),
        "key_file": given.key_file.resolve() if given.key_file else ensure_key(plan.folder),
        "intake_slot": given.intake_slot or "up",
        "history_dir": plan.folder / "history",
        "history_port": given.history_port or free_ports(1)[0],
    }
    if broker.embedded:
        filled["session_timeout_s"] = EMBEDDED_SESSION_S
    return given.model_copy(update=filled)


@contextmanager
def _supervised(plan: Plan, settings: Settings, broker: Broker, say: Say) -> Iterator[SetUp]:
    health = dict(zip(plan.stages, free_ports(len(plan.stages)), strict=True))
    temporary = plan.folder / "tmp"  # chDB leaves a folder where temporary files go if it is killed as it starts
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    stages = [
        Program(stage, plan.command(stage), plan.folder / "logs" / f"{stage}.log", env)
        for stage, port in health.items()
        for env in [environment(settings, health_port=port) | {"TMPDIR": str(temporary)}]
    ]
    programs = [*broker.programs, *stages]

    def note() -> None:
        write_running(_running(plan, settings, programs, health))

    supervisor = Supervisor(
        programs, say, on_ready=note, irreplaceable=broker.programs if broker.embedded else (), give_up=plan.give_up, rules=plan.rules
    )
    with ExitStack() as stack:
        stack.callback((plan.folder / "run.json").unlink, missing_ok=True)
        pool = stack.enter_context(ThreadPoolExecutor(1, "supervisor"))
        stack.callback(supervisor.stop)  # before anything can interrupt us: the pool waits for its thread
        outcome = pool.submit(supervisor.run)
        supervisor.ready.wait()
        if supervisor.over is not None:
            outcome.result()  # what went wrong in the supervisor itself is told here
            raise SetUpError(f"the set-up ended while it was starting; see {plan.folder / 'logs'}")
        yield SetUp(settings, supervisor, programs, health)
        supervisor.stop()
        outcome.result()


def environment(settings: Settings, **own: object) -> dict[str, str]:
    """The settings as a stage reads them, and no file beside them; ``own``: what this one alone is told."""
    values = settings.model_dump(mode="json", exclude_none=True) | own
    return {CONFIG: os.devnull} | {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def _running(plan: Plan, settings: Settings, programs: Sequence[Program], health: dict[str, int]) -> Running:
    return Running(
        pid=os.getpid(),
        started=birth(os.getpid()) or 0,
        folder=str(plan.folder),
        brokers=settings.brokers,
        embedded=settings.embedded,
        history_port=settings.history_port,
        health_ports=health,
        key_file=str(settings.key_file),
        programs={program.name: program.pid for program in programs},
        values=settings.model_dump(mode="json"),
    )
