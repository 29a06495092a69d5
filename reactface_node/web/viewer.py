"""One page that is open: what it has still to be sent, and the sending."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

MOST_BEHIND = 3
"""Frames that wait for a slow page before the oldest is left out."""
CLOSES_S = 1.0


class Viewer:
    """Holds little for a page that does not read: a few frames, and of news the newest of each."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.WriteTransport, news: dict[str, Any]
    ) -> None:
        self._socket, self._transport = socket, transport
        self._frames: deque[bytes] = deque(maxlen=MOST_BEHIND)
        self._news = dict(news)
        self._ready = asyncio.Event()

    def put_frame(self, data: bytes) -> None:
        self._frames.append(data)
        self._ready.set()

    def put_news(self, about: Mapping[str, Any]) -> None:
        self._news |= about
        self._ready.set()

    async def send(self) -> None:
        """All that is put, until the connection ends or this is cancelled."""
        try:
            while True:
                while not (self._news or self._frames):
                    self._ready.clear()
                    await self._ready.wait()
                if self._news:
                    news, self._news = self._news, {}
                    await self._socket.send_str(json.dumps(news))
                else:
                    await self._socket.send_bytes(self._frames.popleft())
        except ConnectionError:
            self._transport.abort()

    async def close(self) -> None:
        """Says goodbye; who does not answer is cut off."""
        try:
            goodbye = self._socket.close(code=1001, message=b"the node has ended")
            await asyncio.wait_for(goodbye, CLOSES_S)
        except asyncio.TimeoutError:
            self._transport.abort()
