"""Reads every side of a split once, in parallel, before its clips are known.

What is read of a side lies in ``OUT/tracks``, a file each, so that an interrupted run goes on, both
directions of a conversation track each face once, and other rules for clips need no new tracking.
A file's name depends on the recording's size and time: a changed recording is read again.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import make_folder
from reactface_node.research.data.check import refuse_if_broken
from reactface_node.research.data.conversations import Conversations, LeftOut, Talk
from reactface_node.research.data.convert import _start_worker
from reactface_node.research.data.decode import TrackerFactory
from reactface_node.research.data.sides import SpeechFactory, TalkSide, save_track, track_key

TRACKS = "tracks"
Job = tuple[TalkSide, Path, TrackerFactory, SpeechFactory]


def prepare(source: Conversations, out: Path, workers: int = 0) -> Conversations:
    """The source with its tracks, whose clips are known; its unusable conversations are left out.

    workers: processes, 0 for one per core. UserError if something is missing or broken and the
    source is strict, or if no conversation is left.
    """
    if source.strict:
        refuse_if_broken(source)
    else:
        source = _without(source, {talk.name: next(talk.problems(), "") for talk in source.talks})
    folder = out / TRACKS
    make_folder(folder)
    sides = {side: None for talk in source.talks for side in talk.sides}
    paths = {side: folder / track_key(side, source.root) for side in sides}
    jobs: list[Job] = [
        (side, path, source.tracker, source.speech)
        for side, path in paths.items()
        if not path.exists()
    ]
    broken: dict[TalkSide, str] = {}
    with ProgressBar(total=len(paths), initial=len(paths) - len(jobs), unit="side") as bar:
        bar.set_description(f"tracking {source.split}")
        for index, error in _each(jobs, workers or os.cpu_count() or 1, folder):
            if error and source.strict:
                raise UserError(error)
            if error:
                broken[jobs[index][0]] = error
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


def _each(jobs: list[Job], workers: int, folder: Path) -> Iterator[tuple[int, str]]:
    """(index, error or '') of each job, as they end."""
    if workers == 1 or len(jobs) <= 1:
        for index, job in enumerate(jobs):
            yield index, _read(job)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker)
    try:
        futures = {pool.submit(_read, job): index for index, job in enumerate(jobs)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise UserError(
                f"a worker ended while tracking into {folder} (out of memory?); what is finished "
                "is kept, run it again with fewer workers"
            ) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _read(job: Job) -> str:
    """Write the track of one side; the error's text if its files cannot be used."""
    side, path, tracker, speech = job
    try:
        track = side.read(tracker, speech)
    except UserError as error:
        return str(error)
    save_track(path, track)
    return ""
