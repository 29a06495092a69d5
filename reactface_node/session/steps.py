"""Runs the model for the windows of a session; whole windows run on their own thread."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.engine import Engine
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.session.model_use import Use
from reactface_node.session.pending import Pending, empty_frames
from reactface_node.session.probe import Probe

Raw = np.ndarray | None


class Steps:
    """The model steps of one session, in order.

    A whole window of a large model takes almost as long as the window lasts, and the previous one
    must be shown meanwhile, so it runs on a thread. The step of a single frame is shorter than the
    delay of a thread, so it runs at once.
    """

    def __init__(self, engine: Engine, config: ModelConfig, probe: Probe):
        """probe: told of every step of the model as the stage "model"."""
        self._engine, self._window, self._probe = engine, config.window, probe
        self._empty = empty_frames(config, engine.frames)
        self._pool = (
            ThreadPoolExecutor(1, thread_name_prefix="model") if engine.frames > 1 else None
        )
        self._under_way: deque[tuple[Pending, Future[Raw]]] = deque()
        self._place = 0

    @property
    def is_free(self) -> bool:
        """Whether no step is running or waiting."""
        return not self._under_way

    def begin(self, pending: Pending) -> None:
        """Start the model step of a window; nothing is computed if its ``use`` needs no model."""
        future: Future[Raw] = Future()
        if pending.use not in (Use.RUN, Use.HIDDEN):
            future.set_result(None)
        elif self._pool is None:
            future.set_result(self._step(pending))
        else:
            future = self._pool.submit(self._step, pending)
        self._under_way.append((pending, future))

    def ended(self, wait: bool) -> Iterator[tuple[Pending, Raw]]:
        """Windows whose step is done, oldest first, with the output (M, w, 58) or None.

        None: the model was not run. wait: wait for all of them. Raises the error of a step.
        """
        while self._under_way and (wait or self._under_way[0][1].done()):
            pending, future = self._under_way.popleft()
            yield pending, future.result()

    def clear(self) -> None:
        """Wait for the running step and drop all results, before the engine starts anew."""
        for _, future in self._under_way:
            future.exception()
        self._under_way.clear()
        self._place = 0

    def close(self) -> None:
        """End the thread after its current step."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _step(self, pending: Pending) -> np.ndarray:
        """Run the model for a window, after empty frames in place of skipped ones.

        Without them the model's windows would no longer match the window indices of the reactions.
        """
        frames = len(pending.seen)
        self._engine.become(pending.first)
        if pending.begins_anew:
            self._engine.restart()
            self._place = 0
        place = pending.window.index * frames % self._window
        while self._place != place:
            self._run(self._empty, pending)
            self._place = (self._place + frames) % self._window
        self._place = (self._place + frames) % self._window
        return self._run(pending.speaker, pending)

    def _run(self, speaker: SpeakerFrames, pending: Pending) -> np.ndarray:
        with self._probe.stage("model"):
            return self._engine.step(speaker, pending.number(self._window), pending.digest)
