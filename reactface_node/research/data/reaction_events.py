"""Nods and laughs of a reaction, frame by frame, as training learns them."""

import numpy as np

from reactface_node.model.event_times import NEVER, PAUSE_S
from reactface_node.research.data.behaviour import laughs
from reactface_node.research.data.head_nods import head_nods, without_nods
from reactface_node.research.data.nods import frames_since, may_start, nod_starts, nods_of, pitch_of
from reactface_node.schema import FRAME_RATE_HZ, ROTATION

CHANNELS = 8
NODS = slice(0, 3)
"""As ``nods.nod_starts``."""
NOD_PITCH, NOD_AGE, MAY_NOD, LAUGH, MAY_LAUGH = 3, 4, 5, 6, 7
"""The nods' part of the pitch in rad; frames since the last nod before started; 0 during a nod,
else 1; 1 where a laugh starts; 0 during a laugh, else 1."""
PITCH = ROTATION.start
LAUGH_SEEN_S = 0.15  # from the beginning of a laugh to where it counts as one


def reaction_events(reaction: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """(t, 8) float32 events of a reaction (t, 58); its channels are the constants of this module.

    known: (t, 3) the nods that the data set names, as ``nods.nod_starts``; without them, nods are
    found in the motion of the head.
    """
    length = len(reaction)
    pitch = np.asarray(reaction[:, PITCH], np.float64)
    if known is None:
        nods = head_nods(pitch)
        nod_pitch = pitch - without_nods(pitch, nods)
    else:
        nods = nods_of(np.asarray(known))
        nod_pitch = pitch_of(nods, length)
    starts = nod_starts(nods, length)
    events = np.zeros((length, CHANNELS), np.float32)
    events[:, NODS], events[:, NOD_PITCH] = starts, nod_pitch
    events[:, NOD_AGE] = frames_since(starts[:, 0] > 0, NEVER)
    events[:, MAY_NOD], events[:, MAY_LAUGH] = may_start(nods, length), 1.0
    # By the definition with which people's laughs are counted.
    for start_s, end_s in laughs(np.asarray(reaction)):
        start = max(round((start_s - LAUGH_SEEN_S) * FRAME_RATE_HZ), 0)
        end = round((end_s + PAUSE_S) * FRAME_RATE_HZ)
        events[start, LAUGH] = 1.0
        events[start + 1 : end, MAY_LAUGH] = 0.0
    return events
