"""The features that Seamless Interaction itself gives of a face: action units, head and gaze.

Their names and units are not published; what follows was found in the files by their users.
``FAUValue`` (T, 24): intensities 0 to 2 of the action units of ``UNITS``, both sides alike.
``alignment_head_rotation`` (T, 3) and ``gaze_encodings`` (T, 2): radians, pitch and yaw first.
``is_valid`` (T, 1): 0 in blocks of 60 frames, whose values are zeros. All at 30 Hz.

Nobody says in which direction the five angles grow. Where people with features also have videos,
``measured_signs`` compares the first ones with the tracker; else they are taken for those of a
camera's axes (x right, y down, z away). A person's usual direction counts as 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.arrays import usable
from reactface_node.files.text import shown
from reactface_node.research.data.decode import TrackerFactory, read_audio, video_frames
from reactface_node.research.data.livelink_csv import resampled
from reactface_node.research.data.quality import centred
from reactface_node.research.data.sides import (
    Seeing,
    SideTrack,
    SpeechFactory,
    given_track,
    holds_sound,
    other_length,
)
from reactface_node.research.data.videos import read_vad, spoken
from reactface_node.schema import (
    COEFFICIENT_NAMES,
    FRAME_RATE_HZ,
    GAZE_RAD,
    NUM_COEFFICIENTS,
    ROTATION,
    index_of,
    indices_of,
)

FEATURES_HZ = 30.0
STRONGEST = 2.0
UNITS: tuple[tuple[str, ...], ...] = (
    ("browInnerUp",),  # AU1
    ("browOuterUp",),
    ("browDown",),  # AU4
    ("eyeWide",),
    ("cheekSquint",),  # AU6
    ("eyeSquint",),
    ("noseSneer",),  # AU9
    ("mouthUpperUp",),
    ("mouthSmile",),  # AU12
    ("cheekPuff",),
    ("mouthDimple",),  # AU14
    ("mouthFrown",),
    ("mouthLowerDown",),  # AU16
    ("mouthShrugLower",),
    ("mouthPucker",),  # AU18
    ("mouthStretch",),  # AU20
    (),  # AU22, mouthFunnel: it never moves, as the next two.
    (),  # AU23, no such weight
    (),  # AU24, mouthPress
    (),  # AU25: lips part where the jaw is open
    ("jawOpen",),  # AU26
    ("mouthRollLower", "mouthRollUpper"),  # AU28
    (),  # AU30: to which side is not said
    ("eyeBlink",),  # AU43
)
"""The weights that each action unit gives."""
LOOKS = ("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut")
KEYS = ("FAUValue", "alignment_head_rotation", "gaze_encodings", "is_valid")
WIDTHS = (len(UNITS), 3, 2, 1)
DIRECTIONS = ("rotationX", "rotationY", "rotationZ", "looks up", "looks left")
ASSUMED: tuple[int, ...] = (1, -1, -1, -1, -1)
"""Signs that turn their angles into ours, by ``DIRECTIONS``; 0 for one that is not used."""
PEOPLE, SECONDS, LEAST_R = 3, 30, 0.3
"""Signs are measured on the beginnings of so many videos; a direction with a smaller mean
correlation is not used."""


@dataclass(frozen=True)
class FeatureSide:
    """A person by the features of the data set itself; a ``TalkSide``."""

    name: str
    features: Path
    sound_file: Path
    vad: Path | None = None
    signs: tuple[int, ...] = ASSUMED

    @property
    def missing(self) -> tuple[str, ...]:
        given = given_channels(self.signs)
        return tuple(name for name in COEFFICIENT_NAMES if name not in given)

    @property
    def settings(self) -> str:
        return str(self.signs)

    @property
    def video(self) -> Path:
        return self.sound_file.with_suffix(".mp4")

    def files(self) -> Iterator[Path]:
        yield from (self.features, self.sound_file)
        if self.vad is not None:
            yield self.vad

    def problems(self) -> Iterator[str]:
        try:
            _, values = read_features(self.features, self.signs)
            if not values.any():
                yield f"{self.features} has no valid frame"
            yield from other_length(self.sound_file, self.features, self.length_s())
            if self.vad is not None:
                read_vad(self.vad)
        except UserError as error:
            yield str(error)

    def begins_s(self) -> float:
        return 0.0

    def length_s(self) -> float:
        return len(read_angles(self.features).angles) / FEATURES_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        times_s, values = read_features(self.features, self.signs)
        frames = int(len(times_s) / FEATURES_HZ * FRAME_RATE_HZ)
        face, seen = resampled(times_s, values, middles_s(frames))
        known = None if self.vad is None else spoken(read_vad(self.vad), frames)
        return given_track(centred(face, seen), seen, self.sound(), speech, known)

    def has_sound(self) -> bool:
        return holds_sound(self.sound_file)

    def sound(self) -> np.ndarray | None:
        return read_audio(self.sound_file)

    def pictures(self) -> Iterator[np.ndarray]:
        return video_frames(self.video)


@dataclass(frozen=True, eq=False)
class Angles:
    """The arrays of an npz, n frames. units: (n, 24). angles: (n, 5) rad as ``DIRECTIONS``, in
    their signs, relative to the usual direction. valid: (n,) bool."""

    units: np.ndarray
    angles: np.ndarray
    valid: np.ndarray


def middles_s(frames: int) -> np.ndarray:
    """The times of 25 Hz frames: a video's picture is the one at the middle, too."""
    middles: np.ndarray = (np.arange(frames) + 0.5) / FRAME_RATE_HZ
    return middles


def given_channels(signs: Sequence[int]) -> set[str]:
    """Names of the channels that the features give."""
    stems = [name for unit in UNITS for name in unit]
    up, left = signs[3:]
    stems += [name for name, sign in zip(LOOKS, (up, up, left, left), strict=True) if sign]
    turned = {name for name, sign in zip(DIRECTIONS[:3], signs[:3], strict=True) if sign}
    return turned | {COEFFICIENT_NAMES[index] for index in indices_of(*stems)}


def read_angles(path: Path) -> Angles:
    """UserError that names the file if it is no npz with the features."""
    try:
        # numpy leaves a damaged file open that it opens itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            found = [_numbers(held[f"movement:{key}"]) for key in KEYS]
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except Exception as error:  # a wrong archive raises many kinds
        raise UserError(f"{path} has no features movement:* ({shown(str(error))})") from error
    count = len(found[0]) if found[0].ndim else 0
    for key, width, array in zip(KEYS, WIDTHS, found, strict=True):
        if array.shape != (count, width) or not count:
            wanted = f"({count or 'n'}, {width})"
            raise UserError(f"{path}: movement:{key} is {array.shape}, not {wanted}")
    units, head, gaze, flags = found
    angles = np.concatenate([head, gaze], axis=1)
    known = usable(angles).all(axis=1) & usable(units).all(axis=1)
    valid = (flags[:, 0] > 0) & known & units.any(axis=1)
    if valid.any():
        angles = angles - np.median(angles[valid], axis=0)
    return Angles(units, angles, valid)


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{values.dtype} are no numbers")
    return np.asarray(values, np.float64)


def read_features(path: Path, signs: Sequence[int] = ASSUMED) -> tuple[np.ndarray, np.ndarray]:
    """((n,) seconds of the middles of the frames, (n, 58) coefficients) of an npz; frames that are
    not valid, or hold NaN or huge values, are 0. UserError as ``read_angles``."""
    found = read_angles(path)
    count = len(found.valid)
    values = np.zeros((count, NUM_COEFFICIENTS))
    for unit, names in enumerate(UNITS):
        for name in names:
            values[:, indices_of(name)] = (found.units[:, [unit]] / STRONGEST).clip(0.0, 1.0)
    ours = found.angles * np.asarray(signs)
    values[:, ROTATION] = ours[:, :3]
    up, left = ours[:, 3] / GAZE_RAD, ours[:, 4] / GAZE_RAD
    for side, outward in (("Left", left), ("Right", -left)):
        for name, weight in zip(LOOKS, (up, -up, -outward, outward), strict=True):
            values[:, index_of(name + side)] = weight.clip(0.0, 1.0)
    values[~found.valid] = 0.0
    return (np.arange(count) + 0.5) / FEATURES_HZ, values


def measured_signs(sides: Sequence[FeatureSide], tracker: TrackerFactory) -> tuple[np.ndarray, int]:
    """((5,) mean correlation of the tracker's directions with theirs, by ``DIRECTIONS``; of how
    many people) of the first ``PEOPLE`` whose files can be read. All have a video."""
    found: list[np.ndarray] = []
    for side in sides:
        if len(found) == PEOPLE:
            break
        try:
            found.append(_correlations(side, tracker))
        except UserError:  # Another one will do; what is broken is told elsewhere.
            continue
    return np.mean(found, axis=0) if found else np.zeros(len(DIRECTIONS)), len(found)


def _correlations(side: FeatureSide, tracker: TrackerFactory) -> np.ndarray:
    pictures = islice(side.pictures(), round(SECONDS * FRAME_RATE_HZ))
    seen = Seeing.of(pictures, tracker).fields
    theirs = read_angles(side.features)
    own_s = (np.arange(len(theirs.valid)) + 0.5) / FEATURES_HZ
    at_s = middles_s(len(seen["seen"]))
    both = seen["seen"] & (np.interp(at_s, own_s, theirs.valid) == 1.0)
    ours = np.concatenate([seen["face"][:, ROTATION], looks_of(seen["face"])], axis=1)
    return np.array(
        [
            _correlation(ours[both, k], np.interp(at_s, own_s, theirs.angles[:, k])[both])
            for k in range(len(DIRECTIONS))
        ]
    )


def looks_of(face: np.ndarray) -> np.ndarray:
    """(t, 2) how far the eyes look up and to the subject's left, of (t, 58), as weights."""
    (up, up_right), (down, down_right), (inward, in_right), (outward, out_right) = (
        [face[:, index] for index in indices_of(name)] for name in LOOKS
    )
    upward = (up + up_right - down - down_right) / 2
    left = (outward - inward + in_right - out_right) / 2
    return np.stack([upward, left], axis=1)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) < FRAME_RATE_HZ or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
