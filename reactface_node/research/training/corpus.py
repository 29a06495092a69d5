"""Training batches: random crops of clips with simulated tracker errors."""

from dataclasses import dataclass

import numpy as np
import torch

from reactface_node.engine.pixels import crops_to_pixels
from reactface_node.errors import UserError
from reactface_node.media.audio import integers_to_float
from reactface_node.model.laughs import PAUSE_S
from reactface_node.model.nods import NEVER
from reactface_node.model.reactface import PITCH
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.behaviour import laughs
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.head_nods import head_nods, without_nods
from reactface_node.research.data.nods import frames_since, may_start, nod_starts, nods_of, pitch_of
from reactface_node.research.training.laughter import shown_laughter
from reactface_node.research.training.tracker_errors import as_tracked
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME

SMALLEST_STD = np.concatenate([np.full(52, 0.02), np.full(3, 0.01), np.full(3, 0.002)])
LAUGH_SEEN_S = 0.15  # from the beginning of a laugh to where it counts as one
STATISTICS_REACTIONS = 600  # enough for a mean and a deviation


@dataclass(frozen=True)
class Batch:
    """B crops of T frames; L appropriate reactions each, the speaker's own listener first.

    speaker: the model's input. truth (B, T, 58): the speaker without a tracker's errors. listeners
    (B, L, T, 58): the reactions. nods (B, L, T, 3): half-cycles, depth in rad, frequency
    in Hz of a nod that starts there, 0 elsewhere. nod_pitch (B, L, T): the nods' part of the pitch
    in rad. may_nod (B, L, T) bool: False during a nod. nod_age (B, L, T): frames since the last nod
    before started. laughs, may_laugh (B, L, T) bool: a laugh starts; False during one. laughing
    (B, T) bool: the speaker's face shows that he laughs. position (B,): index in the whole batch,
    of which a process may hold a part.
    begins: the crops are the first frames of their clips, so that sessions begin with them; else
    sessions began some time before.
    """

    speaker: SpeakerInput
    truth: torch.Tensor
    listeners: torch.Tensor
    nods: torch.Tensor
    nod_pitch: torch.Tensor
    may_nod: torch.Tensor
    nod_age: torch.Tensor
    laughs: torch.Tensor
    may_laugh: torch.Tensor
    laughing: torch.Tensor
    position: torch.Tensor
    begins: bool = False

    def part(self, index: int, of: int) -> "Batch":
        """Every ``of``-th crop from ``index`` on."""
        taken = {n: v[index::of] for n, v in vars(self).items() if isinstance(v, torch.Tensor)}
        speaker = SpeakerInput(*(value[index::of] for value in vars(self.speaker).values()))
        return Batch(speaker, begins=self.begins, **taken)

    def to(self, device: str) -> "Batch":
        """All tensors on the device."""
        moved = {n: v.to(device) for n, v in vars(self).items() if isinstance(v, torch.Tensor)}
        return Batch(self.speaker.to(device), begins=self.begins, **moved)


@dataclass(frozen=True)
class Statistics:
    """Per-channel numbers that a model standardises with, (58,) float32."""

    listener_mean: np.ndarray
    listener_std: np.ndarray
    speaker_std: np.ndarray


class Corpus:
    """One split, from which batches are drawn."""

    def __init__(self, clips: Clips, pixels: bool = False):
        """UserError if the pixel encoder needs face crops that the data set lacks."""
        if pixels and clips.faces is None:
            raise UserError("this data set was converted without faces: convert it with --faces")
        self.clips, self.pixels = clips, pixels
        reactions, frames = clips.reactions.shape[:2]
        self._nods = np.zeros((reactions, frames, 3), np.float32)
        self._nod_pitch = np.zeros((reactions, frames), np.float32)
        self._may_nod = np.ones((reactions, frames), bool)
        self._nod_age = np.full((reactions, frames), NEVER, np.float32)
        self._laughs = np.zeros((reactions, frames), bool)
        self._may_laugh = np.ones((reactions, frames), bool)
        for index, length in enumerate(clips.reaction_frames):
            self._note_nods(index, length)
            self._note_laughs(index, length)

    def statistics(self) -> Statistics:
        """Statistics of listeners without their nods, which the model draws apart, and of speakers;
        deviations have a lower limit."""
        clips = self.clips
        step = max(1, len(clips.reactions) // STATISTICS_REACTIONS)
        calm = np.array(clips.reactions[::step])
        calm[..., PITCH] -= self._nod_pitch[::step]
        listener = _without_padding(calm, clips.reaction_frames[::step])
        speaker = _without_padding(clips.speaker, clips.frames)
        numbers = listener.mean(0), _spread(listener), _spread(speaker)
        return Statistics(*(part.astype(np.float32) for part in numbers))

    def batch(
        self,
        rng: np.random.Generator,
        size: int,
        frames: int,
        listeners: int,
        dropout: float,
        begins: float = 0.0,
    ) -> Batch:
        """``size`` random crops, with simulated tracker errors and missing streams.

        begins: probability that all crops are the first frames of their clips. Listeners are those
        whose reactions last to the crop's end; the clip's own always does.
        UserError if every clip is shorter than a crop.
        """
        clips = self.clips
        enough = np.flatnonzero(clips.frames >= frames)
        if not len(enough):
            raise UserError(f"no clip has the {frames} frames of training.crop_frames")
        chosen = rng.choice(enough, size)
        first = rng.random() < begins
        starts = rng.integers(1 if first else clips.frames[chosen] - frames + 1, size=size)
        spans = [slice(start, start + frames) for start in starts]
        who = []
        for clip, span in zip(chosen, spans, strict=True):
            known = clips.appropriate[clip]
            lasting = known[clips.reaction_frames[known] >= span.stop]
            who.append(_draw_listeners(rng, lasting, listeners))
        truth = np.stack([clips.speaker[c, s] for c, s in zip(chosen, spans, strict=True)])
        speaker = self._speaker(rng, chosen, spans, truth, dropout, first)

        def cut(array: np.ndarray) -> torch.Tensor:
            parts = [array[w, s] for w, s in zip(who, spans, strict=True)]
            return torch.from_numpy(np.stack(parts))

        return Batch(
            speaker,
            torch.from_numpy(truth),
            cut(clips.reactions),
            cut(self._nods),
            cut(self._nod_pitch),
            cut(self._may_nod),
            cut(self._nod_age),
            cut(self._laughs),
            cut(self._may_laugh),
            torch.from_numpy(shown_laughter(truth)),
            torch.arange(size),
            first,
        )

    def _speaker(
        self,
        rng: np.random.Generator,
        chosen: np.ndarray,
        spans: list[slice],
        truth: np.ndarray,
        dropout: float,
        begins: bool,
    ) -> SpeakerInput:
        size, frames = truth.shape[:2]
        audio = np.stack(
            [
                self.clips.audio[c, s.start * SAMPLES_PER_FRAME : s.stop * SAMPLES_PER_FRAME]
                for c, s in zip(chosen, spans, strict=True)
            ]
        )
        tracked = as_tracked(rng, truth, dropout, begins)
        face, valid = tracked.face, tracked.valid
        if self.pixels:
            assert self.clips.faces is not None
            crops = [self.clips.faces[c, s] for c, s in zip(chosen, spans, strict=True)]
            face, valid = np.stack(crops), valid.any(axis=2)
        heard = np.repeat(rng.random((size, 1)) >= dropout, frames, axis=1)
        return _speaker_input(face, valid, audio, heard)

    def _note_nods(self, index: int, length: int) -> None:
        """Nods of a reaction: those that the data set names, or those in the motion."""
        pitch = self.clips.reactions[index, :length, PITCH].astype(np.float64)
        if self.clips.nods is None:
            nods = head_nods(pitch)
            self._nod_pitch[index, :length] = pitch - without_nods(pitch, nods)
        else:
            nods = nods_of(np.asarray(self.clips.nods[index, :length]))
            self._nod_pitch[index, :length] = pitch_of(nods, length)
        starts = nod_starts(nods, length)
        self._nods[index, :length] = starts
        self._may_nod[index, :length] = may_start(nods, length)
        self._nod_age[index, :length] = frames_since(starts[:, 0] > 0, NEVER)

    def _note_laughs(self, index: int, length: int) -> None:
        """Laughs of a reaction, by the definition with which people's are counted."""
        for start_s, end_s in laughs(self.clips.reactions[index, :length]):
            start = max(round((start_s - LAUGH_SEEN_S) * FRAME_RATE_HZ), 0)
            end = round((end_s + PAUSE_S) * FRAME_RATE_HZ)
            self._laughs[index, start] = True
            self._may_laugh[index, start + 1 : end] = False


def speaker_input(clips: Clips, chosen: slice, frames: int, pixels: bool = False) -> SpeakerInput:
    """The clips' first ``frames`` frames as model input, complete and without errors."""
    face = np.asarray(clips.speaker[chosen, :frames])
    valid = np.ones(face.shape, bool)
    if pixels and clips.faces is not None:
        face = clips.faces[chosen, :frames]
        valid = np.ones(face.shape[:2], bool)
    audio = clips.audio[chosen, : frames * SAMPLES_PER_FRAME]
    return _speaker_input(face.copy(), valid, audio, np.ones(face.shape[:2], bool))


def _speaker_input(
    face: np.ndarray, valid: np.ndarray, audio: np.ndarray, heard: np.ndarray
) -> SpeakerInput:
    """face: coefficients, or (B, T, H, W, 3) uint8 crops. audio: int16."""
    parts = (torch.from_numpy(one) for one in (face, valid, integers_to_float(audio), heard))
    seen, *rest = parts
    return SpeakerInput(crops_to_pixels(seen) if seen.dtype == torch.uint8 else seen, *rest)


def _without_padding(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(N, T, C) -> (sum of lengths, C) float64."""
    inside = np.arange(values.shape[1]) < lengths[:, None]
    return np.asarray(values)[inside].astype(np.float64)


def _spread(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.maximum(values.std(0), SMALLEST_STD)
    return result


def _draw_listeners(rng: np.random.Generator, known: np.ndarray, count: int) -> np.ndarray:
    """The clip's own listener, then others; some twice if there are too few."""
    others = rng.permutation(known[1:])
    return np.resize(np.concatenate([known[:1], others]), count)
