"""How one runs the programs that the documents show."""

import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from streams.programs import Program
from tests.pipeline.works import Works

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def command(example: str, jars: Path, *arguments: str) -> list[str]:
    """A Java file is compiled as it is started."""
    start = ["java", "-cp", f"{jars}/*"] if example.endswith(".java") else [sys.executable]
    return [*start, str(EXAMPLES / example), *arguments]


def start(example: str, works: Works, jars: Path, *arguments: str) -> Program:
    """It runs until ``works`` is closed; what it says is in its log."""
    program = Program(example, command(example, jars, works.settings.brokers, *arguments), works.folder / f"{example}.log")
    works.programs[example] = program
    program.start()
    return program


def lines(program: Program) -> list[str]:
    return program.log.read_text(encoding="utf-8").splitlines()


def application(rng: Random) -> str:
    return "".join(rng.choices("0123456789", k=23))


def told(name: str, subject: str, hours_ago: float, speaker: str = "plaza", **data: str) -> dict[str, Any]:
    """As a file has it."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours_ago * 3_600))
    source = "/j-lis/reception" if speaker == "j-lis" else f"/vendors/{speaker}/kiosks/1"
    made = {"specversion": "1.0", "id": f"{name}-{subject[-6:]}", "source": source, "type": f"jp.tairyu.{name}", "time": at}
    return {**made, "subject": subject, "speaker": speaker, "data": data}
