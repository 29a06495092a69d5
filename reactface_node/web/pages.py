"""What runs on the page's own event loop: files, the WebSockets of all open pages, commands.

A page may only do what its buttons do. A WebSocket is taken from our own page alone, so that no
other site that is open in the same browser can press them.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from aiohttp.http import HttpProcessingError

from reactface_node.config import Config
from reactface_node.config_outputs import WebConfig
from reactface_node.errors import UserError
from reactface_node.render.theme import load_theme, theme_names
from reactface_node.settings import settings
from reactface_node.web.viewer import Viewer
from reactface_node.web.words import plain, read_command

PAGE = Path(__file__).parent / "page"
MOST_PAGES = 100
LARGEST_MESSAGE = 4096
PING_S = 10.0
LOCAL = ("127.0.0.1", "::1", "localhost")


class Pages:
    """All pages that are open. Every method but the constructor runs on the event loop."""

    def __init__(self, config: Config, order: Callable[[tuple[str, Any]], None]) -> None:
        """order: takes a command, in the event loop's thread."""
        self._config, self._order = config, order
        self._live = {item.name: item for item in settings(config) if item.live}
        self._kinds = {name: type(item.value) for name, item in self._live.items()}
        self._open: set[Viewer] = set()
        self._news: dict[str, Any] = {}
        self._closing = self._complained = False
        self._log = logging.getLogger(__name__)

    @property
    def watched(self) -> bool:
        return bool(self._open)

    def send_frame(self, data: bytes) -> None:
        """116 little-endian float32 to every page: 58 of the listener, 58 of the speaker."""
        for viewer in self._open:
            viewer.put_frame(data)

    def send_news(self, about: Mapping[str, Any]) -> None:
        """JSON to every page, and what is newest of it to those that come later."""
        about = plain(about)
        self._news |= {key: value for key, value in about.items() if key != "reason"}
        for viewer in self._open:
            viewer.put_news(about)

    async def close(self, _: Any = None) -> None:
        """Ends all WebSockets; those whose handshake is not over yet end right after it."""
        self._closing = True
        await asyncio.gather(*(viewer.close() for viewer in self._open))

    async def index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def about(self, request: web.Request) -> web.Response:
        """What can be set, how, what it is now, and which themes there are."""
        choices = {"render.theme": theme_names()}
        now = self._news.get("settings") or {}
        found = [
            {
                "name": name,
                "value": now.get(name, item.value),
                "help": item.help,
                "low": item.low,
                "high": item.high,
                "choices": choices.get(name, list(item.choices)),
            }
            for name, item in self._live.items()
            # Nobody chooses a portrait for an avatar.
            if name != "render.portrait" or self._config.render.renderer == "portrait"
        ]
        samples = self._config.playout.samples
        return web.json_response({"settings": found, "samples": samples})

    async def theme(self, request: web.Request) -> web.Response:
        """A theme of the avatar by its name."""
        try:
            theme = load_theme(request.match_info["name"])
        except UserError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        return web.json_response(dataclasses.asdict(theme))

    async def face(self, request: web.Request) -> web.WebSocketResponse:
        """A page's WebSocket, for as long as the page is open."""
        if len(self._open) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MOST_PAGES} pages are open already")
        socket = web.WebSocketResponse(
            heartbeat=PING_S, max_msg_size=LARGEST_MESSAGE, compress=False
        )
        await socket.prepare(request)
        if request.transport is None:
            return socket
        viewer = Viewer(socket, request.transport, self._news)
        if self._closing:
            await viewer.close()
            return socket
        self._open.add(viewer)
        sender = asyncio.ensure_future(viewer.send())
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._obey(message.data, viewer)
        finally:
            self._open.discard(viewer)
            sender.cancel()
            await asyncio.wait([sender])
        return socket

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuses what another site's page asks for."""
        if not self._is_ours(request):
            raise web.HTTPForbidden(text="only the page itself, by this machine's name, may ask")
        return await handler(request)

    def complain(self, what: object) -> None:
        """Said once, since whoever sends rubbish may send much of it."""
        if not self._complained:
            self._complained = True
            self._log.warning("a page sent what cannot be read, said once: %s", what)

    def _is_ours(self, request: web.Request) -> bool:
        try:
            origin = urlsplit(request.headers.get("Origin", f"//{request.host}")).netloc
            host = urlsplit(f"//{request.host}").hostname
        except ValueError:
            return False
        # Bound to this machine, a name that only points here is somebody's trick.
        return origin == request.host and (self._config.web.host not in LOCAL or host in LOCAL)

    def _obey(self, text: str | bytes, viewer: Viewer) -> None:
        try:
            self._order(read_command(text, self._kinds))
        except UserError as error:
            viewer.put_news({"reason": str(error)})
            self.complain(error)


class _HttpLog(logging.Logger):
    """Takes the server's own log: no stack for every peer that speaks no HTTP."""

    def __init__(self, complain: Callable[[object], None]) -> None:
        super().__init__(f"{__name__}.http")
        self.parent = logging.getLogger(__name__)
        self._complain = complain

    def filter(self, record: logging.LogRecord) -> Any:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return super().filter(record)
        self._complain(f"no HTTP ({type(error).__name__})")
        return False


async def listen(pages: Pages, config: WebConfig) -> tuple[web.AppRunner, int]:
    """Serves on the address; the port that it got. OSError if it cannot."""
    app = web.Application(client_max_size=LARGEST_MESSAGE, middlewares=[pages.guard])
    app.add_routes(
        [
            web.get("/", pages.index),
            web.get("/about.json", pages.about),
            web.get("/theme/{name}.json", pages.theme),
            web.get("/face", pages.face),
            web.static("/page", PAGE),
        ]
    )
    app.on_response_prepare.append(_never_old)
    app.on_shutdown.append(pages.close)
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=1.0,
        logger=_HttpLog(pages.complain),
    )  # fmt: skip
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


async def _never_old(request: web.Request, response: web.StreamResponse) -> None:
    """After an update of the node no browser may go on with parts of the page before it."""
    response.headers["Cache-Control"] = "no-cache"
