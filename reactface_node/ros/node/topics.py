"""What the node publishes, and how it reaches those who listen."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.ros.node.adapters import Adapters

BLENDSHAPES = "~/blendshapes"
COEFFICIENTS = "~/coefficients"
REACTION = "~/reaction"
IMAGE = "~/image"
COMPRESSED = "~/image/compressed"
DIAGNOSTICS = "/diagnostics"
# topic -> (type, best effort as for sensor data, depth)
OUTPUTS = {
    BLENDSHAPES: ("reactface_msgs/msg/Blendshapes", False, 10),
    COEFFICIENTS: ("reactface_msgs/msg/FaceCoefficients", False, 10),
    REACTION: ("reactface_msgs/msg/Reaction", False, 10),
    IMAGE: ("sensor_msgs/msg/Image", True, 1),
    COMPRESSED: ("sensor_msgs/msg/CompressedImage", True, 1),
    DIAGNOSTICS: ("diagnostic_msgs/msg/DiagnosticArray", False, 10),
}


class Transport(Protocol):
    """How the server reaches the graph; topics are the keys of ``outputs``."""

    def publish(self, topic: str, message: Any) -> None: ...
    def subscribers(self, topic: str) -> int: ...


class Page(Protocol):
    """What the server needs of ``reactface_node.web.WebFace``; no call waits for anybody."""

    def show(self, face: np.ndarray, speaker: np.ndarray | None) -> None: ...
    def tell(self, about: Mapping[str, Any]) -> None: ...
    def commands(self) -> list[tuple[str, Any]]: ...


def outputs(config: RosConfig, adapters: Adapters) -> dict[str, tuple[str, bool, int]]:
    """All topics that are published: topic -> (type, best effort, depth)."""
    pictures = {
        topic: (OUTPUTS[topic][0], config.picture_qos == "best_effort", 1)
        for topic in (IMAGE, COMPRESSED)
    }
    return OUTPUTS | pictures | adapters.topics
