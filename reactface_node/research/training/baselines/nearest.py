"""NN motion and NN audio: the listener of the most similar training speaker.

Ng et al. 2022 search the training set for the speaker's current segment and return the listener's
segment of the same time. Here this is done window by window: at the end of each window the
speaker's last ``segment`` frames are compared with every training segment, and the last window of
the listener beside the nearest one is returned. So no frame depends on the speaker after the end of
its own window, and early windows are compared by the frames so far.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reactface_node.media.audio import integers_to_float
from reactface_node.model.records import SpeakerInput
from reactface_node.model.speech import MEL_FRAME, MEL_HOP, LogMel
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.baselines.common import copies, visible_face
from reactface_node.schema import SAMPLES_PER_FRAME

POOL = 4  # frames whose mean is compared: a quarter of the cost, without syllables
CHUNK = 32  # clips processed together
QUERIES = 512  # segments searched together
SMALLEST_STD = 0.02


class NearestNeighbour:
    """Searches a training split for segments of the speaker's motion or audio; deterministic.

    by: "motion" or "audio" (log-mel). segment: frames compared; window: frames returned at a time.
    ValueError if they are no multiples of ``POOL``. A clip's last, partial window is left out.
    """

    def __init__(self, clips: Clips, by: str, segment: int = 64, window: int = 8):
        if by not in ("motion", "audio"):
            raise ValueError(f"nearest by motion or by audio, not by {by}")
        if segment % POOL or window % POOL or segment < window:
            raise ValueError(f"segment and window must be multiples of {POOL}, segment the longer")
        self.by, self.segment, self.window = by, segment, window
        self.reactions = clips.reactions
        self.own = np.array([listeners[0] for listeners in clips.appropriate], np.int64)
        self.windows = torch.from_numpy(np.asarray(clips.frames, np.int64)) // window
        self.log_mel = LogMel()
        bank = self._bank(clips)
        inside = torch.arange(bank.shape[1]) < (self.windows * (window // POOL))[:, None]
        self.mean = bank[inside].mean(0)
        self.std = bank[inside].std(0).clamp(min=SMALLEST_STD)
        self.bank = (bank - self.mean) / self.std
        self.mean_face = _mean_face(clips, self.own)

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M copies; the mean listener if no face or voice was there at all."""
        batch, frames = speaker.face.shape[:2]
        # T is a multiple of the model's window, not of this one.
        speaker = speaker.whole_windows(self.window)
        windows = speaker.face.shape[1] // self.window
        x, valid = self._features_of(speaker)
        x, known = _pool(x.cpu(), valid.cpu())
        known = self._segments(known).flatten(0, 1)
        queries = self._segments((x - self.mean) / self.std).flatten(0, 1) * known
        pairs = zip(queries.split(QUERIES), known.split(QUERIES), strict=True)
        clip, window = torch.cat([self._nearest(*pair) for pair in pairs]).numpy().T
        steps = window[:, None] * self.window + np.arange(self.window)
        found = torch.from_numpy(self.reactions[self.own[clip][:, None], steps])
        found = torch.where(known.any(dim=1)[:, None, None], found, self.mean_face)
        reaction = found.unflatten(0, (batch, windows)).flatten(1, 2)
        return copies(reaction[:, :frames].to(speaker.face), samples)

    def _nearest(self, queries: Tensor, known: Tensor) -> Tensor:
        """Segments (Q, N), zero where ``known`` (Q, N) is 0 -> (Q, 2): clip and window.

        The smallest sum(known * (query - entry)^2), by matrix products.
        """
        last = int(self.windows.max())
        best = torch.full((len(queries),), float("inf"))
        found = torch.zeros(len(queries), dtype=torch.long)
        for at in range(0, len(self.bank), CHUNK):
            entries = self._segments(self.bank[at : at + CHUNK])[:, :last].flatten(0, 1)
            outside = torch.arange(last) >= self.windows[at : at + CHUNK, None]
            distance = known @ entries.square().T - 2.0 * queries @ entries.T
            distance[:, outside.flatten()] = float("inf")
            value, index = distance.min(dim=1)
            found = torch.where(value < best, index + at * last, found)
            best = torch.minimum(value, best)
        return torch.stack([found // last, found % last], dim=1)

    def _segments(self, x: Tensor) -> Tensor:
        """(B, n, F) pooled -> (B, W, N): the segment that ends with each window; zero before the
        start."""
        length, step = self.segment // POOL, self.window // POOL
        return F.pad(x, (0, 0, length - step, 0)).unfold(1, length, step).flatten(2)

    def _bank(self, clips: Clips) -> Tensor:
        """(N, T / POOL, F) of all training speakers."""
        frames = clips.speaker.shape[1] // POOL * POOL
        parts = []
        for at in range(0, len(clips), CHUNK):
            if self.by == "motion":
                x = torch.from_numpy(np.array(clips.speaker[at : at + CHUNK, :frames]))
            else:
                audio = clips.audio[at : at + CHUNK, : frames * SAMPLES_PER_FRAME]
                x = self._mel(torch.from_numpy(integers_to_float(audio)))
            parts.append(_pool(x, torch.ones_like(x))[0])
        return torch.cat(parts)

    def _features_of(self, speaker: SpeakerInput) -> tuple[Tensor, Tensor]:
        """Features (B, T, F) and a mask of those that are known."""
        if self.by == "motion":
            return visible_face(speaker), speaker.face_valid.to(speaker.face)
        mel = self._mel(speaker.audio.cpu())
        return mel, speaker.audio_valid.cpu()[..., None].expand_as(mel).to(mel)

    def _mel(self, audio: Tensor) -> Tensor:
        """(B, T * 640) -> (B, T, 80), the mean of each frame's log-mel."""
        mel = self.log_mel(audio, audio.new_zeros(len(audio), MEL_FRAME - MEL_HOP))
        frames: Tensor = mel.unflatten(1, (-1, SAMPLES_PER_FRAME // MEL_HOP)).mean(2)
        return frames


def _pool(x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, F) and its mask -> means over the valid ones of ``POOL`` frames, and a mask: 1 where
    at least one is valid."""
    count = valid.unflatten(1, (-1, POOL)).sum(2)
    total = (x * valid).unflatten(1, (-1, POOL)).sum(2)
    return total / count.clamp(min=1.0), (count > 0).to(x)


def _mean_face(clips: Clips, own: np.ndarray) -> Tensor:
    """(58,) the mean over all frames of the clips' own listeners."""
    pairs = zip(own, clips.frames, strict=True)
    total = sum(clips.reactions[index, :frames].sum(0, dtype=np.float64) for index, frames in pairs)
    return torch.from_numpy((total / np.sum(clips.frames)).astype(np.float32))
