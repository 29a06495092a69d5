"""Seamless Interaction (Meta, 2025), as its own scripts download it.

    ROOT/.../{improvised,naturalistic}/{train,dev,test}/BATCH/ARCHIVE/ID.{mp4,wav,json,npz}

ID is V<vendor>_S<session>_I<interaction>_P<participant>; the two people of an interaction differ in
P alone, and may lie in different archives. Folders above the split do not matter; dev is our val.
Per person: mp4 (29.97 or 30 Hz), wav (48 kHz, its own voice), json (``metadata:vad``: start and
end of its speech in seconds) and npz (features at 30 Hz). Needed are the wav, and the mp4 or, with
``--own-features`` or where there is no mp4 at all, the features ``movement:*`` of the npz, which
vendor V00 alone has. What is missing or broken leaves its interaction out, and the report says so.
Where the json is missing, speech is found in the wav.

The features are read by ``seamless_features``.
"""

import hashlib
import re
import wave
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.check import sound_frames
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.seamless_features import (
    ASSUMED,
    DIRECTIONS,
    LEAST_R,
    FeatureSide,
    measured_signs,
)
from reactface_node.research.data.sides import TalkSide
from reactface_node.research.data.source import SPLITS, Source
from reactface_node.research.data.talks import LeftOut, Talk
from reactface_node.research.data.videos import VideoSide
from reactface_node.schema import FRAME_RATE_HZ

SUFFIXES = (".mp4", ".wav", ".json", ".npz")
THEIR_SPLITS = {"train": "train", "dev": "val", "test": "test"}
_ID = re.compile(r"(V\d+_S\d+_I\d+)_(P\w+)")


def open_splits(root: Path, choice: DatasetChoice, ros: RosConfig) -> Splits:
    """The splits of what was downloaded; of nothing more is asked for."""
    people = _people(root)
    present = [split for split in SPLITS if any(one == split for one, _ in people)]
    # The same people for all splits, so that these have the same signs.
    seen = tuple(
        _side(talk, person, files, True)
        for (_, talk), found in sorted(people.items(), key=lambda one: _hash(one[0][1]))
        for person, files in found.items()
        if set(SUFFIXES) <= files.keys()
    )

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
            root,
            split,
            "seamless",
            talks,
            settings,
            (),
            left_out,
            strict=False,
            faces=choice.faces,
            **choice.reading(),
            calibrate=partial(with_signs, seen) if own_features else None,
        )

    return Splits(root, SPLITS, present, open_split)


def with_signs(seen: tuple[TalkSide | str, ...], source: Conversations) -> Conversations:
    """The source with the signs of its sides' angles as measured on those people that have a video
    too (``seen``), or as assumed if there are none."""
    sides = [side for side in seen if isinstance(side, FeatureSide)]
    fit, count = measured_signs(sides, source.tracker)
    signs = ASSUMED
    note = "Nobody has a video: the signs of the head's and the eyes' angles are assumed."
    if count:
        signs = tuple(int(np.sign(r)) if abs(r) >= LEAST_R else 0 for r in fit)
        said = ", ".join(f"{name} {r:.2f}" for name, r in zip(DIRECTIONS, fit, strict=True))
        note = (
            f"Signs of angles were measured on {count} videos, as correlations with the tracker's: "
            f"{said}. Those below {LEAST_R:g} are not used."
        )
    talks = tuple(replace(talk, sides=_signed(talk, signs)) for talk in source.talks)
    settings = {**source.settings, "signs": list(signs)}
    return replace(source, talks=talks, settings=settings, notes=(*source.notes, note))


def _signed(talk: Talk, signs: tuple[int, ...]) -> tuple[TalkSide, TalkSide]:
    first, second = (
        replace(side, signs=signs) if isinstance(side, FeatureSide) else side for side in talk.sides
    )
    return first, second


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
        pass
    try:  # The module wave reads integers alone.
        return sound_frames(path) / FRAME_RATE_HZ
    except UserError:
        return 0.0
