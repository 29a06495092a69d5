"""ROS 2's environment variables of discovery, as settings of Cyclone DDS."""

import logging
import os
import socket
import xml.etree.ElementTree as ElementTree

import pytest

from reactface_node.errors import UserError
from reactface_node.ros.dds.discovery import domain_config, domain_id, is_local

SWITCHES = (
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_STATIC_PEERS",
    "ROS_LOCALHOST_ONLY",
    "CYCLONEDDS_URI",
    "ROS_DOMAIN_ID",
)


@pytest.fixture(autouse=True)
def no_switches(monkeypatch):
    for name in SWITCHES:
        monkeypatch.delenv(name, raising=False)


def configured(monkeypatch, interface="", **switches):
    """What is set: interfaces, multicast, participant index, tag, peers."""
    for name, value in switches.items():
        monkeypatch.setenv(name, value)
    root = ElementTree.fromstring(domain_config(interface))
    interfaces = [item.attrib for item in root.iter("NetworkInterface")]
    peers = [item.get("address") for item in root.iter("Peer")]

    def text(name):
        found = root.find(f"Domain/{name}")
        return None if found is None else found.text

    multicast, tag = text("General/AllowMulticast"), text("Discovery/Tag")
    return interfaces, multicast, text("Discovery/ParticipantIndex"), tag, peers


LOCAL = [{"address": "127.0.0.1"}]


def test_by_default_the_subnet_is_searched(monkeypatch):
    nothing = configured(monkeypatch)
    assert nothing == ([], None, "auto", None, [])
    assert configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET") == nothing
    assert configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="") == nothing
    assert not is_local(domain_config("")) and is_local(domain_config("lo"))


def test_an_interface_by_name_or_address(monkeypatch):
    assert configured(monkeypatch, "wlan0")[0] == [{"name": "wlan0"}]
    assert configured(monkeypatch, "192.168.1.4")[0] == [{"address": "192.168.1.4"}]
    for name in ("lo", "localhost", "127.0.0.1"):
        assert configured(monkeypatch, name) == (LOCAL, "false", "auto", None, ["localhost"])
    for wrong in ('lo"/><evil', "a b", "<", "x" * 1000 + "&"):
        with pytest.raises(UserError, match="not the name or address") as said:
            domain_config(wrong)
        assert len(str(said.value)) < 150


def test_on_this_machine_alone(monkeypatch):
    local = (LOCAL, "false", "auto", None, ["localhost"])
    assert configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST") == local
    # An interface that was asked for is kept.
    named = configured(monkeypatch, "eth1")
    assert named == ([{"name": "eth1"}], "false", "auto", None, ["localhost"])
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
    assert configured(monkeypatch, ROS_LOCALHOST_ONLY="1") == local
    assert configured(monkeypatch, ROS_LOCALHOST_ONLY="0")[1] is None


def test_off_finds_and_is_found_by_nobody(monkeypatch):
    off = configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="OFF")
    assert off == ([], "false", "none", f"ros_discovery_off_{os.getpid()}", [])
    assert configured(monkeypatch, "lo")[1:3] == ("false", "none")


def test_the_middlewares_own_choice(monkeypatch):
    chosen = configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="SYSTEM_DEFAULT")
    assert chosen == ([], None, None, None, [])


def test_an_unknown_range_is_said_and_taken_as_this_machine(monkeypatch, caplog):
    found = configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="subnet")
    assert found[1] == "false" and found[4] == ["localhost"]
    assert "'subnet', not one of SUBNET, LOCALHOST, OFF, SYSTEM_DEFAULT" in caplog.text


def test_static_peers_are_added_where_they_count(monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    given = {"ROS_STATIC_PEERS": '192.168.1.7; robot.local;;"/><x>;'}
    assert configured(monkeypatch, **given)[4] == ["192.168.1.7", "robot.local", '"/><x>']
    local = configured(monkeypatch, ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")
    assert local[4] == ["localhost", "192.168.1.7", "robot.local", '"/><x>']
    assert caplog.text == ""
    for switch in (
        {"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"},
        {"ROS_LOCALHOST_ONLY": "1"},
        {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT"},
    ):
        for name in SWITCHES[::2]:
            monkeypatch.delenv(name, raising=False)
        caplog.clear()
        assert "192.168.1.7" not in configured(monkeypatch, **switch)[4]
        assert "ROS_STATIC_PEERS is ignored" in caplog.text


def test_peers_that_are_no_names_are_left_out(monkeypatch, caplog):
    peers = f"a;{'b' * 300};c\x07"
    assert configured(monkeypatch, ROS_STATIC_PEERS=peers)[4] == ["a"]
    assert "left out" in caplog.text


def test_the_users_own_cyclone_settings_come_last(monkeypatch):
    monkeypatch.setenv("CYCLONEDDS_URI", "file:///etc/cyclone.xml")
    assert domain_config("").endswith("</CycloneDDS>,file:///etc/cyclone.xml")
    monkeypatch.setenv("ROS_LOCALHOST_ONLY", "1")
    assert "Interface" not in domain_config("")
    # Two choices of an interface would be one too many.
    assert "cyclone.xml" not in domain_config("lo")


def test_domains(monkeypatch):
    assert domain_id() == 0
    for text, number in (("42", 42), ("", 0), ("232", 232), ("007", 7)):
        monkeypatch.setenv("ROS_DOMAIN_ID", text)
        assert domain_id() == number
    for wrong in ("233", "-1", "robot", "1.0", "²", "9" * 5000):
        monkeypatch.setenv("ROS_DOMAIN_ID", wrong)
        with pytest.raises(UserError, match="ROS_DOMAIN_ID") as said:
            domain_id()
        assert len(str(said.value)) < 100


def test_on_the_loopback_interface_no_socket_takes_packets_from_outside():
    pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")
    from reactface_node.ros.dds.discovery import udp_sockets
    from reactface_node.ros.dds.wire import Wire

    before = udp_sockets()
    wire = Wire("alone", 100 + os.getpid() % 90, "lo")
    try:
        received = udp_sockets() - before
        assert received
        for descriptor in received:
            with socket.socket(fileno=os.dup(descriptor)) as own:
                device = own.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
                assert device.rstrip(b"\0") == b"lo"
    finally:
        wire.close()
