"""``/livez``, ``/readyz`` and ``/metrics`` of a stage, over HTTP, where ``TAIRYU_HEALTH_PORT`` is set.

In a thread of its own, so that a stage that hangs still answers, and says so. Nothing here holds a personal number or a secret; whoever
may connect may read it all.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.metrics import Reading, gauges, registry
from streams.readiness import is_ready, stands_still_s
from streams.settings import Settings

log = structlog.get_logger()

STILL_S = 300.0
"""A loop that has not turned for so long has lost its group anyway (``max.poll.interval.ms``). A watch ends long before by itself."""
PLAIN = "text/plain; charset=utf-8"
Answer = tuple[int, str, str]
"""Status, content type, text."""


class HealthError(Exception):
    """The port cannot be had; the message says what to do."""


def serve(settings: Settings, stage: str) -> ThreadingHTTPServer | None:
    """Answers from now on, until the process ends; None (and no socket) without a port. HealthError if it is in use."""
    if settings.health_port is None:
        return None
    where = settings.health_host, settings.health_port
    try:
        server = ThreadingHTTPServer(where, _Handler)
    except OSError as error:
        raise HealthError(
            f"health cannot be told at {where[0]}:{where[1]} ({error.strerror}): choose another TAIRYU_HEALTH_PORT, or 0 for any free one"
        ) from error
    gauges(lambda: [Reading("tairyu_build_info", (stage, _version()), 1.0)])
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    log.info("telling its health", url=f"http://{where[0]}:{server.server_address[1]}", paths=["/livez", "/readyz", "/metrics"])
    return server


def livez(still_s: float) -> Answer:
    """Whether the stage's loop turns: 503 says that starting it again is the only recovery."""
    return (200, PLAIN, "live\n") if still_s < STILL_S else (503, PLAIN, f"the loop has not turned for {still_s:.0f} s\n")


def readyz(ready: bool, still_s: float) -> Answer:
    """Whether it has started whole and lives. A spare without partitions is ready."""
    if not ready:
        return 503, PLAIN, "not ready: it is still starting; the last line of its log says what it waits for\n"
    status, kind, text = livez(still_s)
    return (status, kind, "ready\n") if status == 200 else (status, kind, f"not ready: {text}")


def metrics() -> Answer:
    return 200, CONTENT_TYPE_LATEST, generate_latest(registry).decode()


ANSWERS: dict[str, Callable[[], Answer]] = {
    "/livez": lambda: livez(stands_still_s()),
    "/readyz": lambda: readyz(is_ready(), stands_still_s()),
    "/metrics": metrics,
}


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    """Seconds that a silent client may keep its thread."""
    server_version, sys_version = "tairyu", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path not in ANSWERS:
            self._send(404, PLAIN, f"{' '.join(ANSWERS)} are here\n")
            return
        try:
            answer = ANSWERS[path]()
        except Exception as error:  # a figure that cannot be had is no reason for a stage to end
            log.error("health could not be told", path=path, error=type(error).__name__)
            answer = 500, PLAIN, f"{type(error).__name__}\n"
        self._send(*answer)

    do_HEAD = do_GET

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: whoever asks every few seconds would fill the log."""


def _version() -> str:
    try:
        return version("tairyu")
    except PackageNotFoundError:
        return "source"
