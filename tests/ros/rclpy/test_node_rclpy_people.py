"""ROS4HRI's people under a real rclpy: which person is followed, and when this changes."""

from importlib.util import find_spec

import numpy as np
import pytest
from rigs.rclpy_graph import TYPES, activate, heard, needs_ros, ros_graph, until

from reactface_node.ros.messages import convert

pytestmark = [
    needs_ros,
    pytest.mark.skipif(find_spec("hri_msgs") is None, reason="needs a built hri_msgs"),
]


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


def test_the_face_and_voice_that_are_tracked_are_followed(ros):
    node = ros.node("-p", "ros.face_id:=auto", "-p", "ros.voice_id:=auto")
    activate(node)
    faces = heard(ros, "reactface_msgs/msg/Blendshapes", "/reactface/blendshapes")

    def publisher(kind, topic):
        return ros.peer.create_publisher(TYPES.message_type(kind), topic, 10)

    tracked = {
        kind: publisher("hri_msgs/msg/IdsList", f"/humans/{kind}/tracked")
        for kind in ("faces", "voices")
    }
    cropped = {
        name: publisher("sensor_msgs/msg/Image", f"/humans/faces/{name}/cropped")
        for name in ("anna", "bert")
    }
    speaks = publisher("std_msgs/msg/Bool", "/humans/voices/v1/is_speaking")
    there = ["no name", "anna", "bert"]

    def publish():
        stamp_s = ros.peer.get_clock().now().nanoseconds * 1e-9
        build = TYPES.message_type("hri_msgs/msg/IdsList")
        tracked["faces"].publish(build(ids=there))
        tracked["voices"].publish(build(ids=["v1"]))
        speaks.publish(TYPES.message_type("std_msgs/msg/Bool")(data=False))
        for name, level in (("anna", 51), ("bert", 204)):
            rgb = np.full((16, 16, 3), level, np.uint8)
            cropped[name].publish(convert.image(TYPES, stamp_s, "camera", rgb))

    def shown(level):
        faces.clear()
        return until(ros, lambda: [f for f in faces if abs(f.weights[0] - level) < 1e-3], publish)

    for _ in range(2):  # She is kept as long as she is there.
        shown(0.2)
        there.reverse()
    there.remove("anna")
    shown(0.8)
    assert ros.sessions[0].speakers == 2
    until(ros, lambda: speaks.get_subscription_count() == 1, publish)
    until(ros, lambda: cropped["anna"].get_subscription_count() == 0, publish)
