"""Loopback ports in front of others, at which the network can be cut, slowed, silenced, or made to answer something else."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
CHUNK = 65_536


@dataclass(frozen=True)
class Fault:
    """What is wrong with the network now; by default nothing."""

    cut: bool = False
    """Nobody gets through, and who was through is cut off."""
    delay_s: float = 0.0
    """Every piece of data comes so much later, in both directions."""
    silent: bool = False
    """What is sent is held until this is over; connections stand."""
    unanswered: bool = False
    """What is sent arrives, and whoever is answered is cut off instead."""
    answer: bytes | None = None
    """Whoever sends something is answered this, and cut off; nothing arrives."""


class Proxy:
    """One port before ``upstream``. Its faults are set from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, upstream: int) -> None:
        self._upstream = upstream
        self.port = 0
        self._loop, self._fault = loop, Fault()
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[asyncio.StreamWriter] = set()

    def suffer(self, fault: Fault) -> None:
        self._loop.call_soon_threadsafe(self._suffer, fault)

    def heal(self) -> None:
        self.suffer(Fault())

    def _suffer(self, fault: Fault) -> None:
        self._fault = fault
        self._passing.clear() if fault.silent else self._passing.set()
        if fault.cut:
            for each in self._connections:
                each.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault.cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            await self._relay(reader, writer, *await asyncio.open_connection(HOST, self._upstream))
        writer.transport.abort()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, above: asyncio.StreamReader, up: asyncio.StreamWriter
    ) -> None:
        mine = {writer, up}
        self._connections |= mine
        pumps = [asyncio.create_task(self._asked(reader, up, writer)), asyncio.create_task(self._answered(above, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connections -= mine
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            up.transport.abort()

    async def _asked(self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self._fault.answer is not None:
                writer.write(self._fault.answer)
                await writer.drain()
                return
            await self._pass(data, up)

    async def _answered(self, above: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await above.read(CHUNK):
            if self._fault.unanswered:
                return
            await self._pass(data, writer)

    async def _pass(self, data: bytes, to: asyncio.StreamWriter) -> None:
        if self._fault.delay_s:
            await asyncio.sleep(self._fault.delay_s)
        await self._passing.wait()
        to.write(data)
        await to.drain()


class Network:
    """Inside the ``with`` block its proxies relay, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, upstream: int) -> Proxy:
        """A proxy at a free port."""
        proxy = Proxy(self._loop, upstream)
        server = self._run(self._listen(proxy.serve))
        proxy.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        return proxy

    @staticmethod
    async def _listen(serve: Callable[..., Coroutine[Any, Any, None]]) -> asyncio.Server:
        return await asyncio.start_server(serve, HOST, 0)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


def http_error(text: str) -> bytes:
    """As ClickHouse answers when it cannot."""
    body = f"{text}\n".encode()
    head = ("HTTP/1.1 500 Internal Server Error", "X-ClickHouse-Exception-Code: 999", f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((*head, "", "")).encode() + body
