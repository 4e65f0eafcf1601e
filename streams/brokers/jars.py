"""Apache Kafka's jars: fetched once by Maven, then kept in a folder named after what was asked for."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from streams.brokers.start import BrokerError

POM = Path(__file__).parents[1] / "kafka" / "pom.xml"
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
VERSION = "4.3.1"
JAVA = 17
NEEDED = f"Apache Kafka needs Java {JAVA} or newer and, to fetch it the first time, Maven"


def default_cache() -> Path:
    """The user's own cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tairyu" / "kafka"


def jars_in(cache: Path) -> Path:
    """Where the jars of this version's pom are, once they are fetched whole."""
    return cache / f"{VERSION}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"


def kafka_missing(cache: Path | None = None, path: str | None = None) -> str | None:
    """Why Kafka cannot run here, in a sentence; None if it can. ``path``: searched instead of PATH."""
    java = shutil.which("java", path=path)
    if java is None:
        return f"{NEEDED}: there is no `java` on the PATH (Debian: apt install openjdk-17-jre-headless maven)"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None or int(found[1]) < JAVA:
        return f"{NEEDED}: {java} says {said.strip().splitlines()[:1]}"
    if shutil.which("mvn", path=path) is None and not jars_in(cache or default_cache()).is_dir():
        return f"{NEEDED}: there is no `mvn` on the PATH (Debian: apt install maven)"
    return None


def fetch_jars(cache: Path, say: Callable[[str], None], maven: str | Path = "mvn") -> Path:
    """The folder of the jars, fetched if it isn't there. Two at once: one waits for the other. BrokerError if Maven fails."""
    folder = jars_in(cache)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as temporary:
                _fetch(Path(temporary) / "jars", say, maven)
                (Path(temporary) / "jars").rename(folder)  # last: a folder of this name is whole
    return folder


def _fetch(folder: Path, say: Callable[[str], None], maven: str | Path) -> None:
    say(f"fetching Apache Kafka {VERSION} by Maven (once; about 56 MB)")
    # strict checksums (-C): a jar that came damaged is refused
    command = [str(maven), "-B", "-C", "-f", str(POM), GOAL, f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            _follow(process.stdout or (), lines, say)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise BrokerError(f"Maven could not fetch Apache Kafka (code {process.returncode}):\n" + "\n".join(lines[-12:]))
    size = sum(jar.stat().st_size for jar in folder.iterdir())
    say(f"  {len(list(folder.iterdir()))} jars, {size / 1e6:.0f} MB")


def _follow(output: Iterable[str], lines: list[str], say: Callable[[str], None]) -> None:
    fetched = 0
    for line in output:
        lines.append(line.rstrip())
        if "Downloaded from" in line and ".jar" in line:
            fetched += 1
            if fetched % 20 == 0:
                say(f"  {fetched} files …")


def main() -> None:
    """For `make`: fetched before anything waits for them. Where Kafka cannot run it says so, and that is no failure."""
    cache = Path(os.environ.get("TAIRYU_KAFKA_JARS") or default_cache())
    if missing := kafka_missing(cache):
        print(missing)
        return
    try:
        fetch_jars(cache, lambda said: print(said, flush=True))
    except BrokerError as error:
        raise SystemExit(str(error)) from error
