"""Send queue of one open page."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

MOST_BEHIND = 3
"""Frames that wait for a slow page; the oldest is dropped."""
CLOSES_S = 1.0
"""Longest time to wait for a page's answer to the close message."""


class Viewer:
    """Sends frames and values to one page; for a slow page it keeps the newest ones only."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.WriteTransport, news: dict[str, Any]
    ) -> None:
        self._socket, self._transport = socket, transport
        self._frames: deque[bytes] = deque(maxlen=MOST_BEHIND)
        self._news = dict(news)
        self._ready = asyncio.Event()

    def put_frame(self, data: bytes) -> None:
        """Queue a frame."""
        self._frames.append(data)
        self._ready.set()

    def put_news(self, about: Mapping[str, Any]) -> None:
        """Queue values by name; a newer value replaces an older one."""
        self._news |= about
        self._ready.set()

    async def send(self) -> None:
        """Send what is queued, until the connection ends or the task is cancelled."""
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
        """Close the WebSocket; abort the connection if the page does not answer."""
        try:
            goodbye = self._socket.close(code=1001, message=b"the node has ended")
            await asyncio.wait_for(goodbye, CLOSES_S)
        except asyncio.TimeoutError:
            self._transport.abort()
