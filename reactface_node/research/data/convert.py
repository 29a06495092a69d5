"""Converts any source to the stored form: in parallel, resumable, with a progress bar."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import check_new
from reactface_node.media.audio import float_to_int16
from reactface_node.research.data.check import refuse_if_broken
from reactface_node.research.data.nods import nod_starts
from reactface_node.research.data.origin import origin_of
from reactface_node.research.data.plan import Plan
from reactface_node.research.data.source import Clip, Source, own_reactions, single_jobs
from reactface_node.research.data.store import ClipWriter, check_space, write_clip
from reactface_node.research.data.synthetic import Dyad


@dataclass(frozen=True)
class DyadSource:
    """Synthetic dyads: ``make(index)`` gives clip ``index``, the same in every process.

    make: picklable (a function of a module, or a ``functools.partial`` of one). facts: the settings
    that determine the dyads (seed, cast); a conversion is resumed only with equal facts.
    """

    split: str
    make: Callable[[int], Dyad]
    count: int
    listeners: int
    frames: int
    facts: dict[str, Any] = field(default_factory=dict)
    faces: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.split}-{index:06d}" for index in range(self.count))

    def problems(self) -> Iterator[str]:
        return iter(())

    @property
    def root(self) -> None:
        return None

    def files(self) -> Iterator[Path]:
        return iter(())

    def max_frames(self) -> int:
        return self.frames

    def jobs(self) -> list[range]:
        return single_jobs(self.count)

    def read(self, clips: range) -> Iterator[Clip]:
        for index in clips:
            dyad = self.make(index)
            nods = np.stack([nod_starts(one, len(dyad.speaker)) for one in dyad.events.nods])
            yield Clip(dyad.speaker, float_to_int16(dyad.audio), dyad.listeners, nods=nods)

    def appropriate(self) -> tuple[np.ndarray, ...]:
        return own_reactions(self.count, self.listeners)


def convert(source: Source, out: Path, workers: int = 0) -> Path:
    """Write ``out/SPLIT`` (see ``store``) and return it; an interrupted conversion is resumed.

    workers: processes, 0 for one per core; any number gives the same bytes. UserError, one line
    that names the file, if the source is broken, the output exists or the disk is full; finished
    clips are kept.
    """
    if not source.names:
        raise UserError(f"there are no clips in the {source.split} split")
    path = out / source.split
    check_new(path, makes_folders=True)
    refuse_if_broken(source)
    plan = Plan.of(source)
    with ClipWriter(out, plan, origin_of(source)) as writer:
        done = writer.done
        check_space(out, _bytes(plan) * int((~done).sum()) // len(done))
        jobs = [job for job in source.jobs() if not done[job.start : job.stop].all()]
        with ProgressBar(
            total=len(done), initial=int(done.sum()), unit="clip", desc=str(path)
        ) as bar:
            _write_all(source, writer, jobs, workers or os.cpu_count() or 1, bar.update)
        writer.finish(source.appropriate())
    return path


def _bytes(plan: Plan) -> int:
    return sum(
        int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        for kind, shape, _ in plan.arrays().values()
    )


def _write_all(
    source: Source,
    writer: ClipWriter,
    jobs: list[range],
    workers: int,
    tell: Callable[[int], object],
) -> None:
    """Write all clips and report progress; the first error is raised and the other workers
    stop."""
    folder, plan = writer.unfinished, writer.plan
    if workers == 1 or len(jobs) <= 1:
        for job in jobs:
            tell(_write_job(source, folder, plan, job))
        return
    others = set(multiprocessing.active_children())
    # New interpreters, no fork: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker)
    try:
        futures = [pool.submit(_write_job, source, folder, plan, job) for job in jobs]
        for future in as_completed(futures):
            tell(future.result())
    except BaseException as error:
        # Do not wait for the current clips after Ctrl-C: the next call writes them again.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise UserError(
                f"a worker ended while making {writer.path} (out of memory?); what is finished "
                "is kept, run it again with fewer workers"
            ) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Ignore Ctrl-C, which the parent handles; end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _write_job(source: Source, folder: Path, plan: Plan, job: range) -> int:
    count = 0
    for index, clip in zip(job, source.read(job), strict=True):
        _refuse_nonfinite(plan.names[index], clip)
        write_clip(folder, plan, index, clip)
        count += 1
    return count


def _refuse_nonfinite(name: str, clip: Clip) -> None:
    """UserError on NaN or infinity, which sources may not check: one NaN ruins a training run."""
    if not (np.isfinite(clip.speaker).all() and np.isfinite(clip.reactions).all()):
        raise UserError(f"{name}: the coefficients hold NaN or infinite values")
