"""Every network that can be trained, by its name in ``training.network``."""

from torch import nn

from reactface_node.config import Config
from reactface_node.data.clips import Clips
from reactface_node.training.objective import ReactFaceLearner


def build_learner(config: Config, clips: Clips | None = None) -> nn.Module:
    """An untrained ``Learner`` for the config."""
    if config.training.network == "reactface":
        return ReactFaceLearner(config)
    from reactface_node.training import baselines

    return baselines.build(config.training.network, config.model)
