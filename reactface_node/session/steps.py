"""The model's steps that are under way; whole windows go through a thread of their own."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.engine import Engine
from reactface_node.session.model_use import Use
from reactface_node.session.pending import Pending, nobody

Raw = np.ndarray | None


class Steps:
    """Of one session, in order. A window of a large model takes a CPU most of the time that it
    lasts, and meanwhile the one before is to be shown; a single frame's step is over before a
    thread would have begun with it."""

    def __init__(self, engine: Engine, config: ModelConfig):
        self._engine, self._window = engine, config.window
        self._nobody = nobody(config, engine.frames)
        self._pool = (
            ThreadPoolExecutor(1, thread_name_prefix="model") if engine.frames > 1 else None
        )
        self._under_way: deque[tuple[Pending, Future[Raw]]] = deque()
        self._place = 0

    @property
    def is_free(self) -> bool:
        """Whether the next one would not have to wait."""
        return not self._under_way

    def begin(self, pending: Pending) -> None:
        """With the model's step for a window, if the model is to be run for it."""
        future: Future[Raw] = Future()
        if pending.use not in (Use.RUN, Use.HIDDEN):
            future.set_result(None)
        elif self._pool is None:
            future.set_result(self._step(pending))
        else:
            future = self._pool.submit(self._step, pending)
        self._under_way.append((pending, future))

    def ended(self, wait: bool) -> Iterator[tuple[Pending, Raw]]:
        """Those that are done, oldest first: (M, w, 58), None where the model was not run; all of
        them, if told to wait. Raises what a step raised."""
        while self._under_way and (wait or self._under_way[0][1].done()):
            pending, future = self._under_way.popleft()
            yield pending, future.result()

    def clear(self) -> None:
        """Forget them; the engine is then at rest, and begins a new session."""
        for _, future in self._under_way:
            future.exception()
        self._under_way.clear()
        self._place = 0

    def close(self) -> None:
        """End the thread after what it is at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _step(self, pending: Pending) -> np.ndarray:
        """Where frames were left out in the middle of a window, the model gets through the rest
        of it with nobody there: its own windows stay those of the labels."""
        frames = len(pending.seen)
        if pending.begins_anew:
            self._engine.restart()
            self._place = 0
        place = pending.window.index * frames % self._window
        while self._place != place:
            self._engine.step(self._nobody)
            self._place = (self._place + frames) % self._window
        self._place = (self._place + frames) % self._window
        return self._engine.step(pending.speaker)
