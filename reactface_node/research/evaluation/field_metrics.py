"""Table 2b: what papers on listeners measure today, beside the paper's own metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from reactface_node.files.progress import ProgressBar
from reactface_node.media.audio import integers_to_float
from reactface_node.model.speech import MEL_BANDS, MEL_FRAME, MEL_HOP, LogMel
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.backchannels import Hits, compared, f1, onsets
from reactface_node.research.evaluation.coupling import (
    head_speed,
    residual_correlation,
    smile,
    windowed_peaks,
)
from reactface_node.research.evaluation.distributions import (
    CLUSTERS,
    REGIONS,
    Clusters,
    motion_distance,
    paired_distance,
    shannon_index,
)
from reactface_node.research.evaluation.granger import Reference
from reactface_node.research.evaluation.workers import Workers
from reactface_node.schema import SAMPLES_PER_FRAME

COURSES = {"head": head_speed, "smile": smile}
FIELD_DIRECTIONS: Mapping[str, int] = {
    "FD_exp": -1,
    "FD_head": -1,
    "P-FD_exp": -1,
    "P-FD_head": -1,
    "SID_exp": 0,
    "SID_head": 0,
    "rPCC_exp": -1,
    "rPCC_head": -1,
    "WTLCC_head": 0,
    "WTLCC_head_lag": 0,
    "WTLCC_smile": 0,
    "WTLCC_smile_lag": 0,
    "nod_F1_0.5": 1,
    "nod_F1_1": 1,
    "smile_F1_0.5": 1,
    "smile_F1_1": 1,
    "R-DGG": 0,
    "R-DGG_low": 0,
}
"""The columns of Table 2b, and which way is better: +1 up, -1 down, 0 near GT."""
FIELD_TITLE = "Table 2b: metrics of the field"
FIELD_NOTES = (
    "Columns without an arrow: near GT is better. exp: expression; head: rotation.",
    "WTLCC: peak correlation with the speaker and its lag in s. F1: at 0.5 and 1 s.",
    "R-DGG: 1e-4 nats, first sample. It says something only if GT's R-DGG_low (2.5 %) is above 0.",
)


class FieldJob(NamedTuple):
    """One clip: reactions (M, T, C), the speaker and the real listener (T, C), and those of
    another clip, as a measure of chance."""

    made: np.ndarray
    speaker: np.ndarray
    real: np.ndarray
    strange_speaker: np.ndarray
    strange_real: np.ndarray
    clusters: dict[str, Clusters]


class FieldValues(NamedTuple):
    """means: averaged over clips, without NaN. sums: counts, added up over clips."""

    means: dict[str, float]
    sums: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class FieldReference:
    """The real listeners of a split, (N, T, C) with their speakers, and what is fitted on them."""

    speakers: np.ndarray
    real: np.ndarray
    clusters: dict[str, Clusters]
    granger: Reference | None

    @classmethod
    def of(cls, clips: Clips, frames: int, seed: int = 0) -> "FieldReference":
        """frames: T, of which every clip has at least so many."""
        own = [known[0] for known in clips.appropriate]
        speakers = np.asarray(clips.speaker[:, :frames])
        real = np.asarray(clips.reactions[own, :frames])
        flat = real.reshape(-1, real.shape[2])
        clusters = {
            name: Clusters.of(flat[:, part], CLUSTERS[name], seed) for name, part in REGIONS.items()
        }
        granger = Reference.fit(real, speakers, speech_features(clips, frames), seed)
        return cls(speakers, real, clusters, granger)

    def measure(self, predictions: np.ndarray, workers: Workers | None = None) -> dict[str, float]:
        """The values of Table 2b of reactions (N, M, T, C), in our units, by name of the column;
        ``_chance``: against another clip's speaker or listener. NaN where there is nothing to
        measure. UserError if a worker ended."""
        many = len(predictions)
        steps = (workers or Workers()).map(measure_field, self._jobs(predictions), many)
        found = list(ProgressBar(steps, "table 2b", many, unit="clip", leave=False))
        means = {name: _mean([one.means[name] for one in found]) for name in found[0].means}
        sums = {name: np.sum([one.sums[name] for one in found], axis=0) for name in found[0].sums}
        indices = {f"SID_{part}": shannon_index(sums[f"SID_{part}"]) for part in REGIONS}
        scores = {name: f1(Hits(*sums[name].tolist())) for name in sums if "_F1_" in name}
        return {**means, **indices, **scores, **self._gain(predictions)}

    def _jobs(self, predictions: np.ndarray) -> Iterator[FieldJob]:
        for index, made in enumerate(predictions):
            # Half a data set away, since neighbours may be parts of one conversation.
            other = (index + max(1, len(predictions) // 2)) % len(predictions)
            yield FieldJob(
                made,
                self.speakers[index],
                self.real[index],
                self.speakers[other],
                self.real[other],
                self.clusters,
            )

    def _gain(self, predictions: np.ndarray) -> dict[str, float]:
        """R-DGG of the first sample of every clip; none if it cannot be fitted."""
        if self.granger is None:
            return {}
        gain = self.granger.gain(predictions[:, 0])
        return {
            "R-DGG": gain.score,
            "R-DGG_low": gain.low,
            "R-DGG_high": gain.high,
            "R-DGG_chance": gain.chance,
        }


def measure_field(job: FieldJob) -> FieldValues:
    """All values of one clip."""
    means: dict[str, float] = {}
    sums: dict[str, np.ndarray] = {}
    for name, part in REGIONS.items():
        made, real, speaker = (face[..., part] for face in (job.made, job.real, job.speaker))
        means[f"FD_{name}"] = _mean([motion_distance(one, real) for one in made])
        means[f"P-FD_{name}"] = _mean([paired_distance(one, real, speaker) for one in made])
        means[f"rPCC_{name}"] = _mean([residual_correlation(one, real, speaker) for one in made])
        sums[f"SID_{name}"] = job.clusters[name].count(made.reshape(-1, made.shape[2]))
    return FieldValues(means | _coupling(job), sums | _backchannels(job))


def _coupling(job: FieldJob) -> dict[str, float]:
    values = {}
    for name, course in COURSES.items():
        ours = np.stack([course(one) for one in job.made])
        for end, speaker in (("", job.speaker), ("_chance", job.strange_speaker)):
            peaks = windowed_peaks(ours, course(speaker))
            values[f"WTLCC_{name}{end}"], values[f"WTLCC_{name}_lag{end}"] = peaks.means()
    return values


def _backchannels(job: FieldJob) -> dict[str, np.ndarray]:
    counts = {}
    made = [onsets(one) for one in job.made]
    for end, real in (("", onsets(job.real)), ("_chance", onsets(job.strange_real))):
        found = [compared(one, real) for one in made]
        for kind, tolerance in found[0]:
            total = np.sum([one[kind, tolerance] for one in found], axis=0)
            counts[f"{kind}_F1_{tolerance:g}{end}"] = total
    return counts


def _mean(values: list[float]) -> float:
    """The mean of the finite values; NaN without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


@torch.no_grad()
def speech_features(clips: Clips, frames: int) -> np.ndarray:
    """(N, frames, 80) float32 log-mel spectrum of each frame's sound."""
    log_mel = LogMel()
    found = []
    for sound in clips.audio[:, : frames * SAMPLES_PER_FRAME]:
        audio = torch.from_numpy(integers_to_float(np.asarray(sound)))[None]
        bands = log_mel(audio, audio.new_zeros(1, MEL_FRAME - MEL_HOP))
        found.append(bands.reshape(frames, -1, MEL_BANDS).mean(dim=1).numpy())
    features: np.ndarray = np.stack(found).astype(np.float32)
    return features
