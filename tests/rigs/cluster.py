"""A local dask cluster: a scheduler and workers, each a process of its own."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager, suppress

from rigs.paths import ROOT

SCHEDULER = """
import asyncio, sys
from distributed import Scheduler

{before}

async def main():
    options = dict(host="127.0.0.1", port=0, dashboard=False, allowed_failures=int(sys.argv[1]))
    async with Scheduler(**options) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(main())
"""
WORKER = """
import asyncio, sys
from distributed import Worker

{before}

async def main():
    async with Worker(sys.argv[1], host="127.0.0.1", nthreads=1, dashboard=False) as worker:
        print(worker.address, flush=True)
        await worker.finished()

asyncio.run(main())
"""


def start(program, *arguments):
    """A process that prints its address when it is ready."""
    folders = [str(ROOT / "tests"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def address_of(process):
    address = process.stdout.readline().strip()
    assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", address), address
    return address


@contextmanager
def cluster(workers=2, before="", failures=3, scheduler=""):
    """Yields the scheduler's address, its process and the workers'. before, scheduler: a line that
    each worker, and the scheduler, runs first. failures: workers that a task may end before it is
    given up, less one."""
    processes = [start(SCHEDULER.replace("{before}", scheduler), failures)]
    try:
        address = address_of(processes[0])
        program = WORKER.format(before=before)
        processes += [start(program, address) for _ in range(workers)]
        for process in processes[1:]:
            address_of(process)
        yield address, processes[0], processes[1:]
    finally:
        for process in reversed(processes):
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()
