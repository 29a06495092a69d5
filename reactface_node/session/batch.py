"""Batched sessions: several speakers in one process whose windows run as one batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.batches import as_batch, load_batch
from reactface_node.engine.engine import Engine
from reactface_node.engine.slot import Slot, SlotBatch
from reactface_node.errors import UserError
from reactface_node.perception.tracker_thread import Tracker
from reactface_node.perception.voice import speech_model
from reactface_node.schema import Reaction
from reactface_node.session.model_use import Use
from reactface_node.session.pending import Pending, empty_frames
from reactface_node.session.session import ReactionSession

if TYPE_CHECKING:
    from reactface_node.model.reactface import ReactFace


class SessionBatch:
    """Sessions that share one model. Push images and audio to each of ``sessions``, then call
    ``poll`` of the batch.

    A session's reactions do not depend on the other sessions: they equal those of a session of
    its own (up to float rounding, 1e-5).
    """

    def __init__(self, config: Config, batch: "SlotBatch | ReactFace", trackers: Sequence[Tracker]):
        """batch: with a slot for each tracker, or a model for torch; each tracker gets a session.
        UserError in frame mode."""
        check_windows(config)
        count = len(trackers)
        batch = as_batch(batch, config, count, empty_frames(config.model, config.model.window))
        self._batch = batch
        self._engines = [
            Engine(Slot(batch, index, count), config.model.window) for index in range(count)
        ]
        speech = speech_model(config.perception)
        self.sessions = [
            ReactionSession(config, engine, tracker, speech=speech)
            for engine, tracker in zip(self._engines, trackers, strict=True)
        ]

    @classmethod
    def load(cls, config: Config, count: int) -> "SessionBatch":
        """``count`` sessions of the config's profile, each with its own tracker.

        UserError if the model cannot be loaded, outputs NaN, or is the released code's model.
        """
        from reactface_node.perception import make_tracker

        check_windows(config)
        made = load_batch(config, count, empty_frames(config.model, config.model.window))
        pixels = config.model.face_encoder == "pixels"
        trackers = [make_tracker(config.perception, pixels) for _ in range(count)]
        batch = cls(config, made, trackers)
        for session in batch.sessions[:1]:
            session.check_model()
        return batch

    def poll(self, now_s: float) -> list[list[Reaction]]:
        """The reactions of each session, in order; see ``ReactionSession.poll``."""
        waiting = [session.take(now_s) for session in self.sessions]
        reactions: list[list[Reaction]] = [[] for _ in self.sessions]
        for place in range(max(map(len, waiting), default=0)):
            self._react([w[place] if place < len(w) else None for w in waiting], reactions)
        return reactions

    def close(self) -> None:
        """Free the trackers."""
        for session in self.sessions:
            session.close()

    def _react(
        self, windows: Sequence[Pending | None], reactions: Sequence[list[Reaction]]
    ) -> None:
        """Run one window of each session that has one, and append the reactions."""
        runs = [one if one is not None and one.use is Use.RUN else None for one in windows]
        noise = [
            None if one is None else _noise(engine, one)
            for one, engine in zip(runs, self._engines, strict=True)
        ]
        speakers = [None if one is None else one.speaker for one in runs]
        shown = self._batch.step(speakers, noise) if any(runs) else None
        for index, (session, one) in enumerate(zip(self.sessions, windows, strict=True)):
            if one is not None:
                raw = None if shown is None or runs[index] is None else shown[index]
                reactions[index].append(session.finish(one, raw))


def _noise(engine: Engine, pending: Pending) -> np.ndarray:
    engine.become(pending.first)
    if pending.begins_anew:
        engine.restart()
    return engine.noise(pending.window.index, pending.digest)


def check_windows(config: Config) -> None:
    """UserError in frame mode, in which sessions cannot share a batch."""
    if config.mode == "frame":
        raise UserError("many sessions at once go window by window: mode=window")
