"""Queued and damaged messages under a real rclpy: drained or rejected, never the node's end."""

import time

import pytest
from rigs.rclpy_graph import TYPES, activate, needs_ros, ros_graph, until

pytestmark = needs_ros
CHUNKS = 40


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


def microphone(ros):
    """A publisher that the node has found."""
    kind = TYPES.message_type("audio_common_msgs/msg/AudioData")
    sender = ros.peer.create_publisher(kind, "audio", 2 * CHUNKS)
    until(ros, lambda: sender.get_subscription_count() == 1)
    info = TYPES.message_type("audio_common_msgs/msg/AudioInfo")
    told = ros.peer.create_publisher(info, "audio_info", 10)
    until(ros, lambda: told.get_subscription_count() == 1)
    told.publish(info(sample_rate=16000, channels=1, sample_format="S16LE", coding_format="wave"))
    return lambda: sender.publish(kind(data=bytes(1024)))


def test_all_sound_that_waits_is_taken_before_the_next_tick(ros, monkeypatch):
    """The executor takes one message of a subscription a turn."""
    node = ros.node("-p", "ros.audio_info_topic:=audio_info")
    activate(node)
    session = ros.sessions[0]
    events = []
    send = microphone(ros)
    until(ros, lambda: "audio" in node._graph.server.meter.totals, send)
    push, poll = session.push_audio, session.poll
    monkeypatch.setattr(session, "push_audio", lambda *a: (events.append("audio"), push(*a)))
    monkeypatch.setattr(session, "poll", lambda *a, **k: (events.append("tick"), poll(*a, **k))[1])
    for _ in range(CHUNKS):
        send()
    time.sleep(0.5)  # The middleware has them by then; nobody has spun meanwhile.
    events.clear()
    until(ros, lambda: events.count("audio") >= CHUNKS)
    first = events.index("audio")
    last = len(events) - 1 - events[::-1].index("audio")
    assert events[first : last + 1].count("tick") == 0


def test_a_flood_lets_the_ticks_through(ros, monkeypatch):
    node = ros.node()
    activate(node)
    graph, entry = node._graph, node._graph.router.inputs["audio"]
    send = microphone(ros)
    until(ros, lambda: "audio" in graph.server.meter.totals, send)
    kind = TYPES.message_type("audio_common_msgs/msg/AudioData")
    from rclpy.serialization import serialize_message

    data = serialize_message(kind(data=bytes(64)))

    class Endless:
        msg_type, qos_profile = kind, entry.subscription.qos_profile

        class handle:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def take_message(self, *_):
                return data, None

        handle = handle()

    real, entry.subscription = entry.subscription, Endless()
    before = graph.server.meter.totals["audio"]
    graph._receive("audio", data)
    entry.subscription = real
    assert graph.server.meter.totals["audio"] - before == 2 * real.qos_profile.depth + 1 == 101


@pytest.mark.parametrize("data", [b"", b"\x00\x01", bytes(64), b"\x00\x01\x00\x00" + b"\xff" * 60])
def test_a_message_that_cannot_be_read_is_rejected_and_the_node_goes_on(ros, data):
    from reactface_node.ros.messages import convert

    node = ros.node()
    activate(node)
    server = node._graph.server
    for _ in range(20):
        node._graph._receive("image", data)
    assert server.meter.totals["rejected"] == 20
    image = TYPES.message_type("sensor_msgs/msg/Image")
    sender = ros.peer.create_publisher(image, "image", 1)
    import numpy as np

    rgb = np.full((16, 16, 3), 255, np.uint8)

    def send():
        sender.publish(convert.image(TYPES, time.time(), "camera", rgb))

    until(ros, lambda: ros.sessions[0].pixels, send)


def test_a_text_that_is_not_utf_8_does_not_end_it(ros):
    """Some versions of rclpy read such a text, some raise."""
    from rclpy.serialization import serialize_message

    node = ros.node()
    activate(node)
    kind = TYPES.message_type("sensor_msgs/msg/Image")
    message = kind(height=1, width=1, step=3, encoding="rgb8", data=bytes(3))
    message.header.frame_id = "camera"
    data = serialize_message(message).replace(b"camera", b"\xff\xfe\xfd\xfc\xfb\xfa")
    sender = ros.peer.create_publisher(kind, "image", 1)
    totals = node._graph.server.meter.totals

    def came():
        return totals.get("rejected", 0) + totals.get("images", 0) > 5

    until(ros, came, lambda: sender.publish(data))


def test_inputs_show_on_the_graph_before_anybody_publishes(ros):
    node = ros.node()
    activate(node)
    types = {one.topic_name: one.msg_type for one in node.subscriptions}
    assert types["/image"] is TYPES.message_type("sensor_msgs/msg/Image")
    assert {"/audio", "/audio_info", "/robot_audio", "/speaking"} <= types.keys()


def test_without_an_audio_package_the_camera_is_listened_to_all_the_same(ros, monkeypatch):
    import sys

    node = ros.node()
    for name in ("audio_common_msgs", "audio_common_msgs.msg", "foxglove_msgs"):
        monkeypatch.setitem(sys.modules, name, None)
    activate(node)
    assert "/image" in {one.topic_name for one in node.subscriptions}


def test_qos_overrides_hold_and_are_parameters(ros):
    node = ros.node(
        "-p",
        "qos_overrides./image.subscription.reliability:=reliable",
        "-p",
        "qos_overrides./reactface/image.publisher.depth:=4",
    )
    for _ in range(2):
        activate(node)
        name = "qos_overrides./image.subscription."
        assert node.get_parameter(name + "reliability").value == "reliable"
        assert node.get_parameter(name + "depth").value == 1
        (image,) = [one for one in node.subscriptions if one.topic_name == "/image"]
        assert image.qos_profile.reliability.name == "RELIABLE"
        (out,) = [one for one in node.publishers if one.topic_name == "/reactface/image"]
        assert out.qos_profile.depth == 4
        node.trigger_deactivate()
        node.trigger_cleanup()


@pytest.mark.parametrize("value", ["often", "3"])
def test_a_wrong_qos_override_is_one_line(ros, value):
    from rclpy.lifecycle import TransitionCallbackReturn
    from rigs.rclpy_graph import heard

    node = ros.node("-p", f"qos_overrides./image.subscription.reliability:={value}")
    logs = heard(ros, "rcl_interfaces/msg/Log", "/rosout")
    node.trigger_configure()
    assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
    said = until(ros, lambda: [log.msg for log in logs if "QoS" in log.msg])
    assert len(said) == 1 and "the QoS of image" in said[0] and "\n" not in said[0]
    assert "/image" not in {one.topic_name for one in node.subscriptions}
