"""A data set of random numbers, which a worker makes without torch."""

import errno
import os
import signal
from dataclasses import dataclass

from reactface_node.research.data.source import own_reactions, single_jobs
from rigs.store import clip

COUNT, FRAMES = 8, 25


@dataclass(frozen=True)
class Numbers:
    """A ``Source``. log: a file to which each clip that is read is added. at: when it comes to
    this clip it kills the process ``pid``, or its own; once: only if this file can be made."""

    log: str = os.devnull
    at: int = -1
    pid: int = 0
    once: str = ""
    split = "train"
    listeners = 2
    faces = False
    root = None

    @property
    def names(self):
        return tuple(map(str, range(COUNT)))

    @property
    def facts(self):
        return {"kind": "numbers"}

    def problems(self):
        return iter(())

    def files(self):
        return iter(())

    def max_frames(self):
        return FRAMES

    def jobs(self):
        return single_jobs(COUNT)

    def appropriate(self):
        return own_reactions(COUNT, self.listeners)

    def read(self, clips):
        if clips.start == self.at and self._may_kill():
            os.kill(self.pid or os.getpid(), signal.SIGKILL)
        with open(self.log, "a") as log:
            log.write(f"{clips.start}\n")
        yield from (clip(index, FRAMES) for index in clips)

    def _may_kill(self):
        try:
            if self.once:
                os.close(os.open(self.once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


def full(unfinished, index, arrays):
    """Instead of ``parts.write_part``: the disk is full."""
    del unfinished, index, arrays
    raise OSError(errno.ENOSPC, "No space left on device")
