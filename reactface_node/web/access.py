"""Access rules of the page: names in Host and Origin, and a token for other machines."""

import hmac
import ipaddress
import os
import secrets
import socket
import ssl
from urllib.parse import urlsplit

import psutil
from aiohttp import web

from reactface_node.config import WebConfig
from reactface_node.errors import UserError

TOKEN_VARIABLE = "REACTFACE_WEB_TOKEN"
SHORTEST_TOKEN = 16
_LOCAL_NAMES = ("localhost", "ip6-localhost", "127.0.0.1", "::1")


class Access:
    """The access rules for one served address.

    is_open: other machines can reach it. token: needed from every client; '' = none. tls: None for
    plain HTTP.
    """

    def __init__(self, config: WebConfig) -> None:
        """UserError if the certificate cannot be used or the token is too short."""
        self._host = config.host
        self.is_open = not is_loopback(config.host)
        self.token = _token() if self.is_open else ""
        self.tls = _tls(config) if config.certificate else None
        own = socket.gethostname().lower()
        names = [name.strip().lower() for name in config.names.split(",") if name.strip()]
        self._names = {*_LOCAL_NAMES, *names, config.host.lower()}
        if self.is_open:
            self._names |= {own, f"{own.split('.')[0]}.local"}

    @property
    def scheme(self) -> str:
        """http or https."""
        return "https" if self.tls else "http"

    @property
    def host(self) -> str:
        """The host for a browser: this machine's network address if it serves all interfaces."""
        return _own_address() if self._host in ("", "0.0.0.0", "::") else self._host

    def refusal(self, request: web.Request) -> web.HTTPException | None:
        """The answer to a request that is not allowed; None if it is allowed."""
        if not self._is_ours(request):
            return web.HTTPForbidden(text="this page is not served under that name (web.names)")
        if self.token and not self._has_token(request):
            return web.HTTPUnauthorized(text="open the address that the node printed at its start")
        return None

    def welcome(self, request: web.Request) -> web.HTTPException | None:
        """A redirection that moves the token from the address into a session cookie.

        None if the address has no token or none is needed.
        """
        if not self.token or "token" not in request.query:
            return None
        rest = [(name, value) for name, value in request.query.items() if name != "token"]
        answer = web.HTTPSeeOther(request.rel_url.with_query(rest))
        answer.set_cookie(
            _cookie(request), self.token, httponly=True, samesite="Strict", secure=bool(self.tls)
        )
        return answer

    def _is_ours(self, request: web.Request) -> bool:
        """Whether the host is one of ours (else: DNS rebinding) and the origin is the same host."""
        try:
            host = urlsplit(f"//{request.host}")
            origin = urlsplit(request.headers.get("Origin", f"//{request.host}"))
            name = (host.hostname or "").rstrip(".")
        except ValueError:
            return False
        same = origin.netloc.lower() == request.host.lower()
        return same and (name in self._names or (self.is_open and name in _own_addresses()))

    def _has_token(self, request: web.Request) -> bool:
        shown = request.query.get("token") or request.cookies.get(_cookie(request), "")
        return hmac.compare_digest(shown.encode(errors="replace"), self.token.encode())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address or name; '' means every interface."""
    if not host:
        return False
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        return all(ipaddress.ip_address(item.split("%")[0]).is_loopback for item in found)
    except (OSError, ValueError):
        return False


def _own_address() -> str:
    """This machine's address on its default route; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _own_addresses() -> set[str]:
    """Current addresses of all interfaces; they change with the network."""
    found = [item.address for items in psutil.net_if_addrs().values() for item in items]
    return {address.split("%")[0].lower() for address in found}


def _token() -> str:
    """The token from the environment, or a new random one. UserError if it is too weak."""
    given = os.environ.get(TOKEN_VARIABLE, "")
    if given and not (len(given) >= SHORTEST_TOKEN and given.isascii() and given.isalnum()):
        raise UserError(
            f"{TOKEN_VARIABLE} must be at least {SHORTEST_TOKEN} letters and digits (a-z, 0-9)"
        )
    return given or secrets.token_hex(16)


def _cookie(request: web.Request) -> str:
    """Name of the cookie. It contains the port, as all ports of a host share their cookies."""
    assert request.transport is not None
    return f"reactface_{request.transport.get_extra_info('sockname')[1]}"


def _tls(config: WebConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # With an empty password a protected key fails instead of asking on the terminal.
        context.load_cert_chain(config.certificate, config.key or None, password="")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        files = " and ".join(filter(None, (config.certificate, config.key)))
        raise UserError(f"web.certificate, web.key: {files} cannot be used: {why}") from error
    return context
