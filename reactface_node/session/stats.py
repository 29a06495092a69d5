"""Counters of a session: its inputs, its reactions, and what was skipped."""

from dataclasses import dataclass

import numpy as np

from reactface_node.media.audio import AudioStats
from reactface_node.schema import FRAME_RATE_HZ, KINDS, Observation
from reactface_node.session.model_use import Use


@dataclass
class TimelineStats(AudioStats):
    """Counters of the inputs since the start; a reset does not clear them. See ``AudioStats`` too.

    images: images pushed with a usable stamp.
    images_replaced: images dropped because a newer one lies in the same slot.
    images_late: images for slots that were already final, before time zero, or back in time.
    images_duplicate: images with the same stamp as the newest one.
    audio_late: chunks whose stamp went back in time while the other inputs went on.
    audio_cut: chunks longer than the most that is used of one chunk.
    audio_delays: how often the delay of audio in long chunks was increased.
    stamps_invalid: inputs ignored because their stamp is NaN, infinite or above 1e12 s.
    stamps_ahead: inputs ignored because their stamp alone lies far in the future.
    windows: windows closed; windows_waited: those closed by ``max_wait_s`` or a full buffer.
    windows_left_out: windows of long gaps that were never made, or dropped as nobody polled.
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
    """Counters of the reactions since the start; a reset does not clear them. In frame mode a
    window here is one frame.

    windows_reacted: windows with a reaction, from the model or from idle motion.
    windows_skipped: windows that were too late to be shown, and the rest of the model's window.
    windows_spared, windows_idle: see ``Use``.
    windows_own_turn: windows in which the robot itself spoke.
    people_in_view: faces in the newest image.
    face_reliability: mean reliability of the face's channels in the newest image, 0 without a face.
    """

    windows_reacted: int = 0
    windows_skipped: int = 0
    windows_spared: int = 0
    windows_idle: int = 0
    windows_own_turn: int = 0
    people_in_view: int = 0
    face_reliability: float = 0.0
    resets: int = 0
    _speech: float = 0.0
    _speech_frames: int = 0
    _kinds: np.ndarray | None = None
    _faces: int = 0
    _voices: int = 0
    _frames: int = 0

    def count(
        self, use: Use, found: np.ndarray, heard: np.ndarray, newest: Observation, speaks: bool
    ) -> None:
        """Count one shown window; found, heard (n,) bool: frames with a face, with audio; newest:
        what is seen in its last frame."""
        self.windows_reacted += 1
        self.windows_spared += use is Use.SPARED
        self.windows_idle += use is Use.IDLE
        self.windows_own_turn += speaks
        self.people_in_view = newest.people
        self._kinds = newest.kinds
        reliable = newest.reliability[newest.valid]
        self.face_reliability = float(reliable.mean()) if len(reliable) else 0.0
        self._faces += int(found.sum())
        self._voices += int(heard.sum())
        self._frames += len(found)

    def count_speech(self, probabilities: np.ndarray) -> None:
        """Count the frames of a closed window, (n,): how probable it is that somebody speaks."""
        self._speech += float(probabilities.sum())
        self._speech_frames += len(probabilities)

    def named(self) -> dict[str, float]:
        """Counters by name, seconds reacted, the shares of frames with a face and audio, and the
        mean probability of speech."""
        frames = max(1, self._frames)
        values = {name: value for name, value in vars(self).items() if name[0] != "_"}
        kinds = np.zeros(len(KINDS)) if self._kinds is None else self._kinds
        return {
            **values,
            **{f"speaker_{kind}": float(p) for kind, p in zip(KINDS, kinds, strict=True)},
            "seconds_reacted": self._frames / FRAME_RATE_HZ,
            "face_seen": self._faces / frames,
            "voice_heard": self._voices / frames,
            "speech_heard": self._speech / max(1, self._speech_frames),
        }
