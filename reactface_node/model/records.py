"""Records of the model: its input, its output, and the state between windows."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reactface_node.model.face import CoefficientState, PixelState
from reactface_node.model.modules import CIEState, SLBSState
from reactface_node.model.nods import NodPrediction
from reactface_node.model.rings import RingClock
from reactface_node.model.speech import LogMelState, Wav2Vec2State
from reactface_node.schema import SAMPLES_PER_FRAME


@dataclass(frozen=True)
class SpeakerInput:
    """T frames of the speaker, T a multiple of w.

    face: (B, T, 58) coefficients, or (B, T, 3, 224, 224) pixels in [-1, 1].
    face_valid: bool, (B, T, 58) or, for pixels, (B, T).
    audio: (B, T*640) 16 kHz mono in [-1, 1]; audio_valid: (B, T) bool.
    """

    face: Tensor
    face_valid: Tensor
    audio: Tensor
    audio_valid: Tensor

    def to(self, device: str | torch.device) -> "SpeakerInput":
        """A copy on a device."""
        return SpeakerInput(*(part.to(device) for part in vars(self).values()))

    def frames(self, start: int, stop: int) -> "SpeakerInput":
        """Frames ``start`` to ``stop`` and their audio."""
        heard = slice(start * SAMPLES_PER_FRAME, stop * SAMPLES_PER_FRAME)
        return SpeakerInput(
            self.face[:, start:stop],
            self.face_valid[:, start:stop],
            self.audio[:, heard],
            self.audio_valid[:, start:stop],
        )

    def whole_windows(self, window: int) -> "SpeakerInput":
        """A copy with empty frames (no face, silence) appended up to a whole window."""
        more = -self.face.shape[1] % window
        return SpeakerInput(
            _longer(self.face, more),
            _longer(self.face_valid, more),
            _longer(self.audio, more * SAMPLES_PER_FRAME),
            _longer(self.audio_valid, more),
        )


@dataclass(frozen=True)
class WindowPlan:
    """The part of a window that does not depend on its own frames.

    mean, log_variance, latent: (B, M, 1, D), in ``teach`` of all windows. raw: (B, M, w, D) decoded
    latents. onset (B, M, w), nod (B, M, 3): noise of events. gap: (B, M, 1, 58) between the motion
    of the previous window and this one's first frame, None before that frame. fade: (w,) share of
    the gap that is left.
    """

    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    raw: Tensor
    onset: Tensor
    nod: Tensor
    fade: Tensor
    gap: Tensor | None = None

    def frames(self, start: int, stop: int) -> "WindowPlan":
        """The plan for frames ``start`` to ``stop`` of the window."""
        span = slice(start, stop)
        return replace(
            self, raw=self.raw[:, :, span], onset=self.onset[:, :, span], fade=self.fade[span]
        )


@dataclass(frozen=True)
class ModelState:
    """The state between windows; its size is bounded.

    The memory of a ``streaming`` state is written in place: after a step only the returned state
    may be used.
    """

    speech: LogMelState | Wav2Vec2State
    face: CoefficientState | PixelState
    cie: CIEState
    slbs: SLBSState
    last_reaction: Tensor  # (B, M, w, 58) standardised, the last w frames
    last_speech: Tensor  # (B, w*k, D)
    last_face: Tensor  # (B, w, D)
    latent: Tensor | None  # (B, M, D): z_(t-w); None or NaN before the first window
    edge: Tensor | None  # (B, M, 2, 58) standardised: the last two frames, without events
    disposition: Tensor  # (B, M, S): describes the listeners, constant in a session
    frame: Tensor  # (B,) int64: index of the next frame, modulo the history
    nod: Tensor  # (B, M, 4): the last nod, see ``NodHead.initial_state``
    nod_memory: Tensor  # (B, D): hidden state of the GRU of nods
    laugh: Tensor  # (B, M, 2, 3): the last laugh and smile, see ``LaughHead.initial_state``
    phase: int = 0  # place of the next frame in its window
    plan: WindowPlan | None = None  # of the current window, None before the first
    clock: RingClock | None = None  # clock of the rings, None for a clip


@dataclass(frozen=True)
class Output:
    """The output for T frames.

    listener (B, M, T, 58), speaker (B, T, 58): coefficients in real units (Eqs 9 and 19).
    mean, log_variance, latent (B, M, T/w, D): distribution of each window, and its z.
    nods: prediction of nods; laughs (B, 2, T): logits that a laugh starts, and that the
    speaker laughs; both None if the config has none.
    events (B, M, T, 58): motion of the drawn nods and laughs, already added to ``listener``.
    """

    listener: Tensor
    speaker: Tensor
    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    nods: NodPrediction | None
    laughs: Tensor | None
    events: Tensor


@dataclass(frozen=True)
class Seen:
    """n encoded frames of the speaker: aligned face (B, n, D), speech (B, n*k, D), and the
    predicted nods, and laughs (B, 2, n). unseen (B, n) bool: there is no face."""

    face: Tensor
    speech: Tensor
    nods: NodPrediction | None
    laughs: Tensor | None
    unseen: Tensor

    def window(self, index: int, frames: int) -> "Seen":
        """The part of window ``index``; frames: w."""
        ratio = self.speech.shape[1] // self.face.shape[1]
        span = slice(index * frames, (index + 1) * frames)
        return Seen(
            self.face[:, span],
            self.speech[:, index * frames * ratio : (index + 1) * frames * ratio],
            self.nods and self.nods.window(index, frames),
            None if self.laughs is None else self.laughs[..., span],
            self.unseen[:, span],
        )


@dataclass(frozen=True)
class Part:
    """n frames of the listener: reaction (B, M, n, 58) standardised, without nods and laughs, the
    motion of these (B, M, n, 58) in real units, and the plan of their window."""

    reaction: Tensor
    events: Tensor
    plan: WindowPlan


def _longer(values: Tensor, more: int) -> Tensor:
    """(B, n, ...) -> (B, n + more, ...), zeros appended."""
    return torch.cat([values, values.new_zeros(len(values), more, *values.shape[2:])], dim=1)
