"""Discovery of other DDS participants: ROS 2's environment variables as Cyclone DDS settings.

The rules are rcl's and rmw_cyclonedds' (ROS 2 Jazzy): ROS_AUTOMATIC_DISCOVERY_RANGE is SUBNET (the
default), LOCALHOST, OFF or SYSTEM_DEFAULT; ROS_STATIC_PEERS adds hosts; the older
ROS_LOCALHOST_ONLY=1 overrides both. CYCLONEDDS_URI overrides all of them, unless the settings name
an interface.
"""

import logging
import os
import socket
from xml.sax.saxutils import quoteattr

import psutil

from reactface_node.errors import UserError

RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
LONGEST_PEER = 255
LOOPBACK = ("lo", "localhost", "127.0.0.1")
# As in rmw_cyclonedds: number of processes on one machine that find each other without multicast.
_INDICES = (
    "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>"
)


def domain_id() -> int:
    """ROS_DOMAIN_ID, 0 if it is not set; UserError if it is no number within 0..232."""
    text = os.environ.get("ROS_DOMAIN_ID", "") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 232):
        raise UserError(f"ROS_DOMAIN_ID must be a number within 0 .. 232, not '{text[:20]}'")
    return int(text)


def domain_config(interface: str) -> str:
    """The Cyclone DDS configuration: XML fragments, separated by commas.

    interface: a name or an address; "" for the loopback interface if only this machine is
    searched, else for Cyclone's choice.
    """
    reach, peers = _reach()
    general, discovery = "", ""
    given = "" if interface else os.environ.get("CYCLONEDDS_URI", "").strip()
    if interface in LOOPBACK or (reach == "LOCALHOST" and not interface and not given):
        general += _interface("address", "127.0.0.1")
        reach = reach if reach == "OFF" else "LOCALHOST"
    elif interface:
        general += _interface(*_kind(interface))
    if reach in ("LOCALHOST", "OFF"):
        general += "<AllowMulticast>false</AllowMulticast>"
    if reach == "OFF":
        # The tag also prevents discovery by participants that know this one's address.
        discovery = (
            f"<ParticipantIndex>none</ParticipantIndex><Tag>ros_discovery_off_{os.getpid()}</Tag>"
        )
    elif reach != "SYSTEM_DEFAULT":
        peers = ["localhost", *peers] if reach == "LOCALHOST" else peers
        listed = "".join(f"<Peer address={quoteattr(peer)}/>" for peer in peers)
        discovery = _INDICES + (f"<Peers>{listed}</Peers>" if listed else "")
    own = "<CycloneDDS><Domain>"
    own += f"<General>{general}</General>" if general else ""
    own += f"<Discovery>{discovery}</Discovery>" if discovery else ""
    return ",".join(filter(None, (f"{own}</Domain></CycloneDDS>", given)))


def is_local(xml: str) -> bool:
    """Whether a configuration of ``domain_config`` uses only the loopback interface."""
    return xml.startswith(f"<CycloneDDS><Domain><General>{_interface('address', '127.0.0.1')}")


def udp_sockets() -> set[int]:
    """File descriptors of this process's UDP sockets that receive on every interface."""
    found = psutil.Process().net_connections("udp4")
    return {item.fd for item in found if item.laddr and item.laddr.ip == "0.0.0.0"}


def take_from_loopback_alone(descriptors: set[int]) -> None:
    """Bind sockets to the loopback device, so that they receive no packets from outside.

    Cyclone DDS binds its receiving sockets to every address, for any interface. A socket that
    cannot be bound is logged.
    """
    for descriptor in descriptors:
        with socket.socket(fileno=os.dup(descriptor)) as own:
            try:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            except (OSError, AttributeError) as error:
                port = own.getsockname()[1]
                logging.getLogger(__name__).warning(
                    "UDP port %d takes packets from other machines too: %s", port, error
                )


def _reach() -> tuple[str, list[str]]:
    """The discovery range and the static peers that are used with it."""
    log = logging.getLogger(__name__)
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "") or "SUBNET"
    if reach not in RANGES:
        known = ", ".join(RANGES)
        log.warning(
            "ROS_AUTOMATIC_DISCOVERY_RANGE is %r, not one of %s: LOCALHOST is taken, as ROS 2 does",
            reach[:40],
            known,
        )
        reach = "LOCALHOST"
    given = [peer.strip() for peer in os.environ.get("ROS_STATIC_PEERS", "").split(";")]
    peers = [peer for peer in given if peer]
    if os.environ.get("ROS_LOCALHOST_ONLY") == "1":
        reach, ignored = "LOCALHOST", "ROS_LOCALHOST_ONLY=1"
    elif reach in ("OFF", "SYSTEM_DEFAULT"):
        ignored = f"ROS_AUTOMATIC_DISCOVERY_RANGE={reach}"
    else:
        usable = [peer for peer in peers if len(peer) <= LONGEST_PEER and peer.isprintable()]
        if len(usable) < len(peers):
            log.warning("ROS_STATIC_PEERS has entries that are no host names: they are left out")
        return reach, usable
    if peers:
        log.warning("ROS_STATIC_PEERS is ignored because of %s", ignored)
    return reach, []


def _kind(interface: str) -> tuple[str, str]:
    if not all(letter.isalnum() or letter in ".:_-@" for letter in interface):
        raise UserError(f"'{interface[:40]}' is not the name or address of a network interface")
    return ("address" if interface.replace(".", "").isdigit() else "name"), interface


def _interface(kind: str, value: str) -> str:
    return f'<Interfaces><NetworkInterface {kind}="{value}"/></Interfaces>'
