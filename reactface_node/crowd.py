"""Many speakers, one process, one model: sessions whose windows go through it together."""

from collections.abc import Sequence

import numpy as np

from reactface_node.config import Config
from reactface_node.engine import Engine, SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import resolve_device
from reactface_node.model.load import load_listener
from reactface_node.model.reactface import ReactFace
from reactface_node.model.seats import Seat, Seats
from reactface_node.pending import Pending
from reactface_node.perception.worker import Tracker
from reactface_node.schema import CROP_PX, NUM_COEFFICIENTS, SAMPLES_PER_FRAME, Reaction
from reactface_node.session import ReactionSession


class Crowd:
    """sessions: one for each speaker, to push images and audio to. ``poll`` is the crowd's.

    What a session reacts does not depend on who else is there: its numbers are those that it
    has alone.
    """

    def __init__(self, config: Config, model: ReactFace, trackers: Sequence[Tracker]):
        """A session for each tracker. UserError in frame mode."""
        if config.mode == "frame":
            raise UserError("many sessions at once go window by window: mode=window")
        count = len(trackers)
        self._seats = Seats(model, count, config.playout.samples, silence(config))
        self._engines = [
            Engine(Seat(self._seats, index, count), config.model.window) for index in range(count)
        ]
        self.sessions = [
            ReactionSession(config, engine, tracker)
            for engine, tracker in zip(self._engines, trackers, strict=True)
        ]

    @classmethod
    def load(cls, config: Config, count: int) -> "Crowd":
        """``count`` sessions of the config's profile, each with a tracker of its own; UserError
        where it cannot be had, or is the released code's."""
        from reactface_node.perception import make_tracker

        model = load_listener(config, resolve_device(config.device))
        if not isinstance(model, ReactFace):
            raise UserError("many sessions at once need a model of ours, not the released code's")
        pixels = config.model.face_encoder == "pixels"
        return cls(config, model, [make_tracker(config.perception, pixels) for _ in range(count)])

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
        noise = [
            None if turn is None else engine.noise()
            for turn, engine in zip(turns, self._engines, strict=True)
        ]
        speakers = [None if turn is None else turn.speaker for turn in turns]
        shown = self._seats.step(speakers, noise)
        for index, (session, turn) in enumerate(zip(self.sessions, turns, strict=True)):
            if turn is not None:
                reactions[index].append(session.finish(turn, shown[index]))


def silence(config: Config) -> SpeakerFrames:
    """A window in which nobody is there."""
    frames = config.model.window
    if config.model.face_encoder == "coefficients":
        face = np.zeros((frames, NUM_COEFFICIENTS), np.float32)
        seen = np.zeros((frames, NUM_COEFFICIENTS), bool)
    else:
        face = np.zeros((frames, CROP_PX, CROP_PX, 3), np.uint8)
        seen = np.zeros(frames, bool)
    audio = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    return SpeakerFrames(face, seen, audio, np.zeros(frames, bool))
