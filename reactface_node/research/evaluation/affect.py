"""Wrong affect: smiles where nobody smiles, and smiles that are not answered."""

from collections.abc import Sequence

import numpy as np

from reactface_node.research.data.behaviour import SMILES
from reactface_node.research.data.labels import NO_SMILE_KINDS, SMILE, ClipLabels
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.schema import FRAME_RATE_HZ

SMILING, ANSWERED = 0.3, 0.2
AFTER_START_S, AFTER_END_S, SMILED_S, ANSWER_S = 0.3, 0.8, 2.0, 1.5
KINDS = ("cry", "yell", "frown")


def measure_affect(meetings: Sequence[Meeting]) -> dict[str, float]:
    """The measures of ``human.AFFECT``; those for which no meeting has a label are left out."""
    smiling, answered = [], []
    at: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    for meeting in meetings:
        if meeting.labels is None:
            continue
        course = meeting.listeners[..., SMILES].astype(np.float64).mean(axis=-1)
        times_s = np.arange(course.shape[1]) / FRAME_RATE_HZ
        smiling.append((course > SMILING)[:, unsmiling(meeting.labels, times_s)].ravel())
        for kind in KINDS:
            at[kind].append(course[:, unsmiling(meeting.labels, times_s, (kind,))].ravel())
        for start_s, _ in meeting.labels.of(SMILE):
            if start_s < times_s[-1]:
                span = (times_s >= start_s) & (times_s <= start_s + ANSWER_S)
                answered.append((course[:, span].max(axis=1) > ANSWERED).astype(float))
    found = {"wrong_smile": smiling, "smile_answered": answered}
    found |= {f"smile_at_{kind}": parts for kind, parts in at.items()}
    joined = {key: np.concatenate(parts) for key, parts in found.items() if parts}
    return {key: float(values.mean()) for key, values in joined.items() if len(values)}


def unsmiling(
    labels: ClipLabels, times_s: np.ndarray, kinds: Sequence[str] = NO_SMILE_KINDS
) -> np.ndarray:
    """(T,) bool: times at which a listener must not smile: from 0.3 s after the start of an
    interval of these kinds to 0.8 s after its end, unless a smile is labelled within the 2 s
    before."""
    inside = np.zeros(len(times_s), bool)
    for start_s, end_s in labels.of(*kinds):
        inside |= (times_s >= start_s + AFTER_START_S) & (times_s < end_s + AFTER_END_S)
    for start_s, end_s in labels.of(SMILE):
        inside &= ~((times_s >= start_s) & (times_s < end_s + SMILED_S))
    return inside
