"""When synthetic listeners nod, and how: a random process whose rate depends on the speech."""

from dataclasses import dataclass

import numpy as np

from reactface_node.model.event_times import PAUSE_FRAMES
from reactface_node.model.nods import MOST_HALVES
from reactface_node.research.data.dispositions import Disposition
from reactface_node.research.data.nods import Nod
from reactface_node.schema import FRAME_RATE_HZ

# Chosen so that the statistics of people result (IFADV, 1,572 verbal backchannels): 63 % start
# while the speaker talks, 46 % within 0.5 s of a phrase's end, and in pauses 0.24 s after it.
TALKING, AT_END, IN_PAUSE = 0.6, 0.9, 3.0
END_S, END_SPREAD_S = 0.0, 0.25
IN_LONG_PAUSE, LONG_FROM_S, LONG_SPREAD_S = 6.0, 1.1, 0.3
"""Who says nothing for so long waits for an answer (Ward and Tsukahara 2000: after 700 ms); most
pauses are over before (IFADV: median 0.55 s). Chosen."""
PAUSE_FADES_S = 0.8
AT_CUE, CUE_S, CUE_SPREAD_S = 0.3, 0.7, 0.2
"""Low pitch invites a backchannel 700 ms later (Ward and Tsukahara 2000)."""
QUIET_S = 2.5
"""Nobody nods to silence of this length; before it, the rate falls."""
EXCITED, EXCITED_S, CALM = 4.8, 4.5, 0.26
"""Nods come in bursts: after one, the rate is higher for some seconds. CALM: factor without one
before. Chosen so that the gaps are 3.0/9.2/38 s (CCDb, 10/50/90 %)."""
HALVES, HALVES_SPREAD = 2.6, 0.9
"""Half-cycles: 10/50/90 % are 1/3/8 (nod corpus)."""
HZ_SPREAD, FAST_SHARE, FAST_HZ = 0.30, 0.08, (2.6, 5.0)
"""Rhythm: 10/50/90 % are 0.81/1.47/2.18 a second (nod corpus); a minority is fast (Hale et al.
2019)."""
DEPTH_SPREAD, DEPTH_BY_LENGTH = 0.75, 0.9
"""Amplitude: sd of its logarithm 0.86, correlation with that of the length 0.47 (nod corpus)."""
SHALLOWEST_RAD, DEEPEST_RAD = np.radians(0.7), np.radians(10.0)


@dataclass(frozen=True, eq=False)
class SpeechCues:
    """speaking: (T,) bool. ends_s: the ends of phrases. cues_s: low pitch, when it can be
    noticed."""

    speaking: np.ndarray
    ends_s: np.ndarray
    cues_s: np.ndarray


def nod_rate(speech: SpeechCues) -> np.ndarray:
    """(T,) relative rate of nods by what is heard: 1 is the mean while somebody talks; it does not
    depend on the listener."""
    times = np.arange(len(speech.speaking)) / FRAME_RATE_HZ
    rate = np.where(speech.speaking, TALKING, 0.0)
    if len(speech.ends_s):
        since = times[:, None] - speech.ends_s
        rate += AT_END * np.exp(-0.5 * ((since - END_S) / END_SPREAD_S) ** 2).max(axis=1)
        last = np.where(since >= 0, since, np.inf).min(axis=1)
        pause = IN_PAUSE * np.exp(-last / PAUSE_FADES_S)
        waits = np.exp(-0.5 * ((last - LONG_FROM_S) / LONG_SPREAD_S) ** 2)
        pause = pause + IN_LONG_PAUSE * np.where(np.isfinite(last), waits, 0.0)
        rate += np.where(speech.speaking, 0.0, pause)
    for cue in speech.cues_s:
        rate += AT_CUE * np.exp(-0.5 * ((times - cue - CUE_S) / CUE_SPREAD_S) ** 2)
    heard = _since(speech.speaking) / FRAME_RATE_HZ
    quiet = np.clip(1.0 - heard / QUIET_S, 0.0, 1.0)
    result: np.ndarray = rate * quiet
    return result


def draw_nods(
    rng: np.random.Generator, speech: SpeechCues, disposition: Disposition
) -> tuple[Nod, ...]:
    """The nods of one listener, frame by frame; none starts during another one."""
    rate = nod_rate(speech)
    chance = rng.random(len(rate))
    nods: list[Nod] = []
    free_s, last_s = 0.0, -np.inf
    a_frame = disposition.nods_per_min / 60.0 / FRAME_RATE_HZ
    for frame in np.flatnonzero(rate > 0):
        time_s = frame / FRAME_RATE_HZ
        excited = CALM + EXCITED * np.exp(-(time_s - last_s) / EXCITED_S)
        if time_s >= free_s and chance[frame] < a_frame * rate[frame] * excited:
            nod = _draw_nod(rng, time_s, disposition)
            nods.append(nod)
            free_s, last_s = nod.end_s + PAUSE_FRAMES / FRAME_RATE_HZ, time_s
    return tuple(nods)


def _draw_nod(rng: np.random.Generator, start_s: float, disposition: Disposition) -> Nod:
    halves = round(float(np.exp(np.log(HALVES) + HALVES_SPREAD * rng.standard_normal())))
    halves = min(max(halves, 1), MOST_HALVES)
    hz = disposition.nod_hz * np.exp(HZ_SPREAD * rng.standard_normal())
    size = 1.0
    if rng.random() < FAST_SHARE:
        hz, size = rng.uniform(*FAST_HZ), 0.35
    hz = float(np.clip(hz, 0.65, 5.5))
    longer = np.log(halves / (2.0 * hz))
    spread = DEPTH_SPREAD * rng.standard_normal() + DEPTH_BY_LENGTH * longer
    depth = float(disposition.nod_rad * size * np.exp(spread))
    return Nod(start_s, halves, float(np.clip(depth, SHALLOWEST_RAD, DEEPEST_RAD)), hz)


def _since(flags: np.ndarray) -> np.ndarray:
    """(T,) frames since the last True, as many as there are before the first one."""
    places = np.where(flags, np.arange(len(flags)), -len(flags))
    result: np.ndarray = np.arange(len(flags)) - np.maximum.accumulate(places)
    return result
