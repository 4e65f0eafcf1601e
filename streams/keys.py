"""The key file: one key as it is, or, after a rotation, JSON with all keys that are still somebody's."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from schemas.identity import Key
from schemas.keyring import Applications, Keyring, OldKey

FIRST = "1"
"""The id of a key that stands alone in its file."""
KEY_BYTES = 32
MARK = b"tairyu mark of a key\0"
"""No application's id, so no token."""
RIGHT_FILE = "name the right file, or copy it from the machine that has it (`tairyu key show` tells the marks)"
"""What to do about a missing key."""


class KeyFileError(Exception):
    """The key cannot be used; the message says why, for a person, and holds nothing of it."""


class _Kept(msgspec.Struct, kw_only=True, omit_defaults=True):
    id: str
    key: str
    """A character for each byte, as Latin-1 has them: a key may be any bytes."""
    applications: str | None = None
    """Name of the file, beside this one, with those that have it; None: the newest key."""
    sha256: str | None = None
    """Of that file: a copy that was cut short would split applications in two."""


class _File(msgspec.Struct, kw_only=True):
    keys: list[_Kept]


def load_key(path: Path) -> Key:
    """KeyFileError if it cannot be read, or is too short."""
    content = _read(path, "the key of the tokens").strip()
    if not content.startswith(b"{"):
        return _long_enough(content, path)
    try:
        kept = msgspec.json.decode(content, type=_File).keys
    except msgspec.MsgspecError as error:
        raise KeyFileError(f"{path}: begins like the JSON of several keys, and is none: restore it from its copy") from error
    if not kept or [each.applications is None for each in kept] != [False] * (len(kept) - 1) + [True]:
        raise KeyFileError(f"{path}: expected old keys, each with its applications, and then the newest: restore it from its copy")
    old = tuple(OldKey(each.id, _long_enough(each.key.encode("latin-1"), path), _applications(each, path)) for each in kept[:-1])
    return Keyring(old, kept[-1].id, _long_enough(kept[-1].key.encode("latin-1"), path))


def key_marks(key: Key) -> dict[str, str]:
    """Id -> mark of each key, oldest first. A mark tells keys apart, and nothing else of them: it may be shown."""
    keys = {FIRST: key} if isinstance(key, bytes) else {each.id: each.key for each in key.old} | {key.newest_id: key.newest}
    return {name: hmac.digest(each, MARK, "sha256").hex()[:16] for name, each in keys.items()}


def missing_key(own: Iterable[str], used: Iterable[str | None]) -> str | None:
    """What to say if tokens were made with a key that is none of our own, by their marks; None: we have them all."""
    ours = list(own)
    theirs = sorted({each for each in used if each is not None} - {*ours})
    if not theirs:
        return None
    return f"the key file has the key {', '.join(ours)}, and lacks {', '.join(theirs)}, with which tokens were made since"


def open_to_others(told: os.stat_result, user: int) -> bool:
    """Whether anybody but ``user`` may read (or change) the file of a key. A group may, where the file is somebody else's.

    So secrets are mounted: root's, and read by a group. Mounts are often wider than that (0444 by compose's default, 0644 by
    Kubernetes'), and nobody in the container can narrow them; nor can anybody else there read them. So who finds it says it, and goes
    on: to refuse would keep feeds waiting for a fault that the mode alone does not prove.
    """
    return bool(told.st_mode & (0o077 if told.st_uid == user else 0o007))


def narrow(path: Path) -> str:
    """What to do about a file that is open to others."""
    return f"chmod 600 {path}; a secret that is mounted: mode 0400 for the user that reads it, or 0440 for its group"


def rotate(path: Path, tokens: set[str]) -> tuple[str, Path]:
    """Puts a new key before the newest, which keeps the applications of these tokens. Gives the new id, and the file of those.

    Killed at any point, the key file is the old or the new one, whole.
    """
    key = load_key(path)
    ids, newest = [*key_marks(key)], key if isinstance(key, bytes) else key.newest
    content = Applications.of(tokens).content()
    applications = path.with_name(f"{path.name}.{ids[-1]}.applications")
    _write(applications, content)
    kept = [] if isinstance(key, bytes) else msgspec.json.decode(path.read_bytes(), type=_File).keys[:-1]
    kept.append(_Kept(id=ids[-1], key=newest.decode("latin-1"), applications=applications.name, sha256=hashlib.sha256(content).hexdigest()))
    kept.append(_Kept(id=str(len(kept) + 1), key=secrets.token_hex(KEY_BYTES)))
    _write(path, msgspec.json.format(msgspec.json.encode(_File(keys=kept)), indent=2) + b"\n")
    return kept[-1].id, applications


def _applications(kept: _Kept, path: Path) -> Applications:
    file = path.with_name(kept.applications or "")
    content = _read(file, f"the applications of key {kept.id}")
    if hashlib.sha256(content).hexdigest() != kept.sha256:
        raise KeyFileError(f"{file}: is not the file that belongs to key {kept.id} in {path}: copy both from one machine")
    return Applications.read(content)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}: {what} cannot be read") from error


def _long_enough(key: bytes, path: Path) -> bytes:
    if len(key) < KEY_BYTES:
        raise KeyFileError(f"{path}: a key has at least {KEY_BYTES} bytes, this one has {len(key)}")
    return key


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
