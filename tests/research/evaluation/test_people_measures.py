"""Each human statistic, measured on hand-made listeners."""

import numpy as np
import pytest
from rigs.tracks import blink, face_of, look_left, meeting, nod, show, turn

from reactface_node.research.evaluation import people
from reactface_node.research.evaluation.coordination import coordination
from reactface_node.research.evaluation.human import LISTENER, SPEAKER
from reactface_node.research.data.head_nods import head_nods
from reactface_node.schema import ROTATION


def nodding(seconds, starts, **more):
    face = face_of(seconds)
    for start in starts:
        nod(face, start, **more)
    return face


def nods_of(meetings):
    return [[head_nods(face[:, ROTATION.start]) for face in m.listeners] for m in meetings]


def speech(seconds, *phrases):
    speaking = np.zeros(round(25 * seconds), bool)
    for start, end in phrases:
        speaking[round(25 * start) : round(25 * end)] = True
    return speaking


def test_rates_and_the_spread_between_listeners():
    meetings = [
        meeting(nodding(60, range(5, 55, 5)), nodding(60, [7, 52]), who=("a", "b")),
        meeting(nodding(60, range(5, 55, 5)), face_of(60), who=("a", "b")),
    ]
    found = people.nod_rates(meetings, nods_of(meetings))
    assert found["nods"] == pytest.approx((20 + 2) / 4)
    assert found["nods_spread"] == pytest.approx(np.std(np.log([20.5 / 2, 2.5 / 2]), ddof=1))
    assert found["nod_10s"] == pytest.approx((12 + 2) / 24)
    alone = [meeting(face_of(60))]
    assert "nods_spread" not in people.nod_rates(alone, nods_of(alone))


def test_shapes_of_nods():
    shapes = [(1, 0.05), (2, 0.1), (4, 0.2)]
    face = face_of(30)
    for place, (cycles, depth) in enumerate(shapes):
        nod(face, 3 + 8 * place, cycles, depth, 2.0)
    found = people.nod_shapes(head_nods(face[:, ROTATION.start]))
    assert found["nod_length_median"] == pytest.approx(1.0, abs=0.06)
    assert found["nod_length_width"] == pytest.approx(np.log(4), abs=0.15)
    assert found["nod_rhythm_median"] == pytest.approx(2.0, rel=0.05)
    assert found["nod_halves_median"] == 4
    assert found["nod_halves_width"] == pytest.approx(np.log(4))
    assert found["nod_depth"] == pytest.approx(np.std(np.log([0.05, 0.1, 0.2])), rel=0.03)
    assert found["nod_depth_length"] == pytest.approx(1.0, abs=0.01)
    assert np.isnan(list(people.nod_shapes([]).values())).all()


def test_gaps_between_nods():
    meetings = [meeting(nodding(60, [2, 12, 22, 42]))]
    found = people.nod_gaps(meetings, nods_of(meetings))
    # 10, 10, 20, and at least 18.
    assert found["nod_gap_median"] == pytest.approx(10, abs=0.1)
    assert found["nod_gap_width"] == pytest.approx(np.log(2), abs=0.02)


def test_nods_against_phrases():
    speaking = speech(40, (0, 10), (12, 20), (20.08, 30))
    face = nodding(40, [5.0, 9.7, 11.2, 20.04, 33.0])
    heard, silent = [meeting(face, speaking=speaking)], [meeting(face)]
    found = people.nod_timing(heard, nods_of(heard))
    # A silence of 80 ms is part of a phrase: 20.04 is in one.
    assert found["nod_talking"] == pytest.approx(3 / 5)
    assert found["nod_end"] == pytest.approx(1 / 5)
    assert found["nod_delay"] == pytest.approx((1.2 + 3.0) / 2, abs=0.05)
    assert people.nod_timing(silent, nods_of(silent)) == {}


def test_gaze():
    face = face_of(60)
    for start in (10, 20, 30):
        look_left(face, start, start + 1)
    found = people.gaze([meeting(face)])
    assert found["on_speaker"] == pytest.approx(57 / 60)
    assert found["glances"] == pytest.approx(3)
    assert found["glance_length"] == pytest.approx(1.0)
    # Looks of 9 and 9 s, and of at least 10 and 29 s.
    assert found["look_median"] == pytest.approx(9)
    assert found["look_width"] == pytest.approx(np.log(29 / 9))
    assert found["gaze_x"] == pytest.approx(14 * np.sqrt(0.05 * 0.95)) and found["gaze_y"] == 0


def test_smiles_laughs_tilts_and_thinking_in_ten_seconds():
    face = show(face_of(40), "mouthSmile", 2, 4, 0.5)
    show(face, "mouthSmile", 12, 18, 0.3)
    show(face, "mouthSmile", 38, 40, 0.3)
    show(face, "jawOpen", 2, 4, 0.2)
    turn(face, "rotationZ", 22, 23, 0.2)
    show(look_left(face, 25, 26), "mouthPress", 25, 26, 0.3)
    found = people.feelings([meeting(face)])
    assert found["smile_10s"] == 0.75 and found["laugh_10s"] == 0.25
    assert found["tilt_10s"] == 0.25 and found["thinking_10s"] == 0.25
    assert found["smile_length"] == pytest.approx(6.0)  # of 2, 6 and at least 2
    assert "smile_10s" not in people.feelings([meeting(face_of(5))])


def test_answers_to_laughs():
    laughing = show(show(face_of(30), "mouthSmile", 5.7, 8, 0.6), "jawOpen", 5.7, 8, 0.2)
    smiling = show(face_of(30), "mouthSmile", 6, 8, 0.3)
    laughs = ((5.0, 6.0), (15.0, 16.0), (28.5, 29.5))
    found = people.laughter([meeting(laughing, smiling, laughs=laughs)])
    assert found["laugh_laugh"] == pytest.approx(1 / 4)  # the last is too near to the end
    assert found["laugh_delay"] == pytest.approx(0.7, abs=0.05)
    assert found["laugh_smile"] == pytest.approx(1 / 3)
    assert people.laughter([meeting(smiling)]) == {}


def test_sides_and_companions_of_a_smile():
    face = face_of(10)
    face[:, 43], face[:, 44] = np.linspace(0, 0.9, 250), np.linspace(0, 1.1, 250)
    face[:, 6:8] = np.linspace(0, 1, 250)[:, None]
    face[:, 18:20] = np.sin(np.linspace(0, 40 * np.pi, 250))[:, None].clip(0)
    face[:, 0:2] = 0.3
    found = people.asymmetry([meeting(face)])
    assert found["smile_cheek"] == pytest.approx(1.0) and abs(found["smile_eye"]) < 0.1
    assert found["smile_sides"] == pytest.approx(0.2) and found["cheek_sides"] == 0
    assert found["brow_sides"] == 0
    assert np.isnan(people.asymmetry([meeting(face_of(2))])["smile_eye"])


def test_blinks():
    face = face_of(60)
    for start in (5, 15, 25):
        blink(face, start, 0.12)
    for start in (35, 45):
        show(blink(face, start, 0.6), "eyeLookDown", start, start + 0.6, 0.5)
    nod(face, 35.1)
    blinking, still = [meeting(face)], [meeting(face_of(9))]
    found = people.lids(blinking, nods_of(blinking))
    assert found["blinks"] == 5 and found["blink_length"] == pytest.approx(0.12)
    assert found["long_blink"] == pytest.approx(0.6) and found["long_blink_nod"] == 0.5
    assert 0.5 < found["blink_gaze"] < 1
    assert np.isnan(people.lids(still, nods_of(still))["long_blink"])


def moving(seed, seconds=60):
    noise = np.random.default_rng(seed).standard_normal((round(25 * seconds) + 100, 2))
    kernel = np.hanning(26) / np.hanning(26).sum()
    return np.stack([np.convolve(one, kernel, "same") for one in noise.T], axis=1)


def test_the_head_follows_later_and_as_in_a_mirror():
    meetings = []
    for seed in range(3):
        course = moving(seed)
        speaker, listener = face_of(60), face_of(60)
        speaker[:, 52:54] = 0.05 * course[100:]
        listener[:, 52:54] = 0.05 * course[85:-15] * [1, -1] + 0.002 * moving(seed + 9)[100:]
        meetings.append(meeting(listener, speaker=speaker))
    found = coordination(meetings)
    assert found["follow_pitch"] > 0.9 and found["follow_yaw"] > 0.9
    assert found["follow_lag"] == pytest.approx(0.6)


def test_the_delay_is_found_for_heads_that_turn_the_other_way_too():
    speaker, listener = face_of(60), face_of(60)
    course = 0.05 * moving(4)
    speaker[:, 52:54], listener[:, 52:54] = course[100:], course[85:-15]
    found = coordination([meeting(listener, speaker=speaker)])
    assert found["follow_pitch"] > 0.9 and found["follow_yaw"] < -0.9
    assert found["follow_lag"] == pytest.approx(0.6) and "fast_coherence" not in found


def test_strangers_do_not_follow_and_the_same_noise_is_coherent():
    meetings = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        speaker, listener = face_of(60), face_of(60)
        speaker[:, 52:54] = 0.01 * rng.standard_normal((1500, 2))
        listener[:, 52] = speaker[:, 52]
        listener[:, 53] = 0.01 * rng.standard_normal(1500)
        meetings.append(meeting(listener, speaker=speaker))
    found = coordination(meetings)
    assert abs(found["follow_yaw"]) < 0.15 and found["fast_coherence"] > 5
    assert coordination([meeting(face_of(60))]) == {}


def test_speakers():
    # Phrases of 1, 2 and 4 s between the first and the last one.
    speaking = speech(40, (0, 2), (2.4, 3.4), (3.8, 5.8), (10, 14), (15, 39))
    one = meeting(face_of(40), speaking=speaking, laughs=((2.4, 3.4), (10.0, 12.0)))
    found = people.measure_speakers([one])
    assert found["phrase_median"] == pytest.approx(2)
    assert found["phrase_width"] == pytest.approx(np.log(4))
    assert found["pause_median"] == pytest.approx(0.4)
    assert found["long_pause"] == 0.25
    assert found["laughs"] == pytest.approx(3) and found["laugh_length"] == pytest.approx(1.5)
    assert people.measure_speakers([meeting(face_of(4))]) == {}


def test_every_statistic_of_people_is_measured():
    face = nodding(60, [5, 15, 33], cycles=2)
    look_left(face, 20, 21)
    speaker = face_of(60)
    speaker[:, 52:54] = 0.05 * moving(1)[100:]
    speaking = speech(60, (1, 9), (10, 30), (31, 50))
    one, other = (
        meeting(face, face, speaker=speaker, speaking=speaking, laughs=((4.0, 5.0),))
        for _ in range(2)
    )
    found = people.measure_people([one, other]) | people.measure_speakers([one, other])
    assert found.keys() == {one.key for one in (*LISTENER, *SPEAKER)}
    assert {one.row for one in LISTENER} == set(range(1, 20))
