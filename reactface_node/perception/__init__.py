"""Perception: from an image of the speaker to coefficients and a face crop."""

from typing import TYPE_CHECKING

from reactface_node.config import PerceptionConfig
from reactface_node.perception.library import import_failed

if TYPE_CHECKING:
    from reactface_node.perception.tracker import LandmarkTracker


def make_tracker(config: PerceptionConfig, want_crop: bool) -> "LandmarkTracker":
    """A tracker with the best landmark model that is installed; want_crop: give face crops too.

    UserError if there is no face model, a model file is damaged, or a library is missing.
    """
    try:
        from reactface_node.perception.finders import choose_finder
        from reactface_node.perception.hands import choose_hands
        from reactface_node.perception.tracker import LandmarkTracker
        from reactface_node.perception.voice import speech_model
    except ImportError as error:
        raise import_failed(error) from error
    finder, hands = choose_finder(config), choose_hands(config)
    return LandmarkTracker(config, want_crop, finder, hands, speech_model(config))
