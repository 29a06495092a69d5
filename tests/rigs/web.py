"""WebSockets of a served page without a browser, and helpers that wait with a deadline."""

import asyncio
import contextlib
import http.client
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np

from reactface_node import schema
from reactface_node.config import Config
from reactface_node.web import WebFace

DEADLINE_S = 30.0
FRAME_BYTES = 4 * 2 * schema.NUM_COEFFICIENTS
HANDSHAKE = (
    "GET /face HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def web_face(**values: Any) -> WebFace:
    """On a port that the system chooses unless it is given."""
    # With a portrait there is a control of every kind.
    return WebFace(Config().replace(**{"render.renderer": "portrait", **values}))


def within_deadline(scenario: Awaitable[Any]) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(scenario, DEADLINE_S)

    return asyncio.run(limited())


def until(holds: Callable[[], Any], what: str = "it does not come") -> Any:
    """Polls; what it held in the end."""
    ends = time.monotonic() + DEADLINE_S
    while not (found := holds()):
        assert time.monotonic() < ends, what
        time.sleep(0.02)
    return found


@contextlib.asynccontextmanager
async def opened(face: WebFace, pages: int = 1) -> AsyncIterator[list[Any]]:
    """So many WebSockets that read, as pages do."""
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        url = f"http://127.0.0.1:{face.port}/face"
        yield [await stack.enter_async_context(session.ws_connect(url)) for _ in range(pages)]


def numbered(number: float) -> np.ndarray:
    return np.full(schema.NUM_COEFFICIENTS, number, np.float32)


async def see(face: WebFace, *pages: Any, number: float = 7.0) -> None:
    """Shows a frame until every page has it; a page that is just opening misses the first."""

    async def read(page: Any) -> None:
        while (message := await page.receive()).data != sent:
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message

    sent = np.concatenate([numbered(number), numbered(-number)]).tobytes()
    reading = asyncio.gather(*(read(page) for page in pages))
    while not reading.done():
        face.show(numbered(number), numbered(-number))
        await asyncio.sleep(0.01)
    await reading


def raw(face: WebFace, data: bytes = b"", buffer: int = 0) -> socket.socket:
    """A bare connection after ``data`` was sent; buffer: bytes that it takes without reading."""
    peer = socket.socket()
    if buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    peer.connect(("127.0.0.1", face.port))
    peer.settimeout(DEADLINE_S)
    peer.sendall(data)
    return peer


def shaken(face: WebFace, buffer: int = 0) -> socket.socket:
    """A bare connection that is a WebSocket."""
    peer = raw(face, HANDSHAKE.format(port=face.port).encode(), buffer)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += peer.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 ")
    return peer


def reset(peer: socket.socket) -> None:
    """An end without a goodbye."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def ask(face: WebFace, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body; the path goes out as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", face.port, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.headers["Cache-Control"] == "no-cache" or answer.status >= 400
        return answer.status, answer.read()
    finally:
        connection.close()
