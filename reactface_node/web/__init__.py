"""Web page with the face: serves a page that draws the avatar from data of a WebSocket.

The node's loop calls ``show``, ``tell`` and ``commands``; none of them blocks, as the pages are
served by a separate thread. A page that is too slow for 25 frames per second misses some.
"""

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError

STARTS_S = 10.0
"""Longest time to wait for the server's start and for its end."""
MOST_WAITING = 64
"""Commands kept until the node's loop takes them; the oldest are dropped."""


class WebFace:
    """The web server as a context manager: it serves from ``__enter__`` to ``__exit__``.

    ``__enter__`` raises UserError if the address cannot be used. port: the port that is used.
    """

    def __init__(self, config: Config) -> None:
        """UserError if the certificate or the token cannot be used, or aiohttp is missing."""
        self.port = config.web.port
        self._config = config
        self._access = _access(config)
        self._commands: deque[tuple[str, Any]] = deque(maxlen=MOST_WAITING)
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
        self._begun: Future[int] = Future()
        # Set by the thread before ``_begun`` is.
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._pages: Any

    def __enter__(self) -> "WebFace":
        self._thread.start()
        try:
            self.port = self._begun.result(STARTS_S)
        except (OSError, UnicodeError) as error:
            where = f"{self._config.web.host}:{self._config.web.port}"
            why = getattr(error, "strerror", None) or error
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                why = "the port is in use; choose another with web.port (--port)"
            raise UserError(f"the page cannot be served on {where}: {why}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STARTS_S)

    @property
    def url(self) -> str:
        """The address for a browser, with the token if one is needed."""
        access, host = self._access, self._access.host
        address = f"{access.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        return f"{address}/?token={access.token}" if access.token else address

    @property
    def announcement(self) -> str:
        """One line for the terminal only: with this address anybody can see and change the face."""
        who = " (who has this address can see and change the face)" if self._access.is_open else ""
        return f"the face is on {self.url}{who}"

    def show(self, face: np.ndarray, speaker: np.ndarray | None) -> None:
        """Show a frame: coefficients (58,) of the listener and of the speaker (None = unknown)."""
        if self._pages.watched:
            seen = np.zeros_like(face) if speaker is None else speaker
            data = np.concatenate([face, seen]).astype("<f4").tobytes()
            self._loop.call_soon_threadsafe(self._pages.send_frame, data)

    def tell(self, about: Mapping[str, Any]) -> None:
        """Send further values to the pages: nested mappings of numbers and texts, by name.

        NaN and infinity become null. A page that is opened later gets the newest value of each.
        """
        self._loop.call_soon_threadsafe(self._pages.send_news, dict(about))

    def commands(self) -> list[tuple[str, Any]]:
        """Commands of the pages since the last call, in order.

        ("enable", bool), ("reset", None) or ("set", {name: value}) with names of live settings; the
        types of the values are checked, their ranges are not.
        """
        taken = []
        while self._commands:
            taken.append(self._commands.popleft())
        return taken

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:
            if self._begun.done():
                raise
            self._begun.set_exception(error)

    async def _run(self) -> None:
        from reactface_node.web.pages import Pages, listening

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._pages = Pages(self._config, self._access, self._commands.append)
        async with listening(self._pages, self._config, self._access) as port:
            self._begun.set_result(port)
            await self._stop.wait()


def _access(config: Config) -> Any:
    # Imported here, so that aiohttp is needed only for the page.
    try:
        from reactface_node.web.access import Access
    except ImportError as error:
        raise UserError(f"the page needs aiohttp, see setup.py: {error}") from error
    return Access(config.web)
