"""The folder of a running set-up: who holds it, and ``run.json``, by which other commands find it."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from streams.settings import Settings


class SetUpError(Exception):
    """The set-up cannot be had; the message says why in a sentence for a person."""


class Running(msgspec.Struct, kw_only=True, frozen=True):
    """What ``run.json`` says."""

    pid: int
    """Of ``tairyu up`` (or whatever else runs the set-up)."""
    started: int
    """When that process began, in the kernel's ticks since boot: its number alone may be somebody else's by now."""
    folder: str
    brokers: str
    embedded: bool
    history_port: int
    key_file: str
    programs: dict[str, int]
    """Name -> process id, as it is at present."""
    health_ports: dict[str, int] = {}
    """Stage -> where on loopback it answers /livez, /readyz and /metrics."""
    values: dict[str, Any]
    """The settings of its stages, by field."""

    def settings(self) -> Settings:
        """The settings with which its stages run, whatever the environment says."""
        return Settings.model_validate(self.values)

    @property
    def alive(self) -> bool:
        return birth(self.pid) == self.started


def find_running(data: Path | None = None) -> Running | None:
    """The set-up that runs in ``data``; without a folder, the one that this user started last. None if none runs."""
    try:
        folder = data or Path(_pointer().read_text().strip())
        running = msgspec.json.decode((folder / "run.json").read_bytes(), type=Running)
    except FileNotFoundError:
        return None
    return running if running.alive else None


def birth(pid: int) -> int | None:
    """When a process began, in ticks since boot; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def write_running(running: Running) -> None:
    """Whole or not at all; readable by its owner only, since settings may hold a password."""
    _write(Path(running.folder) / "run.json", msgspec.json.format(msgspec.json.encode(running), indent=2))


@contextmanager
def announced(folder: Path) -> Iterator[None]:
    """Inside, commands without ``--data`` find this folder; afterwards they don't, unless another set-up has said so since."""
    pointer = _pointer()
    _write(pointer, f"{folder}\n".encode())
    try:
        yield
    finally:
        if pointer.exists() and pointer.read_text().strip() == str(folder):
            pointer.unlink()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder if need be, and holds it; SetUpError if another process does. Whatever ends the holder frees the folder."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SetUpError(f"{folder} cannot be used: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def ensure_key(folder: Path) -> Path:
    """The file with the key of the tokens (64 hex digits), made once: with another key, every application gets another token."""
    path = folder / "key"
    if not path.exists():
        _write(path, f"{secrets.token_hex(32)}\n".encode())
    return path


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode().strip()
        raise SetUpError(f"{folder} is held by another tairyu up (pid {holder}): stop that one, or use another folder") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _pointer() -> Path:
    """In the user's own folder for what runs."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "tairyu" if runtime else Path(f"/tmp/tairyu-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # anybody may make folders in /tmp
        raise SetUpError(f"{folder} belongs to somebody else: set XDG_RUNTIME_DIR to a folder of your own")
    return folder / "running"


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
