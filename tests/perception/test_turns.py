"""Who is followed: real people who take turns, and people of whom one moves the mouth silently."""

from types import SimpleNamespace

import numpy as np
import pytest
from rigs import turns, voices
from rigs.clips import needs_clips
from rigs.turns import Talk, held, looped, looped_sound, shares

from reactface_node.config import PerceptionConfig
from reactface_node.files.resources import weights_file
from reactface_node.perception import make_tracker
from reactface_node.perception.following import PersonSelector
from reactface_node.perception.library import has_facemesh
from reactface_node.perception.mouth import MouthMotion

ALONE = PerceptionConfig(landmarker="", voice_activity="")
HEARING = PerceptionConfig(landmarker="")
FILES = PerceptionConfig()


def talker():
    return looped("d12", 3.9, 6.5)


def still():
    return held("d18", 0.0, 0.6)


def silent_mouth():
    """Pouts, opens the mouth twice and yells, without a sound."""
    return looped("d18", 0.7, 5.0)


def needs_files(config):
    if not config.landmarker and not has_facemesh():
        pytest.skip("no mediapipe that carries FaceMesh: pip install '.[facemesh]'")
    for name in (config.landmarker, config.voice_activity):
        if name and weights_file(name) is None:
            pytest.skip(f"no weights/{name}: reactface weights --download {name}")


def tracked(talk, config, **options):
    needs_files(config)
    tracker = make_tracker(config, want_crop=False)
    try:
        return talk.track(tracker, **options)
    finally:
        tracker.close()


def changes(seen, since_s=0.0):
    followed = [one.followed for one in seen if one.time_s >= since_s and one.followed]
    return int(np.count_nonzero(np.diff(followed)))


@pytest.mark.slow
@needs_clips
@pytest.mark.parametrize("config", [ALONE, FILES], ids=["alone", "files"])
@pytest.mark.parametrize("other", [still, silent_mouth])
def test_the_second_speaker_is_followed_in_his_turn(config, other):
    """The goals: for 85 % of each turn, and within 0.8 s; with one change a turn."""
    talk = Talk(talker(), other(), looped_sound("d12", 3.9, 6.5, 20.0), turns=4)
    seen = tracked(talk, config)
    found = shares(seen)
    assert min(share for share, _ in found) >= 0.85, found
    assert max(seconds for _, seconds in found) <= 0.8, found
    assert changes(seen, since_s=1.0) == 3


@pytest.mark.slow
@needs_clips
@pytest.mark.parametrize("fps", [8, 60])
def test_the_frame_rate_changes_little(fps):
    talk = Talk(talker(), still(), looped_sound("d12", 3.9, 6.5, 10.0), turns=2)
    ((share, seconds),) = shares(tracked(talk, ALONE, fps=fps))
    assert share >= 0.85 and seconds <= 0.8


@pytest.mark.slow
@needs_clips
def test_sound_that_comes_half_a_second_late_delays_a_hand_over_by_at_most_as_much():
    talk = Talk(talker(), still(), looped_sound("d12", 3.9, 6.5, 10.0), turns=2)
    ((share, seconds),) = shares(tracked(talk, ALONE, late_s=0.5))
    assert share >= 0.8 and seconds <= 1.0


@pytest.mark.slow
@needs_clips
@pytest.mark.parametrize("sound", [voices.noise, voices.keyboard])
def test_a_silent_mouth_is_not_followed_because_of_noise(sound):
    """The followed person is the nearest; the other one moves the mouth for ten seconds."""
    noise = np.concatenate([voices.noise(1.0, 0.0005), sound(9.0)])
    talk = Talk(silent_mouth(), held("d9", 0.0, 0.6), noise, turns=1, turn_s=10.0, rate_hz=16000)
    assert changes(tracked(talk, HEARING)) == 0


class Voice:
    """A voice activity that a test sets: when somebody speaks, and how late that is known."""

    def __init__(self, speaks=lambda time_s: True, late_s=0.0):
        self.speaks, self.late_s, self.now_s = speaks, late_s, 0.0

    @property
    def known_s(self):
        return self.now_s - self.late_s

    def may_speak(self, stamp_s):
        return self.speaks(min(stamp_s, self.known_s))


def followed(mouths, voice=None, seconds=4.0, fps=25, hidden=lambda number, time_s: False):
    """The followed number, an image. mouths: by number, the lips' distance at a time in mm."""
    voice = voice or Voice()
    selector, found = PersonSelector("speaking", voice), []
    people = {
        number: SimpleNamespace(number=number, last_s=0.0, place=np.array([number, 0.0, -1.0]))
        for number in mouths
    }
    for index in range(round(seconds * fps)):
        time_s = voice.now_s = index / fps
        seen = [person for number, person in people.items() if not hidden(number, time_s)]
        for person in seen:
            person.last_s, person.mouth_mm = time_s, mouths[person.number](time_s)
        person = selector.choose(time_s, seen)
        found.append(0 if person is None else person.number)
    return np.array(found)


def shut(time_s):
    return 0.1


def talks(time_s):
    return 6.0 * (1.0 - np.cos(2 * np.pi * 4.0 * time_s))


def from_then_on(since_s, mouth):
    return lambda time_s: mouth(time_s) if time_s >= since_s else 0.1


def until(end_s, mouth):
    return lambda time_s: mouth(time_s) if time_s < end_s else 0.1


def test_a_chewing_person_is_not_followed_in_the_speakers_pauses():
    """Sentences of 1.2 s and pauses of 1 s; who chews never stops."""

    def speaks(time_s):
        return time_s % 2.2 < 1.2

    mouths = {1: lambda t: talks(t) if speaks(t) else 0.1, 2: lambda t: 0.7 * talks(0.4 * t)}
    for late_s in (0.06, 0.5):
        assert set(followed(mouths, Voice(speaks, late_s), seconds=22.0)) == {1}


def test_a_laugh_beside_the_speaker_is_not_followed():
    """It opens the mouth once, and trembles by 1.5 mm."""
    laugh = from_then_on(2.0, lambda t: min(12.0, 60.0 * (t - 2.0)) + np.sin(40.0 * t))
    assert set(followed({1: talks, 2: laugh}, seconds=8.0)) == {1}


def test_noise_of_the_landmarks_is_no_motion():
    random = np.random.default_rng(0)
    assert set(followed({1: shut, 2: lambda t: random.normal(0.0, 0.5)}, seconds=20.0)) == {1}


@pytest.mark.parametrize("fps", [8, 25, 60])
@pytest.mark.parametrize("late_s", [0.0, 0.06, 0.5])
def test_a_hand_over_takes_half_a_second(fps, late_s):
    """From the first movement on; later by the time that is waited for the sound."""
    mouths = {1: until(2.0, talks), 2: from_then_on(2.0, talks)}
    found = followed(mouths, Voice(late_s=late_s), fps=fps)
    change_s = int(np.argmax(found == 2)) / fps - 2.0
    assert 0.2 <= change_s <= 0.55 + min(late_s, 0.3) + 1 / fps
    assert set(found[found.tolist().index(2) :]) == {2}


def test_the_speaker_among_nine_is_followed():
    mouths = dict.fromkeys(range(1, 10), shut) | {7: from_then_on(1.0, talks)}
    found = followed(mouths)
    assert set(found[:25]) == {1} and set(found[45:]) == {7}


def test_a_speaker_who_was_lost_is_followed_again():
    """Hidden for 0.3 s nobody else is; after 0.4 s the other is, until the speaker is back."""

    def hidden(number, time_s):
        return number == 1 and (2.0 <= time_s < 2.3 or 4.0 <= time_s < 5.0)

    found = followed({1: talks, 2: shut}, seconds=8.0, hidden=hidden)
    assert set(found[:50]) == {1} and set(found[50:57]) == {0} and set(found[58:100]) == {1}
    assert set(found[100:109]) == {0} and set(found[111:125]) == {2}
    assert set(found[145:]) == {1}


@pytest.mark.parametrize("fps", [8, 25, 60])
def test_the_activity_of_a_mouth_is_that_of_its_motion(fps):
    for mouth, low, high in ((shut, 0.0, 0.0), (talks, 0.8, 1.0), (lambda t: 5 + t, 0.0, 0.1)):
        motion = MouthMotion()
        found = [motion.see(index / fps, mouth(index / fps)) for index in range(4 * fps)]
        assert low <= np.mean(found[fps:]) <= high


def test_a_mouth_that_was_hidden_has_not_moved():
    motion = MouthMotion()
    assert [motion.see(t, d) for t, d in [(0.0, 0.0), (0.04, 0.0), (2.0, 20.0)]] == [0.0, 0.0, 0.0]


def test_the_rig_mirrors_the_picture_for_every_second_turn():
    talk = Talk(
        lambda t: np.full((2, 2, 3), 9, np.uint8), lambda t: np.zeros((2, 2, 3), np.uint8), None
    )
    assert talk.image(4.96)[0, 0, 0] == 9 and talk.image(5.0)[0, 0, 0] == 0
    assert turns.shares(
        [turns.Seen(t, 1 if 5 <= t < 10 else -1, 1, 1) for t in np.arange(0.0, 15.0, 0.04)]
    ) == [(1.0, 0.0), (0.0, np.inf)]
