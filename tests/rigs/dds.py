"""A DDS graph with the node in another process, for the tests of the node over DDS."""

import itertools
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np

from reactface_node.ros.dds.wire import Quality, Wire, new_id
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from rigs.paths import ROOT

PATIENCE_S = 20.0
RELIABLE = Quality()
BEST_EFFORT = Quality(reliable=False, depth=10)
TYPES = RosbagsTypes()
DOMAINS = itertools.count(10 + os.getpid() % 80)


class Graph:
    """The rest of the graph: a peer participant beside the node's process."""

    def __init__(self, wire, child):
        self.wire, self.child, self.said = wire, child, ""

    def reader(self, topic, kind, quality=RELIABLE):
        return self.wire.reader("rt" + topic, kind, TYPES, quality)

    def writer(self, topic, kind, quality=RELIABLE, types=TYPES):
        return self.wire.writer("rt" + topic, kind, types, quality)

    def faces(self):
        return self.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")

    def until(self, found, each_time=lambda: None):
        """Polls ``found`` until it gives something; fails at the deadline or if the node died."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.child.poll() is None, self.child.stderr.read().decode()
            each_time()
            result = found()
            if result:
                return result
            time.sleep(0.005)
        raise AssertionError("the deadline passed")

    def message(self, reader, wanted=lambda message: True, each_time=lambda: None):
        return self.until(lambda: next((m for m in reader.take() if wanted(m)), None), each_time)

    def call(self, name, kind, **fields):
        """One service call, as a client on rmw_cyclonedds makes it."""
        extra = f"clientid={new_id()};"
        replies = self.wire.reader(f"rr{name}Reply", f"{kind}_Response", TYPES, Quality(), extra)
        asks = self.wire.writer(f"rq{name}Request", f"{kind}_Request", TYPES, Quality(), extra)
        self.until(lambda: asks.matched and replies.matched)
        build = TYPES.message_type(f"{kind}_Request")
        asks.write(build(guid=1234, seq=7, **fields))
        return self.message(replies, lambda reply: (reply.guid, reply.seq) == (1234, 7))


@contextmanager
def node_on_a_graph(*settings):
    """The node in a process and a domain of its own, and a peer beside it.

    settings: "NAME=VALUE" of the node. What it said is the graph's ``said`` once it has ended.
    """
    domain = 10 + (next(DOMAINS) - 10) % 90
    environment = os.environ | {
        "ROS_DOMAIN_ID": str(domain),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    wire = Wire("peer", domain, "lo")
    child = subprocess.Popen(
        [sys.executable, "-W", "error", str(ROOT / "tests" / "rigs" / "dds_child.py"), *settings],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        graph = Graph(wire, child)
        yield graph
        _, errors = child.communicate(timeout=PATIENCE_S)
        graph.said = errors.decode()
        assert child.returncode == 0, graph.said
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stderr.close()
        wire.close()


def an_image(value):
    rgb = np.full((480, 640, 3), value, np.uint8)
    return convert.image(TYPES, time.time(), "camera", rgb)


def audio_data(value):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.full(320, value, "<i2").view(np.uint8))


def audio_info():
    """What ``audio_data`` holds."""
    build = TYPES.message_type("audio_common_msgs/msg/AudioInfo")
    return build(
        channels=1, sample_rate=16000, sample_format="S16LE", bitrate=0, coding_format="wave"
    )


def weight(message, index):
    return float(message.weights[index])


@contextmanager
def command_line(domain, *arguments, **environment):
    """`reactface` in a process of its own, alone with this machine in a domain."""
    root = ROOT
    child = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "reactface_node.cli",
            *arguments,
            "--set",
            "ros.network_interface=lo",
        ],
        env=os.environ | {"ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(root)} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
