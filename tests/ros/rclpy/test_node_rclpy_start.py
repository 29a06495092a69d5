"""How the node is started under a real rclpy: parameters, arguments, launch file, signals."""

import signal
import subprocess
import sys
import time

import pytest
from rigs.rclpy_graph import (
    HAS_RCLPY,
    PATIENCE_S,
    ClosableSession,
    activate,
    needs_ros,
    ros_graph,
    until,
)

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.rclpy.robot_settings import declared


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


@pytest.mark.skipif(HAS_RCLPY, reason="rclpy is installed here")
def test_without_rclpy_the_other_way_is_named(capsys):
    from reactface_node.cli.main import main

    assert main(["node"]) == 2
    said = capsys.readouterr().err
    assert "reactface live" in said and said.count("\n") == 1


@pytest.mark.skipif(not HAS_RCLPY, reason="needs ROS 2: rclpy")
def test_without_its_messages_the_colcon_command_is_named(monkeypatch):
    from reactface_node.ros.rclpy import node

    monkeypatch.setattr(node, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="reactface_msgs is not built: run `colcon build"):
        node.main([])


@needs_ros
def test_every_setting_is_a_described_parameter(ros):
    node = ros.node("-p", "playout.gain:=2", "-p", "profile:=paper")
    assert node.config == Config.load("paper", overrides={"playout.gain": 2.0})
    offered = declared(node.config)
    assert {name.split(".")[0] for name in node.get_parameters_by_prefix("")} - {
        item.name.split(".")[0] for item in offered
    } == {"use_sim_time", "start_type_description_service"}
    for item in offered:
        about = node.describe_parameter(item.name)
        assert node.get_parameter(item.name).value == item.value
        assert about.description == item.help and not about.read_only
        assert ("read in configure" in about.additional_constraints) == (not item.live)
        for limits in (*about.integer_range, *about.floating_point_range):
            assert (limits.from_value, limits.to_value) == (item.low, item.high)
    assert "frame" in node.describe_parameter("mode").additional_constraints


@needs_ros
@pytest.mark.parametrize(
    "mistake, said",
    [
        ("playout.gian:=1.0", "did you mean playout.gain"),
        ("playout.gain:=30.0", "within 0 .. 3"),
        ("render.width:=wide", "must be a whole number"),
        ("profile:=nobody", "unknown profile 'nobody'"),
    ],
)
def test_a_wrong_parameter_is_one_line(mistake, said):
    from reactface_node.ros.rclpy.node import main

    with pytest.raises(UserError, match=said):
        main(["--ros-args", "-p", mistake])


@needs_ros
@pytest.mark.parametrize("mistake", [["--fast"], ["--ros-args", "--params-file", "/nowhere.yaml"]])
def test_a_wrong_argument_is_one_line(mistake):
    from reactface_node.ros.rclpy.node import main

    with pytest.raises(UserError, match=mistake[-1]) as error:
        main(mistake)
    assert "\n" not in str(error.value)


@needs_ros
def test_live_parameters_reach_the_session_in_every_state(ros):
    from rclpy.parameter import Parameter

    def set_one(name, value):
        return node.set_parameters([Parameter(name, value=value)])[0]

    node = ros.node()
    assert set_one("playout.gain", 1.5).successful
    activate(node)
    session = ros.sessions[0]
    assert session.config.playout.gain == 1.5
    assert set_one("playout.gain", 0.5).successful
    assert node.config.playout.gain == 0.5
    assert until(ros, lambda: session.config.playout.gain == 0.5)  # at the next tick
    assert "out of range" in set_one("playout.gain", 9.0).reason
    assert set_one("playout.seed", 3).reason == (
        "playout.seed cannot change while the node is configured; cleanup first"
    )
    assert set_one("use_sim_time", True).successful
    assert node.config.playout.gain == 0.5
    assert set_one("playout.gain", 2.5).successful
    node.trigger_deactivate()
    assert session.config.playout.gain == 2.5
    assert set_one("playout.gain", 1.25).successful
    assert session.config.playout.gain == node.config.playout.gain == 1.25


@needs_ros
def test_a_node_that_cannot_start_by_itself_ends_with_one_line(ros, monkeypatch, capfd):
    from reactface_node.ros.rclpy.node import main

    def fails(config):
        raise UserError("no weights")

    monkeypatch.setattr("reactface_node.session.session.ReactionSession.load", fails)
    assert main([], autostart=True) == 1
    said = capfd.readouterr().err
    assert "no weights" in said and said.count("\n") == 1


@needs_ros
def test_a_node_that_loses_its_gpu_says_so_and_ends(ros, monkeypatch, capfd):
    """And asks nothing more of it: not even a new conversation."""
    from reactface_node.ros.rclpy.node import main

    def lost(*_, **__):
        raise UserError("cuda failed (CUDA error: unspecified launch failure)")

    monkeypatch.setattr(ClosableSession, "poll", lost)
    monkeypatch.setattr(ClosableSession, "reset", lost)
    assert main([], autostart=True) == 1
    assert capfd.readouterr().err.count("cuda failed") == 1
    assert ros.sessions[0].closed


@needs_ros
def test_internal_errors_again_and_again_end_the_node_with_1(ros, monkeypatch, capfd):
    from reactface_node.ros.rclpy.node import main

    def fails(*_, **__):
        raise IndexError("out of range")

    monkeypatch.setattr(ClosableSession, "poll", fails)
    assert main([], autostart=True) == 1
    said = capfd.readouterr().err
    assert said.count("Traceback") == 1 and said.count("the node ends after 5") == 1
    assert ros.sessions[0].closed


@needs_ros
def test_sigint_ends_the_process_quietly(ros):
    import rclpy

    rclpy.init()
    peer = rclpy.create_node("peer")
    code = "import sys; from reactface_node.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["node", "--ros-args", "-r", "__ns:=/child"]
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + PATIENCE_S
    while ("reactface", "/child") not in peer.get_node_names_and_namespaces():
        assert time.monotonic() < deadline and child.poll() is None
        rclpy.spin_once(peer, timeout_sec=0.05)
    for _from in ("terminal", "ros2 launch"):
        child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, said) == (0, "")
