"""A batch for sessions that run on threads of their own."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from reactface_node.engine.slot import SlotBatch
from reactface_node.engine.stepper import SpeakerFrames


class _Asked(NamedTuple):
    """A window of one slot that waits for its step. shown: (M, w, 58)."""

    slot: int
    speaker: SpeakerFrames
    noise: np.ndarray | None
    shown: "Future[np.ndarray]"


class GatheredBatch:
    """See ``slot.SlotBatch``. Any thread may call it.

    Windows that come while a step runs go through the next step together. If a step of several
    fails, each window is run alone, so that only the session at fault gets the error.
    """

    def __init__(self, batch: SlotBatch, count: int):
        """count: number of slots."""
        self._batch, self._count = batch, count
        self.config, self.window = batch.config, batch.window
        self.noise_width, self.disposition = batch.noise_width, batch.disposition
        self._asked: list[_Asked] = []
        self._list_lock, self._step_lock = threading.Lock(), threading.Lock()

    def begin(self, slot: int, disposition: np.ndarray) -> None:
        """As ``SlotBatch.begin``; waits for a step that runs."""
        with self._step_lock:
            self._batch.begin(slot, disposition)

    def describe(self, slot: int, disposition: np.ndarray) -> None:
        """As ``SlotBatch.describe``; waits for a step that runs."""
        with self._step_lock:
            self._batch.describe(slot, disposition)

    def step(
        self, speakers: Sequence[SpeakerFrames | None], noise: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """As ``SlotBatch.step``, with the windows of other callers in the same step."""
        mine = [
            _Asked(slot, speaker, noise[slot], Future())
            for slot, speaker in enumerate(speakers)
            if speaker is not None
        ]
        with self._list_lock:
            self._asked += mine
        with self._step_lock:
            with self._list_lock:
                asked, self._asked = self._asked, []
            # Empty, if the caller before has run ours with its own.
            if asked:
                self._run(asked)
        shown = {one.slot: one.shown.result() for one in mine}
        blank = np.zeros_like(next(iter(shown.values())))
        return np.stack([shown.get(slot, blank) for slot in range(self._count)])

    def _run(self, asked: Sequence[_Asked]) -> None:
        """Run the windows in one step, or one by one if that fails."""
        try:
            shown = self._step(asked)
        except Exception as error:
            if len(asked) == 1:
                asked[0].shown.set_exception(error)
                return
            for one in asked:
                self._run([one])
            return
        for one in asked:
            one.shown.set_result(shown[one.slot])

    def _step(self, asked: Sequence[_Asked]) -> np.ndarray:
        speakers: list[SpeakerFrames | None] = [None] * self._count
        noise: list[np.ndarray | None] = [None] * self._count
        for one in asked:
            speakers[one.slot], noise[one.slot] = one.speaker, one.noise
        return self._batch.step(speakers, noise)
