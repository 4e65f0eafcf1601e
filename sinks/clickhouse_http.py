"""ClickHouse's HTTP interface over chDB, on loopback, in the process that has the folder open: nobody else can open it.

Read-only: by the engine (``readonly = 1``), and where that does not reach, by ``screening``. There are no users, no external tables, and
no sessions: an id is ignored, because ordinary clients send one with every question; to go on with one (``session_check``) is refused.
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
from sinks.engine import BAD_ARGUMENTS, DEFAULT_FORMAT, NO_SESSION, NOT_IMPLEMENTED, Engine, Question, Refused, error_response
from sinks.http_encodings import LARGEST, PACKS, TooLarge, packing, unpacked
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
            answered = await run_in_threadpool(self._engine.answer, question)
        except Refused as refused:
            return error_response(str(refused))
        asked = request.query_params.get("enable_http_compression", "0") != "0"
        encoding = packing(request.headers.get("accept-encoding", "")) if asked else None
        return answered if encoding is None else await run_in_threadpool(_packed, answered, encoding)


def _packed(answered: Response, encoding: str) -> Response:
    headers = {name: value for name, value in answered.headers.items() if name != "content-length"}
    packed = Response(PACKS[encoding](bytes(answered.body)), answered.status_code, headers)
    packed.headers["Content-Encoding"] = encoding
    return packed


async def _question(request: Request, database: str) -> Question:
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "Forms and external tables are not served here: fewer or shorter parameters are")
    asked = dict(parse_qsl(request.url.query, keep_blank_values=True))
    if asked.get("compress", "0") != "0" or asked.get("decompress", "0") != "0":
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "ClickHouse's own compression is not served here")
    if asked.get("session_check", "0") != "0":
        raise Refused(NO_SESSION, "SESSION_NOT_FOUND", "There are no sessions here: what one question sets is gone with it")
    body = b"\n".join(part for part in (asked.get("query", "").encode(), await _body(request)) if part)
    return Question(
        body=body,
        database=asked.get("database") or request.headers.get("x-clickhouse-database") or database,
        default_format=asked.get("default_format") or request.headers.get("x-clickhouse-format") or DEFAULT_FORMAT,
        query_id=asked.get("query_id") or str(uuid.uuid4()),
        parameters={name[6:]: value for name, value in asked.items() if name.startswith("param_")},
        settings={name: value for name, value in asked.items() if name not in OF_TRANSPORT and not name.startswith("param_")},
    )


async def _body(request: Request) -> bytes:
    encoding, received = request.headers.get("content-encoding", "identity"), bytearray()
    async for part in request.stream():
        received += part
        if len(received) > LARGEST:
            raise _too_large()
    try:
        return await run_in_threadpool(unpacked, bytes(received), encoding)
    except KeyError as error:
        raise Refused(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "Requests are served here as they are, or in gzip or deflate") from error
    except TooLarge as error:
        raise _too_large() from error
    except ValueError as error:
        raise Refused(BAD_ARGUMENTS, "BAD_ARGUMENTS", f"The body is not in {encoding}, as its Content-Encoding says: {error}") from error


def _too_large() -> Refused:
    return Refused(BAD_ARGUMENTS, "BAD_ARGUMENTS", f"A request of more than {LARGEST} bytes is not served here")


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
