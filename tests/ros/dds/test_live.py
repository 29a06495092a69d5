"""``reactface live`` with the shipped weights and the real tracker, in a separate process."""

import os
import signal
import time

import numpy as np
import pytest
from rigs.dds import command_line
from rigs.paths import ROOT

from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.dds.live import listened, open_capture
from reactface_node.ros.dds.wire import Quality, Wire
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

pytestmark = pytest.mark.slow

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")

DOMAIN = 10 + os.getpid() % 90  # Another run on this machine has a graph of its own.
PATIENCE_S = 60.0
SMILE = 43  # mouthSmileLeft


@pytest.fixture
def live():
    with command_line(DOMAIN, "live") as child:
        yield child


def until(child, found):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert child.poll() is None, child.stderr.read()
        if found():
            return
        time.sleep(0.002)
    raise AssertionError("the deadline passed")


def play(wire, types, start, stop):
    """Publishes the sample recording from ``start`` to ``stop`` seconds, in real time, as it is
    polled; True when it is over."""
    topics = {
        "/image": ("sensor_msgs/msg/CompressedImage", Quality(False, 1)),
        "/audio": ("audio_common_msgs/msg/AudioDataStamped", Quality(False, 50)),
        "/audio_info": ("audio_common_msgs/msg/AudioInfo", Quality()),
    }
    writers = {name: wire.writer("rt" + name, k, types, q) for name, (k, q) in topics.items()}
    with BagReader(ROOT / "sample") as bag:
        first_s = bag.start_s
        messages = [m for m in bag.messages() if start <= m.stamp_s - first_s < stop]
    began = None

    def step():
        nonlocal began
        if began is None:
            if not all(writer.matched for writer in writers.values()):
                return False
            began = time.time()
            info = types.message_type("audio_common_msgs/msg/AudioInfo")
            writers["/audio_info"].write(
                info(
                    channels=1,
                    sample_rate=48000,
                    sample_format="S16LE",
                    bitrate=0,
                    coding_format="wave",
                )
            )
        while messages and messages[0].stamp_s - first_s - start <= time.time() - began:
            item = messages.pop(0)
            if hasattr(item.message, "header"):
                item.message.header.stamp = convert.time_message(types, time.time())
            writers[item.topic].write(item.message)
        return not messages

    return step


def test_a_person_on_the_wire_gets_a_reaction(live):
    types = RosbagsTypes("ros-drivers")
    wire = Wire("peer", DOMAIN, "lo")
    try:
        faces = wire.reader(
            "rt/reactface/blendshapes", "reactface_msgs/msg/Blendshapes", types, Quality(depth=200)
        )
        health = wire.reader(
            "rt/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", types, Quality()
        )
        seen, reports = [], []
        finished = play(wire, types, 9.0, 15.0)  # surprise, then laughter

        def step():
            seen.extend(faces.take())
            reports.extend(health.take())
            return finished()

        until(live, step)
        live.send_signal(signal.SIGINT)
        _, errors = live.communicate(timeout=PATIENCE_S)
    finally:
        wire.close()
    assert live.returncode == 0
    assert "Traceback" not in errors
    weights = np.stack([message.weights for message in seen])
    assert len(weights) > 75 and np.isfinite(weights).all()
    assert weights.min() >= 0 and weights.max() <= 1
    stamps = np.array([convert.stamp_of(message) for message in seen])
    # Where frames come in time again, the delay shrinks by 5 ms a frame.
    assert (np.diff(stamps) > 0.034).all()
    # She laughs, and for a while the listener does too.
    assert weights[30:, SMILE].max() > weights[:30, SMILE].mean() + 0.2
    values = {pair.key: float(pair.value) for pair in reports[-1].status[0].values}
    assert values["face_seen"] > 0.3 and values.get("rejected", 0) == 0


def test_where_the_streams_come_from():
    assert listened("topic", "topic") == ("image", "audio")
    assert listened("0", "topic") == ("audio",)
    assert listened("0", "none") == ()
    assert open_capture("topic", "none") is None
    with pytest.raises(UserError, match="must be a number or 'topic'"):
        open_capture("front", "topic")
    with pytest.raises(UserError, match="camera 99 cannot be opened"):
        open_capture("99", "topic")
    with pytest.raises(UserError, match="microphone 'nowhere' cannot be opened"):
        open_capture("topic", "nowhere")
