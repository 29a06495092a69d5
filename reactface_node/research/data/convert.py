"""Converts any source to the stored form: in parallel, resumable, with a progress bar."""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import check_new
from reactface_node.media.audio import float_to_int16
from reactface_node.research.data.check import refuse_if_broken
from reactface_node.research.data.cluster import on_cluster
from reactface_node.research.data.jobs import Task, Work, Written, here, in_processes
from reactface_node.research.data.nods import nod_starts
from reactface_node.research.data.origin import origin_of
from reactface_node.research.data.plan import Plan
from reactface_node.research.data.source import Clip, Source, own_reactions, single_jobs
from reactface_node.research.data.store import ClipWriter, check_space
from reactface_node.research.data.synthetic import Dyad
from reactface_node.schema import FRAME_RATE_HZ


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


def convert(
    source: Source,
    out: Path,
    workers: int = 0,
    cluster: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Write ``out/SPLIT`` (see ``store``) and return it; an interrupted conversion is resumed.

    workers: processes, 0 for one per core; cluster: address of a dask scheduler, whose workers are
    used instead. Any number gives the same bytes. clock: seconds, for the throughput.
    UserError, one line that names the file, if the source is broken, the output exists, the disk is
    full or the cluster fails; finished clips are kept.
    """
    if not source.names:
        raise UserError(f"there are no clips in the {source.split} split")
    path = out / source.split
    check_new(path, makes_folders=True)
    refuse_if_broken(source)
    plan = Plan.of(source)
    with ClipWriter(out, plan, origin_of(source)) as writer:
        done = writer.done
        check_space(out, plan.clip_bytes * int((~done).sum()))
        jobs = [job for job in source.jobs() if not done[job.start : job.stop].all()]
        work = Work(source, writer.unfinished, plan)
        with (
            ProgressBar(
                total=len(done), initial=int(done.sum()), unit="clip", desc=str(path)
            ) as bar,
            closing(done_by(work, jobs, workers or os.cpu_count() or 1, cluster)) as written,
        ):
            speed = _Speed(clock)
            for one in written:
                writer.gather(one.clips)
                bar.set_postfix_str(speed.add(one), refresh=False)
                bar.update(len(one.clips))
        writer.finish(source.appropriate())
    print(f"{path}: {speed}", file=sys.stderr)
    return path


def done_by(
    work: Task, jobs: list[range], workers: int, cluster: str | None
) -> Generator[Written, None, None]:
    """Do the jobs on a cluster if its address is given, else in ``workers`` processes."""
    if cluster is not None:
        return on_cluster(cluster, work, jobs)
    if workers == 1 or len(jobs) <= 1:
        return here(work, jobs)
    return in_processes(work, jobs, workers)


class _Speed:
    """Throughput: clips, and seconds of video, a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._started_s = clock, clock()
        self._clips, self._video_s = 0, 0.0

    def add(self, written: Written) -> str:
        """Count some clips; returns the rate so far."""
        self._clips += len(written.clips)
        self._video_s += written.frames / FRAME_RATE_HZ
        return self._rate()

    def __str__(self) -> str:
        elapsed_s = self._clock() - self._started_s
        made = f"{self._clips} clips, {self._video_s:.0f} s of video, in {elapsed_s:.1f} s"
        return f"{made} ({self._rate()})"

    def _rate(self) -> str:
        elapsed_s = max(self._clock() - self._started_s, 1e-9)
        clips, video_s = self._clips / elapsed_s, self._video_s / elapsed_s
        return f"{clips:.2f} clips and {video_s:.1f} s of video a second"
