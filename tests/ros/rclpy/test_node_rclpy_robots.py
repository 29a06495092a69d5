"""Several robots in one process under a real rclpy: none of them disturbs another."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest
from rigs.rclpy_graph import PATIENCE_S, TYPES, heard, needs_ros, ros_graph, until

from reactface_node.errors import UserError
from reactface_node.ros.messages import convert


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


@contextmanager
def served(nodes):
    """``serve`` on a thread; gives a list that holds its exit code at the end."""
    from reactface_node.ros.rclpy.serving import serve

    stop, code = [], []
    thread = threading.Thread(target=lambda: code.append(serve(nodes, stop, autostart=True)))
    thread.start()
    try:
        yield code
    finally:
        stop.append(2)
        thread.join(PATIENCE_S)
    assert code


def about(message):
    """Name and text of a diagnostics message."""
    return message.status[0].name, message.status[0].message


class Robot:
    """A camera of a robot, and what its node publishes."""

    def __init__(self, ros, name):
        from rclpy.qos import qos_profile_sensor_data

        build = TYPES.message_type("sensor_msgs/msg/Image")
        self._camera = ros.peer.create_publisher(build, f"/{name}/image", qos_profile_sensor_data)
        topic = f"/{name}/reactface/blendshapes"
        self._ros, self.faces = ros, heard(ros, "reactface_msgs/msg/Blendshapes", topic)

    def send(self, value):
        now_s = self._ros.peer.get_clock().now().nanoseconds * 1e-9
        rgb = np.full((16, 16, 3), value, np.uint8)
        self._camera.publish(convert.image(TYPES, now_s, "camera", rgb))

    def shows(self, value):
        """Whether the newest face since the last call shows a pixel's value."""
        newest, self.faces[:] = self.faces[-1:], []
        return [True] if newest and abs(newest[0].weights[0] - value / 255) < 1e-3 else []


@needs_ros
def test_a_robot_that_fails_again_and_again_leaves_the_others_alone(ros, monkeypatch):
    monkeypatch.setattr("reactface_node.ros.rclpy.serving.RESTART_S", 0.5)
    nodes = ros.robots("a", "lab/b")
    a, b = Robot(ros, "a"), Robot(ros, "lab/b")
    with served(nodes) as code:
        until(ros, lambda: a.shows(51), lambda: a.send(51))
        until(ros, lambda: b.shows(204), lambda: b.send(204))
        broken = ros.sessions[0]
        failing = threading.Event()

        def poll(now_s, wait=True):
            failing.set()
            raise ZeroDivisionError("a broken session")

        healthy, broken.poll = broken.poll, poll
        until(ros, failing.is_set)
        until(ros, lambda: ros.peer.count_publishers("/a/reactface/blendshapes") == 0)
        # b has not been reset, and c would have been.
        assert until(ros, lambda: b.shows(204))
        broken.poll = healthy
        until(ros, lambda: a.shows(51), lambda: a.send(51))
        assert not code
    assert code == [0] and all(session.closed for session in ros.sessions)


@needs_ros
def test_a_lost_device_ends_its_robot_alone_and_the_process_tells(ros):
    nodes = ros.robots("a", "b")
    b = Robot(ros, "b")

    def lost(now_s, wait=True):
        raise UserError("the GPU is lost")

    with served(nodes) as code:
        until(ros, lambda: b.shows(0))
        ros.sessions[0].poll = lost
        until(ros, lambda: ros.peer.count_publishers("/a/reactface/blendshapes") == 0)
        assert until(ros, lambda: b.shows(0)) and not code
    assert code == [1]


@needs_ros
def test_services_and_diagnostics_are_of_one_robot(ros):
    from std_srvs.srv import SetBool

    nodes = ros.robots("a", "b")
    a, b = Robot(ros, "a"), Robot(ros, "b")
    health = heard(ros, "diagnostic_msgs/msg/DiagnosticArray", "/diagnostics")
    with served(nodes):
        client = ros.peer.create_client(SetBool, "/b/reactface/enable")
        until(ros, client.service_is_ready)
        until(ros, client.call_async(SetBool.Request(data=False)).done)
        wanted = {("b/reactface", "disabled")}
        until(ros, lambda: wanted <= set(map(about, health)))
        until(
            ros, lambda: {name for name, _ in map(about, health)} == {"a/reactface", "b/reactface"}
        )
        # What was on its way is there after ten more faces of the other.
        for _ in range(2):
            a.faces.clear()
            b.faces.clear()
            until(ros, lambda: len(a.faces) > 10)
        assert b.faces == []


@needs_ros
def test_a_namespace_by_ros_arguments_is_refused_with_several_robots():
    from reactface_node.ros.rclpy.node import main

    with pytest.raises(UserError, match="__ns:= has no use"):
        main(["--ros-args", "-r", "__ns:=/x"], robots=("a", "b"))
