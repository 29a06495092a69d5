"""The jobs of a conversion, and the local processes that do them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from reactface_node.errors import UserError
from reactface_node.research.data.parts import written_frames
from reactface_node.research.data.plan import Plan
from reactface_node.research.data.source import Clip, Source
from reactface_node.research.data.store import write_clip

MOST_TASKS = 10_000
"""Jobs are sent in groups where there are more: each task carries the source."""


@dataclass(frozen=True)
class Written:
    """The clips of a job that is done, and the frames of their speakers."""

    clips: range
    frames: int


class Task(Protocol):
    """Jobs for workers; picklable. unfinished: a folder that all workers must see. path: what is
    being made, for messages."""

    @property
    def source(self) -> Source: ...
    @property
    def unfinished(self) -> Path: ...
    @property
    def path(self) -> Path: ...

    def do(self, jobs: Sequence[range]) -> Sequence[Written]:
        """Do some jobs."""
        ...


@dataclass(frozen=True, eq=False)
class Work:
    """A source and where its clips are written, for workers; picklable."""

    source: Source
    unfinished: Path
    plan: Plan

    @property
    def path(self) -> Path:
        return self.unfinished.parent.parent / self.plan.split

    def do(self, jobs: Sequence[range]) -> list[Written]:
        """Write the clips of some jobs. UserError as ``write_clip``, and of the source."""
        return [Written(job, self._write(job)) for job in jobs]

    def _write(self, job: range) -> int:
        # A worker of a cluster may have died after the clips were written.
        if (known := written_frames(self.unfinished, job)) is not None:
            return known
        frames = 0
        for index, clip in zip(job, self.source.read(job), strict=True):
            _refuse_nonfinite(self.plan.names[index], clip)
            write_clip(self.unfinished, self.plan, index, clip)
            frames += len(clip.speaker)
        return frames


def grouped(jobs: Sequence[range]) -> Iterator[Sequence[range]]:
    """The jobs in at most about ``MOST_TASKS`` groups of consecutive ones."""
    size = max(1, len(jobs) // MOST_TASKS)
    return (jobs[start : start + size] for start in range(0, len(jobs), size))


def here(work: Task, jobs: Sequence[range]) -> Generator[Written, None, None]:
    """Do the jobs in this process."""
    for job in jobs:
        yield from work.do([job])


def in_processes(work: Task, jobs: Sequence[range], workers: int) -> Generator[Written, None, None]:
    """Do the jobs in ``workers`` processes; the first error is raised and the others stop."""
    others = set(multiprocessing.active_children())
    # New interpreters, no fork: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    # Each process is given the work once: it may hold the names of all clips.
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker, (work,))
    try:
        futures = [pool.submit(_do, group) for group in grouped(jobs)]
        for future in as_completed(futures):
            yield from future.result()
    except BaseException as error:
        # Do not wait for the current clips after Ctrl-C: the next call writes them again.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise UserError(
                f"a worker ended while making {work.path} (out of memory?); what is finished "
                "is kept, run it again with fewer workers"
            ) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _do(jobs: Sequence[range]) -> Sequence[Written]:
    """In a worker."""
    work: Task = getattr(multiprocessing.current_process(), _WORK)
    return work.do(jobs)


_WORK = "reactface_work"
"""Attribute of a worker's process."""


def _start_worker(work: Task) -> None:
    """Keep the work, and live as a worker."""
    setattr(multiprocessing.current_process(), _WORK, work)
    live_as_worker()


def live_as_worker() -> None:
    """In a worker: ignore Ctrl-C, which the parent handles; end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _refuse_nonfinite(name: str, clip: Clip) -> None:
    """UserError on NaN or infinity, which sources may not check: one NaN ruins a training run."""
    if not (np.isfinite(clip.speaker).all() and np.isfinite(clip.reactions).all()):
        raise UserError(f"{name}: the coefficients hold NaN or infinite values")
