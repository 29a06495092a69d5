"""Further inputs and outputs of the node under rclpy, besides camera, microphone and face."""

import itertools
import sys

import numpy as np
import pytest
from rigs.outputs import face_of
from rigs.rclpy_graph import TYPES, activate, heard, needs_ros, ros_graph, until

from reactface_node.files import resources
from reactface_node.ros.messages import convert
from reactface_node.schema import COEFFICIENT_NAMES

OUTPUTS = {
    "/reactface/expression": "hri_msgs/msg/Expression",
    "/reactface/facs": "hri_msgs/msg/FacialActionUnits",
    "/reactface/joint_states": "sensor_msgs/msg/JointState",
    "/reactface/motors": "sensor_msgs/msg/JointState",
    "/reactface/joint_trajectory": "trajectory_msgs/msg/JointTrajectory",
}


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


def publisher(ros, type_name, topic):
    """A function that publishes a message, built from keyword arguments."""
    build = TYPES.message_type(type_name)
    sender = ros.peer.create_publisher(build, topic, 10)
    return lambda **values: sender.publish(build(**values))


def camera(ros, topic, grey, frame_id="camera"):
    """A function that publishes an image all of one grey."""
    from rclpy.qos import qos_profile_sensor_data

    kind = TYPES.message_type("sensor_msgs/msg/Image")
    sender = ros.peer.create_publisher(kind, topic, qos_profile_sensor_data)
    rgb = np.full((16, 16, 3), grey, np.uint8)

    def send():
        now_s = ros.peer.get_clock().now().nanoseconds * 1e-9
        sender.publish(convert.image(TYPES, now_s, frame_id, rgb))

    return send


def listened_to(node):
    return {subscription.topic_name for subscription in node.subscriptions}


@needs_ros
def test_that_the_robot_speaks_and_what_it_plays_reach_the_session(ros):
    activate(ros.node())
    session = ros.sessions[0]
    speaking = publisher(ros, "std_msgs/msg/Bool", "speaking")
    for on in (True, False):
        until(ros, lambda on=on: session.spoken[-1:] == [on], lambda on=on: speaking(data=on))
    plays = publisher(ros, "audio_common_msgs/msg/AudioData", "robot_audio")
    until(ros, lambda: hasattr(session, "own_rate_hz"), lambda: plays(data=bytes(320)))
    assert session.own_rate_hz == 16000


@needs_ros
def test_the_face_and_voice_that_ros4hri_tracks_are_followed(ros):
    node = ros.node("-p", "ros.face_id:=auto", "-p", "ros.voice_id:=auto")
    activate(node)
    session = ros.sessions[0]
    faces = publisher(ros, "hri_msgs/msg/IdsList", "/humans/faces/tracked")
    voices = publisher(ros, "hri_msgs/msg/IdsList", "/humans/voices/tracked")
    greys = {"f1": 51, "f2": 204}
    cameras = [camera(ros, f"/humans/faces/{f}/cropped", g, f) for f, g in greys.items()]
    tracked = ["f1"]

    def send():
        faces(ids=tracked)
        voices(ids=["v1"])
        for one in cameras:
            one()

    until(ros, lambda: session.pixels, send)
    topics = {"/humans/faces/f1/cropped", "/humans/voices/v1/is_speaking"}
    until(ros, lambda: topics <= listened_to(node), send)
    assert not {"/image", "/audio", "/humans/faces/f2/cropped"} & listened_to(node)
    # Whoever comes besides is not followed as long as the first is there.
    tracked[:] = ["f2", "f1"]
    seen = len(session.pixels)
    until(ros, lambda: len(session.pixels) > seen + 5, send)
    assert {*session.pixels} == {0.2} and session.speakers == 1
    tracked[:] = ["f2"]
    until(ros, lambda: session.pixel == 0.8, send)
    assert session.speakers == 2 and "/humans/faces/f1/cropped" not in listened_to(node)
    # The new face's images have another frame_id, and yet are of no second publisher.
    assert "other_publishers" not in node._graph.server.meter.totals


@needs_ros
def test_a_second_camera_on_the_topic_is_ignored_and_said_once(ros, caplog):
    node = ros.node()
    activate(node)
    session, counts = ros.sessions[0], node._graph.server.meter.totals
    left, right = camera(ros, "image", 255, "left"), camera(ros, "image", 0, "right")
    until(ros, lambda: session.pixels, left)
    turns = itertools.cycle((right, left))
    taken = []

    def next_one():
        """One at a time: the node keeps one image, and that of the other would replace it."""
        now = counts.get("images", 0) + counts.get("other_publishers", 0)
        if [now] != taken:
            taken[:] = [now]
            next(turns)()

    until(ros, lambda: counts.get("other_publishers", 0) >= 10, next_one)
    assert {*session.pixels} == {1.0}
    (said,) = [r.getMessage() for r in caplog.records if "more than one publisher" in r.msg]
    assert "on the topic of image" in said


@needs_ros
def test_a_camera_that_comes_back_with_another_type_is_heard_again(ros):
    activate(ros.node())
    session = ros.sessions[0]
    until(ros, lambda: session.pixels, camera(ros, "image", 255))
    for sender in [p for p in ros.peer.publishers if p.topic_name == "/image"]:
        ros.peer.destroy_publisher(sender)
    session.pixels.clear()
    compressed = publisher(ros, "sensor_msgs/msg/CompressedImage", "image")
    rgb = np.full((16, 16, 3), 128, np.uint8)

    def send():
        now_s = ros.peer.get_clock().now().nanoseconds * 1e-9
        made = convert.compressed_image(TYPES, now_s, "camera", rgb, 100)
        compressed(header=made.header, format=made.format, data=made.data)

    until(ros, lambda: session.pixels, send)
    assert session.pixels[-1] == pytest.approx(0.5, abs=0.02)


@needs_ros
def test_a_face_goes_out_as_expression_action_units_and_joints(ros):
    chosen = [f"outputs.{name}:=true" for name in ("expression", "facs", "joint_states")]
    motors = resources.folder("config") / "motors_example.yaml"
    node = ros.node(*(a for one in (*chosen, f"outputs.motor_map:={motors}") for a in ("-p", one)))
    activate(node)
    smile = face_of(mouthSmile=0.8, cheekSquint=0.8, rotationY=0.25)
    ros.sessions[0].face = smile
    sent = {topic: heard(ros, kind, topic) for topic, kind in OUTPUTS.items()}

    def arrived():
        """Motors take a while to turn the head."""
        turned = sent["/reactface/motors"]
        return turned and abs(turned[-1].position[turned[-1].name.index("neck_yaw")] - 0.25) < 1e-6

    until(ros, lambda: arrived() and all(sent.values()))
    last = {topic.rpartition("/")[2]: messages[-1] for topic, messages in sent.items()}
    assert last["expression"].expression == "happy" and last["expression"].valence > 0.5
    assert last["expression"].header.frame_id == "reactface"
    assert last["facs"].intensity[12] == pytest.approx(0.8) and last["facs"].confidence[12] == 1
    assert last["joint_states"].name == list(COEFFICIENT_NAMES)
    np.testing.assert_array_equal(last["joint_states"].position, smile.astype(np.float64))
    (point,) = last["joint_trajectory"].points
    assert last["joint_trajectory"].joint_names == last["motors"].name
    assert point.positions[last["motors"].name.index("neck_yaw")] == pytest.approx(0.25)
    assert point.time_from_start.nanosec == 40_000_000


@needs_ros
def test_a_package_that_an_output_needs_and_is_missing_is_one_line(ros, monkeypatch):
    from rclpy.lifecycle import TransitionCallbackReturn

    node = ros.node("-p", "outputs.expression:=true")
    logs = heard(ros, "rcl_interfaces/msg/Log", "/rosout")
    node.trigger_configure()
    before = listened_to(node)
    for name in ("hri_msgs", "hri_msgs.msg"):
        monkeypatch.setitem(sys.modules, name, None)

    def complaints():
        return [log.msg for log in logs if "hri_msgs" in log.msg]

    assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
    until(ros, complaints)
    assert complaints() == ["this ROS workspace has no hri_msgs/msg/Expression; build or source it"]
    assert listened_to(node) == before


@needs_ros
def test_a_parameter_changed_by_a_service_is_what_the_server_works_with(ros):
    from rcl_interfaces.srv import SetParameters
    from rclpy.parameter import Parameter

    node = ros.node()
    activate(node)
    client = ros.peer.create_client(SetParameters, "/reactface/set_parameters")
    until(ros, client.service_is_ready)

    def ask(name, value):
        wanted = [Parameter(name, value=value).to_parameter_msg()]
        answer = client.call_async(SetParameters.Request(parameters=wanted))
        until(ros, answer.done)
        return answer.result().results[0]

    assert ask("playout.gain", 2.0).successful
    assert not ask("playout.gain", 9.0).successful
    assert ask("render.portrait", "me.png").reason.startswith("no portrait is drawn")
    until(ros, lambda: ros.sessions[0].config.playout.gain == 2.0)
    for config in (node.config, node._graph.server.config, ros.sessions[0].config):
        assert (config.playout.gain, config.render.portrait) == (2.0, "")


class OnePress:
    """A page on which somebody moved a slider, then too far."""

    announcement = "the face is nowhere"

    def __init__(self, config):
        self.told = []
        self.pressed = [("set", {"playout.gain": 0.5}), ("set", {"playout.gain": 9.0})]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.told.append("closed")

    def show(self, face, speaker):
        pass

    def tell(self, about):
        self.told.append(about.get("reason", ""))

    def commands(self):
        pressed, self.pressed = self.pressed, []
        return pressed


@needs_ros
def test_what_is_set_on_the_page_is_a_parameter_too(ros, monkeypatch):
    pages = []
    monkeypatch.setattr(
        "reactface_node.ros.rclpy.graph.WebFace",
        lambda config: pages.append(OnePress(config)) or pages[0],
    )
    node = ros.node("-p", "web.port:=8080")
    activate(node)
    until(ros, lambda: len(pages[0].told) >= 2)
    until(ros, lambda: ros.sessions[0].config.playout.gain == 0.5)
    assert node.get_parameter("playout.gain").value == ros.sessions[0].config.playout.gain == 0.5
    assert any("out of range" in said or "within 0 .. 3" in said for said in pages[0].told)
    node.trigger_deactivate()
    assert pages[0].told[-1] == "closed"
