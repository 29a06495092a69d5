"""A stage of a pipeline: a thread that runs calls in their order while its caller goes on."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
MOST_WAITING = 8


def finished(result: T) -> "Future[T]":
    """A future that has its result."""
    future: Future[T] = Future()
    future.set_result(result)
    return future


class PipelineStage:
    """One thread. The calls of one caller have the same effects as without the thread, later.

    After an error no further call is run; ``call`` and ``wait`` raise the error.
    """

    def __init__(self, name: str, most: int = MOST_WAITING):
        """name: of the thread. most: calls that may be unfinished; ``call`` waits for the oldest
        one of more."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._most = most
        self._calls: deque[Future[Any]] = deque()
        self._error: BaseException | None = None

    def call(self, act: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Run ``act(*arguments)`` on the thread, after all earlier calls -> its future result.

        Raises the error of an earlier call.
        """
        while self._calls and (self._calls[0].done() or len(self._calls) >= self._most):
            self._calls.popleft().result()
        future = self._pool.submit(self._run, act, *arguments)
        self._calls.append(future)
        return future

    def wait(self) -> None:
        """Wait until all calls are done. Raises the error of one."""
        while self._calls:
            self._calls.popleft().result()

    def close(self) -> None:
        """Drop the calls that have not begun and end the thread after its current call."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "PipelineStage":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all calls, after an error only for the current one, and end the thread."""
        try:
            if kind is None:
                self.wait()
        finally:
            self.close()

    def _run(self, act: Callable[..., T], *arguments: Any) -> T:
        if self._error is not None:
            raise self._error
        try:
            return act(*arguments)
        except BaseException as error:
            self._error = error
            raise
