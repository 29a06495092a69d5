"""The local processes of a conversion."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from reactface_node.research.data.jobs import Written, in_processes

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Counted:
    """A task that notes in a file each time it is sent."""

    path: Path

    def __getstate__(self):
        with self.path.open("ab") as file:
            file.write(b"1")
        return {"path": self.path}

    def __setstate__(self, state):
        self.__dict__.update(state)

    def do(self, jobs):
        return [Written(job, 10 * job.start) for job in jobs]


def test_each_process_is_given_the_work_once(tmp_path):
    """It may hold the names of all clips, and there may be ten thousand tasks."""
    task = Counted(tmp_path / "sent")
    jobs = [range(index, index + 1) for index in range(20)]
    done = sorted(in_processes(task, jobs, 2), key=lambda one: one.clips.start)
    assert done == [Written(job, 10 * job.start) for job in jobs]
    assert len(task.path.read_bytes()) <= 2
