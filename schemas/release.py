"""``python -m schemas.release VERSION``: keeps what this release writes, below ``schemas/released/VERSION``, for all later ones to read.

``json/``: every message's JSON Schema. ``records/``: the bytes of every record among the examples, as this code writes them.
``meanings.json``: what each of them says, field by field and by name: arrays, too, where a field that moved would go unseen.
A release is written once: a version that is there stays as it is, and the command ends with 1.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from schemas import codec
from schemas.json_schemas import MESSAGES, json_schema, kebab
from schemas.lint import BY_KEBAB
from schemas.records import Application
from schemas.situations import Situation, situations

RELEASED = Path(__file__).parent / "released"
SCHEMAS, RECORDS, MEANINGS = "json", "records", "meanings.json"
PACKED = ".msgpack"


def main(arguments: list[str] | None = None, root: Path = RELEASED) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.release", description=__doc__)
    parser.add_argument("version", help="of the release, like 0.1.0")
    folder = root / parser.parse_args(arguments).version
    if folder.exists():
        print(f"{folder} is there: what was released never changes", file=sys.stderr)
        return 1
    write(folder)
    return 0


def write(folder: Path) -> None:
    (folder / SCHEMAS).mkdir(parents=True)
    (folder / RECORDS).mkdir()
    for name, message in MESSAGES.items():
        (folder / SCHEMAS / f"{kebab(name)}.schema.json").write_text(_text(json_schema(message)), encoding="utf-8")
    meanings = {}
    for example in situations():
        if example.schema is not None:
            told = [_decoded(example, value) for value in example.values()]
            ending = PACKED if example.schema == kebab(Application.__name__) else example.path.suffix
            name = f"{example.path.stem}{ending}"
            (folder / RECORDS / name).write_bytes(b"\n".join(map(written, told)))
            meanings[name] = [meaning(each) for each in told]
    (folder / MEANINGS).write_text(_text(meanings), encoding="utf-8")


def written(message: msgspec.Struct) -> bytes:
    """As it stands in its topic."""
    return codec.encode_application(message) if isinstance(message, Application) else codec.encode(message)


def reader(name: str) -> Callable[[bytes], Any]:
    """What reads the records of a released file of this name: ``SCHEMA--situation``."""
    message = MESSAGES[BY_KEBAB[name.partition("--")[0]]]
    return codec.decode_application if message is Application else msgspec.json.Decoder(message).decode


def meaning(message: Any) -> Any:
    """As JSON has it, but every field by its name."""
    match message:
        case msgspec.Struct():
            return {name: meaning(getattr(message, name)) for name in message.__struct_fields__}
        case dict():
            return {str(key): meaning(value) for key, value in message.items()}
        case list() | tuple():
            return [meaning(each) for each in message]
        case bytes():
            return b64encode(message).decode()
    return message


def _decoded(example: Situation, value: bytes) -> msgspec.Struct:
    decoded: msgspec.Struct = msgspec.json.decode(value, type=MESSAGES[BY_KEBAB[example.schema or ""]])
    return decoded


def _text(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
