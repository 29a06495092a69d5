"""Videos of two people, one for each, as a data set.

    ROOT/pairs.csv    columns: speaker, listener, and optional: offset (s), split, speaker_sound,
                      listener_sound; paths are relative to ROOT, or absolute, and stay in it

or, without such a list, two files named alike in ROOT/train, ROOT/val and ROOT/test:

    ROOT/train/a/NAME.mp4 and ROOT/train/b/NAME.mp4     also speaker/ and listener/
    ROOT/train/NAME_a.mp4 and ROOT/train/NAME_b.mp4     also NAME_speaker.mp4, NAME_listener.mp4

The sound is a side's own: of the file that the list names, of NAME.wav beside the video, or of the
video itself. Each of the two is the speaker where it has the floor, whatever its column is called.
offset: when the listener's video begins, in seconds on the clock of the speaker's.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.csv_files import named_csv_rows
from reactface_node.files.listed import listed_path
from reactface_node.files.text import read_json
from reactface_node.media.containers import pictures, sounds
from reactface_node.research.data.check import sound_frames
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.decode import (
    TrackerFactory,
    read_audio,
    video_frames,
)
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.sides import (
    Seeing,
    SideTrack,
    SpeechFactory,
    beside,
    files_below,
    holds_sound,
    other_length,
    voice_of,
)
from reactface_node.research.data.source import SPLITS, Source
from reactface_node.research.data.talks import LeftOut, Talk
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ

LIST = "pairs.csv"
FILES = ("speaker", "listener", "speaker_sound", "listener_sound")
"""Its columns that name files."""
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
PAIRS = (("a", "b"), ("speaker", "listener"))
"""Names of the two folders, or of the two endings of a file's name."""
LONGEST_S = 1e6
"""No recording lasts longer."""


@dataclass(frozen=True)
class VideoSide:
    """A video of one person; a ``TalkSide``. sound_file: its sound, the video itself or another
    file. vad: a json with the times of its speech (``seamless``), else it is found in the sound."""

    name: str
    video: Path
    sound_file: Path
    vad: Path | None = None
    missing: tuple[str, ...] = ()
    settings: str = ""

    def files(self) -> Iterator[Path]:
        yield from dict.fromkeys((self.video, self.sound_file))
        if self.vad is not None:
            yield self.vad

    def problems(self) -> Iterator[str]:
        try:
            length_s = self.length_s()
            if self.sound_file != self.video:
                yield from other_length(self.sound_file, self.video, length_s)
            if self.vad is not None:
                read_vad(self.vad)
        except UserError as error:
            yield str(error)

    def begins_s(self) -> float:
        return 0.0

    def length_s(self) -> float:
        with_pictures(self.video)
        return sound_frames(self.video) / FRAME_RATE_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        seeing = Seeing.of(self.pictures(), tracker)
        if not len(seeing):
            raise UserError(f"{self.video} holds no pictures")
        known = None if self.vad is None else spoken(read_vad(self.vad), len(seeing))
        voice, level, heard = voice_of(self.sound(), len(seeing), speech, known)
        return SideTrack(**seeing.fields, voice=voice, level_db=level, heard=heard)

    def has_sound(self) -> bool:
        return holds_sound(self.sound_file)

    def sound(self) -> np.ndarray | None:
        if not self.has_sound():
            return None
        sound = read_audio(self.sound_file)
        return sound if self.sound_file != self.video else _in_step(self.video, sound)

    def pictures(self) -> Iterator[np.ndarray]:
        return video_frames(self.video)


def with_pictures(path: Path) -> None:
    """UserError, with the file's name, if it is no video that can be decoded."""
    if not path.is_file():
        raise UserError(f"{path} is missing")
    next(pictures(path), None)


def _in_step(path: Path, sound: np.ndarray) -> np.ndarray:
    """The sound of a video from its first picture on."""
    seen_s = next((stamp_s for stamp_s, _ in pictures(path)), 0.0)
    heard_s = next((stamp_s for stamp_s, _, _ in sounds(path)), seen_s)
    late = round((heard_s - seen_s) * SAMPLE_RATE_HZ)
    return np.pad(sound, (late, 0)) if late > 0 else sound[-late:]


def read_vad(path: Path) -> list[tuple[float, float]]:
    """(start, end) in seconds of the speech in a json's ``metadata:vad``, as Seamless Interaction
    has it. UserError that names the file."""
    try:
        found = [
            (float(one["start"]), float(one["end"])) for one in read_json(path)["metadata:vad"]
        ]
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} holds no metadata:vad of start and end") from error
    if not all(0 <= start <= end <= LONGEST_S for start, end in found):
        raise UserError(
            f"{path}: a stretch of metadata:vad starts before 0 s or ends before it starts"
        )
    return found


def spoken(times_s: list[tuple[float, float]], frames: int) -> np.ndarray:
    """(frames,) bool: whether the middle of a frame lies in one of the times."""
    found = np.zeros(frames, bool)
    for start_s, end_s in times_s:
        first, last = (round(time_s * FRAME_RATE_HZ) for time_s in (start_s, end_s))
        found[first:last] = True
    return found


def open_splits(root: Path, choice: DatasetChoice, ros: RosConfig) -> Splits:
    """The splits of a folder of videos. UserError if the list cannot be read."""
    listed = root / LIST
    if listed.is_file():
        by_split = _listed(root, listed)
    else:
        present = [split for split in SPLITS if (root / split).is_dir()]
        by_split = {split: _named_alike(root / split, root) for split in present}

    def open_split(split: str) -> Source:
        talks, alone = by_split[split]
        if not talks and not alone:
            raise UserError(f"{root / split} holds no two videos named alike, such as x_a and x_b")
        lists = (listed,) if listed.is_file() else ()
        return Conversations(
            root,
            split,
            "videos",
            talks,
            {},
            lists,
            alone,
            strict=not choice.skip_broken,
            faces=choice.faces,
            **choice.reading(),
        )

    return Splits(listed if listed.is_file() else root, SPLITS, list(by_split), open_split)


Found = tuple[tuple[Talk, ...], tuple[LeftOut, ...]]


def _listed(root: Path, path: Path) -> dict[str, Found]:
    """The pairs of a list, by split."""
    talks: dict[str, dict[str, Talk]] = {}
    for number, row in _rows(path):
        split = row.get("split") or "train"
        if split not in SPLITS:
            raise UserError(
                f"{path}: line {number}: '{split}' is no split; known are {', '.join(SPLITS)}"
            )
        for column in FILES:
            if row.get(column):
                row[column] = _below(root, row[column])
                listed_path(row[column], f"{path}: line {number}: {column}")
        videos = [root / row[role] for role in ("speaker", "listener")]
        if videos[0] == videos[1]:
            raise UserError(f"{path}: line {number} names {row['speaker']} twice")
        sides = [
            _side(root, video, root / named if (named := row.get(f"{role}_sound")) else None)
            for role, video in zip(("speaker", "listener"), videos, strict=True)
        ]
        name = f"{sides[0].name}+{sides[1].name}"
        mine = talks.setdefault(split, {})
        if name in mine:
            raise UserError(f"{path}: line {number} lists a pair that was listed before")
        offset_s = _offset(path, number, row.get("offset"))
        mine[name] = Talk(name, (sides[0], sides[1]), offset_s)
    return {split: (tuple(mine.values()), ()) for split, mine in talks.items()}


def _below(root: Path, text: str) -> str:
    """An absolute path in the data set's folder as one that is relative to it; others as given."""
    path, folder = Path(text), root.absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else text


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a list."""
    rows = named_csv_rows(path, ("speaker", "listener"))
    if not rows:
        raise UserError(f"{path} lists no pairs")
    for number, row in rows:
        cells = {name: (cell or "").strip() for name, cell in row.items() if name is not None}
        if None in row or not all(cells[name] for name in ("speaker", "listener")):
            raise UserError(f"{path}: line {number} does not name a speaker and a listener")
        yield number, cells


def _offset(path: Path, number: int, text: str | None) -> float | None:
    if not text:
        return None
    try:
        offset_s = float(text)
    except ValueError:
        offset_s = math.nan
    if not abs(offset_s) <= LONGEST_S:
        raise UserError(f"{path}: line {number}: offset is '{text}', not a number of seconds")
    return offset_s


def _named_alike(folder: Path, root: Path) -> Found:
    """The pairs of a split's folder, and the videos without a partner."""
    groups: dict[str, dict[str, Path]] = {}
    talks, alone = [], []
    for path in files_below(folder, VIDEOS):
        name, ending = _named(path.relative_to(folder))
        known = groups.setdefault(name, {}).setdefault(ending, path)
        if ending and known != path:
            alone.append(LeftOut(str(path), f"{known.relative_to(folder)} has the same name"))
    for name, found in groups.items():
        pair = next((pair for pair in PAIRS if set(pair) == set(found)), None)
        if pair is None:
            wrong = str(next(iter(found.values())))
            alone.append(LeftOut(wrong, "there is no second video named alike"))
        else:
            first, second = (_side(root, found[ending], None) for ending in pair)
            talks.append(Talk(name, (first, second)))
    return tuple(talks), tuple(alone)


def _named(path: Path) -> tuple[str, str]:
    """The name of a video's conversation, and which of the two it is; '' if nothing says so."""
    inner, stem = path.parent, path.stem
    head, _, ending = stem.rpartition("_")
    endings = [one for pair in PAIRS for one in pair]
    if head and ending in endings:
        return str(inner / head), ending
    if inner.name in endings:
        return str(inner.parent / stem), inner.name
    return str(inner / stem), ""


def _side(root: Path, video: Path, sound: Path | None) -> VideoSide:
    name = str(video.relative_to(root).with_suffix(""))
    return VideoSide(name, video, sound or beside(video, (".wav",)) or video)
