"""What became of a session's inputs, what it has reacted to so far, and what it left out."""

from dataclasses import dataclass

import numpy as np

from reactface_node.media.audio import AudioStats
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session.model_use import Use


@dataclass
class TimelineStats(AudioStats):
    """What became of the inputs since the start; resets keep it. See also ``AudioStats``.

    images: images pushed with a usable stamp.
    images_replaced: images that shared a slot with a newer one (latest wins).
    images_late: images for slots that were already final, or before time zero, or back in time.
    audio_late: chunks that lay back in time, while the rest went on.
    audio_cut: chunks that were longer than what is heard of one.
    audio_delays: how often sound in long chunks was delayed, or further, to be heard whole.
    images_duplicate: images with the stamp of the newest one.
    stamps_invalid: inputs ignored because their stamp is NaN, infinite or absurd.
    stamps_ahead: inputs ignored because their stamp lay alone in the far future.
    windows: windows closed; windows_waited: those that ``max_wait_s`` or a full buffer closed.
    windows_left_out: windows of long silences never made, or dropped because nobody polled.
    """

    images: int = 0
    images_replaced: int = 0
    images_late: int = 0
    images_duplicate: int = 0
    audio_late: int = 0
    audio_cut: int = 0
    audio_delays: int = 0
    stamps_invalid: int = 0
    stamps_ahead: int = 0
    windows: int = 0
    windows_waited: int = 0
    windows_left_out: int = 0


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
