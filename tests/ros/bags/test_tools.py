"""Requirements of viewers of recordings: Foxglove's layout, and definitions in the mcap."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from rigs.paths import ROOT

from reactface_node.config import OutputsConfig, RosConfig
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.topics import COMPRESSED, outputs
from reactface_node.schema import ARKIT_NAMES

LAYOUT = ROOT / "config" / "foxglove.json"


@pytest.fixture(scope="module")
def layout():
    return json.loads(LAYOUT.read_text())


def leaves(node):
    if isinstance(node, str):
        yield node
    else:
        yield from (*leaves(node["first"]), *leaves(node["second"]))


def test_every_panel_of_the_layout_is_placed_once(layout):
    assert sorted(leaves(layout["layout"])) == sorted(layout["configById"])


def test_the_layout_shows_topics_that_there_are_and_names_what_it_plots(layout):
    topics = {
        name.replace("~", "/reactface"): kind
        for name, (kind, *_) in outputs(RosConfig(), Adapters(OutputsConfig()).topics).items()
    }
    panels = layout["configById"]
    image = panels["Image!reaction"]["imageMode"]["imageTopic"]
    assert topics[image] == "sensor_msgs/msg/CompressedImage"
    assert panels["DiagnosticStatusPanel!node"]["topicToRender"] in topics
    plotted = [path for panel in panels.values() for path in panel.get("paths", ())]
    assert len(plotted) > 10
    for path in plotted:
        topic, field, index = re.fullmatch(r"(/[\w/]+)\.(\w+)\[(\d+)]", path["value"]).groups()
        kind = topics[topic]
        if field == "weights":
            assert kind == "reactface_msgs/msg/Blendshapes"
            assert ARKIT_NAMES[int(index)] == path["label"]
        else:
            assert (kind, field) == ("reactface_msgs/msg/FaceCoefficients", "rotation")
            assert int(index) < 3


def test_an_mcap_carries_the_definitions_of_all_that_is_in_it(tmp_path):
    """Viewers decode by them; nothing of ours is installed there."""
    motors = Path(LAYOUT).with_name("motors_example.yaml")
    adapters = Adapters(
        OutputsConfig(expression=True, facs=True, joint_states=True, motor_map=str(motors))
    )
    face = np.zeros(58)
    with BagWriter(tmp_path / "bag") as bag:

        def publish(topic, message):
            bag.write(topic.replace("~", "/reactface"), 1.0, message)

        adapters.send(bag.types, 1.0, "reactface", face, publish)
        publish("~/blendshapes", convert.blendshapes(bag.types, 1.0, "reactface", face))
        rgb = np.zeros((8, 8, 3), np.uint8)
        picture = convert.compressed_image(bag.types, 1.0, "reactface", rgb, 90)
        publish(COMPRESSED, picture)
    with BagReader(tmp_path / "bag") as bag:
        found = {c.type: c.definition for part in bag._parts for c in part.channels}
    assert len(found) == 6
    for kind, definition in found.items():
        fields = [line for line in definition.splitlines() if line and line[0] not in "#="]
        assert len(fields) > 2, kind
    assert "float32[99] intensity" in found["hri_msgs/msg/FacialActionUnits"]
    assert "float32[] weights" in found["reactface_msgs/msg/Blendshapes"]
