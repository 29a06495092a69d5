"""Selects clips for validation and measurement, and their length."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from reactface_node.config import TrainingConfig
from reactface_node.errors import UserError
from reactface_node.research.data.clips import Clips, RowLists, part_of
from reactface_node.research.training.dataset import open_split
from reactface_node.schema import FRAME_RATE_HZ

HELD_OUT, HELD_OUT_SHARE = 12, 0.1  # at most so many clips, and at most this share of them


def training_splits(folder: Path, settings: TrainingConfig) -> tuple[Clips, Clips, str, str]:
    """Training clips, validation clips, the hash of the train split, and a line on held-out
    clips, '' with a val split.

    Without a val split (RLD has train, test and ood) the last training clips are held out, since
    the test split is only for testing. UserError if there are too few.
    """
    clips, data_hash = open_split(folder, "train", settings)
    if (folder / "val").exists():
        return clips, open_split(folder, "val", settings)[0], data_hash, ""
    if len(clips) < 2:
        raise UserError(f"{folder} has no val split, and too few training clips to hold one out")
    count = max(1, min(HELD_OUT, int(HELD_OUT_SHARE * len(clips))))
    rest, held_out = hold_out(clips, count)
    note = f"{folder} has no val split: {count} of {len(clips)} training clips are held out for it"
    return rest, held_out, data_hash, note


def hold_out(clips: Clips, count: int) -> tuple[Clips, Clips]:
    """The clips without the last ``count``, and the last ``count``; the two share no reaction."""
    first = len(clips) - count
    border = len(clips.reactions) // len(clips) * first

    def mine(index: int) -> np.ndarray:
        rows = clips.appropriate[index]
        return rows[rows < border]

    def theirs(index: int) -> np.ndarray:
        rows = clips.appropriate[first + index]
        return rows[rows >= border] - border

    rest, last = select(clips, slice(None, first)), select(clips, slice(first, None))
    return (
        _reactions(rest, slice(None, border), RowLists(first, mine)),
        _reactions(last, slice(border, None), RowLists(count, theirs)),
    )


def _reactions(clips: Clips, which: slice, appropriate: RowLists) -> Clips:
    """The clips with some of the reactions."""
    return replace(
        clips,
        reactions=part_of(clips.reactions, which),
        appropriate=appropriate,
        reaction_frames=clips.reaction_frames[which],
        nods=None if clips.nods is None else part_of(clips.nods, which),
        events=None if clips.events is None else part_of(clips.events, which),
    )


def long_enough(clips: Clips, least: int, window: int, count: int = 0) -> tuple[Clips, int, str]:
    """The first ``count`` clips (0: all) that last ``least`` frames in whole windows; T, the frames
    of whole windows in the shortest of them; and a line on clips that were left out, '' if none
    was.

    UserError if no clip remains. Arrays on the disk stay there; of others, copies are made if some
    clips are left out.
    """
    whole = clips.frames // window * window
    kept = np.flatnonzero(whole >= least)
    seconds = f"{least} frames ({least / FRAME_RATE_HZ:.1f} s) in whole windows of {window}"
    if not len(kept):
        raise UserError(f"no clip is long enough to be measured: {seconds} are needed")
    short = len(clips) - len(kept)
    note = f"{short} of {len(clips)} clips are left out, shorter than {seconds}" if short else ""
    kept = kept[: count or None]
    frames = int(whole[kept].min())
    which = slice(len(kept)) if kept[-1] == len(kept) - 1 else kept
    return select(clips, which), frames, note


def select(clips: Clips, which: slice | np.ndarray) -> Clips:
    """Some of the clips, with all reactions."""
    indices = np.arange(len(clips))[which]

    def appropriate(index: int) -> np.ndarray:
        return clips.appropriate[int(indices[index])]

    return replace(
        clips,
        names=tuple(clips.names[index] for index in indices),
        frames=clips.frames[which],
        speaker=part_of(clips.speaker, which),
        audio=part_of(clips.audio, which),
        appropriate=RowLists(len(indices), appropriate),
        faces=None if clips.faces is None else part_of(clips.faces, which),
    )
