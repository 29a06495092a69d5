"""ROS 2 and DDS: sourced or not, built or not, and a network that lets nodes find each other."""

import pytest
from rigs.doctor import here, never, raising

from reactface_node.tools.doctor import check_ros as ros
from reactface_node.tools.doctor.apart import ApartError

SWITCHES = (
    "AMENT_PREFIX_PATH",
    "ROS_DISTRO",
    "RMW_IMPLEMENTATION",
    "ROS_DOMAIN_ID",
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_LOCALHOST_ONLY",
    "ROS_STATIC_PEERS",
    "CYCLONEDDS_URI",
)
MISSING = ApartError("ModuleNotFoundError: No module named 'x'")


@pytest.fixture(autouse=True)
def no_ros(monkeypatch):
    for name in SWITCHES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sourced(monkeypatch, tmp_path):
    """A workspace with Cyclone DDS."""
    package = tmp_path / "share/rmw_cyclonedds_cpp/package.xml"
    package.parent.mkdir(parents=True)
    package.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    monkeypatch.setenv("ROS_DISTRO", "jazzy")


def test_no_ros_is_well(tmp_path):
    assert ros.check_ros(never, tmp_path).line() == (
        "ok    ros: not sourced; `reactface live` works without"
    )
    assert ros.check_rmw().line() == "ok    rmw: not needed without ROS"


def test_ros_that_is_not_sourced(tmp_path):
    for name in ("humble", "jazzy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "setup.bash").touch()
    assert ros.check_ros(never, tmp_path).line() == (
        f"warn  ros: jazzy is installed and not sourced -> source {tmp_path}/jazzy/setup.bash, or "
        "use `reactface live`"
    )


def test_ros_that_is_whole(sourced, monkeypatch):
    monkeypatch.setattr(ros, "import_rclpy", lambda: None)
    monkeypatch.setattr(ros, "import_messages", lambda: None)
    assert ros.check_ros(here).line() == "ok    ros: jazzy, rclpy and reactface_msgs load"


def test_rclpy_of_another_python(sourced, monkeypatch):
    said = "fail  ros: jazzy is sourced, rclpy does not load (ModuleNotFoundError: No module named "
    assert ros.check_ros(raising(MISSING)).line() == (
        f"{said}'x') -> run the Python that this ROS was built for, or use `reactface live`"
    )
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_connext_cpp")
    assert ros.check_ros(raising(MISSING)).line() == f"{said}'x') -> see rmw below"


def test_messages_that_are_not_built(sourced, monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module named 'reactface_msgs'")

    monkeypatch.setattr(ros, "import_rclpy", lambda: None)
    monkeypatch.setattr(ros, "import_messages", missing)
    assert ros.check_ros(here).line() == (
        "fail  ros: jazzy, reactface_msgs does not load (ModuleNotFoundError: No module named "
        "'reactface_msgs') -> colcon build in ros2_ws, then source ros2_ws/install/setup.bash"
    )


def test_cyclonedds(monkeypatch):
    monkeypatch.setattr(ros, "import_cyclonedds", lambda: None)
    assert ros.check_dds(here).line() == "ok    dds: cyclonedds loads"
    assert ros.check_dds(raising(MISSING)).line() == (
        "fail  dds: cyclonedds does not load (ModuleNotFoundError: No module named 'x') -> pip "
        "install cyclonedds (x86-64 only), or source ROS 2"
    )


def test_with_ros_cyclonedds_can_be_gone_without(sourced):
    assert ros.check_dds(raising(MISSING)).line() == (
        "warn  dds: cyclonedds does not load (ModuleNotFoundError: No module named 'x'); only "
        "`reactface live`, `serve` and `view` need it -> pip install cyclonedds"
    )


def test_domain(monkeypatch):
    assert ros.check_domain().line() == "ok    ros domain: 0; nodes of other domains are not seen"
    monkeypatch.setenv("ROS_DOMAIN_ID", "101")
    assert ros.check_domain().level == "ok"
    monkeypatch.setenv("ROS_DOMAIN_ID", "102")
    assert ros.check_domain().line() == (
        "warn  ros domain: 102: its ports may be taken by other programs -> export ROS_DOMAIN_ID "
        "within 0 .. 101, the same on every machine"
    )
    monkeypatch.setenv("ROS_DOMAIN_ID", "233")
    assert ros.check_domain().line() == (
        "fail  ros domain: ROS_DOMAIN_ID must be a number within 0 .. 232, not '233' -> export "
        "ROS_DOMAIN_ID=0, or the robot's number"
    )


ALONE = "nodes of this machine alone"


@pytest.mark.parametrize(
    ("switches", "interface", "line"),
    [
        ({}, "", "ok    ros discovery: SUBNET: nodes of this machine and of the network"),
        ({}, "lo", f"ok    ros discovery: SUBNET: {ALONE}"),
        (
            {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
            "",
            f"ok    ros discovery: LOCALHOST: {ALONE}",
        ),
        ({"ROS_LOCALHOST_ONLY": "1"}, "", f"ok    ros discovery: ROS_LOCALHOST_ONLY=1: {ALONE}"),
        (
            {"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"},
            "",
            "warn  ros discovery: OFF: no other node is found -> export "
            "ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET, or LOCALHOST",
        ),
        (
            {"ROS_LOCALHOST_ONLY": "1", "ROS_STATIC_PEERS": "robot"},
            "",
            "warn  ros discovery: ROS_STATIC_PEERS is ignored because of ROS_LOCALHOST_ONLY=1 -> "
            "correct or unset that variable",
        ),
        (
            {"ROS_AUTOMATIC_DISCOVERY_RANGE": "HOUSE"},
            "",
            "warn  ros discovery: ROS_AUTOMATIC_DISCOVERY_RANGE is 'HOUSE', not one of SUBNET, "
            "LOCALHOST, OFF, SYSTEM_DEFAULT: LOCALHOST is taken, as ROS 2 does -> correct or unset "
            "that variable",
        ),
    ],
)
def test_discovery(monkeypatch, caplog, switches, interface, line):
    for name, value in switches.items():
        monkeypatch.setenv(name, value)
    assert ros.check_discovery(interface).line() == line
    assert caplog.records == []


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        ("", "ok    rmw: ROS 2's default; RMW_IMPLEMENTATION is not set"),
        ("rmw_cyclonedds_cpp", "ok    rmw: rmw_cyclonedds_cpp"),
        (
            "rmw_connext_cpp",
            "fail  rmw: rmw_connext_cpp is not installed -> sudo apt install "
            "ros-jazzy-rmw-connext-cpp",
        ),
        (
            "rmw_zenoh_cpp",
            "warn  rmw: rmw_zenoh_cpp: `reactface live` speaks DDS and does not see its nodes -> "
            "use `reactface node`, or export RMW_IMPLEMENTATION=rmw_cyclonedds_cpp for every node",
        ),
    ],
)
def test_rmw(sourced, monkeypatch, tmp_path, chosen, line):
    zenoh = tmp_path / "share/rmw_zenoh_cpp/package.xml"
    zenoh.parent.mkdir()
    zenoh.touch()
    monkeypatch.setenv("RMW_IMPLEMENTATION", chosen)
    assert ros.check_rmw().line() == line


LO, ETH, WLAN = {"lo": "127.0.0.1"}, {"eth0": "10.0.0.2"}, {"wlan0": "192.168.1.7"}


@pytest.fixture
def network(monkeypatch):
    """Sets which interfaces are up, and what their multicast says."""

    def be(addresses, error=""):
        monkeypatch.setattr(ros, "addresses", lambda: addresses)
        monkeypatch.setattr(ros, "multicast_error", lambda _: error)

    return be


def test_one_interface(network):
    network({**LO, **ETH})
    assert ros.check_interface("").line() == "ok    network interface: eth0 (10.0.0.2)"
    assert ros.check_interface("eth0").line() == (
        "ok    network interface: eth0, from ros.network_interface"
    )
    assert ros.check_interface("10.0.0.2").line() == (
        "ok    network interface: 10.0.0.2, from ros.network_interface"
    )


def test_several_interfaces(network):
    network({**LO, **ETH, **WLAN})
    assert ros.check_interface("").line() == (
        "warn  network interface: one of eth0, wlan0 is taken, perhaps the wrong one -> --set "
        "ros.network_interface=eth0, or another of them"
    )


def test_no_network(network):
    network(LO)
    assert ros.check_interface("").line() == (
        "warn  network interface: lo (127.0.0.1); other machines cannot be reached -> connect a "
        "network if the robot's nodes run on another machine"
    )
    assert ros.check_multicast("").line() == (
        "warn  multicast: no interface to test -> see the network interface above"
    )


def test_an_interface_that_is_not_there(network):
    network({**LO, **ETH})
    assert ros.check_interface("wlan0").line() == (
        "fail  network interface: ros.network_interface names wlan0, which is not up; there is "
        "lo (127.0.0.1), eth0 (10.0.0.2) -> name one of these in ros.network_interface"
    )


URI = '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="{}" priority="1"/>'


def test_cyclone_s_own_settings(network, monkeypatch, tmp_path):
    network({**LO, **ETH})
    monkeypatch.setenv("CYCLONEDDS_URI", URI.format("eth0"))
    said = "ok    network interface: eth0, from CYCLONEDDS_URI"
    assert ros.check_interface("").line() == said
    assert ros.check_interface("lo").line().endswith(" lo, from ros.network_interface")
    file = tmp_path / "cyclone.xml"
    file.write_text(URI.format("wlan0"))
    monkeypatch.setenv("CYCLONEDDS_URI", f"file://{file}")
    assert ros.check_interface("").line() == (
        "fail  network interface: CYCLONEDDS_URI names wlan0, which is not up; there is "
        "lo (127.0.0.1), eth0 (10.0.0.2) -> name one of these in CYCLONEDDS_URI"
    )
    file.unlink()
    said = ros.check_interface("")
    assert (said.level, said.cure) == ("fail", "unset CYCLONEDDS_URI")
    assert said.fact.startswith("CYCLONEDDS_URI cannot be read (") and "cyclone.xml" in said.fact


def test_this_machine_alone(network, monkeypatch):
    network({**LO, **ETH}, "must not be asked")
    monkeypatch.setenv("ROS_LOCALHOST_ONLY", "1")
    assert ros.check_interface("").line() == (
        "ok    network interface: lo, from ROS 2's discovery range"
    )
    assert ros.check_multicast("").line() == (
        "ok    multicast: not needed for nodes of this machine alone"
    )


def test_multicast(network, monkeypatch):
    network({**LO, **ETH, **WLAN})
    assert ros.check_multicast("").line() == (
        "ok    multicast: a packet comes back on 10.0.0.2, 192.168.1.7"
    )
    assert ros.check_multicast("wlan0").line() == (
        "ok    multicast: a packet comes back on 192.168.1.7"
    )
    monkeypatch.setenv("CYCLONEDDS_URI", URI.format("eth0"))
    assert ros.check_multicast("").line() == "ok    multicast: a packet comes back on 10.0.0.2"


def test_multicast_that_is_blocked(network):
    network({**LO, **ETH}, "no packet came back within 1 s")
    assert ros.check_multicast("").line() == (
        "fail  multicast: 10.0.0.2: no packet came back within 1 s -> allow UDP "
        "multicast in the firewall, or export ROS_STATIC_PEERS=ADDRESS"
    )


def test_multicast_that_works_on_one_of_two(network, monkeypatch):
    network({**LO, **ETH, **WLAN})
    errors = {"10.0.0.2": "Operation not permitted", "192.168.1.7": ""}
    monkeypatch.setattr(ros, "multicast_error", errors.get)
    assert ros.check_multicast("").line() == (
        "warn  multicast: a packet comes back on 192.168.1.7; 10.0.0.2: Operation not permitted -> "
        "--set ros.network_interface=192.168.1.7"
    )
