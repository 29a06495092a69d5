"""What runs on the page's own event loop: files, the WebSockets of all open pages, commands.

A page may only do what its buttons do. A WebSocket is taken from our own page alone, so that no
other site that is open in the same browser can press them.
"""

import asyncio
import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from reactface_node.config import Config
from reactface_node.config_outputs import WebConfig
from reactface_node.errors import UserError
from reactface_node.render.theme import load_theme, theme_names
from reactface_node.settings import settings

PAGE = Path(__file__).parent / "page"
MOST_PAGES = 100
MOST_BEHIND = 3
"""Frames that wait for a slow page before the oldest is left out."""
LARGEST_MESSAGE = 4096
PING_S = 10.0
LOCAL = ("127.0.0.1", "::1", "localhost")


class Pages:
    """All pages that are open. Every method but the constructor runs on the event loop."""

    def __init__(self, config: Config, order: Callable[[tuple[str, Any]], None]) -> None:
        """order: takes a command, in the event loop's thread."""
        self._config, self._order = config, order
        self._open: dict[web.WebSocketResponse, asyncio.Queue[bytes | str]] = {}
        self._news: dict[str, Any] = {}
        self._complained = False
        self._log = logging.getLogger(__name__)

    @property
    def watched(self) -> bool:
        return bool(self._open)

    def send_frame(self, data: bytes) -> None:
        """116 little-endian float32 to every page: 58 of the listener, 58 of the speaker."""
        for waiting in self._open.values():
            _put(waiting, data)

    def send_news(self, about: Mapping[str, Any]) -> None:
        """JSON to every page, and what is newest of it to those that come later."""
        self._news |= {key: value for key, value in about.items() if key != "reason"}
        text = json.dumps(about)
        for waiting in self._open.values():
            _put(waiting, text)

    async def close(self) -> None:
        for socket in list(self._open):
            await socket.close(code=1001, message=b"the node has ended")

    async def index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    async def about(self, request: web.Request) -> web.Response:
        """What can be set, how, and which themes there are."""
        choices = {"render.theme": theme_names()}
        found = [
            {
                "name": item.name,
                "value": item.value,
                "help": item.help,
                "low": item.low,
                "high": item.high,
                "choices": choices.get(item.name, list(item.choices)),
            }
            for item in settings(self._config)
            if item.live
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
        if not self._is_ours(request):
            raise web.HTTPForbidden(text="only the page itself may connect")
        if len(self._open) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MOST_PAGES} pages are open already")
        socket = web.WebSocketResponse(
            heartbeat=PING_S, max_msg_size=LARGEST_MESSAGE, compress=False
        )
        await socket.prepare(request)
        waiting: asyncio.Queue[bytes | str] = asyncio.Queue()
        waiting.put_nowait(json.dumps(self._news))
        self._open[socket] = waiting
        sender = asyncio.ensure_future(_send(socket, waiting))
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._obey(message.data, waiting)
        finally:
            del self._open[socket]
            sender.cancel()
        return socket

    def _is_ours(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return False
        # Bound to this machine, a name that only points here is somebody's trick.
        return self._config.web.host not in LOCAL or urlsplit(f"//{request.host}").hostname in LOCAL

    def _obey(self, text: str | bytes, waiting: asyncio.Queue[bytes | str]) -> None:
        try:
            self._order(read_command(text))
        except UserError as error:
            _put(waiting, json.dumps({"reason": str(error)}))
            if not self._complained:
                self._complained = True
                self._log.warning("the page sent what is no command, said once: %s", error)


async def listen(pages: Pages, config: WebConfig) -> tuple[web.AppRunner, int]:
    """Serves on the address; the port that it got. OSError if it cannot."""
    app = web.Application(client_max_size=LARGEST_MESSAGE)
    app.add_routes(
        [
            web.get("/", pages.index),
            web.get("/about.json", pages.about),
            web.get("/theme/{name}.json", pages.theme),
            web.get("/face", pages.face),
            web.static("/page", PAGE),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


def read_command(text: str | bytes) -> tuple[str, Any]:
    """{"do": "enable", "value": true}, "reset" without a value, or "set" with {name: value}.

    UserError for anything else.
    """
    try:
        command = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("it is not JSON") from error
    what = command.get("do") if isinstance(command, dict) else None
    value = command.get("value") if isinstance(command, dict) else None
    if what == "reset":
        return "reset", None
    if what == "enable" and isinstance(value, bool):
        return "enable", value
    if what == "set" and isinstance(value, dict) and value:
        return "set", {str(name): setting for name, setting in value.items()}
    raise UserError("it is neither enable, reset nor set")


def _put(waiting: asyncio.Queue[bytes | str], item: bytes | str) -> None:
    """Frames of a page that does not keep up are left out, the oldest first."""
    if waiting.qsize() >= MOST_BEHIND and isinstance(item, bytes):
        waiting.get_nowait()
    if waiting.qsize() < 10 * MOST_BEHIND:
        waiting.put_nowait(item)


async def _send(socket: web.WebSocketResponse, waiting: asyncio.Queue[bytes | str]) -> None:
    try:
        while True:
            item = await waiting.get()
            if isinstance(item, bytes):
                await socket.send_bytes(item)
            else:
                await socket.send_str(item)
    except ConnectionError:
        await socket.close()
