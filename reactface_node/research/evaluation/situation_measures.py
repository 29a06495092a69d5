"""Measures in made situations, and of the same listener with two speakers."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from reactface_node.research.data import behaviour as seen
from reactface_node.research.data.head_nods import head_nods
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, indices_of

BEGINNING_S, ANSWER_S = 2.0, 3.0
FROWNS = indices_of("mouthFrown")
COMPARED_S, SHORTEST_S = 60.0, 5.0
"""Two meetings are compared over their first minute, or the length of the shorter one."""


def at_a_still_face(meetings: Sequence[Meeting]) -> dict[str, float]:
    """Nods, and the largest mean frown of the first 2 s, at a silent and neutral face."""
    faces = [face for meeting in meetings for face in meeting.listeners]
    minutes = sum(len(face) for face in faces) / FRAME_RATE_HZ / 60
    nods = sum(len(head_nods(face[:, ROTATION.start])) for face in faces)
    beginning = [seen.mean_of(face[: round(BEGINNING_S * FRAME_RATE_HZ)], FROWNS) for face in faces]
    return {"still_nods": nods / minutes, "first_frown": float(np.mean(beginning, axis=0).max())}


def alone_with_a_voice(voices: Sequence[Meeting], laughing: Sequence[Meeting]) -> dict[str, float]:
    """Smiles at neutral speech, and the share of laughs that a smile or laugh answers within 3 s;
    nobody is seen."""
    faces = [face for meeting in voices for face in meeting.listeners]
    minutes = sum(len(face) for face in faces) / FRAME_RATE_HZ / 60
    smiles = sum(len(seen.smiles(face)) for face in faces)
    answered = [
        any(0 <= smile[0] - start <= ANSWER_S for smile in seen.smiles(face))
        for meeting in laughing
        for face in meeting.listeners
        for start, _ in meeting.laughs or ()
    ]
    return {
        "voice_smiles": smiles / minutes,
        "voice_laughs": float(np.mean(answered)) if answered else float("nan"),
    }


def same_seed(meetings: Sequence[Meeting]) -> dict[str, float]:
    """r of the sideways gaze and of yaw of a listener with one speaker and with another; left out
    without a listener of two meetings. A listener who keeps still counts as r = 0."""
    faces: dict[str, list[np.ndarray]] = {}
    for meeting in meetings:
        if meeting.seconds >= SHORTEST_S:
            for who, face in zip(meeting.who, meeting.listeners, strict=True):
                faces.setdefault(who, []).append(face[: round(COMPARED_S * FRAME_RATE_HZ)])
    pairs = [pair for many in faces.values() for pair in combinations(many, 2)]
    if not pairs:
        return {}
    values = {
        "same_gaze": [[seen.eyes_deg(face)[:, 0] for face in pair] for pair in pairs],
        "same_yaw": [[face[:, ROTATION.start + 1] for face in pair] for pair in pairs],
    }
    return {
        key: float(np.mean([np.nan_to_num(_r_of_start(*pair)) for pair in courses]))
        for key, courses in values.items()
    }


def _r_of_start(one: np.ndarray, other: np.ndarray) -> float:
    frames = min(len(one), len(other))
    return seen.correlation(one[:frames], other[:frames])
