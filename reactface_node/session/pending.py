"""A closed window on its way to the model: its observations and the model's input."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.schema import (
    CROP_PX,
    ROTATION,
    SAMPLES_PER_FRAME,
    ListenerEvent,
    Observation,
)
from reactface_node.session.fitted import FittedListener
from reactface_node.session.model_use import Use
from reactface_node.session.timeline import Window


@dataclass(frozen=True, eq=False)
class Closed:
    """A closed window with what is known of it before its images are tracked.

    show_at_s: (n,) when its frames are to be shown; is_late: they are too late for that. halves:
    see ``overload.Level``. audio, heard: the microphone without the robot's own speech, see
    ``OwnSpeech.listen``. speaks: whether the robot speaks at the window's end, as far as is known
    when it is called.
    """

    window: Window
    show_at_s: np.ndarray
    is_late: bool
    halves: bool
    audio: np.ndarray
    heard: np.ndarray
    speaks: Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Pending:
    """A closed window that waits for the model.

    show_at_s: (n,) when its frames are to be shown. seen: one observation per frame. speaker: the
    model's input. begins_anew: the model starts with a new state, because nobody was there before.
    events: what the speaker did. fitted: the fitted listener of the first sample, if any. digest:
    of what was seen and heard before the window of the model that holds it. speaks: see ``Closed``.
    """

    window: Window
    show_at_s: np.ndarray
    seen: list[Observation]
    speaker: SpeakerFrames
    use: Use
    begins_anew: bool
    events: tuple[ListenerEvent, ...]
    fitted: FittedListener | None
    digest: int
    speaks: Callable[[], bool]

    def number(self, window: int) -> int:
        """The number of the model's window of ``window`` frames in which the frames lie."""
        return self.window.index * len(self.seen) // window

    @property
    def first(self) -> np.ndarray | None:
        """Disposition of the first sample; None: the drawn one."""
        return None if self.fitted is None else self.fitted.disposition

    @property
    def places(self) -> np.ndarray:
        """The places (n, 3) of the faces, NaN without a face."""
        nowhere = np.full(3, np.nan)
        return np.stack([nowhere if one.place is None else one.place for one in self.seen])

    @property
    def turns(self) -> np.ndarray:
        """The rotations (n, 3) of the speaker's head in rad, NaN where they are not measured."""
        return np.stack(
            [np.where(one.valid, one.coefficients, np.nan)[ROTATION] for one in self.seen]
        )


def face_input(config: ModelConfig, seen: list[Observation]) -> tuple[np.ndarray, np.ndarray]:
    """The model's face input and its mask, coefficients or crops; shapes: ``SpeakerFrames``."""
    if config.face_encoder == "coefficients":
        return (
            np.stack([observation.discounted for observation in seen]),
            np.stack([observation.valid for observation in seen]),
        )
    blank = np.zeros((CROP_PX, CROP_PX, 3), np.uint8)
    crops = np.stack([blank if o.crop is None else o.crop for o in seen])
    return crops, np.array([o.crop is not None for o in seen])


def empty_frames(config: ModelConfig, frames: int) -> SpeakerFrames:
    """Model input of ``frames`` frames without a face or a voice."""
    face, seen = face_input(config, [Observation.missing()] * frames)
    silence = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    return SpeakerFrames(face, seen, silence, np.zeros(frames, bool))
