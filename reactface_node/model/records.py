"""What goes into the model, what comes out, and what a session carries from window to window."""

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
        """The same on a device."""
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
        """The same with frames at the end, in which nobody is there, to fill the last window."""
        more = -self.face.shape[1] % window
        return SpeakerInput(
            _longer(self.face, more),
            _longer(self.face_valid, more),
            _longer(self.audio, more * SAMPLES_PER_FRAME),
            _longer(self.audio_valid, more),
        )


@dataclass(frozen=True)
class WindowPlan:
    """What is settled when a window begins, before anything of the speaker in it is known.

    raw: (B, M, w, D) the decoded latents. onset (B, M, w) and nod (B, M, 3): the noise of nods.
    fade: (w,) how much of the gap to where the window before leads is still open. gap: (B, M, 1,
    58) that gap, None before the first frame.
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
        """Of these frames of the window alone."""
        span = slice(start, stop)
        return replace(
            self, raw=self.raw[:, :, span], onset=self.onset[:, :, span], fade=self.fade[span]
        )


@dataclass(frozen=True)
class ModelState:
    """Everything a session carries from window to window; its size is bounded.

    Of a ``streaming`` one the memory is written in place: a step uses up the state that it is
    given, and gives the next.
    """

    speech: LogMelState | Wav2Vec2State
    face: CoefficientState | PixelState
    cie: CIEState
    slbs: SLBSState
    last_reaction: Tensor  # (B, M, w, 58) standardised: the w frames before
    last_speech: Tensor  # (B, w*k, D)
    last_face: Tensor  # (B, w, D)
    latent: Tensor | None  # (B, M, D): z_(t-w); None, or not a number, before the first window
    edge: Tensor | None  # (B, M, 2, 58) standardised: the last two decoded frames, nods apart
    disposition: Tensor  # (B, M, S): who the listeners are, the same for a whole session
    frame: Tensor  # (B,) int64: position of the next frame
    nod: Tensor  # (B, M, 4): the last nod, see model/nods.py
    nod_memory: Tensor  # (B, D): what of the speaker matters for the next
    phase: int = 0  # the next frame's place in its window
    plan: WindowPlan | None = None  # of the window that is under way
    clock: RingClock | None = None  # of the rings, None where the memory grows


@dataclass(frozen=True)
class Output:
    """listener (B, M, T, 58) and speaker (B, T, 58) coefficients (Eqs 9 and 19, in real units);
    mean, log_variance, latent (B, M, T/w, D): the distribution of every window and its z.
    nods: where they may start, None where the config has none. nod_pitch (B, M, T): rad, those
    that were drawn, part of ``listener``."""

    listener: Tensor
    speaker: Tensor
    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    nods: NodPrediction | None
    nod_pitch: Tensor


@dataclass(frozen=True)
class Seen:
    """n frames of the speaker, encoded: the aligned face (B, n, D), the speech (B, n*k, D), and
    where nods may start."""

    face: Tensor
    speech: Tensor
    nods: NodPrediction | None

    def window(self, index: int, frames: int) -> "Seen":
        """Of the window of that number."""
        ratio = self.speech.shape[1] // self.face.shape[1]
        return Seen(
            self.face[:, index * frames : (index + 1) * frames],
            self.speech[:, index * frames * ratio : (index + 1) * frames * ratio],
            self.nods and self.nods.window(index, frames),
        )


@dataclass(frozen=True)
class Part:
    """n frames of the listener (B, M, n, 58) standardised, without nods; their pitch (B, M, n);
    and the plan of their window."""

    reaction: Tensor
    pitch: Tensor
    plan: WindowPlan


def _longer(values: Tensor, more: int) -> Tensor:
    """(B, n, ...) -> (B, n + more, ...): zeros at the end."""
    return torch.cat([values, values.new_zeros(len(values), more, *values.shape[2:])], dim=1)
