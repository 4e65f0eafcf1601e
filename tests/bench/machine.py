"""On what it was measured: a figure without this means nothing."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka as ck

from streams.brokers.jars import VERSION as KAFKA

ROOT = Path(__file__).parents[2]
PACKAGES = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec", "orjson", "chdb", "clickhouse-connect")


def machine() -> dict[str, Any]:
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu[1] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    java = _said("java", "-version").splitlines()
    return {
        "python": platform.python_version(),
        "java": java[0] if java else "none",
        "kafka": KAFKA,
        "librdkafka": ck.libversion()[0],
    } | {name: version(name) for name in PACKAGES}


def commit() -> str:
    """Of the code that is measured; ``+`` behind it: with changes."""
    found = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD").strip()
    return found + ("+" if _said("git", "-C", str(ROOT), "status", "--porcelain").strip() else "")


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout or done.stderr
