"""Measures listeners by the statistics of ``human``: one number for each key.

A measure for which the meetings offer nothing (no laugh, nobody known to speak) is left out. One
that a listener gives nothing for, such as the length of nods without a nod, is NaN.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from reactface_node.research.data import behaviour as seen
from reactface_node.research.data.head_nods import head_nods
from reactface_node.research.data.labels import Interval
from reactface_node.research.data.nods import Nod
from reactface_node.research.evaluation.coordination import coordination
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, indices_of

LEVELS = (0.1, 0.5, 0.9)
NEAR_END_S, ANSWER_S = 0.5, 3.0
SHORTEST_PAUSE_S = 0.18
"""A shorter silence is part of the phrase (IFADV's pauses begin at about this length)."""
TURN_S = 6.0
BROWS = ("browDown", "browOuterUp")

Values = dict[str, float]


def measure_people(meetings: Sequence[Meeting]) -> Values:
    """All measures of the listeners of ``meetings``, by the keys of ``human.LISTENER``."""
    nods = [[head_nods(one[:, ROTATION.start]) for one in m.listeners] for m in meetings]
    return {
        **nod_rates(meetings, nods),
        **nod_shapes([nod for many in nods for one in many for nod in one]),
        **nod_gaps(meetings, nods),
        **nod_timing(meetings, nods),
        **gaze(meetings),
        **feelings(meetings),
        **laughter(meetings),
        **asymmetry(meetings),
        **lids(meetings, nods),
        **coordination(meetings),
    }


def measure_speakers(meetings: Sequence[Meeting]) -> Values:
    """The measures of ``human.SPEAKER``: the speakers of meetings that say when they speak."""
    known = [m for m in meetings if m.speaking is not None and m.laughs is not None]
    if not known:
        return {}
    phrases, pauses = [], []
    for meeting in known:
        spoken = _phrases(meeting.speaking)
        phrases += [end - start for start, end in spoken[1:-1]]
        ends, starts = [end for _, end in spoken[:-1]], [start for start, _ in spoken[1:]]
        pauses += [start - end for end, start in zip(ends, starts, strict=True)]
    laughs = [end - start for meeting in known for start, end in meeting.laughs or ()]
    minutes = sum(meeting.seconds for meeting in known) / 60
    inside = [one for one in pauses if one <= TURN_S]
    return {
        **_distribution("phrase", phrases),
        **_distribution("pause", inside),
        "long_pause": _mean([one > 3.0 for one in inside]),
        "laughs": len(laughs) / minutes,
        "laugh_length": _mean(laughs),
    }


def nod_rates(meetings: Sequence[Meeting], nods: Sequence[Sequence[Sequence[Nod]]]) -> Values:
    """nods: for each meeting, for each listener. The rate of a listener is that of all meetings; a
    half is added to its count, so that those who never nod have a rate too."""
    counts: dict[str, int] = {}
    minutes: dict[str, float] = {}
    for meeting, many in zip(meetings, nods, strict=True):
        for who, found in zip(meeting.who, many, strict=True):
            counts[who] = counts.get(who, 0) + len(found)
            minutes[who] = minutes.get(who, 0.0) + meeting.seconds / 60
    logs = [np.log((count + 0.5) / minutes[who]) for who, count in counts.items()]
    spans = [[[(n.start_s, n.end_s) for n in one] for one in many] for many in nods]
    values = {
        "nods": sum(counts.values()) / sum(minutes.values()),
        **_tens("nod_10s", meetings, spans),
    }
    return values | ({"nods_spread": float(np.std(logs, ddof=1))} if len(logs) > 1 else {})


def nod_shapes(nods: Sequence[Nod]) -> Values:
    """Length, rhythm, half-cycles and amplitude."""
    lengths, depths = [nod.length_s for nod in nods], [nod.depth_rad for nod in nods]
    return {
        **_distribution("nod_length", lengths),
        **_distribution("nod_rhythm", [nod.hz for nod in nods]),
        **_distribution("nod_halves", [nod.half_cycles for nod in nods]),
        "nod_depth": float(np.std(np.log(depths))) if depths else float("nan"),
        "nod_depth_length": seen.correlation(np.log(lengths or [1.0]), np.log(depths or [1.0])),
    }


def nod_gaps(meetings: Sequence[Meeting], nods: Sequence[Sequence[Sequence[Nod]]]) -> Values:
    """From onset to onset. The time from the last nod to the end is a gap that is at least so
    long."""
    gaps, open_gaps = [], []
    for meeting, many in zip(meetings, nods, strict=True):
        for one in many:
            starts = [nod.start_s for nod in one]
            gaps += np.diff(starts).tolist()
            open_gaps += [meeting.seconds - starts[-1]] if starts else []
    return _distribution("nod_gap", gaps, open_gaps)


def nod_timing(meetings: Sequence[Meeting], nods: Sequence[Sequence[Sequence[Nod]]]) -> Values:
    """Onsets against the phrases of the speakers: in a phrase, near an end, and after one."""
    talking, near, delays = [], [], []
    known = [(m, many) for m, many in zip(meetings, nods, strict=True) if m.speaking is not None]
    for meeting, many in known:
        spoken = _phrases(meeting.speaking)
        ends = np.array([end for _, end in spoken if end < meeting.seconds - 1e-9])
        for nod in (nod for one in many for nod in one):
            inside = any(start <= nod.start_s < end for start, end in spoken)
            talking.append(inside)
            since = nod.start_s - ends
            near.append(bool((np.abs(since) <= NEAR_END_S).any()))
            delays += [float(since[since >= 0].min())] if not inside and (since >= 0).any() else []
    if not known:
        return {}
    delay = float(np.median(delays)) if delays else float("nan")
    return {"nod_talking": _mean(talking), "nod_end": _mean(near), "nod_delay": delay}


def gaze(meetings: Sequence[Meeting]) -> Values:
    """Looks at the speaker and glances away. Looks at a beginning or an end are at least as long as
    what is seen of them."""
    away, glances, spread = [], [], []
    looks: list[float] = []
    open_looks: list[float] = []
    minutes = 0.0
    for meeting in meetings:
        for face in meeting.listeners:
            off = seen.looks_away(face)
            away.append(off.mean())
            minutes += meeting.seconds / 60
            whole = seen.intervals(off)
            glances += [end - start for start, end in whole]
            for start, end in seen.intervals(~off):
                is_open = start <= 0 or end >= meeting.seconds - 1e-9
                (open_looks if is_open else looks).append(end - start)
            spread.append(seen.gaze_deg(face).std(axis=0))
    low, median, high = seen.censored_quantiles(looks, open_looks, LEVELS)
    x_deg, y_deg = np.mean(spread, axis=0)
    return {
        "on_speaker": 1.0 - float(np.mean(away)),
        "glances": len(glances) / minutes,
        "glance_length": float(np.median(glances)) if glances else float("nan"),
        "look_median": median,
        "look_width": float(np.log(high / low)),
        "gaze_x": float(x_deg),
        "gaze_y": float(y_deg),
    }


def feelings(meetings: Sequence[Meeting]) -> Values:
    """How often there is a smile, a laugh, a tilt or a thinking face, and how long smiles are;
    those that the end cuts off are at least so long."""
    smiles = [[seen.smiles(face) for face in m.listeners] for m in meetings]
    lengths: list[float] = []
    cut: list[float] = []
    for meeting, many in zip(meetings, smiles, strict=True):
        for start, end in (one for found in many for one in found):
            (cut if end >= meeting.seconds - 1e-9 else lengths).append(end - start)
    finders = {"laugh": seen.laughs, "tilt": seen.tilts, "thinking": seen.thinking}
    values = _tens("smile_10s", meetings, smiles)
    for name, find in finders.items():
        found = [[find(face) for face in m.listeners] for m in meetings]
        values |= _tens(f"{name}_10s", meetings, found)
    return values | {"smile_length": seen.censored_quantiles(lengths, cut, (0.5,))[0]}


def laughter(meetings: Sequence[Meeting]) -> Values:
    """What answers the speaker's laughs within 3 s of their beginning: laughs; of the others,
    smiles."""
    laughed, smiled, delays = [], [], []
    for meeting in meetings:
        for start, _ in meeting.laughs or ():
            if start + ANSWER_S > meeting.seconds:
                continue
            for face in meeting.listeners:
                delay = _first_after(seen.laughs(face), start)
                laughed.append(delay is not None)
                if delay is None:
                    smiled.append(_any_within(seen.smiles(face), start, start + ANSWER_S))
                else:
                    delays.append(delay)
    if not laughed:
        return {}
    return {
        "laugh_laugh": _mean(laughed),
        "laugh_delay": float(np.median(delays)) if delays else float("nan"),
        "laugh_smile": _mean(smiled),
    }


def asymmetry(meetings: Sequence[Meeting]) -> Values:
    """Correlations of a smile with cheeks and eyes over all frames; and while something shows
    (over 0.2), how much its sides differ."""
    faces = np.concatenate([m.listeners.reshape(-1, m.listeners.shape[-1]) for m in meetings])
    smile, cheek, eye = (
        seen.mean_of(faces, part) for part in (seen.SMILES, seen.CHEEKS, seen.SQUINTS)
    )
    brows = [_sides(faces, indices_of(stem)) for stem in BROWS]
    shown = [value for value in brows if np.isfinite(value)]
    return {
        "smile_cheek": seen.correlation(smile, cheek),
        "smile_eye": seen.correlation(smile, eye),
        "smile_sides": _sides(faces, seen.SMILES),
        "cheek_sides": _sides(faces, seen.CHEEKS),
        "brow_sides": max(shown, default=0.0),
    }


def lids(meetings: Sequence[Meeting], nods: Sequence[Sequence[Sequence[Nod]]]) -> Values:
    """Blinks: rate, length, long ones, nods with long ones, and the gaze during all of them."""
    short: list[float] = []
    long: list[float] = []
    with_nod, closed, lowered = [], [], []
    minutes = 0.0
    for meeting, many in zip(meetings, nods, strict=True):
        for face, one in zip(meeting.listeners, many, strict=True):
            minutes += meeting.seconds / 60
            found = seen.blinks(face)
            for start, end in found:
                length = end - start
                (long if length >= seen.LONG_BLINK_S else short).append(length)
                if length >= seen.LONG_BLINK_S:
                    with_nod.append(any(n.start_s < end and n.end_s > start for n in one))
            near = _around(found, len(face))
            closed.append(seen.mean_of(face, seen.LIDS)[near])
            lowered.append(seen.mean_of(face, seen.DOWN)[near])
    return {
        "blinks": (len(short) + len(long)) / minutes,
        "blink_length": float(np.median(short)) if short else float("nan"),
        "long_blink": float(np.median(long)) if long else float("nan"),
        "long_blink_nod": _mean(with_nod),
        "blink_gaze": seen.correlation(np.concatenate(closed), np.concatenate(lowered)),
    }


def _around(found: Sequence[Interval], frames: int, around_s: float = 0.2) -> np.ndarray:
    """(T,) bool: in one of the intervals or within 0.2 s of it."""
    times = np.arange(frames) / FRAME_RATE_HZ
    near = np.zeros(frames, bool)
    for start, end in found:
        near |= (times >= start - around_s) & (times <= end + around_s)
    return near


def _phrases(speaking: np.ndarray | None) -> list[Interval]:
    assert speaking is not None
    return seen.intervals(speaking, gap_s=SHORTEST_PAUSE_S)


def _tens(
    key: str, meetings: Sequence[Meeting], found: Sequence[Sequence[Sequence[Interval]]]
) -> Values:
    """Share of the parts of 10 s with one of the intervals; left out where no meeting is so
    long."""
    hits, parts = 0, 0
    for meeting, many in zip(meetings, found, strict=True):
        for one in many:
            with_it, of = seen.in_tens(one, meeting.seconds)
            hits, parts = hits + with_it, parts + of
    return {key: hits / parts} if parts else {}


def _distribution(key: str, values: Sequence[float], censored: Sequence[float] = ()) -> Values:
    """The median, and the logarithm of the 90 % over the 10 % quantile."""
    low, median, high = seen.censored_quantiles(values, censored, LEVELS)
    return {f"{key}_median": median, f"{key}_width": float(np.log(high / low))}


def _sides(faces: np.ndarray, sides: Sequence[int]) -> float:
    """Mean difference of left and right of (F, 58), as a share of their mean, while it shows."""
    left, right = (faces[:, side].astype(np.float64) for side in sides)
    both = 0.5 * (left + right)
    shows = both > seen.SMILE
    if not shows.any():
        return float("nan")
    return float(np.abs(left - right)[shows].mean() / both[shows].mean())


def _first_after(found: Iterable[Interval], start_s: float) -> float | None:
    """Seconds from ``start_s`` to the first interval that begins within 3 s of it."""
    after = [one[0] - start_s for one in found if 0 <= one[0] - start_s <= ANSWER_S]
    return min(after, default=None)


def _any_within(found: Iterable[Interval], start_s: float, end_s: float) -> bool:
    return any(start < end_s and end > start_s for start, end in found)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
