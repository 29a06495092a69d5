"""ONE frozen Config: profiles in YAML, options of the command line, parameters of ROS."""

from reactface_node.config.config import (
    Config,
    PerceptionConfig,
    PlayoutConfig,
    RenderConfig,
    RosConfig,
    TimelineConfig,
    profile_names,
)
from reactface_node.config.model import ModelConfig, TrainingConfig
from reactface_node.config.outputs import OutputsConfig, WebConfig

__all__ = [
    "Config",
    "ModelConfig",
    "OutputsConfig",
    "PerceptionConfig",
    "PlayoutConfig",
    "RenderConfig",
    "RosConfig",
    "TimelineConfig",
    "TrainingConfig",
    "WebConfig",
    "profile_names",
]
