"""What a session has reacted to so far, and what it left out."""

from dataclasses import dataclass

import numpy as np

from reactface_node.model_use import Use
from reactface_node.schema import FRAME_RATE_HZ


@dataclass
class SessionStats:
    """Since the start; resets keep it. Windows are frames in frame mode.

    windows_reacted: those with a reaction, whatever it was made of.
    windows_skipped: left out because they could not be shown any more, or as the rest of such a
    window of the model.
    windows_spared, windows_idle: see ``Use``.
    windows_own_turn: the robot itself spoke.
    people_in_view: in the newest image.
    """

    windows_reacted: int = 0
    windows_skipped: int = 0
    windows_spared: int = 0
    windows_idle: int = 0
    windows_own_turn: int = 0
    people_in_view: int = 0
    resets: int = 0
    _faces: int = 0
    _voices: int = 0
    _frames: int = 0

    def count(
        self, use: Use, found: np.ndarray, heard: np.ndarray, people: int, speaks: bool
    ) -> None:
        """A window that was reacted to: (n,) bool each, whether a face was found, and a voice."""
        self.windows_reacted += 1
        self.windows_spared += use is Use.SPARED
        self.windows_idle += use is Use.IDLE
        self.windows_own_turn += speaks
        self.people_in_view = people
        self._faces += int(found.sum())
        self._voices += int(heard.sum())
        self._frames += len(found)

    def named(self) -> dict[str, float]:
        """By name, and in how much of the time a face and a voice were there."""
        frames = max(1, self._frames)
        values = {name: value for name, value in vars(self).items() if name[0] != "_"}
        return {
            **values,
            "seconds_reacted": self._frames / FRAME_RATE_HZ,
            "face_seen": self._faces / frames,
            "voice_heard": self._voices / frames,
        }
