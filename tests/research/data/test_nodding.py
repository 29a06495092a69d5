"""When synthetic listeners nod, and how: the statistics of people, counted as for people."""

import itertools

import numpy as np
import pytest

from reactface_node.research.data.dispositions import draw_disposition
from reactface_node.research.data.head_nods import head_nods
from reactface_node.research.data.motion import smooth_noise
from reactface_node.research.data.nodding import SpeechCues, draw_nods, nod_rate
from reactface_node.research.data.nods import pitch_of
from reactface_node.research.evaluation.human import LISTENER
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.people import nod_gaps, nod_rates, nod_shapes, nod_timing

FRAMES = 1500


def speech_of(rng):
    """A minute of phrases and pauses as of people, with low pitch in most phrases."""
    speaking, ends, cues, time_s = np.zeros(FRAMES, bool), [], [], rng.uniform(0.2, 1.5)
    while time_s < 59:
        end_s = min(time_s + float(np.clip(rng.lognormal(0.6, 0.75), 0.3, 9)), 59.8)
        speaking[round(time_s * 25) : round(end_s * 25)] = True
        ends.append(end_s)
        if end_s - time_s > 1.0 and rng.random() < 0.7:
            cues.append(rng.uniform(time_s + 0.7, end_s))
        time_s = end_s + float(np.clip(rng.lognormal(-0.55, 0.56), 0.18, 3))
    return SpeechCues(speaking, np.array(ends), np.array(cues))


@pytest.fixture(scope="module")
def counted():
    """The measures of 192 listeners, two minutes each, whose heads sway a little."""
    rng = np.random.default_rng(0)
    meetings = []
    for group in range(24):
        people = [draw_disposition(rng) for _ in range(8)]
        for _ in range(2):
            speech, faces = speech_of(rng), np.zeros((8, FRAMES, 58))
            for face, who in zip(faces, people, strict=True):
                sway = 0.004 * smooth_noise(rng, FRAMES, 1, 6.0)[:, 0]
                face[:, 52] = pitch_of(draw_nods(rng, speech, who), FRAMES) + sway
            names = tuple(f"{group}.{index}" for index in range(8))
            meetings.append(Meeting(faces, names, np.zeros((FRAMES, 58)), speech.speaking, ()))
    nods = [[head_nods(face[:, 52]) for face in one.listeners] for one in meetings]
    every = [nod for many in nods for one in many for nod in one]
    return {
        **nod_rates(meetings, nods),
        **nod_shapes(every),
        **nod_gaps(meetings, nods),
        **nod_timing(meetings, nods),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "key",
    [
        *("nods", "nod_10s", "nod_gap_median", "nod_gap_width"),
        *("nod_length_median", "nod_length_width", "nod_rhythm_median", "nod_rhythm_width"),
        *("nod_halves_median", "nod_depth", "nod_depth_length"),
        *("nod_talking", "nod_end", "nod_delay"),
    ],
)
def test_listeners_nod_as_people_do(counted, key):
    (statistic,) = (one for one in LISTENER if one.key == key)
    assert statistic.holds(counted[key]), counted[key]


@pytest.mark.slow
def test_listeners_differ_in_how_often_they_nod(counted):
    """People: 0.63 in 15 minutes. In two minutes the counts differ by chance too."""
    assert 0.5 < counted["nods_spread"] < 0.9


def test_nobody_nods_to_silence_and_the_rate_falls_in_a_long_pause():
    speaking = np.zeros(FRAMES, bool)
    silence = SpeechCues(speaking, np.zeros(0), np.zeros(0))
    assert not nod_rate(silence).any()
    assert (
        draw_nods(np.random.default_rng(0), silence, draw_disposition(np.random.default_rng(1)))
        == ()
    )
    talked = speaking.copy()
    talked[:250] = True
    rate = nod_rate(SpeechCues(talked, np.array([10.0]), np.zeros(0)))
    assert rate[255:270].min() > 2 * rate[:200].max()
    assert not rate[250 + 63 :].any()


def test_no_two_nods_overlap_and_the_same_seed_gives_the_same_nods():
    speech = speech_of(np.random.default_rng(3))
    who = draw_disposition(np.random.default_rng(4))
    nods, again = (draw_nods(np.random.default_rng(5), speech, who) for _ in range(2))
    assert nods == again and len(nods) > 1
    assert all(a.end_s < b.start_s for a, b in itertools.pairwise(nods))
