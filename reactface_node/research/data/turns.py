"""Who has the floor in a conversation of two people, from their voice activity at 25 Hz.

Talk with gaps of up to GAP_S is one utterance. An utterance shorter than BACKCHANNEL_S, such as
"mhm" or "yes", takes no turn: the other keeps the floor. A turn is a row of longer utterances with
pauses of up to PAUSE_S in which the other person begins none. In recordings of people (IFADV) 90 %
of the pauses inside turns last at most 1.25 s and 0.5 % over 3 s.
"""

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ

GAP_S, BACKCHANNEL_S, PAUSE_S = 0.5, 1.0, 2.0
LEAD_S, TAIL_S = 0.5, 1.0
"""A stretch begins so long before the turn and ends so long after it, where nobody else has the
floor: 90 % of people's responses after the end of a phrase come within 0.81 s."""
CROSSTALK_DB = 6.0
"""A voice that is so much quieter, relative to its own side's talk, is the other person's. Of read
speech in turns, each microphone hearing the other 10 dB quieter, 1 % of the frames stay active on
both sides, and 33 % with 8 dB; the stretches are then those without crosstalk to 0.2 s."""
LOUD = 0.9
"""Quantile of the levels of a side's talk that counts as its own level."""


def without_crosstalk(
    voices: tuple[np.ndarray, np.ndarray], levels_db: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The voices, (t,) bool each, without frames in which a microphone hears the other person.

    levels_db: (t,) each. Where both are active, the level of each is compared with its own talk.
    """
    both = voices[0] & voices[1]
    if not both.any():
        return voices
    own = [
        level - np.quantile(level[voice], LOUD)
        for voice, level in zip(voices, levels_db, strict=True)
    ]
    quieter = own[0] - own[1]
    return (
        voices[0] & ~(both & (quieter < -CROSSTALK_DB)),
        voices[1] & ~(both & (quieter > CROSSTALK_DB)),
    )


def turns(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(t,) bool: the frames of my turns. mine, theirs: (t,) bool, voice activity."""
    own, other = _utterances(mine), _utterances(theirs)
    held = np.zeros(len(mine), bool)
    last = -1
    for start, end in own:
        if last >= 0 and start - last <= _frames(PAUSE_S):
            begun = any(last <= their_start < start for their_start, _ in other)
            held[last:start] = not begun
        held[start:end] = True
        last = end
    return held


def stretches(speaker: np.ndarray, listener: np.ndarray) -> list[tuple[int, int]]:
    """(first frame, frame after the last) of the stretches in which the speaker has the floor and
    the listener listens. speaker, listener: (t,) bool, voice activity."""
    talks, answers = turns(speaker, listener), turns(listener, speaker)
    found: list[tuple[int, int]] = []
    for start, end in runs(talks & ~answers):
        earliest = found[-1][1] if found else 0
        first, last = start, end
        while first > max(earliest, start - _frames(LEAD_S)) and not answers[first - 1]:
            first -= 1
        while last < min(len(talks), end + _frames(TAIL_S)) and not (answers | talks)[last]:
            last += 1
        found.append((first, last))
    return found


def runs(active: np.ndarray) -> list[tuple[int, int]]:
    """(first frame, frame after the last) of each run of True in (t,) bool."""
    steps = np.diff(np.concatenate([[False], active, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _utterances(voice: np.ndarray) -> list[tuple[int, int]]:
    """Runs of voice, joined over short gaps, that are long enough to take the floor."""
    joined: list[tuple[int, int]] = []
    for start, end in runs(voice):
        if joined and start - joined[-1][1] <= _frames(GAP_S):
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return [(start, end) for start, end in joined if end - start >= _frames(BACKCHANNEL_S)]


def _frames(seconds: float) -> int:
    return round(seconds * FRAME_RATE_HZ)
