"""``python -m schemas.generate [--check]``: writes the JSON Schemas, ``docs/asyncapi.yaml`` and the pages made from data.

``--check`` writes nothing, names each file that differs, is missing or should not be there, and ends with 1 if there is any.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

from schemas.asyncapi import asyncapi
from schemas.cards import load_cards
from schemas.events_page import events_page
from schemas.json_schemas import MESSAGES, json_schema, kebab
from schemas.subscribing_page import subscribing_page

ROOT = Path(__file__).parent.parent
POLICY = ROOT / "streams" / "policies" / "my-number-card.yaml"
SCHEMAS = Path("schemas") / "json"
PAGE = Path("docs") / "events.md"
SUBSCRIBING = Path("docs") / "subscribing.md"
ASYNCAPI = Path("docs") / "asyncapi.yaml"
EXAMPLES = Path("docs") / "examples"
"""The programs that the pages quote."""
ENDING = ".schema.json"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The exit code; the files are those below ``root``."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if a file differs")
    if parser.parse_args(arguments).check:
        wrong = stale(root)
        print(*wrong, sep="\n", end="\n" if wrong else "")
        return 1 if wrong else 0
    write(root)
    return 0


def generated(policy: Path = POLICY) -> dict[Path, str]:
    """Every generated file, by its path below the root."""
    schemas = {SCHEMAS / f"{kebab(name)}{ENDING}": _text(json_schema(message)) for name, message in MESSAGES.items()}
    cards = load_cards()
    pages = {PAGE: events_page(cards, policy, ROOT / EXAMPLES), SUBSCRIBING: subscribing_page(cards, ROOT / EXAMPLES)}
    return schemas | pages | {ASYNCAPI: asyncapi(cards, policy, _version())}


def write(root: Path) -> None:
    """Writes all files below a root, and removes schemas of messages that are no more."""
    for path in _orphans(root):
        path.unlink()
    for path, text in generated().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def stale(root: Path) -> list[str]:
    """One line for each file below a root that is not as it would be written."""
    wrong = [f"{path}: {_state(root / path)}" for path, text in generated().items() if _read(root / path) != text]
    return wrong + [f"{path.relative_to(root)}: is the schema of no message" for path in _orphans(root)]


def _version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


def _orphans(root: Path) -> list[Path]:
    known = {f"{kebab(name)}{ENDING}" for name in MESSAGES}
    return [path for path in sorted((root / SCHEMAS).glob(f"*{ENDING}")) if path.name not in known]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _state(path: Path) -> str:
    return "differs: run python -m schemas.generate" if path.exists() else "is missing: run python -m schemas.generate"


def _text(schema: object) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
