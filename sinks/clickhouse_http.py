"""ClickHouse's HTTP interface over chDB, on loopback, in the process that has the folder open: nobody else can open it.

Read-only: by the engine (``readonly = 1``), and where that does not reach, by ``screening``. There are no sessions (ids are ignored),
no users, no compression, no external tables.
"""

import os
import socket
import threading
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sinks.clickhouse import DATABASE
from sinks.engine import DEFAULT_FORMAT, NOT_IMPLEMENTED, Engine, Question, Refused, error_response
from streams.loop import LoopError, die

HOST = "127.0.0.1"
OF_TRANSPORT = frozenset(
    (
        *("query", "query_id", "database", "default_format", "user", "password", "role", "quota_key"),
        *("session_id", "session_timeout", "session_check", "client_protocol_version", "buffer_size", "wait_end_of_query"),
        *("compress", "decompress", "enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        *("cancel_http_readonly_queries_on_client_close",),
    )
)
"""Parameters of a request that are no settings of the engine."""


class Front:
    """Inside the ``with`` block it answers at ``port``."""

    def __init__(self, folder: Path, *, port: int = 0, database: str = DATABASE, writable: bool = False) -> None:
        """``folder``: as this process has it open. ``writable`` is for tests: then it stands in for a server."""
        # chDB compares paths literally
        self._engine = Engine(os.path.realpath(folder), writable)
        self._database = database
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        app = Starlette(
            routes=[Route("/ping", _ping), Route("/", self._answer, methods=["GET", "POST"])],
            # A page in a browser on this machine must not reach it under a name of its own
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        )
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="clickhouse-http", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _serve(self) -> None:
        error: BaseException | None = None
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as caught:
            error = caught
        if not self._server.should_exit:
            die("the ClickHouse HTTP front ended", error)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET" and not request.url.query:
            return PlainTextResponse("Ok.\n")
        try:
            question = await _question(request, self._database)
            return await run_in_threadpool(self._engine.answer, question)
        except Refused as refused:
            return error_response(str(refused))


async def _question(request: Request, database: str) -> Question:
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "Forms and external tables are not served here: fewer or shorter parameters are")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "Compressed requests are not served here")
    asked = dict(parse_qsl(request.url.query, keep_blank_values=True))
    if asked.get("compress", "0") != "0" or asked.get("decompress", "0") != "0":
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "ClickHouse's own compression is not served here")
    body = b"\n".join(part for part in (asked.get("query", "").encode(), await request.body()) if part)
    return Question(
        body=body,
        database=asked.get("database") or request.headers.get("x-clickhouse-database") or database,
        default_format=asked.get("default_format") or request.headers.get("x-clickhouse-format") or DEFAULT_FORMAT,
        query_id=asked.get("query_id") or str(uuid.uuid4()),
        parameters={name[6:]: value for name, value in asked.items() if name.startswith("param_")},
        settings={name: value for name, value in asked.items() if name not in OF_TRANSPORT and not name.startswith("param_")},
    )


async def _ping(request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


def _listen(port: int) -> socket.socket:
    # The protocol by name: otherwise asyncio would not set TCP_NODELAY, and every answer would wait 40 ms for an acknowledgement
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise LoopError(f"port {port} is in use by another program ({error.strerror}): stop it, or choose another port") from error
    listening.listen(64)
    return listening
