"""The topics that the node publishes: types and QoS."""

from collections.abc import Iterable
from typing import NamedTuple

from reactface_node.config import RosConfig

BLENDSHAPES = "~/blendshapes"
COEFFICIENTS = "~/coefficients"
REACTION = "~/reaction"
EVENTS = "~/events"
IMAGE = "~/image"
COMPRESSED = "~/image/compressed"
DIAGNOSTICS = "/diagnostics"
EXPRESSION = "~/expression"
FACS = "~/facs"
JOINT_STATES = "~/joint_states"
MOTORS = "~/motors"
JOINT_TRAJECTORY = "~/joint_trajectory"


class OutputTopic(NamedTuple):
    """best_effort: QoS of sensor data, otherwise reliable. depth: of the queue."""

    type_name: str
    best_effort: bool = False
    depth: int = 10


OUTPUTS = {
    BLENDSHAPES: OutputTopic("reactface_msgs/msg/Blendshapes"),
    COEFFICIENTS: OutputTopic("reactface_msgs/msg/FaceCoefficients"),
    REACTION: OutputTopic("reactface_msgs/msg/Reaction"),
    EVENTS: OutputTopic("reactface_msgs/msg/ListenerEvent", depth=50),
    IMAGE: OutputTopic("sensor_msgs/msg/Image", True, 1),
    COMPRESSED: OutputTopic("sensor_msgs/msg/CompressedImage", True, 1),
    DIAGNOSTICS: OutputTopic("diagnostic_msgs/msg/DiagnosticArray"),
    EXPRESSION: OutputTopic("hri_msgs/msg/Expression"),
    FACS: OutputTopic("hri_msgs/msg/FacialActionUnits"),
    JOINT_STATES: OutputTopic("sensor_msgs/msg/JointState"),
    MOTORS: OutputTopic("sensor_msgs/msg/JointState"),
    JOINT_TRAJECTORY: OutputTopic("trajectory_msgs/msg/JointTrajectory"),
}
"""Every topic that a node may publish."""
ADAPTER_TOPICS = (EXPRESSION, FACS, JOINT_STATES, MOTORS, JOINT_TRAJECTORY)
"""Published only if an output (``config.outputs.OutputsConfig``) needs them; all others always
are."""


def outputs(config: RosConfig, adapter_topics: Iterable[str]) -> dict[str, OutputTopic]:
    """The topics that are published, with the QoS of the configuration.

    adapter_topics: those of ADAPTER_TOPICS that the configured outputs publish.
    """
    wanted = [*(topic for topic in OUTPUTS if topic not in ADAPTER_TOPICS), *adapter_topics]
    found = {topic: OUTPUTS[topic] for topic in wanted}
    best_effort = config.picture_qos == "best_effort"
    for topic in (IMAGE, COMPRESSED):
        found[topic] = OUTPUTS[topic]._replace(best_effort=best_effort)
    return found
