"""The node under a real rclpy: its lifecycle, topics, services and time."""

import weakref

import numpy as np
import pytest
from rigs.rclpy_graph import PATIENCE_S, TYPES, activate, heard, needs_ros, ros_graph, until

from reactface_node.errors import UserError


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


def entities(node):
    """Names on the graph, sorted, and the number of timers."""
    topics = [end.topic_name for end in (*node.publishers, *node.subscriptions)]
    services = [node.resolve_service_name(service.srv_name) for service in node.services]
    return sorted(topics + services), len(list(node.timers))


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
def test_cleanup_lets_go_of_the_sessions_before(ros):
    """Models of the last configurations do not gather."""
    node = ros.node()
    gone = []
    for _ in range(5):
        activate(node)
        until(ros, lambda: ros.sessions[-1].windows)
        gone.append(weakref.ref(ros.sessions.pop()))
        node.trigger_deactivate()
        node.trigger_cleanup()
    # The executor has the timers of its last turns in hand, and by them the last sessions.
    assert [one() for one in gone[:-2]] == [None] * 3


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
        patch.setattr("reactface_node.session.session.ReactionSession.load", fails)
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    activate(node)


@needs_ros
@pytest.mark.parametrize("kind", ["Image", "CompressedImage"])
def test_an_image_becomes_a_face(ros, kind):
    from rclpy.qos import qos_profile_sensor_data

    from reactface_node.ros.messages import convert

    # The fake session's windows have two frames.
    window_mode = ("-p", "mode:=window")
    node = ros.node("-r", "image:=/camera/picture", "-r", "__ns:=/robot", *window_mode)
    activate(node)
    faces = heard(ros, "reactface_msgs/msg/Blendshapes", "/robot/reactface/blendshapes")
    windows = heard(ros, "reactface_msgs/msg/Reaction", "/robot/reactface/reaction")
    events = heard(ros, "reactface_msgs/msg/ListenerEvent", "/robot/reactface/events")
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
    event = until(ros, lambda: next(iter(events), None))
    assert (event.who, event.kind, event.phase) == (event.LISTENER, event.NOD, event.END)
    assert (event.cycles, event.rate_hz, event.version) == (2, 2.0, event.VERSION)


@needs_ros
def test_a_topic_of_another_type_is_said_once_and_the_node_goes_on(ros):
    node = ros.node()
    activate(node)
    logs = heard(ros, "rcl_interfaces/msg/Log", "/rosout")
    until(ros, lambda: logs, lambda: node.get_logger().info("heard"))
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
    assert until(ros, lambda: ros.sessions[0].pixel == 0.0)
    enable = ros.peer.create_client(SetBool, "/reactface/enable")
    assert until(ros, enable.service_is_ready)
    answer = enable.call_async(SetBool.Request(data=False))
    assert until(ros, answer.done) and answer.result().message == "disabled"


@needs_ros
def test_the_portrait_is_changed_by_a_service_that_its_parameter_follows(ros):
    node = ros.node("-p", "render.renderer:=portrait")
    activate(node)

    from reactface_msgs.srv import SetPortrait

    client = ros.peer.create_client(SetPortrait, "/reactface/set_portrait")
    assert until(ros, client.service_is_ready)
    for file, success in (("me.png", True), ("../you.png", False)):
        answer = client.call_async(SetPortrait.Request(file=file))
        assert until(ros, answer.done) and answer.result().success == success
        assert node.get_parameter("render.portrait").value == "me.png"
        assert node.config.render.portrait == "me.png"


@needs_ros
def test_nothing_happens_before_simulated_time_begins(ros):
    from reactface_node.ros.messages import convert

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
