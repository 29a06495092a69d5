"""The Config and its sections: settings from profiles, the command line and ROS parameters."""

from reactface_node.config.config import (
    Config,
    PerceptionConfig,
    RenderConfig,
    TimelineConfig,
    profile_names,
)
from reactface_node.config.model import ModelConfig, TrainingConfig
from reactface_node.config.outputs import OutputsConfig, RosConfig, WebConfig
from reactface_node.config.playout import FRESH_SEED, PlayoutConfig

__all__ = [
    "FRESH_SEED",
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
