"""A batch of sessions that share one model, and a session's place in it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.model.architecture import LIVE


@runtime_checkable
class SlotBatch(Protocol):
    """Sessions of M samples each, a slot for each session, run window by window.

    config: of the model. window, noise_width, disposition: as ``stepper.Stepper``.
    """

    config: ModelConfig
    window: int
    noise_width: int
    disposition: int

    def begin(self, slot: int, disposition: np.ndarray) -> None:
        """Begin a new session of M listeners, (M, S), in a slot."""

    def describe(self, slot: int, disposition: np.ndarray) -> None:
        """Other listeners (M, S) in a slot; its state stays."""

    def step(
        self, speakers: Sequence[SpeakerFrames | None], noise: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """The next window of every session that has one: (B, M, w, 58); rows of the others are
        undefined."""
        ...


class Slot:
    """One slot of a batch as the ``stepper.Stepper`` of a session."""

    def __init__(self, batch: SlotBatch, index: int, count: int):
        self._batch, self._index, self._count = batch, index, count
        self.window, self.noise_width = batch.window, batch.noise_width
        self.disposition = batch.disposition

    def begin(self, disposition: np.ndarray) -> None:
        self._batch.begin(self._index, disposition)

    def describe(self, disposition: np.ndarray) -> None:
        self._batch.describe(self._index, disposition)

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        """Run the next frames of this session only."""
        mine = [index == self._index for index in range(self._count)]
        shown: np.ndarray = self._batch.step(
            [speaker if own else None for own in mine], [noise if own else None for own in mine]
        )[self._index]
        return shown

    def check(self, config: ModelConfig) -> None:
        """UserError if the settings differ: they are shared by all sessions of the batch."""
        known = self._batch.config
        if any(getattr(config, name) != getattr(known, name) for name in LIVE):
            raise UserError(f"sessions that share a batch share model.{', model.'.join(LIVE)}")

    def configure(self, config: ModelConfig) -> None:
        """Nothing to do: ``check`` allows no change."""
