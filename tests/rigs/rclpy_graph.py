"""A real rclpy around the node with a fake session: for the tests that need ROS 2."""

import gc
import os
import time
from contextlib import contextmanager
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from reactface_node.ros.messages.types import RclpyTypes
from rigs.dds_child import EchoSession, FlatRenderer

PATIENCE_S = 20.0
HAS_RCLPY = find_spec("rclpy") is not None
HAS_MESSAGES = HAS_RCLPY and find_spec("reactface_msgs") is not None
needs_ros = pytest.mark.skipif(
    not HAS_MESSAGES, reason="needs ROS 2: rclpy and a built reactface_msgs, both sourced"
)
TYPES = RclpyTypes()


class ClosableSession(EchoSession):
    """Its face tells what arrived, unless a test puts in a ``face`` (58,); it notes the rest."""

    closed, face = False, None

    def __init__(self, config):
        super().__init__(config)
        self.pixels, self.spoken, self.speakers = [], [], 0

    def push_image(self, stamp_s, rgb):
        super().push_image(stamp_s, rgb)
        self.pixels.append(self.pixel)

    def push_speaking(self, stamp_s, on):
        self.spoken.append(on)

    def push_own_audio(self, stamp_s, samples, rate_hz):
        self.own_rate_hz = rate_hz

    def change_speaker(self):
        self.speakers += 1

    def poll(self, now_s, wait=True):
        reactions = super().poll(now_s)
        if self.face is not None:
            for reaction in reactions:
                reaction.face[:] = self.face
        return reactions

    def close(self):
        self.closed = True


@contextmanager
def ros_graph(monkeypatch):
    """A context in a domain of its own; ``node(*arguments)`` makes the node in it."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    made = []

    def load(config):
        made.append(ClosableSession(config))
        return made[-1]

    monkeypatch.setattr("reactface_node.session.session.ReactionSession.load", load)
    monkeypatch.setattr("reactface_node.render.make_renderer", lambda *_: FlatRenderer())

    def robots(*namespaces):
        """Nodes of one process, each in a namespace; they are not spun here."""
        from reactface_node.ros.rclpy.node import ReactfaceNode
        from reactface_node.session.shared import SharedModel

        monkeypatch.setattr(SharedModel, "load", lambda _, config: load(config))
        rclpy.init(args=[])
        models = SharedModel(len(namespaces))
        built = [ReactfaceNode(None, namespace, models) for namespace in namespaces]
        ros.peer = rclpy.create_node("peer", use_global_arguments=False)
        ros.executor = SingleThreadedExecutor()
        ros.executor.add_node(ros.peer)
        return built

    def node(*arguments, config=None):
        from reactface_node.ros.rclpy.node import ReactfaceNode

        rclpy.init(args=["--ros-args", *arguments])
        built = ReactfaceNode(config)
        ros.peer = rclpy.create_node("peer", use_global_arguments=False)
        ros.executor = SingleThreadedExecutor()
        ros.executor.add_node(built)
        ros.executor.add_node(ros.peer)
        return built

    ros = SimpleNamespace(node=node, robots=robots, sessions=made, executor=None)
    yield ros
    built = None
    for built in ros.executor.get_nodes() if ros.executor else ():
        built.destroy_node()
    rclpy.try_shutdown()
    # What is left of a node of this name, once it is freed, would end the next one's /rosout.
    del built
    ros.executor = ros.peer = None
    gc.collect()


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
