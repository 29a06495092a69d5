"""Training batches: random crops of clips with simulated tracker errors."""

from dataclasses import dataclass

import numpy as np
import torch

from reactface_node.engine.pixels import crops_to_pixels
from reactface_node.errors import UserError
from reactface_node.media.audio import integers_to_float
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data import reaction_events
from reactface_node.research.data.clips import Clips, Rows
from reactface_node.research.data.reaction_events import PITCH
from reactface_node.research.training.moments import Moments
from reactface_node.research.training.tracker_errors import as_tracked
from reactface_node.schema import SAMPLES_PER_FRAME, indices_of

SMALLEST_STD = np.concatenate([np.full(52, 0.02), np.full(3, 0.01), np.full(3, 0.002)])
STATISTICS_REACTIONS, STATISTICS_SPEAKERS = 600, 3000  # enough for a mean and a deviation
LAUGH = indices_of("mouthSmile", "jawOpen")  # what a laugh is seen by


@dataclass(frozen=True)
class Batch:
    """B crops of T frames; L appropriate reactions each, the speaker's own listener first.

    speaker: the model's input. truth (B, T, 58): the speaker without a tracker's errors. listeners
    (B, L, T, 58): the reactions. nods (B, L, T, 3): half-cycles, depth in rad, frequency
    in Hz of a nod that starts there, 0 elsewhere. nod_pitch (B, L, T): the nods' part of the pitch
    in rad. may_nod (B, L, T) bool: False during a nod. nod_age (B, L, T): frames since the last nod
    before started. laughs, may_laugh (B, L, T) bool: a laugh starts; False during one. position
    (B,): index in the whole batch, of which a process may hold a part. known (B, 58) bool: the
    coefficients that the crop's data set has; in others nothing is compared.
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
    position: torch.Tensor
    known: torch.Tensor
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
    """Per-channel numbers that a model standardises with, (58,) float32; and which channels any
    clip knows, (58,) bool."""

    listener_mean: np.ndarray
    listener_std: np.ndarray
    speaker_std: np.ndarray
    known: np.ndarray


class Corpus:
    """One split, from which batches are drawn. Of a converted split, only what a batch needs is
    read."""

    def __init__(self, clips: Clips, pixels: bool = False):
        """UserError if the pixel encoder needs face crops that the data set lacks."""
        if pixels and clips.faces is None:
            raise UserError("this data set was converted without faces: convert it with --faces")
        self.clips, self.pixels = clips, pixels
        # Converted data sets hold them; an older one's are computed here.
        self._events = _found_events(clips) if clips.events is None else clips.events

    @property
    def known(self) -> np.ndarray:
        """(58,) bool: the channels that the data set has."""
        return self.clips.known

    @property
    def shortest(self) -> int:
        """Frames of the shortest clip."""
        return int(self.clips.frames.min())

    def sounds(self, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The voices of the first clips, (n, T * 640) int16, and their frames, (n,)."""
        return [(np.asarray(self.clips.audio[:count]), self.clips.frames[:count])]

    def moments(self) -> tuple[Moments, Moments]:
        """Of a sample of listeners, without their nods, which the model draws apart, and of a
        sample of speakers."""
        clips = self.clips

        def calm(row: int) -> np.ndarray:
            length = clips.reaction_frames[row]
            face = np.array(clips.reactions[row, :length])
            face[:, PITCH] -= self._events[row, :length, reaction_events.NOD_PITCH]
            return face

        reactions = range(0, len(clips.reactions), _step(clips.reactions, STATISTICS_REACTIONS))
        speakers = range(0, len(clips), _step(clips.speaker, STATISTICS_SPEAKERS))
        return (
            Moments.of(lambda: map(calm, reactions), self.known),
            Moments.of(
                lambda: (clips.speaker[row, : clips.frames[row]] for row in speakers), self.known
            ),
        )

    def statistics(self) -> Statistics:
        """What a model standardises with."""
        return statistics_of(*self.moments())

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
        known = clips.known

        def cut(array: Rows) -> torch.Tensor:
            parts = [array[w, s] for w, s in zip(who, spans, strict=True)]
            return torch.from_numpy(np.stack(parts))

        events = cut(self._events)
        return Batch(
            speaker,
            torch.from_numpy(truth),
            cut(clips.reactions),
            events[..., reaction_events.NODS],
            events[..., reaction_events.NOD_PITCH],
            (events[..., reaction_events.MAY_NOD] > 0) & bool(known[PITCH]),
            events[..., reaction_events.NOD_AGE],
            events[..., reaction_events.LAUGH] > 0,
            (events[..., reaction_events.MAY_LAUGH] > 0) & bool(known[LAUGH].all()),
            torch.arange(size),
            torch.from_numpy(known).expand(size, -1),
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
        valid = tracked.valid & self.clips.known
        face = np.where(valid, tracked.face, np.float32(0.0))
        if self.pixels:
            assert self.clips.faces is not None
            crops = [self.clips.faces[c, s] for c, s in zip(chosen, spans, strict=True)]
            face, valid = np.stack(crops), valid.any(axis=2)
        heard = np.repeat(rng.random((size, 1)) >= dropout, frames, axis=1)
        return _speaker_input(face, valid, audio, heard)


def statistics_of(listeners: Moments, speakers: Moments) -> Statistics:
    """Means and deviations; these have a lower limit."""
    numbers = listeners.mean, _spread(listeners), _spread(speakers)
    mean, deviation, of_speakers = (part.astype(np.float32) for part in numbers)
    return Statistics(mean, deviation, of_speakers, listeners.known)


def speaker_input(clips: Clips, chosen: slice, frames: int, pixels: bool = False) -> SpeakerInput:
    """The clips' first ``frames`` frames as model input, complete and without errors."""
    face = np.asarray(clips.speaker[chosen, :frames])
    valid = np.broadcast_to(clips.known, face.shape).copy()
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


def _found_events(clips: Clips) -> np.ndarray:
    """(R, T, 8) events of all reactions."""
    shape = (*clips.reactions.shape[:2], reaction_events.CHANNELS)
    found = np.zeros(shape, np.float32)
    for row, length in enumerate(clips.reaction_frames):
        known = None if clips.nods is None else clips.nods[row, :length]
        found[row, :length] = reaction_events.reaction_events(clips.reactions[row, :length], known)
    return found


def _step(rows: Rows, most: int) -> int:
    return max(1, len(rows) // most)


def _spread(moments: Moments) -> np.ndarray:
    result: np.ndarray = np.maximum(np.sqrt(moments.variance), SMALLEST_STD)
    return result


def _draw_listeners(rng: np.random.Generator, known: np.ndarray, count: int) -> np.ndarray:
    """The clip's own listener, then others; some twice if there are too few."""
    others = rng.permutation(known[1:])
    return np.resize(np.concatenate([known[:1], others]), count)
