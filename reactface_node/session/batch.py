"""Many speakers, one process, one model: sessions whose windows go through it together."""

from collections.abc import Sequence

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import Engine
from reactface_node.engine.slots import Slot, Slots
from reactface_node.engine.torch_stepper import load_model
from reactface_node.errors import UserError
from reactface_node.model.reactface import ReactFace
from reactface_node.perception.tracker_thread import Tracker
from reactface_node.schema import Reaction
from reactface_node.session.model_use import Use
from reactface_node.session.pending import Pending, nobody
from reactface_node.session.session import ReactionSession


class SessionBatch:
    """sessions: one for each speaker, to push images and audio to. ``poll`` is the crowd's.

    What a session reacts does not depend on who else is there: its numbers are those that it
    has alone.
    """

    def __init__(self, config: Config, model: ReactFace, trackers: Sequence[Tracker]):
        """A session for each tracker. UserError in frame mode."""
        if config.mode == "frame":
            raise UserError("many sessions at once go window by window: mode=window")
        count = len(trackers)
        self._seats = Slots(
            model, count, config.playout.samples, nobody(config.model, config.model.window)
        )
        self._engines = [
            Engine(Slot(self._seats, index, count), config.model.window) for index in range(count)
        ]
        self.sessions = [
            ReactionSession(config, engine, tracker)
            for engine, tracker in zip(self._engines, trackers, strict=True)
        ]

    @classmethod
    def load(cls, config: Config, count: int) -> "SessionBatch":
        """``count`` sessions of the config's profile, each with a tracker of its own; UserError
        where it cannot be had, gives no numbers, or is the released code's. Threads as
        ``load_model``."""
        from reactface_node.perception import make_tracker

        model = load_model(config)
        if not isinstance(model, ReactFace):
            raise UserError("many sessions at once need a model of ours, not the released code's")
        pixels = config.model.face_encoder == "pixels"
        crowd = cls(config, model, [make_tracker(config.perception, pixels) for _ in range(count)])
        for session in crowd.sessions[:1]:
            session.check_model()
        return crowd

    def poll(self, now_s: float) -> list[list[Reaction]]:
        """Each session's reactions, as ``ReactionSession.poll``."""
        waiting = [session.take(now_s) for session in self.sessions]
        reactions: list[list[Reaction]] = [[] for _ in self.sessions]
        for turn in range(max(map(len, waiting), default=0)):
            self._react([w[turn] if turn < len(w) else None for w in waiting], reactions)
        return reactions

    def close(self) -> None:
        """Free the trackers."""
        for session in self.sessions:
            session.close()

    def _react(self, turns: Sequence[Pending | None], reactions: Sequence[list[Reaction]]) -> None:
        """One window of each session that has one."""
        runs = [turn if turn is not None and turn.use is Use.RUN else None for turn in turns]
        noise = [
            None if turn is None else _noise(engine, turn)
            for turn, engine in zip(runs, self._engines, strict=True)
        ]
        speakers = [None if turn is None else turn.speaker for turn in runs]
        shown = self._seats.step(speakers, noise) if any(runs) else None
        for index, (session, turn) in enumerate(zip(self.sessions, turns, strict=True)):
            if turn is not None:
                raw = None if shown is None or runs[index] is None else shown[index]
                reactions[index].append(session.finish(turn, raw))


def _noise(engine: Engine, turn: Pending) -> np.ndarray:
    if turn.begins_anew:
        engine.restart()
    return engine.noise()
