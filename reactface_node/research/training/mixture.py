"""Several data sets in one training, each with its share of the crops."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from reactface_node.config import Config
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.corpus import Batch, Corpus, Statistics, statistics_of
from reactface_node.research.training.dataset import DataSet
from reactface_node.research.training.moments import Moments
from reactface_node.research.training.splits import training_splits
from reactface_node.research.training.validate import validation_clips
from reactface_node.schema import FRAME_RATE_HZ


@dataclass(frozen=True)
class Domain:
    """A data set of a training. share: of the crops, 1 together. digest: of its train split."""

    name: str
    share: float
    corpus: Corpus
    digest: str

    def card(self) -> dict[str, str | float]:
        """For the weights' metadata and the model card."""
        clips = self.corpus.clips
        hours = float(clips.frames.sum()) / FRAME_RATE_HZ / 3600
        return {
            "name": self.name,
            "share": round(self.share, 4),
            "clips": len(clips),
            "hours": round(hours, 3),
            "sha256": self.digest,
        }


class Mixture:
    """Batches whose crops come from several data sets; with one, exactly those of its corpus."""

    def __init__(self, domains: Sequence[Domain]):
        self.domains = tuple(domains)

    @property
    def digest(self) -> str:
        """Of one data set its own, of several one of all and their shares."""
        if len(self.domains) == 1:
            return self.domains[0].digest
        told = "".join(f"{one.digest} {one.share!r}\n" for one in self.domains)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def known(self) -> np.ndarray:
        """(58,) bool: the channels that any of the data sets has."""
        found: np.ndarray = np.any([one.corpus.known for one in self.domains], axis=0)
        return found

    @property
    def shortest(self) -> int:
        """Frames of the shortest clip."""
        return min(one.corpus.shortest for one in self.domains)

    def sounds(self, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """As ``Corpus.sounds``, of about ``count`` clips by the shares."""
        return [
            part
            for one in self.domains
            for part in one.corpus.sounds(max(1, round(count * one.share)))
        ]

    def statistics(self) -> Statistics:
        """As ``Corpus.statistics``, of the mixture."""
        shares = [one.share for one in self.domains]
        moments = [one.corpus.moments() for one in self.domains]
        listeners, speakers = zip(*moments, strict=True)
        if len(shares) == 1:
            return statistics_of(listeners[0], speakers[0])
        return statistics_of(Moments.mixed(listeners, shares), Moments.mixed(speakers, shares))

    def batch(
        self,
        rng: np.random.Generator,
        size: int,
        frames: int,
        listeners: int,
        dropout: float,
        begins: float = 0.0,
    ) -> Batch:
        """As ``Corpus.batch``; the number of crops of each data set is drawn by its share."""
        if len(self.domains) == 1:
            corpus = self.domains[0].corpus
            return corpus.batch(rng, size, frames, listeners, dropout, begins)
        counts = rng.multinomial(size, [one.share for one in self.domains])
        first = float(rng.random() < begins)  # all crops begin their clips, or none does
        parts = [
            one.corpus.batch(rng, int(count), frames, listeners, dropout, first)
            for one, count in zip(self.domains, counts, strict=True)
            if count
        ]
        return joined(parts)


def joined(parts: Sequence[Batch]) -> Batch:
    """The crops of several batches as one."""
    first = parts[0]
    speaker = SpeakerInput(
        *(
            torch.cat([vars(part.speaker)[one.name] for part in parts])
            for one in fields(first.speaker)
        )
    )
    tensors = {
        name: torch.cat([vars(part)[name] for part in parts])
        for name, value in vars(first).items()
        if isinstance(value, torch.Tensor)
    }
    tensors["position"] = torch.arange(len(tensors["position"]))
    return Batch(speaker, begins=first.begins, **tensors)


def open_data(config: Config, sets: Sequence[DataSet]) -> tuple[Mixture, list[Clips], list[str]]:
    """The training crops, the validation clips of each data set, and lines for the user."""
    domains, validation, notes = list[Domain](), list[Clips](), list[str]()
    total = sum(one.weight for one in sets)
    for one in sets:
        clips, held, digest, held_out = training_splits(one.folder, config.training)
        held, left_out = validation_clips(held, config.model.window)
        corpus = Corpus(clips, config.model.face_encoder == "pixels")
        domains.append(Domain(one.name, one.weight / total, corpus, digest))
        validation.append(held)
        notes += filter(None, (held_out, left_out))
    if len(sets) > 1:
        shares = ", ".join(f"{one.name} {one.share:.0%}" for one in domains)
        notes.append(f"crops by data set: {shares}")
    return Mixture(domains), validation, notes
