"""Perception: an image of the speaker to face crop, landmarks and coefficients."""

from reactface_node.config import PerceptionConfig
from reactface_node.perception.tracker import LandmarkTracker, choose_tracker


def make_tracker(config: PerceptionConfig, want_crop: bool) -> LandmarkTracker:
    """The best tracker that this installation can run; see ``choose_tracker``."""
    return choose_tracker(config, want_crop)
