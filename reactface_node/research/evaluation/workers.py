"""Measures clips in several processes, in their order, with few clips in memory at once."""

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import TypeVar

from reactface_node.errors import UserError
from reactface_node.research.data.jobs import live_as_worker

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 2
"""Jobs that wait for each worker; more would only take memory."""
FEW = 8
"""Fewer jobs for each worker are done by the caller: a worker takes seconds to start."""


class Workers:
    """Processes of one thread each, started when they are needed, for any number of calls; with
    ``count`` 1 the caller does the work.

    A context manager.
    """

    def __init__(self, count: int = 1):
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)
            self._pool = None

    def map(
        self, function: Callable[[Job], Result], jobs: Iterable[Job], many: int
    ) -> Iterator[Result]:
        """The results in the order of the jobs, which are made when a worker is free for them.

        function: of a module, so that it can be sent. many: number of jobs. UserError if a worker
        ended.
        """
        if self.count < 2 or many < FEW * self.count:
            yield from map(function, jobs)
            return
        if self._pool is None:
            # New interpreters, no fork: the caller may have threads.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, context, _start)
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(self._pool.submit(function, job))
                if len(waiting) >= AHEAD * self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise UserError(
                "a worker ended while metrics were computed (out of memory?); rows that were "
                "measured are kept, run it again"
            ) from error


def _start() -> None:
    """One thread each: several workers of several threads would wait for one another. It is no
    error if the threads cannot be limited, only slow."""
    live_as_worker()
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)
