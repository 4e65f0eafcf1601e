"""Where settings come from: ``TAIRYU_`` names in the environment, then a TOML file with the same names in small letters. No model.

A secret may stand in a file of its own, as orchestrators mount it: ``NAME_FILE`` names it, in either place. A name that is no setting
is an error, because it is most likely misspelt, and its effect would be missed on another day.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

PREFIX = "TAIRYU_"
CONFIG = "TAIRYU_CONFIG"
DEFAULT_CONFIG = Path("tairyu.toml")
FILE = "_file"
NO_SETTINGS = (CONFIG, "TAIRYU_FAILPOINT", "TAIRYU_TEST_", "TAIRYU_FAUST_")
"""What names that begin so mean is no setting of a stage."""


class SettingsError(Exception):
    """Settings that cannot be used; the text names each fault, where it stands and what to do."""


@dataclass(frozen=True)
class Given:
    """What one source says: values and their origins by field, and a sentence for each name that is no setting."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def from_environment(fields: Collection[str], secrets: Collection[str], environ: Mapping[str, str]) -> Given:
    names = {name.upper(): name for name in environ if name.upper().startswith(PREFIX) and not name.upper().startswith(NO_SETTINGS)}
    raw = {upper.removeprefix(PREFIX).lower(): environ[name] for upper, name in names.items()}
    return _given(raw, fields, secrets, spelt=lambda name: PREFIX + name.upper(), where="")


def from_toml(fields: Collection[str], secrets: Collection[str], path: Path | None) -> Given:
    """``path``: None where there is no file to read (``config_file``)."""
    if path is None:
        return Given()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the settings cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is no TOML: {error}") from error
    return _given(raw, fields, secrets, spelt=str, where=str(path))


def config_file(environ: Mapping[str, str]) -> Path | None:
    """The file that ``TAIRYU_CONFIG`` names; else ``tairyu.toml`` in the working directory, if there is one."""
    if named := environ.get(CONFIG):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def _given(raw: Mapping[str, Any], fields: Collection[str], secrets: Collection[str], spelt: Callable[[str], str], where: str) -> Given:
    values = {name: value for name, value in raw.items() if name in fields}
    origins = {name: where or spelt(name) for name in values}
    files = {name + FILE: name for name in secrets}
    for name in raw.keys() & files.keys():
        secret, label = files[name], f"{where}: {name}" if where else spelt(name)
        if secret in values:
            raise SettingsError(f"{label}: {spelt(secret)} is given as well: leave out one of them")
        values[secret], origins[secret] = _secret(str(raw[name]), label), f"{label} ({raw[name]})"
    unknown = sorted(raw.keys() - set(fields) - files.keys())
    return Given(values, origins, tuple(_no_setting(name, [*fields, *files], spelt, where) for name in unknown))


def _secret(path: str, label: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{label}: {path} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}") from error


def _no_setting(name: str, known: Iterable[str], spelt: Callable[[str], str], where: str) -> str:
    near = get_close_matches(name, list(known), 1, 0.6)
    place = f"{where}: " if where else ""
    return f"{place}{spelt(name)} is no setting{f': did you mean {spelt(near[0])}?' if near else ''} (`tairyu config show` lists all)"
