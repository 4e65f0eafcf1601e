"""The Kafka Streams contender: its jars fetched by Maven and its program compiled, once for each version of either."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.brokers.jars import GOAL
from tests.bench.measurement import AbsentError, BenchError

SOURCES = Path(__file__).parent / "kstreams"
POM = SOURCES / "pom.xml"


def java_missing(cache: Path) -> str | None:
    """Why it cannot run here, in a sentence; None if it can."""
    if shutil.which("javac") is None:
        return "Kafka Streams needs a JDK: there is no `javac` on the PATH (Debian: apt install openjdk-17-jdk-headless)"
    if shutil.which("mvn") is None and not _jars(cache).is_dir():
        return "Kafka Streams needs Maven, to fetch it the first time: there is no `mvn` on the PATH (Debian: apt install maven)"
    return None


def class_path(cache: Path, say: Callable[[str], None]) -> str:
    """What `java -cp` takes. AbsentError if it cannot be fetched, BenchError if it cannot be compiled."""
    if missing := java_missing(cache):
        raise AbsentError(missing)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kstreams.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars = _jars(cache)
        if not jars.is_dir():
            say("fetching Kafka Streams by Maven (once; about 100 MB)")
            # strict checksums (-C): a jar that came damaged is refused
            _make(
                AbsentError,
                jars,
                lambda to: ["mvn", "-q", "-B", "-C", "-f", POM, GOAL, f"-DoutputDirectory={to}", "-DincludeScope=runtime"],
            )
        classes = _classes(cache)
        if not classes.is_dir():
            _make(BenchError, classes, lambda to: ["javac", "-cp", f"{jars}/*", "-d", to, *sorted(SOURCES.glob("*.java"))])
    return f"{classes}:{jars}/*"


def _jars(cache: Path) -> Path:
    return cache / f"kstreams-jars-{_digest(POM)}"


def _classes(cache: Path) -> Path:
    return cache / f"kstreams-classes-{_digest(POM, *sorted(SOURCES.glob('*.java')))}"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:8]


def _make(fault: type[BenchError], folder: Path, command: Callable[[Path], Sequence[str | Path]]) -> None:
    """By a command that fills a folder: one of this name is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as temporary:
        made = Path(temporary) / "made"
        done = subprocess.run(command(made), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise fault(f"{folder.name} could not be made (code {done.returncode}):\n" + "\n".join(done.stdout.splitlines()[-12:]))
        made.rename(folder)
