"""Coefficient layout, ARKit names, units, and the records that pass between rooms.

58 coefficients per frame: 52 ARKit expression weights (0..1, alphabetical; left and right are the
subject's own), rotation (x, y, z in radians, R = Rz @ Ry @ Rx) and translation (x, y, z in
metres). Face axes, right-handed: x to the subject's left, y up, z out of the face. Zero is the
neutral face; rotation +x nods down, +y turns to the subject's left, +z tilts the left side up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

FRAME_RATE_HZ = 25
SAMPLE_RATE_HZ = 16000
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // FRAME_RATE_HZ

ARKIT_NAMES = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
POSE_NAMES = (
    "rotationX",
    "rotationY",
    "rotationZ",
    "translationX",
    "translationY",
    "translationZ",
)
COEFFICIENT_NAMES = ARKIT_NAMES + POSE_NAMES

KINDS = ("neutral", "smile", "laugh", "surprise", "frown", "grimace", "yell", "cry", "yawn")
"""What a face's expression may be."""
EXPRESSION = slice(0, 52)
ROTATION = slice(52, 55)
TRANSLATION = slice(55, 58)
NUM_EXPRESSION = 52
NUM_COEFFICIENTS = 58
CROP_PX = 224
GAZE_RAD = 0.61
"""Angle of an eye at weight 1 of eyeLook*, as in Live Link Face's frames."""


def index_of(name: str) -> int:
    """Index of a coefficient by its name, as in ``index_of("jawOpen")``; ValueError if unknown."""
    return COEFFICIENT_NAMES.index(name)


def stem_of(name: str) -> str:
    """A name without its side: "mouthSmileLeft" -> "mouthSmile".

    jawLeft, mouthLeft and their opposites are directions, not sides: they stay as they are.
    """
    stem = name.removesuffix("Left").removesuffix("Right")
    return name if stem in ("jaw", "mouth") else stem


def indices_of(*names: str) -> list[int]:
    """Indices of several coefficients; a stem such as "mouthSmile" gives left, then right.

    ValueError if a name is unknown.
    """
    found: list[int] = []
    for name in names:
        if name in COEFFICIENT_NAMES:
            found.append(index_of(name))
        else:
            found += [index_of(name + "Left"), index_of(name + "Right")]
    return found


def _ones() -> np.ndarray:
    return np.ones(NUM_COEFFICIENTS, np.float32)


@dataclass(frozen=True, eq=False)
class Observation:
    """The speaker's face in one image.

    coefficients: (58,) float32, relative to the person's neutral face; 0 where not valid.
    valid: (58,) bool, channels that the tracker measures; all False if no face was found.
    crop: (224, 224, 3) uint8 RGB image of the face, only for encoders that read pixels.
    person: number of the person, from 1 in order of appearance; 0 = nobody.
    people: number of faces in the image.
    kinds: probabilities of ``KINDS`` (9,); None without a face.
    reliability: (58,) float32, 0..1: the factor that brings a channel nearest to the truth in the
    mean square; 1 in good conditions, 0 where not valid.
    doubts: why it is much below 1, in plain words such as "dark".
    place: (3,) metres from the camera to the point between the eyes, x to the right in the image,
    y up, z out of the image (so it is negative), as a camera with a focal length of the image width
    would see it; None without a face.
    """

    coefficients: np.ndarray
    valid: np.ndarray
    crop: np.ndarray | None = None
    person: int = 0
    people: int = 0
    kinds: np.ndarray | None = None
    reliability: np.ndarray = field(default_factory=_ones)
    doubts: tuple[str, ...] = ()
    place: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Set the reliability of channels that are not valid to 0."""
        masked = np.where(self.valid, self.reliability, 0.0).astype(np.float32)
        object.__setattr__(self, "reliability", masked)

    @property
    def discounted(self) -> np.ndarray:
        """(58,) float32 for the model: each channel moved towards the neutral face, 0, as far as
        it is unreliable. The expected squared error is then least (Wiener 1949)."""
        shrunk: np.ndarray = self.coefficients * self.reliability
        return shrunk

    @property
    def face_found(self) -> bool:
        """Whether the followed person's face was found."""
        return bool(self.valid.any())

    @staticmethod
    def missing() -> "Observation":
        """The observation of an image without a face."""
        return Observation(np.zeros(NUM_COEFFICIENTS, np.float32), np.zeros(NUM_COEFFICIENTS, bool))


WHO = ("listener", "speaker")
EVENT_KINDS = {
    "listener": ("nod", "smile", "laugh", "tilt", "frown", "gaze_away"),
    "speaker": ("phrase_end", "pause", "turn_end", "laugh"),
}
"""What a ``ListenerEvent`` may tell of each of them."""
PHASES = ("start", "end", "once")


@dataclass(frozen=True)
class ListenerEvent:
    """Something that the listener shows or the speaker does. For each kind, what the fields mean:
    ``ListenerEvent.msg``.

    stamp_s: when it is to be shown, or when it happened, seconds on the inputs' clock. who: one of
    ``WHO``. kind: one of its ``EVENT_KINDS``. phase: one of ``PHASES``. probability: 0..1.
    duration_s, cycles, depth_rad, rate_hz: 0 where they do not apply or are not known yet.
    """

    stamp_s: float
    who: str
    kind: str
    phase: str
    probability: float
    duration_s: float = 0.0
    cycles: int = 0
    depth_rad: float = 0.0
    rate_hz: float = 0.0


@dataclass(frozen=True, eq=False)
class Reaction:
    """The listener's face for one window, or in frame mode for one frame (w is then 1 below).

    window_index: counts from 0 at the session's time zero.
    show_at_s: (w,) float64, when each frame is to be shown, seconds on the inputs' clock.
    samples: (M, w, 58) float32, the M finished trajectories.
    played: index of the sample that is shown.
    face: (w, 58) float32, the frames to show: the played sample, cross-faded after a switch.
    face_seen, voice_heard: share of the frames with a face, with audio (0..1).
    speaker: (w, 58) float32, the speaker's coefficients; 0 where they are not known.
    first_frame: position of the first frame in its window; 0 in window mode.
    kinds: probabilities of ``KINDS`` (9,) of the speaker's expression in the last frame; None
        without a face.
    events: what the listener begins or ends to show in these frames, and what the speaker did.
    """

    window_index: int
    show_at_s: np.ndarray
    samples: np.ndarray
    played: int
    face: np.ndarray
    face_seen: float
    voice_heard: float
    speaker: np.ndarray | None = None
    first_frame: int = 0
    kinds: np.ndarray | None = None
    events: tuple[ListenerEvent, ...] = ()


def joined(reactions: Sequence[Reaction]) -> Reaction:
    """Reactions to consecutive frames of one window, in order, joined along time."""
    first = reactions[0]
    if len(reactions) == 1:
        return first
    seen, heard = (
        float(
            np.average(
                [getattr(r, name) for r in reactions], weights=[len(r.face) for r in reactions]
            )
        )
        for name in ("face_seen", "voice_heard")
    )
    speakers = [r.speaker for r in reactions if r.speaker is not None]
    return replace(
        first,
        show_at_s=np.concatenate([r.show_at_s for r in reactions]),
        samples=np.concatenate([r.samples for r in reactions], axis=1),
        played=reactions[-1].played,
        face=np.concatenate([r.face for r in reactions]),
        face_seen=seen,
        voice_heard=heard,
        speaker=np.concatenate(speakers) if len(speakers) == len(reactions) else None,
        kinds=reactions[-1].kinds,
        events=tuple(event for r in reactions for event in r.events),
    )
