"""HTTP server of the page: files, WebSockets of all open pages, commands; on its own event loop.

A page can do nothing but what its buttons do. ``access.Access`` decides which requests are allowed.
"""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.http import HttpProcessingError

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.errors import UserError
from reactface_node.render.theme import load_theme, theme_names
from reactface_node.web.access import Access
from reactface_node.web.viewer import Viewer
from reactface_node.web.words import plain, read_command

PAGE = Path(__file__).parent / "page"
MOST_PAGES = 100
LARGEST_MESSAGE = 4096
PING_S = 10.0
HALF_OPEN_S = 10.0
"""A connection without a whole request for this long is closed."""
MOST_CONNECTIONS = 256
HEADERS = {
    # After an update of the node no browser may use old parts of the page.
    "Cache-Control": "no-cache",
    "Server": "reactface",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'{socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Pages:
    """All open pages. Call every method but the constructor on the event loop."""

    def __init__(
        self, config: Config, access: Access, order: Callable[[tuple[str, Any]], None]
    ) -> None:
        """order: called with each command, in the thread of the event loop."""
        self._config, self._access, self._order = config, access, order
        self._live = {item.name: item for item in settings(config) if item.live}
        self._kinds = {name: type(item.value) for name, item in self._live.items()}
        self._open: set[Viewer] = set()
        self._news: dict[str, Any] = {}
        self._closing = self._warned = False
        self._log = logging.getLogger(__name__)

    @property
    def watched(self) -> bool:
        """Whether any page is open."""
        return bool(self._open)

    def send_frame(self, data: bytes) -> None:
        """Send a frame to every page: 116 little-endian float32, 58 listener, 58 speaker."""
        for viewer in self._open:
            viewer.put_frame(data)

    def send_news(self, about: Mapping[str, Any]) -> None:
        """Send values as JSON to every page; later pages get the newest value of each."""
        about = plain(about)
        self._news |= {key: value for key, value in about.items() if key != "reason"}
        for viewer in self._open:
            viewer.put_news(about)

    async def close(self, _: Any = None) -> None:
        """Close all WebSockets; those in their handshake close right after it."""
        self._closing = True
        await asyncio.gather(*(viewer.close() for viewer in self._open))

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        redirection = self._access.welcome(request)
        if redirection is not None:
            raise redirection
        return web.FileResponse(PAGE / "index.html")

    async def about(self, request: web.Request) -> web.Response:
        """The live settings (description, range, value) and the number of samples, as JSON."""
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
            # The portrait is a setting of the portrait renderer only.
            if name != "render.portrait" or self._config.render.renderer == "portrait"
        ]
        samples = self._config.playout.samples
        return web.json_response({"settings": found, "samples": samples})

    async def theme(self, request: web.Request) -> web.Response:
        """A theme of the avatar by its name, as JSON; 404 if it is unknown."""
        try:
            theme = load_theme(request.match_info["name"])
        except UserError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        return web.json_response(dataclasses.asdict(theme))

    async def face(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket of a page; 503 if too many are open."""
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
                    self._execute(message.data, viewer)
        finally:
            self._open.discard(viewer)
            sender.cancel()
            await asyncio.wait([sender])
        return socket

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse requests that ``Access`` does not allow."""
        connection = request.protocol
        if isinstance(connection, _Connection):
            connection.has_asked()
        refusal = self._access.refusal(request)
        if refusal is not None:
            raise refusal
        return await handler(request)

    def warn_once(self, what: object) -> None:
        """Log a warning about invalid data of a page, once only, as there may be much of it."""
        if not self._warned:
            self._warned = True
            self._log.warning("a page sent what cannot be read, said once: %s", what)

    def _execute(self, text: str | bytes, viewer: Viewer) -> None:
        try:
            self._order(read_command(text, self._kinds))
        except UserError as error:
            viewer.put_news({"reason": str(error)})
            self.warn_once(error)


class _HttpLog(logging.Logger):
    """The log of aiohttp's server, without a traceback for every peer that does not speak HTTP."""

    def __init__(self, warn_once: Callable[[object], None]) -> None:
        super().__init__(f"{__name__}.http")
        self.parent = logging.getLogger(__name__)
        self._warn = warn_once

    def filter(self, record: logging.LogRecord) -> Any:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return super().filter(record)
        self._warn(f"no HTTP ({type(error).__name__})")
        return False


class _Connection(web.RequestHandler):
    """A connection that is closed if no whole request comes in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HALF_OPEN_S, transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.has_asked()
        super().connection_lost(exc)

    def has_asked(self) -> None:
        """A request has come: stop the timer; aiohttp's own limits apply from now on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def handle_error(self, request: Any, status: int = 500, *about: Any, **more: Any) -> Any:
        """The answer to invalid HTTP, without version and details."""
        answer = super().handle_error(request, status, *about, **more)
        answer.headers.update(HEADERS)
        if isinstance(answer, web.Response):
            answer.text = f"{status}"
        return answer


@asynccontextmanager
async def listening(pages: Pages, config: Config, access: Access) -> AsyncIterator[int]:
    """Serve on the address of ``config.web``; yields the port. OSError if that is impossible."""
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
    app.on_response_prepare.append(_protect)
    app.on_shutdown.append(pages.close)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    manager, loop = runner.server, asyncio.get_running_loop()
    assert manager is not None
    log, silent = _HttpLog(pages.warn_once), logging.Logger(__name__, logging.CRITICAL)

    def connect() -> asyncio.Protocol:
        if len(manager.connections) >= MOST_CONNECTIONS:
            return _Refused()
        return _Connection(
            manager, loop=loop, logger=log, access_log=silent, keepalive_timeout=HALF_OPEN_S
        )

    handshake_s = HALF_OPEN_S if access.tls else None
    host, port = config.web.host, config.web.port
    try:
        server = await loop.create_server(
            connect, host, port, ssl=access.tls, ssl_handshake_timeout=handshake_s
        )
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()


class _Refused(asyncio.Protocol):
    """Closes a connection beyond ``MOST_CONNECTIONS``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every answer."""
    response.headers.update(HEADERS)
    # For browsers before 2022 a WebSocket is not part of 'self'.
    scheme = "wss" if request.scheme == "https" else "ws"
    known = not isinstance(response, web.HTTPException)
    socket = f" {scheme}://{request.host}" if known else ""
    response.headers["Content-Security-Policy"] = POLICY.format(socket=socket)
