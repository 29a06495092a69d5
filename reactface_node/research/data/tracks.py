"""Reads every side of a split once, in parallel, before its clips are known.

What is read of a side lies in ``OUT/tracks``, a file each, so that an interrupted run goes on, both
directions of a conversation track each face once, and other rules for clips need no new tracking.
A file's name depends on the recording's size and time: a changed recording is read again.
"""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import make_folder
from reactface_node.research.data.check import refuse_if_broken
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.convert import done_by
from reactface_node.research.data.sides import TalkSide, track_key
from reactface_node.research.data.talks import LeftOut, Talk
from reactface_node.research.data.tracking import SideRead, Tracking

TRACKS = "tracks"


def prepare(
    source: Conversations, out: Path, workers: int = 0, cluster: str | None = None
) -> Conversations:
    """The source with its tracks, whose clips are known; its unusable conversations are left out.

    workers, cluster: as for ``convert``. UserError if something is missing or broken and the source
    is strict, or if no conversation is left.
    """
    if source.strict:
        refuse_if_broken(source)
    else:
        checked = ProgressBar(source.talks, f"checking {source.split}", unit="pair", leave=False)
        source = _without(
            source, {talk.name: next(source.problems_of(talk), "") for talk in checked}
        )
    if source.calibrate is not None:
        source = source.calibrate(source)
    folder = out / TRACKS
    make_folder(folder)
    sides = dict.fromkeys(side for talk in source.talks for side in talk.sides)
    paths = {side: folder / track_key(side, source.root, source.read_with) for side in sides}
    todo = tuple((side, path) for side, path in paths.items() if not path.exists())
    work = Tracking(source, folder, todo)
    jobs = [range(index, index + 1) for index in range(len(todo))]
    broken: dict[TalkSide, str] = {}
    with (
        ProgressBar(total=len(paths), initial=len(paths) - len(todo), unit="side") as bar,
        closing(done_by(work, jobs, workers or os.cpu_count() or 1, cluster)) as done,
    ):
        bar.set_description(f"tracking {source.split}")
        for one in done:
            error = one.error if isinstance(one, SideRead) else ""
            if error and source.strict:
                raise UserError(error)
            if error:
                broken[todo[one.clips.start][0]] = error
            bar.update()
    found = {talk.name: _error_of(talk, broken) for talk in source.talks}
    return replace(_without(source, found), tracks=folder)


def _error_of(talk: Talk, broken: dict[TalkSide, str]) -> str:
    return next((broken[side] for side in talk.sides if side in broken), "")


def _without(source: Conversations, reasons: dict[str, str]) -> Conversations:
    """The source without the conversations that have a reason. UserError if none is left."""
    kept = tuple(talk for talk in source.talks if not reasons[talk.name])
    out = tuple(LeftOut(name, reason) for name, reason in reasons.items() if reason)
    left_out = (*source.left_out, *out)
    if not kept:
        first = left_out[0]
        raise UserError(
            f"{source.root}: no conversation of the {source.split} split can be used; "
            f"{first.talk}: {first.reason}"
        )
    return replace(source, talks=kept, left_out=left_out)
