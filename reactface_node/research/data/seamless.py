"""Seamless Interaction (Meta, 2025), as its own scripts download it.

    ROOT/.../{improvised,naturalistic}/{train,dev,test}/BATCH/ARCHIVE/ID.{mp4,wav,json,npz}

ID is V<vendor>_S<session>_I<interaction>_P<participant>; the two people of an interaction differ in
P alone, and may lie in different archives. Folders above the split do not matter; dev is our val.
Per person: mp4 (29.97 or 30 Hz), wav (48 kHz, its own voice), json (``metadata:vad``: start and
end of its speech in seconds) and npz (features at 30 Hz). Needed are the wav, and the mp4 or, with
``--own-features`` or where there is no mp4 at all, the features ``movement:*`` of the npz, which
vendor V00 alone has. What is missing or broken leaves its interaction out, and the report says so.
Where the json is missing, speech is found in the wav.

The features, as found in the files, since their names and units are not published: ``FAUValue``
(T, 24), intensities 0 to 2 of the action units of ``UNITS``, of which those of ``DEAD`` never move;
``alignment_head_rotation`` (T, 3) and ``gaze_encodings`` (T, 2): pitch and yaw first, radians;
``is_valid`` (T, 1), 0 in blocks of 60 frames whose values are zeros. Their signs are those of a
camera's axes (x right, y down, z away), which is an assumption.
"""

import hashlib
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.research.data.check import sound_frames
from reactface_node.research.data.conversations import Conversations, LeftOut, Talk
from reactface_node.research.data.decode import TrackerFactory, read_audio, video_frames
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.livelink_csv import resampled
from reactface_node.research.data.quality import centred
from reactface_node.research.data.sides import SideTrack, SpeechFactory, TalkSide, voice_of
from reactface_node.research.data.source import SPLITS, Source
from reactface_node.research.data.videos import VideoSide, read_vad, spoken
from reactface_node.schema import (
    COEFFICIENT_NAMES,
    FRAME_RATE_HZ,
    GAZE_RAD,
    NUM_COEFFICIENTS,
    ROTATION,
    index_of,
    indices_of,
)

SUFFIXES = (".mp4", ".wav", ".json", ".npz")
THEIR_SPLITS = {"train": "train", "dev": "val", "test": "test"}
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
    (),  # AU22, mouthFunnel
    (),  # AU23, no such weight
    (),  # AU24, mouthPress
    (),  # AU25: lips part where the jaw is open
    ("jawOpen",),  # AU26
    ("mouthRollLower", "mouthRollUpper"),  # AU28
    (),  # AU30: to which side is not said
    ("eyeBlink",),  # AU43
)
"""The weights that each action unit gives, both sides alike."""
DEAD = (16, 17, 18)
LOOKS = ("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut")
KEYS = ("FAUValue", "alignment_head_rotation", "gaze_encodings", "is_valid")
WIDTHS = (len(UNITS), 3, 2, 1)
_ID = re.compile(r"(V\d+_S\d+_I\d+)_(P\w+)")


def given() -> list[int]:
    """Indices of the channels that the features give."""
    names = [name for unit in UNITS for name in unit]
    return [*indices_of(*names, *LOOKS), *range(NUM_COEFFICIENTS)[ROTATION]]


@dataclass(frozen=True)
class FeatureSide:
    """A person by the features of the data set itself; a ``TalkSide``."""

    name: str
    features: Path
    sound_file: Path
    vad: Path | None = None
    missing: tuple[str, ...] = field(
        default_factory=lambda: tuple(
            name for index, name in enumerate(COEFFICIENT_NAMES) if index not in given()
        )
    )
    tracked: bool = False

    def files(self) -> Iterator[Path]:
        yield from (self.features, self.sound_file)
        if self.vad is not None:
            yield self.vad

    def problems(self) -> Iterator[str]:
        try:
            _, values = read_features(self.features)
            if not values.any():
                yield f"{self.features} has no valid frame"
            sound_frames(self.sound_file)
            if self.vad is not None:
                read_vad(self.vad)
        except UserError as error:
            yield str(error)

    def begins_s(self) -> float:
        return 0.0

    def length_s(self) -> float:
        return len(read_features(self.features)[0]) / FEATURES_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        times_s, values = read_features(self.features)
        frames = int(len(times_s) / FEATURES_HZ * FRAME_RATE_HZ)
        # The middle of a frame, as for videos.
        at_s = (np.arange(frames) + 0.5) / FRAME_RATE_HZ
        face, seen = resampled(times_s, values, at_s)
        voice, level, heard = voice_of(self.sound(), frames, speech)
        if self.vad is not None:
            voice = spoken(read_vad(self.vad), frames)
        return SideTrack(
            face=centred(face, seen),
            seen=seen,
            trust=seen.astype(np.float32),
            doubt=np.zeros(frames, np.uint8),
            person=np.ones(frames, np.int32),
            voice=voice,
            level_db=level,
            heard=heard,
        )

    def sound(self) -> np.ndarray | None:
        return read_audio(self.sound_file)

    def pictures(self) -> Iterator[np.ndarray]:
        yield from video_frames(self.sound_file.with_suffix(".mp4"))


def read_features(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """((n,) seconds of the middles of the frames, (n, 58) coefficients) of an npz; frames that are
    not valid, or hold NaN, are 0. UserError that names the file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = [np.asarray(file[f"movement:{key}"], np.float64) for key in KEYS]
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except Exception as error:  # a wrong archive raises many kinds
        raise UserError(f"{path} has no features movement:* ({shown(str(error))})") from error
    count = len(found[0])
    for key, width, array in zip(KEYS, WIDTHS, found, strict=True):
        if array.shape != (count, width) or not count:
            raise UserError(
                f"{path}: movement:{key} is {array.shape}, not ({count or 'n'}, {width})"
            )
    units, head, gaze, valid = found
    values = np.zeros((count, NUM_COEFFICIENTS))
    for unit, names in enumerate(UNITS):
        for name in names:
            channels = indices_of(name)
            values[:, channels] = (units[:, [unit]] / STRONGEST).clip(0.0, 1.0)
    values[:, ROTATION] = head * (1.0, -1.0, -1.0)
    up, left = -gaze[:, 0] / GAZE_RAD, -gaze[:, 1] / GAZE_RAD
    for side, outward in (("Left", left), ("Right", -left)):
        for name, weight in zip(LOOKS, (up, -up, -outward, outward), strict=True):
            values[:, index_of(name + side)] = weight.clip(0.0, 1.0)
    good = (valid[:, 0] > 0) & np.isfinite(values).all(axis=1) & units.any(axis=1)
    values[~good] = 0.0
    return (np.arange(count) + 0.5) / FEATURES_HZ, values


def open_splits(root: Path, choice: DatasetChoice, ros: RosConfig) -> Splits:
    """The splits of what was downloaded; of nothing more is asked for."""
    people = _people(root)
    present = [split for split in SPLITS if any(one == split for one, _ in people)]

    def open_split(split: str) -> Source:
        mine = {talk: found for (one, talk), found in people.items() if one == split}
        files = [one for found in mine.values() for one in found.values()]
        # One split has one kind of side: all clips have the same channels.
        own_features = choice.own_features or not any(".mp4" in one for one in files)
        talks, left_out = _talks(mine, own_features)
        total = len(talks)
        if choice.hours:
            talks = drawn(talks, choice.hours)
        settings = {
            "own_features": own_features,
            "hours": choice.hours,
            "drawn": [len(talks), total],
        }
        return Conversations(
            root, split, "seamless", talks, settings, (), left_out, False, choice.faces
        )

    return Splits(root, SPLITS, present, open_split)


People = dict[tuple[str, str], dict[str, dict[str, Path]]]
"""(split, interaction) -> participant -> suffix -> file."""


def _people(root: Path) -> People:
    found: People = {}
    for path in sorted(root.rglob("V*_S*_I*_P*")):
        match = _ID.fullmatch(path.stem)
        if match is None or path.suffix not in SUFFIXES:
            continue
        folders = path.relative_to(root).parts[:-1]
        # The innermost one counts; files that lie in none are for training.
        split = next((THEIR_SPLITS[n] for n in reversed(folders) if n in THEIR_SPLITS), "train")
        talk, person = match.groups()
        found.setdefault((split, talk), {}).setdefault(person, {})[path.suffix] = path
    return found


def _talks(
    mine: dict[str, dict[str, dict[str, Path]]], own_features: bool
) -> tuple[tuple[Talk, ...], tuple[LeftOut, ...]]:
    talks, left_out = [], []
    for talk, people in mine.items():
        sides = [_side(talk, person, files, own_features) for person, files in people.items()]
        usable = [one for one in sides if not isinstance(one, str)]
        if len(people) != 2:
            count = f"{len(people)} " + ("person" if len(people) == 1 else "people")
            left_out.append(LeftOut(talk, f"there are files of {count}, not of two"))
        elif len(usable) == 2:
            # Both files of an interaction are cut at the same times.
            talks.append(Talk(talk, (usable[0], usable[1])))
        else:
            left_out.append(LeftOut(talk, next(one for one in sides if isinstance(one, str))))
    return tuple(talks), tuple(left_out)


def _side(talk: str, person: str, files: dict[str, Path], own_features: bool) -> TalkSide | str:
    """The person's side, or why there is none."""
    name, vad = f"{talk}_{person}", files.get(".json")
    wanted = ".npz" if own_features else ".mp4"
    for suffix in (".wav", wanted):
        if suffix not in files:
            return f"{name}{suffix} is missing"
    make = FeatureSide if own_features else VideoSide
    return make(f"{talk}_{person}", files[wanted], files[".wav"], vad)


def drawn(talks: tuple[Talk, ...], hours: float) -> tuple[Talk, ...]:
    """Interactions of so many hours, drawn by the hash of their names: the same ones wherever they
    lie, and more hours only add to them."""
    order = sorted(range(len(talks)), key=lambda index: _hash(talks[index].name))
    chosen, left_s = [], 3600.0 * hours
    for index in order:
        if left_s <= 0:
            break
        chosen.append(index)
        left_s -= _wav_s(talks[index].sides[0])
    return tuple(talks[index] for index in sorted(chosen))


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _wav_s(side: TalkSide) -> float:
    """Length of a side's sound by its header; 0 if it cannot be read, so that another is drawn."""
    path = next(one for one in side.files() if one.suffix == ".wav")
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return 0.0
