"""The log of a stage: JSON lines on stderr, whoever speaks: the stage itself, librdkafka, or a library that logs as Python does."""

import logging
import os
import re
import sys
import threading
import time
import traceback
from typing import Any

import structlog

log = structlog.get_logger()

REPEAT_S = 30.0
"""What was said is said again after so long, with how often it came meanwhile: a broker that has gone is tried many times a second."""
HOW_LONG = re.compile(r" \(after [^)]*\)")
"""What differs from one attempt to the next."""


def log_to_stderr() -> None:
    """One JSON object a line, on stderr: stdout belongs to commands' answers."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    threading.excepthook = _thread_ended


def type_and_place(error: BaseException) -> dict[str, Any]:
    """What may be said of any error: its text may quote a record (rule 9)."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return {"error": type(error).__name__, "at": [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames]}


class KafkaClients:
    """librdkafka's ``logger``. A client speaks while it is polled; of one that never is, what goes wrong is raised."""

    def log(self, level: int, form: str, code: str, client: str, text: str) -> None:
        """As librdkafka calls it. ``text`` begins with the thread's name; nothing of a record is in it."""
        said = text.partition("]: ")[2] if text.startswith("[thrd:") else text
        _tell(level, "a Kafka client says", said, client=client, code=code)


class _Libraries(logging.Handler):
    """Faust, aiokafka and others."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        more = {} if error is None else type_and_place(error)
        _tell(record.levelno, "a library says", record.getMessage(), logger=record.name, **more)


def _thread_ended(escaped: threading.ExceptHookArgs) -> None:
    """Python would print a traceback: its last line quotes what it likes, and is not JSON."""
    error = {"error": escaped.exc_type.__name__} if escaped.exc_value is None else type_and_place(escaped.exc_value)
    log.error("a thread ended", thread=escaped.thread.name if escaped.thread else None, **error)


class Repeats:
    """Which lines were said a moment ago. Time is an argument; may be asked from any thread."""

    def __init__(self, every_s: float = REPEAT_S) -> None:
        self._every_s, self._lock = every_s, threading.Lock()
        self._said: dict[str, tuple[float, int]] = {}
        """Line -> when it was let through last, and how often it was held back since."""

    def held_back(self, line: str, now_s: float) -> int | None:
        """How often since it was let through last, if it may be said now; None: not now."""
        with self._lock:
            said_s, times = self._said.get(line, (-self._every_s, 0))
            if now_s - said_s < self._every_s:
                self._said[line] = said_s, times + 1
                return None
            self._said = {each: told for each, told in self._said.items() if now_s - told[0] < 10 * self._every_s}
            self._said[line] = now_s, 0
            return times


_repeats = Repeats()


def _tell(level: int, event: str, text: str, **more: Any) -> None:
    text = text.strip()
    times = _repeats.held_back(HOW_LONG.sub("", text), time.monotonic())
    if times is not None:
        known = max(logging.DEBUG, min(level // 10 * 10, logging.CRITICAL))
        log.log(known, event, text=text, **more, **({"repeated": times} if times else {}))
