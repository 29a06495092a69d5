"""The synthetic person of the sample recording: 24 s with speech, pauses and emotions."""

from collections.abc import Callable, Iterator

import numpy as np
import soxr

from reactface_node.media.audio import float_to_int16
from reactface_node.research.data.script import (
    FROWN,
    LAUGH,
    SMILE,
    SURPRISE,
    Episode,
    Phrase,
    Script,
)
from reactface_node.research.data.source_filter import SyntheticVoice
from reactface_node.research.data.speaker import Manner, act
from reactface_node.research.data.voice import Voice
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ

AUDIO_RATE_HZ = 48000
IMAGE_RATE_HZ = 30

# Greets with a smile, talks, pauses, is surprised, laughs, tells something sad, talks on,
# is silent for a while, and smiles good-bye.
SCRIPT = Script(
    24.0,
    phrases=(
        Phrase(0.5, 1.4, text="Hello there!"),
        Phrase(2.0, 4.6, text="I have just been for a long walk along the river."),
        Phrase(5.1, 7.2, text="The leaves are red, and the air is so clear."),
        Phrase(9.3, 10.4, rises=True, text="Was that a fox?"),
        Phrase(11.4, 12.7, laughed=True),
        Phrase(14.5, 15.9, text="My old dog is very ill."),
        Phrase(16.4, 17.7, text="I miss her already."),
        Phrase(18.3, 20.4, text="Let us talk about something else today."),
        Phrase(22.6, 23.3, text="Bye for now!"),
    ),
    episodes=(
        Episode(SMILE, 0.3, 2.3, 0.9),
        Episode(SURPRISE, 8.6, 10.5, 1.0),
        Episode(LAUGH, 11.2, 13.1, 1.0),
        Episode(FROWN, 14.1, 17.6, 1.0),
        Episode(SMILE, 21.8, 24.0, 0.85),
    ),
)
# Looks at the camera more and moves less than a speaker does on average: the tracker has a
# frontal face most of the time, and the recording stays small.
MANNER = Manner(
    articulation=1.0, expressiveness=1.05, head=0.5, blinks_per_min=20.0, attention=0.75
)
VOICE = Voice(
    SyntheticVoice(
        f0_hz=196.0,
        formant_scale=1.14,
        breathiness=0.03,
        open_quotient=0.62,
        tilt_hz=1800.0,
        syllables_per_s=4.8,
    ),
    reader="hibari",
)


def performance(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The person's (600, 58) float32 coefficients at 25 Hz and 48 kHz mono int16 audio."""
    rng = np.random.default_rng(seed)
    spoken = VOICE.speak(rng, SCRIPT)
    coefficients = act(rng, SCRIPT, spoken, MANNER).face
    sound = soxr.resample(spoken.sound, SAMPLE_RATE_HZ, AUDIO_RATE_HZ)
    return coefficients, float_to_int16(sound)


def images(
    coefficients: np.ndarray, draw: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[float, np.ndarray]]:
    """The images of a 30 fps camera: (seconds, HxWx3 uint8 RGB) for each frame.

    draw: (58,) coefficients -> image. Coefficients between two frames are interpolated.
    """
    seconds = len(coefficients) / FRAME_RATE_HZ
    for index in range(round(seconds * IMAGE_RATE_HZ)):
        place = min(index / IMAGE_RATE_HZ * FRAME_RATE_HZ, len(coefficients) - 1.0)
        before = min(int(place), len(coefficients) - 2)
        share = place - before
        between = (1 - share) * coefficients[before] + share * coefficients[before + 1]
        yield index / IMAGE_RATE_HZ, draw(between.astype(np.float32))
