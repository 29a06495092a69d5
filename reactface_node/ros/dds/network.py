"""The network interfaces that Cyclone DDS can use, and whether multicast works on them.

Nothing leaves this machine: a test packet has a time to live of 0.
"""

import importlib
import logging
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from reactface_node.ros.dds.discovery import domain_config

GROUP = "239.255.0.1"
"""The multicast group in which DDS participants look for each other."""
WAIT_S = 1.0
_NAMED = re.compile(r"<NetworkInterface[^>]*?\b(?:name|address)\s*=\s*[\"']([^\"']+)[\"']")


def addresses() -> dict[str, str]:
    """The IPv4 address of each network interface that is up, by the interface's name."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    return {
        name: entry.address
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if name in up and entry.family == socket.AF_INET
    }


def named_interfaces() -> list[str]:
    """Names and addresses of the interfaces that CYCLONEDDS_URI, XML or a file of it, names.

    OSError if there is no such file.
    """
    given = os.environ.get("CYCLONEDDS_URI", "").strip()
    if given.startswith("<"):
        return _NAMED.findall(given)
    files = [part.strip().removeprefix("file://") for part in given.split(",") if part.strip()]
    return [name for file in files for name in _NAMED.findall(Path(file).read_text("utf-8"))]


def discovery(interface: str) -> tuple[str, list[str]]:
    """``domain_config``'s XML, and its warnings about ROS's environment variables, which are not
    logged here."""
    with _warnings_of("reactface_node.ros.dds.discovery") as warnings:
        return domain_config(interface), warnings


def multicast_error(address: str) -> str:
    """Why a multicast packet does not come back on the interface of an IPv4 address; '' if it
    does."""
    data = secrets.token_bytes(16)
    own = socket.inet_aton(address)
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender,
    ):
        try:
            receiver.bind(("", 0))
            receiver.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + own
            )
            receiver.settimeout(WAIT_S)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            sender.sendto(data, (GROUP, receiver.getsockname()[1]))
            received = receiver.recv(len(data))
        except TimeoutError:
            return f"no packet came back within {WAIT_S:g} s"
        except OSError as error:
            return str(error)
    return "" if received == data else "another packet came back"


def import_cyclonedds() -> None:
    """ImportError if cyclonedds is not installed or does not load."""
    importlib.import_module("cyclonedds.domain")


@contextmanager
def _warnings_of(name: str) -> Iterator[list[str]]:
    """Collects the messages of a logger in the meantime, without passing them on."""
    messages: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    log, keep = logging.getLogger(name), Keep()
    before, log.propagate = log.propagate, False
    log.addHandler(keep)
    try:
        yield messages
    finally:
        log.removeHandler(keep)
        log.propagate = before
