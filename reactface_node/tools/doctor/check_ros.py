"""Checks of ROS 2, of DDS without ROS, and of the network between them."""

import os
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.ros.dds.discovery import LOOPBACK, domain_id
from reactface_node.ros.dds.network import (
    addresses,
    discovery,
    import_cyclonedds,
    multicast_error,
    named_interfaces,
)
from reactface_node.ros.rclpy.installation import (
    OPT_ROS,
    has_package,
    import_messages,
    import_rclpy,
    setup_files,
    sourced_distribution,
)
from reactface_node.tools.doctor.apart import ApartError, RunApart
from reactface_node.tools.doctor.finding import Finding, fail, ok, warn

LIMIT_S = 30.0
HIGHEST_SAFE_DOMAIN = 101
"""Highest domain id whose DDS ports are below the range that Linux gives to any program."""
CYCLONE, ZENOH = "rmw_cyclonedds_cpp", "rmw_zenoh_cpp"
ON_THIS_MACHINE = "<AllowMulticast>false"


def check_ros(apart: RunApart, opt: Path = OPT_ROS) -> Finding:
    """opt: the folder in which distributions are installed."""
    distribution = sourced_distribution()
    if not distribution:
        found = setup_files(opt)
        if found:
            fact = f"{found[-1].parent.name} is installed and not sourced"
            return warn("ros", fact, f"source {found[-1]}, or use `reactface live`")
        return ok("ros", "not sourced; `reactface live` works without")
    try:
        apart(import_rclpy, limit_s=LIMIT_S)
    except ApartError as error:
        chosen = os.environ.get("RMW_IMPLEMENTATION", "")
        cure = "run the Python that this ROS was built for, or use `reactface live`"
        if chosen and not has_package(chosen):
            cure = "see rmw below"
        return fail("ros", f"{distribution} is sourced, rclpy does not load ({error})", cure)
    try:
        apart(import_messages, limit_s=LIMIT_S)
    except ApartError as error:
        cure = "colcon build in ros2_ws, then source ros2_ws/install/setup.bash"
        return fail("ros", f"{distribution}, reactface_msgs does not load ({error})", cure)
    return ok("ros", f"{distribution}, rclpy and reactface_msgs load")


def check_dds(apart: RunApart) -> Finding:
    """Check cyclonedds, which `reactface live` needs."""
    try:
        apart(import_cyclonedds, limit_s=LIMIT_S)
    except ApartError as error:
        fact, cure = f"cyclonedds does not load ({error})", "pip install cyclonedds"
        if sourced_distribution():
            return warn("dds", f"{fact}; only `reactface live`, `serve` and `view` need it", cure)
        return fail("dds", fact, f"{cure} (x86-64 only), or source ROS 2")
    return ok("dds", "cyclonedds loads")


def check_domain() -> Finding:
    try:
        number = domain_id()
    except UserError as error:
        return fail("ros domain", str(error), "export ROS_DOMAIN_ID=0, or the robot's number")
    if number > HIGHEST_SAFE_DOMAIN:
        return warn(
            "ros domain",
            f"{number}: its ports may be taken by other programs",
            f"export ROS_DOMAIN_ID within 0 .. {HIGHEST_SAFE_DOMAIN}, the same on every machine",
        )
    return ok("ros domain", f"{number}; nodes of other domains are not seen")


def check_discovery(interface: str) -> Finding:
    """interface: ros.network_interface."""
    name = "ros discovery"
    xml, warnings = discovery(interface)
    if warnings:
        return warn(name, "; ".join(warnings), "correct or unset that variable")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET"
    if os.environ.get("ROS_LOCALHOST_ONLY") == "1":
        reach = "ROS_LOCALHOST_ONLY=1"
    if reach == "OFF":
        cure = "export ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET, or LOCALHOST"
        return warn(name, "OFF: no other node is found", cure)
    if ON_THIS_MACHINE in xml:
        return ok(name, f"{reach}: nodes of this machine alone")
    return ok(name, f"{reach}: nodes of this machine and of the network")


def check_rmw() -> Finding:
    name, chosen = "rmw", os.environ.get("RMW_IMPLEMENTATION", "")
    if not sourced_distribution():
        return ok(name, "not needed without ROS")
    if not chosen:
        return ok(name, "ROS 2's default; RMW_IMPLEMENTATION is not set")
    if not has_package(chosen):
        package = f"ros-{sourced_distribution()}-{chosen.replace('_', '-')}"
        return fail(name, f"{chosen} is not installed", f"sudo apt install {package}")
    if chosen == ZENOH:
        cure = f"use `reactface node`, or export RMW_IMPLEMENTATION={CYCLONE} for every node"
        return warn(name, f"{ZENOH}: `reactface live` speaks DDS and does not see its nodes", cure)
    return ok(name, chosen)


def check_interface(interface: str) -> Finding:
    """interface: ros.network_interface."""
    name, here = "network interface", addresses()
    listed = ", ".join(f"{key} ({address})" for key, address in here.items())
    try:
        wanted, source = _wanted(interface)
    except OSError as error:
        return fail(name, f"CYCLONEDDS_URI cannot be read ({error})", "unset CYCLONEDDS_URI")
    missing = [item for item in wanted if item not in {*here, *here.values(), *LOOPBACK}]
    if missing:
        fact = f"{source} names {missing[0]}, which is not up; there is {listed}"
        return fail(name, fact, f"name one of these in {source}")
    if wanted:
        return ok(name, f"{', '.join(wanted)}, from {source}")
    outward = _outward(here)
    if not outward:
        return warn(
            name,
            f"{listed or 'none'}; other machines cannot be reached",
            "connect a network if the robot's nodes run on another machine",
        )
    if len(outward) > 1:
        fact = f"one of {', '.join(outward)} is taken, perhaps the wrong one"
        return warn(name, fact, f"--set ros.network_interface={outward[0]}, or another of them")
    return ok(name, f"{outward[0]} ({here[outward[0]]})")


def check_multicast(interface: str) -> Finding:
    """interface: ros.network_interface."""
    name, here = "multicast", addresses()
    if ON_THIS_MACHINE in discovery(interface)[0]:
        return ok(name, "not needed for nodes of this machine alone")
    try:
        wanted, _ = _wanted(interface)
    except OSError:
        wanted = []
    chosen = [here.get(item, item) for item in wanted or _outward(here)]
    errors = {item: multicast_error(item) for item in chosen if item in here.values()}
    if not errors:
        return warn(name, "no interface to test", "see the network interface above")
    working = [item for item, error in errors.items() if not error]
    facts = [f"a packet comes back on {', '.join(working)}"] if working else []
    facts += [f"{item}: {error}" for item, error in errors.items() if error]
    if not working:
        cure = "allow UDP multicast in the firewall, or export ROS_STATIC_PEERS=ADDRESS"
        return fail(name, "; ".join(facts), cure)
    if len(working) < len(errors):
        return warn(name, "; ".join(facts), f"--set ros.network_interface={working[0]}")
    return ok(name, facts[0])


def _wanted(interface: str) -> tuple[list[str], str]:
    """The interfaces that the settings name, and which setting; OSError as ``named_interfaces``."""
    if interface:
        return [interface], "ros.network_interface"
    named = named_interfaces()
    if named:
        return named, "CYCLONEDDS_URI"
    return (["lo"], "ROS 2's discovery range") if ON_THIS_MACHINE in discovery("")[0] else ([], "")


def _outward(here: dict[str, str]) -> list[str]:
    """The interfaces that are connected to other machines."""
    return [key for key, address in here.items() if not address.startswith("127.")]
