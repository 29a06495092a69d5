"""Between a window that closed and the model: what it is to react to."""

from dataclasses import dataclass

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.schema import CROP_PX, SAMPLES_PER_FRAME, Observation
from reactface_node.session.model_use import Use
from reactface_node.session.timeline import Window


@dataclass(frozen=True, eq=False)
class Pending:
    """A window that closed: when its frames are to be shown, what was seen in them, and what the
    model is to react to, if it is run. begins_anew: it is, after nobody was there."""

    window: Window
    show_at_s: np.ndarray
    seen: list[Observation]
    speaker: SpeakerFrames
    use: Use = Use.RUN
    begins_anew: bool = False


def face_input(config: ModelConfig, seen: list[Observation]) -> tuple[np.ndarray, np.ndarray]:
    """The model's face and mask: coefficients, or face crops; see ``SpeakerFrames``."""
    if config.face_encoder == "coefficients":
        return (
            np.stack([observation.coefficients for observation in seen]),
            np.stack([observation.valid for observation in seen]),
        )
    blank = np.zeros((CROP_PX, CROP_PX, 3), np.uint8)
    crops = np.stack([blank if o.crop is None else o.crop for o in seen])
    return crops, np.array([o.crop is not None for o in seen])


def nobody(config: ModelConfig, frames: int) -> SpeakerFrames:
    """So many frames in which nobody is seen or heard."""
    face, seen = face_input(config, [Observation.missing()] * frames)
    silence = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    return SpeakerFrames(face, seen, silence, np.zeros(frames, bool))
