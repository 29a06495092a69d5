"""The face in a browser: a page that draws the avatar from what comes over a WebSocket.

The node's loop calls ``show``, ``tell`` and ``commands``, and none of them waits: a thread of its
own serves the pages. A page that is too slow for 25 frames a second misses some.
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
MOST_WAITING = 64


class WebFace:
    """A context manager: serves from entering to leaving. UserError if it cannot.

    port: where it is, which the system chose if 0 was asked for.
    """

    def __init__(self, config: Config) -> None:
        """UserError for a certificate or a token that cannot be used, or without aiohttp."""
        self.port = config.web.port
        self._config = config
        self._access = _access(config)
        self._commands: deque[tuple[str, Any]] = deque(maxlen=MOST_WAITING)
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
        self._begun: Future[int] = Future()
        # Made by the thread before it has begun.
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
        """Where a browser finds it, with the token where one is asked for."""
        access, host = self._access, self._access.host
        address = f"{access.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        return f"{address}/?token={access.token}" if access.token else address

    @property
    def announcement(self) -> str:
        """For the terminal alone: who has the address can see and change the face."""
        who = " (who has this address can see and change the face)" if self._access.is_open else ""
        return f"the face is on {self.url}{who}"

    def show(self, face: np.ndarray, speaker: np.ndarray | None) -> None:
        """A frame: the listener's (58,) and the speaker's, None where nothing is known of it."""
        if self._pages.watched:
            seen = np.zeros_like(face) if speaker is None else speaker
            data = np.concatenate([face, seen]).astype("<f4").tobytes()
            self._loop.call_soon_threadsafe(self._pages.send_frame, data)

    def tell(self, about: Mapping[str, Any]) -> None:
        """Anything else that pages show: names, numbers and texts, nested; a number that is none
        becomes null. Later pages get the newest of each."""
        self._loop.call_soon_threadsafe(self._pages.send_news, dict(about))

    def commands(self) -> list[tuple[str, Any]]:
        """What was pressed since the last call: ("enable", bool), ("reset", None), ("set", {name:
        value}) with names of live settings and values that are yet to be checked."""
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
    # Here, because nobody needs aiohttp who does not want a page.
    try:
        from reactface_node.web.access import Access
    except ImportError as error:
        raise UserError(f"the page needs aiohttp, see setup.py: {error}") from error
    return Access(config.web)
