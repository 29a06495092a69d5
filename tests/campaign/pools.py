"""Thread pools on a simulated clock: work is done at its simulated time, always in the same
order."""

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class Late(Future[Any]):
    """Whoever waits for it gets it done at once."""

    pool: "Pool"

    def result(self, timeout: float | None = None) -> Any:
        self.pool.work_until(self)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.pool.work_until(self)
        return super().exception(timeout)


class Clock:
    """takes_s: what an image or a window of the model takes from now on."""

    def __init__(self) -> None:
        self.now_s = self.takes_s = 0.0
        self.pools: list[Pool] = []

    def advance(self, now_s: float) -> None:
        """What is done by then."""
        self.now_s = now_s
        for pool in self.pools:
            pool.work(now_s)


@dataclass(eq=False)
class Task:
    """act: what is done; submitted_s: when it was asked for."""

    future: Late
    act: Callable[[], Any]
    submitted_s: float
    takes_s: float


class Pool:
    """One worker, for ``concurrent.futures.ThreadPoolExecutor``. What it has begun with cannot be
    cancelled any more, and what was cancelled takes no time."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._free_s = clock, 0.0
        self._waiting: deque[Task] = deque()
        self._current: Task | None = None
        clock.pools.append(self)

    def submit(self, act: Callable[..., Any], *arguments: Any) -> Late:
        future = Late()
        future.pool = self
        names = {getattr(one, "__name__", "") for one in (act, *arguments)}
        takes_s = self._clock.takes_s if names & {"track", "step"} else 0.0
        task = Task(future, lambda: act(*arguments), self._clock.now_s, takes_s)
        self._waiting.append(task)
        self.work(self._clock.now_s)
        return future

    def work(self, now_s: float) -> None:
        """All that is done by then."""
        while self._begin(now_s) and self._current is not None:
            done_s = self._free_s + self._current.takes_s
            if done_s > now_s:
                return
            self._free_s = done_s
            self._end()

    def work_until(self, future: Late) -> None:
        while not future.done() and self._begin(math.inf):
            self._end()

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        if self._current is not None:
            self._end()
        while self._waiting:
            self._waiting.popleft().future.cancel()

    def _begin(self, now_s: float) -> bool:
        """With the next task that was not cancelled, once the one before is done."""
        while self._current is None and self._waiting:
            task = self._waiting[0]
            if max(self._free_s, task.submitted_s) > now_s:
                return False
            self._waiting.popleft()
            if task.future.set_running_or_notify_cancel():
                self._free_s = max(self._free_s, task.submitted_s)
                self._current = task
        return self._current is not None

    def _end(self) -> None:
        task, self._current = self._current, None
        assert task is not None
        try:
            task.future.set_result(task.act())
        except BaseException as error:
            task.future.set_exception(error)


@contextmanager
def simulated_pools() -> Iterator[Clock]:
    """Inside, the package's thread pools are simulated ones."""
    clock, before = Clock(), {}
    for name, module in list(sys.modules.items()):
        if name.startswith("reactface_node") and hasattr(module, "ThreadPoolExecutor"):
            before[name] = vars(module)["ThreadPoolExecutor"]
            vars(module)["ThreadPoolExecutor"] = lambda *_, **__: Pool(clock)
    try:
        yield clock
    finally:
        for name, kind in before.items():
            vars(sys.modules[name])["ThreadPoolExecutor"] = kind
