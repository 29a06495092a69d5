"""The node under a real rclpy: lifecycle, parameters, topics. Without ROS: what it says."""

import os
import runpy
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ros_dds_child import EchoSession, FlatRenderer

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.types import RclpyTypes
from reactface_node.settings import settings

PATIENCE_S = 20.0
ROOT = Path(__file__).resolve().parent.parent
HAS_RCLPY = find_spec("rclpy") is not None
HAS_MESSAGES = HAS_RCLPY and find_spec("reactface_msgs") is not None
needs_ros = pytest.mark.skipif(
    not HAS_MESSAGES, reason="needs ROS 2: rclpy and a built reactface_msgs, both sourced"
)
TYPES = RclpyTypes()


class ClosableSession(EchoSession):
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def ros(monkeypatch):
    """A context in a domain of its own; ``node(*arguments)`` makes the node in it."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    made = []

    def load(config):
        made.append(ClosableSession(config))
        return made[-1]

    monkeypatch.setattr("reactface_node.session.ReactionSession.load", load)
    monkeypatch.setattr("reactface_node.render.make_renderer", lambda config: FlatRenderer())

    def node(*arguments, config=None):
        from reactface_node.ros.node import ReactfaceNode

        rclpy.init(args=["--ros-args", *arguments])
        built = ReactfaceNode(config)
        ros.peer = rclpy.create_node("peer", use_global_arguments=False)
        ros.executor = SingleThreadedExecutor()
        ros.executor.add_node(built)
        ros.executor.add_node(ros.peer)
        return built

    ros = SimpleNamespace(node=node, sessions=made, executor=None)
    yield ros
    for built in ros.executor.get_nodes() if ros.executor else ():
        built.destroy_node()
    rclpy.try_shutdown()


def until(ros, found, each_time=lambda: None):
    """Spins until ``found`` gives something; fails at the deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        each_time()
        ros.executor.spin_once(timeout_sec=0.02)
        result = found()
        if result:
            return result
    raise AssertionError("the deadline passed")


def heard(ros, type_name, topic):
    """A list to which a peer's subscription appends; best effort, which matches everything."""
    from rclpy.qos import qos_profile_sensor_data

    messages, kind = [], TYPES.message_type(type_name)
    ros.peer.create_subscription(kind, topic, messages.append, qos_profile_sensor_data)
    return messages


def activate(node):
    from rclpy.lifecycle import TransitionCallbackReturn

    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS


def entities(node):
    """Names on the graph, sorted, and the number of timers."""
    topics = [end.topic_name for end in (*node.publishers, *node.subscriptions)]
    services = [node.resolve_service_name(service.srv_name) for service in node.services]
    return sorted(topics + services), len(list(node.timers))


@pytest.mark.skipif(HAS_RCLPY, reason="rclpy is installed here")
def test_without_rclpy_the_other_way_is_named(capsys):
    from reactface_node.cli import main

    assert main(["node"]) == 2
    said = capsys.readouterr().err
    assert "reactface live" in said and said.count("\n") == 1


@pytest.mark.skipif(not HAS_RCLPY, reason="needs ROS 2: rclpy")
def test_without_its_messages_the_colcon_command_is_named(monkeypatch):
    from reactface_node.ros import node

    monkeypatch.setattr(node, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="reactface_msgs is not built: run `colcon build"):
        node.main([])


@needs_ros
def test_every_setting_is_a_described_parameter(ros):
    node = ros.node("-p", "playout.gain:=2", "-p", "profile:=paper")
    assert node.config == Config.load("paper", overrides={"playout.gain": 2.0})
    for item in settings(node.config):
        about = node.describe_parameter(item.name)
        assert node.get_parameter(item.name).value == item.value
        assert about.description == item.help and about.read_only == (not item.live)
        for limits in (*about.integer_range, *about.floating_point_range):
            assert (limits.from_value, limits.to_value) == (item.low, item.high)
    assert "pixels" in node.describe_parameter("model.face_encoder").additional_constraints


@needs_ros
@pytest.mark.parametrize(
    "mistake, said",
    [
        ("playout.gian:=1.0", "did you mean playout.gain"),
        ("playout.gain:=30.0", "within 0 .. 3"),
        ("render.width:=wide", "must be a int"),
        ("profile:=nobody", "unknown profile 'nobody'"),
    ],
)
def test_a_wrong_parameter_is_one_line(mistake, said):
    from reactface_node.ros.node import main

    with pytest.raises(UserError, match=said):
        main(["--ros-args", "-p", mistake])


@needs_ros
@pytest.mark.parametrize("mistake", [["--fast"], ["--ros-args", "--params-file", "/nowhere.yaml"]])
def test_a_wrong_argument_is_one_line(mistake):
    from reactface_node.ros.node import main

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
    assert session.config.playout.gain == node.config.playout.gain == 0.5
    assert "out of range" in set_one("playout.gain", 9.0).reason
    assert "read-only" in set_one("playout.seed", 3).reason
    assert set_one("use_sim_time", True).successful
    assert node.config.playout.gain == 0.5


@needs_ros
def test_deactivate_removes_what_activate_made(ros):
    node = ros.node()
    before = entities(node)
    for _ in range(2):
        activate(node)
        assert "/reactface/blendshapes" in entities(node)[0]
        assert "/reactface/reset" in entities(node)[0]
        node.trigger_deactivate()
        assert entities(node) == before
        node.trigger_cleanup()
        assert ros.sessions[-1].closed
    assert len(ros.sessions) == 2


@needs_ros
def test_shutdown_from_active_frees_everything(ros):
    node = ros.node()
    before = entities(node)
    activate(node)
    node.trigger_shutdown()
    assert entities(node) == before and ros.sessions[0].closed


@needs_ros
def test_missing_weights_leave_the_node_unconfigured(ros, monkeypatch):
    from rclpy.lifecycle import TransitionCallbackReturn

    def fails(config):
        raise UserError("no weights")

    node = ros.node()
    with monkeypatch.context() as patch:
        patch.setattr("reactface_node.session.ReactionSession.load", fails)
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    activate(node)


@needs_ros
@pytest.mark.parametrize("kind", ["Image", "CompressedImage"])
def test_an_image_becomes_a_face(ros, kind):
    from rclpy.qos import qos_profile_sensor_data

    from reactface_node.ros import convert

    node = ros.node("-r", "image:=/camera/picture", "-r", "__ns:=/robot")
    activate(node)
    faces = heard(ros, "reactface_msgs/msg/Blendshapes", "/robot/reactface/blendshapes")
    windows = heard(ros, "reactface_msgs/msg/Reaction", "/robot/reactface/reaction")
    build = TYPES.message_type(f"sensor_msgs/msg/{kind}")
    camera = ros.peer.create_publisher(build, "/camera/picture", qos_profile_sensor_data)

    def send():
        about = (TYPES, ros.peer.get_clock().now().nanoseconds * 1e-9, "camera")
        rgb = np.full((16, 16, 3), 255, np.uint8)
        camera.publish(
            convert.image(*about, rgb)
            if kind == "Image"
            else convert.compressed_image(*about, rgb, 90)
        )

    face = until(ros, lambda: next((f for f in faces if f.weights[0] > 0.9), None), send)
    assert len(face.names) == len(face.weights) == 52
    age_s = ros.peer.get_clock().now().nanoseconds * 1e-9 - convert.time_to_s(face.header.stamp)
    assert -1.0 < age_s < PATIENCE_S
    window = until(ros, lambda: next(iter(windows), None))
    assert len(window.samples) == window.num_samples * window.num_frames * 58


@needs_ros
def test_a_topic_of_another_type_is_said_once_and_the_node_goes_on(ros):
    node = ros.node()
    activate(node)
    logs = heard(ros, "rcl_interfaces/msg/Log", "/rosout")
    build = TYPES.message_type("std_msgs/msg/String")
    publisher = ros.peer.create_publisher(build, "audio", 10)
    faces = heard(ros, "reactface_msgs/msg/Blendshapes", "/reactface/blendshapes")

    def complaints():
        return [log.msg for log in logs if "/audio carries std_msgs/msg/String" in log.msg]

    assert until(ros, complaints, lambda: publisher.publish(build(data="hello")))
    since = len(faces)
    assert until(ros, lambda: len(faces) > since + 30)
    assert len(complaints()) == 1


@needs_ros
def test_pictures_diagnostics_and_services(ros):
    node = ros.node()
    activate(node)
    pictures = heard(ros, "sensor_msgs/msg/Image", "/reactface/image")
    jpegs = heard(ros, "sensor_msgs/msg/CompressedImage", "/reactface/image/compressed")
    reports = heard(ros, "diagnostic_msgs/msg/DiagnosticArray", "/diagnostics")
    assert until(ros, lambda: pictures and jpegs and reports)
    assert (pictures[0].encoding, pictures[0].height, len(pictures[0].data)) == ("rgb8", 8, 192)
    assert reports[0].status[0].name == "reactface"

    from std_srvs.srv import SetBool, Trigger

    ros.sessions[0].pixel = 0.7
    reset = ros.peer.create_client(Trigger, "/reactface/reset")
    assert until(ros, reset.service_is_ready)
    answer = reset.call_async(Trigger.Request())
    assert until(ros, answer.done) and answer.result().success
    assert ros.sessions[0].pixel == 0.0
    enable = ros.peer.create_client(SetBool, "/reactface/enable")
    assert until(ros, enable.service_is_ready)
    answer = enable.call_async(SetBool.Request(data=False))
    assert until(ros, answer.done) and answer.result().message == "disabled"


@needs_ros
def test_nothing_happens_before_simulated_time_begins(ros):
    from reactface_node.ros import convert

    node = ros.node("-p", "use_sim_time:=true")
    activate(node)
    faces = heard(ros, "reactface_msgs/msg/Blendshapes", "/reactface/blendshapes")
    build = TYPES.message_type("rosgraph_msgs/msg/Clock")
    clock = ros.peer.create_publisher(build, "/clock", 10)
    ticks = iter(range(100_000))

    def play():
        assert ros.sessions[0].windows == 0 or node.get_clock().now().nanoseconds > 0
        clock.publish(build(clock=convert.time_message(TYPES, 50.0 + 0.02 * next(ticks))))

    face = until(ros, lambda: next(iter(faces), None), play)
    assert 50.0 <= convert.time_to_s(face.header.stamp) < 50.0 + 0.02 * next(ticks) + 0.1


@needs_ros
@pytest.mark.parametrize("autostart, entities", [("true", 3), ("false", 1)])
def test_the_launch_file_starts_a_described_lifecycle_node(autostart, entities):
    from launch_ros.actions import LifecycleNode

    from launch import LaunchContext

    launched = runpy.run_path(str(ROOT / "launch" / "reactface.launch.py"))
    arguments = launched["generate_launch_description"]().get_launch_arguments()
    assert all(argument.description for argument in arguments)
    context = LaunchContext()
    context.launch_configurations.update({a.name: a.default_value[0].text for a in arguments})
    context.launch_configurations.update(autostart=autostart, image="/camera/image_raw")
    started = launched["start"](context)
    assert len(started) == entities
    assert sum(isinstance(entity, LifecycleNode) for entity in started) == 1


@needs_ros
def test_sigint_ends_the_process_quietly(ros):
    import rclpy

    rclpy.init()
    peer = rclpy.create_node("peer")
    code = "import sys; from reactface_node.cli import main; sys.exit(main(sys.argv[1:]))"
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
