"""Network interfaces as Cyclone DDS sees them, and multicast that stays on this machine."""

import socket
from collections import namedtuple

import psutil
import pytest

from reactface_node.ros.dds import network
from reactface_node.ros.dds.network import addresses, multicast_error, named_interfaces

Address = namedtuple("Address", "family address")
State = namedtuple("State", "isup")


def test_addresses_of_interfaces_that_are_up(monkeypatch):
    ip4, ip6 = socket.AF_INET, socket.AF_INET6
    entries = {
        "lo": [Address(ip4, "127.0.0.1"), Address(ip6, "::1")],
        "eth0": [Address(ip6, "fe80::1"), Address(ip4, "10.0.0.2")],
        "docker0": [Address(ip4, "172.17.0.1")],
        "tun0": [Address(ip6, "fe80::2")],
    }
    up = {name: State(name != "docker0") for name in entries}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: entries)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: up)
    assert addresses() == {"lo": "127.0.0.1", "eth0": "10.0.0.2"}


@pytest.mark.parametrize(
    ("uri", "names"),
    [
        ("", []),
        ("<CycloneDDS/>", []),
        ('<a><NetworkInterface name="eth0"/><NetworkInterface address="10.0.0.2"/></a>', 2),
        ("<a><NetworkInterface priority='2'  name = 'wlan0'></NetworkInterface></a>", ["wlan0"]),
        ('<a><NetworkInterface autodetermine="true"/></a>', []),
    ],
)
def test_interfaces_that_are_named_in_xml(monkeypatch, uri, names):
    monkeypatch.setenv("CYCLONEDDS_URI", uri)
    assert named_interfaces() == (["eth0", "10.0.0.2"] if names == 2 else names)


def test_interfaces_that_are_named_in_files(monkeypatch, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f'<c><NetworkInterface name="eth-{name}"/></c>')
    monkeypatch.setenv("CYCLONEDDS_URI", f"file://{tmp_path}/a, {tmp_path}/b")
    assert named_interfaces() == ["eth-a", "eth-b"]
    monkeypatch.setenv("CYCLONEDDS_URI", f"{tmp_path}/c")
    with pytest.raises(OSError):
        named_interfaces()


class FakeSocket:
    """Notes what is set and sent; gives ``packet`` back, or nothing where it is None."""

    def __init__(self, noted, packet):
        self.noted, self.packet = noted, packet

    def bind(self, address): ...

    def settimeout(self, seconds): ...

    def close(self):
        self.noted.append("closed")

    def getsockname(self):
        return ("0.0.0.0", 4321)

    def setsockopt(self, level, option, value):
        self.noted.append((option, value))

    def sendto(self, data, address):
        self.noted.append(("sent", address))
        self.packet = self.packet or data

    def recv(self, size):
        if self.packet == b"lost":
            raise TimeoutError
        return self.packet


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (b"", ""),
        (b"lost", "no packet came back within 1 s"),
        (b"another", "another packet came back"),
    ],
)
def test_multicast_goes_to_the_interface_and_no_further(monkeypatch, packet, error):
    noted = []
    fake = FakeSocket(noted, packet)
    monkeypatch.setattr(network.socket, "socket", lambda *_: fake)
    assert multicast_error("10.0.0.2") == error
    own = socket.inet_aton("10.0.0.2")
    assert (socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.255.0.1") + own) in noted
    assert (socket.IP_MULTICAST_IF, own) in noted
    assert (socket.IP_MULTICAST_TTL, 0) in noted
    assert noted[-3:] == [("sent", ("239.255.0.1", 4321)), "closed", "closed"]


def test_an_address_that_is_not_ours():
    assert "203.0.113.9" not in addresses().values()
    assert multicast_error("203.0.113.9")
