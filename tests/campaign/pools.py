"""Thread pools on a simulated clock: work is done when its time has come, always in one order."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
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
    """takes_s: what a piece of work takes from now on."""

    def __init__(self) -> None:
        self.now_s = self.takes_s = 0.0
        self.pools: list[Pool] = []

    def advance(self, now_s: float) -> None:
        """What is done by then."""
        self.now_s = now_s
        for pool in self.pools:
            pool.work(now_s)


class Pool:
    """One worker, for ``concurrent.futures.ThreadPoolExecutor``."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._free_s = clock, 0.0
        self._waiting: deque[tuple[Late, Callable[[], Any]]] = deque()
        clock.pools.append(self)

    def submit(self, act: Callable[..., Any], *arguments: Any) -> Late:
        future = Late()
        future.pool = self
        if not self._waiting:
            self._free_s = max(self._free_s, self._clock.now_s) + self._clock.takes_s
        self._waiting.append((future, lambda: act(*arguments)))
        self.work(self._clock.now_s)
        return future

    def work(self, now_s: float) -> None:
        while self._waiting and self._free_s <= now_s:
            self._do_next()
            self._free_s += self._clock.takes_s

    def work_until(self, future: Late) -> None:
        while self._waiting and not future.done():
            self._do_next()

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        while self._waiting:
            future, _ = self._waiting.popleft()
            future.cancel()

    def _do_next(self) -> None:
        future, act = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(act())
        except BaseException as error:
            future.set_exception(error)


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
