"""Network addresses of users: HOST, HOST:PORT or [IPv6]:PORT."""

import re

from reactface_node.errors import UserError

_ADDRESS = re.compile(r"(?:\[(?P<six>[^\[\]\s]+)\]|(?P<host>[^\[\]:\s]+))(?::(?P<port>[0-9]+))?")


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """(host, port) of "10.0.0.5", "host:11111", "[::1]" or "[::1]:11111"; UserError otherwise."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found:
        hint = "; an IPv6 address needs brackets, as [::1]" if text.count(":") > 1 else ""
        raise UserError(f"'{text}' is not HOST or HOST:PORT{hint}")
    port = int(found["port"]) if found["port"] else default_port
    if not 1 <= port <= 65535:
        raise UserError(f"'{text}': a port is within 1 .. 65535")
    return found["six"] or found["host"], port
