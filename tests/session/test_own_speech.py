"""Own speech of the robot: the flag, the echo in the microphone, and the mouth at rest."""

import wave

import numpy as np
import pytest
import soxr
from rigs.paths import SHARED
from rigs.session import make_session, picture
from scipy.signal import fftconvolve

from reactface_node.config import TimelineConfig
from reactface_node.research.data.sample import AUDIO_RATE_HZ, performance
from reactface_node.schema import index_of
from reactface_node.session.own_speech import OwnSpeech
from reactface_node.session.playout import MOUTH
from reactface_node.session.timeline import Window

pytestmark = pytest.mark.slow

RATE, FRAME, W = 16000, 640, 8
START_S = 500.0
SPEECH = SHARED / "clips" / "speech_16k.wav"


def made_voice(seed):
    return soxr.resample(performance(seed)[1] / 32768.0, AUDIO_RATE_HZ, RATE)


def real_voice(seed):
    if not SPEECH.is_file():
        pytest.skip("needs the real speech of ../shared/clips")
    with wave.open(str(SPEECH)) as file:
        speech = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    # Another person's voice: another part of it, a tenth higher.
    return speech[: 20 * RATE] if seed == 3 else soxr.resample(speech[30 * RATE :], RATE, 14500)


def in_a_room(sound, delay_s, gain, rng):
    """As a microphone some metres away hears it, after ``delay_s``."""
    taps = round(0.4 * RATE)
    room = 0.3 * rng.standard_normal(taps) * np.exp(-6.9 * np.arange(taps) / taps)
    room[0] = 1.0
    late = np.concatenate([np.zeros(round(delay_s * RATE)), sound])[: len(sound)]
    return gain * fftconvolve(late, room / np.linalg.norm(room))[: len(sound)]


def heard_frames(own_speech, microphone, loudspeaker=None, there=None):
    """Both played window by window, the loudspeaker's chunks a little ahead; audio_valid.

    there: frames that the microphone gave; all if None.
    """
    valid = []
    for index in range(len(microphone) // (W * FRAME)):
        span = slice(index * W * FRAME, (index + 1) * W * FRAME)
        start_s = START_S + span.start / RATE
        if loudspeaker is not None:
            own_speech.play(start_s, loudspeaker[span].astype(np.float32), RATE)
        given = np.ones(W, bool) if there is None else there[index * W : (index + 1) * W]
        window = Window(
            index, start_s, start_s + W / 25, [None] * W, microphone[span].astype(np.float32), given
        )
        audio, heard = own_speech.listen(window)
        assert not audio[~heard.repeat(FRAME)].any()
        np.testing.assert_array_equal(audio[heard.repeat(FRAME)], window.audio[heard.repeat(FRAME)])
        valid.append(heard)
    return np.concatenate(valid)


def loudness(sound):
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return np.sqrt((frames**2).mean(axis=1))


@pytest.mark.parametrize("voice", [made_voice, real_voice])
@pytest.mark.parametrize(("delay_s", "gain"), [(0.03, 0.5), (0.25, 0.5), (0.12, 0.15)])
def test_the_robots_echo_is_not_heard_and_people_are(voice, delay_s, gain):
    rng = np.random.default_rng(4)
    robot, other = voice(3)[: 18 * RATE].copy(), voice(7)
    robot[8 * RATE : 12 * RATE] = 0.0
    person = np.zeros_like(robot)
    person[9 * RATE : 11 * RATE] = other[2 * RATE : 4 * RATE]
    echo = in_a_room(robot, delay_s, gain, rng)
    microphone = echo + person + 1e-3 * rng.standard_normal(len(robot))
    heard = heard_frames(OwnSpeech(TimelineConfig()), microphone, robot)
    time_s = np.arange(len(heard)) / 25
    echo_alone = (loudness(echo) > 0.01)[: len(heard)] & (time_s > 2.5)
    echo_alone &= ~((time_s > 8.7) & (time_s < 11.3))
    spoken = (loudness(person) > 0.02)[: len(heard)]
    assert np.mean(~heard[echo_alone]) > 0.85
    assert np.mean(heard[spoken]) > 0.95


def test_who_speaks_over_the_robot_is_heard_for_the_most_part():
    rng = np.random.default_rng(5)
    robot, person = made_voice(3)[: 16 * RATE], np.zeros(16 * RATE)
    person[8 * RATE : 14 * RATE] = made_voice(7)[2 * RATE : 8 * RATE]
    microphone = in_a_room(robot, 0.12, 0.3, rng) + person + 1e-3 * rng.standard_normal(16 * RATE)
    heard = heard_frames(OwnSpeech(TimelineConfig()), microphone, robot)
    assert np.mean(heard[(loudness(person) > 0.05)[: len(heard)]]) > 0.5


def test_with_headphones_nothing_is_echo():
    rng = np.random.default_rng(6)
    robot = made_voice(3)[: 10 * RATE]
    # Backwards, because all made voices pause at the same places.
    microphone = made_voice(7)[: 10 * RATE][::-1] + 1e-3 * rng.standard_normal(10 * RATE)
    assert heard_frames(OwnSpeech(TimelineConfig()), microphone, robot).mean() > 0.85


def test_a_microphone_that_is_gone_for_a_while_does_not_unlearn_the_echo():
    rng = np.random.default_rng(8)
    robot = made_voice(3)[: 16 * RATE]
    microphone = in_a_room(robot, 0.12, 0.5, rng) + 1e-3 * rng.standard_normal(16 * RATE)
    microphone[5 * RATE : 8 * RATE] = 0.0
    there = np.ones(len(microphone) // FRAME, bool)
    there[125:200] = False
    heard = heard_frames(OwnSpeech(TimelineConfig()), microphone, robot, there)
    loud = (loudness(microphone) > 0.02)[: len(heard)]
    back = (np.arange(len(heard)) > 205) & loud
    assert not heard[125:200].any()
    assert np.mean(~heard[back]) > 0.85


@pytest.mark.parametrize("late_s", [0.9, 0.2])
def test_the_flag_counts_until_the_echo_is_known(late_s):
    """At 0.9 s it never is: the delay is longer than a room's."""
    rng = np.random.default_rng(9)
    robot = made_voice(3)[: 10 * RATE]
    microphone = in_a_room(robot, late_s, 0.5, rng) + 1e-3 * rng.standard_normal(10 * RATE)
    own_speech = OwnSpeech(TimelineConfig())
    own_speech.flag(START_S, True)
    heard = heard_frames(own_speech, microphone, robot)
    loud = (loudness(microphone) > 0.02)[: len(heard)]
    assert np.mean(~heard[loud]) > 0.85
    assert not heard[:16].any()


def test_a_flag_that_is_repeated_often_is_one_flag():
    own_speech = OwnSpeech(TimelineConfig())
    for at_s in np.arange(0.0, 130.0, 0.005):
        own_speech.flag(START_S + at_s, True)
    assert own_speech.speaks(START_S + np.array([0.1, 60.0, 129.9, 249.0])).all()
    assert not own_speech.speaks(np.array([START_S + 251.0]))[0]


def test_where_there_is_only_the_flag_the_microphone_is_not_listened_to():
    own_speech = OwnSpeech(TimelineConfig())
    own_speech.flag(START_S + 0.64, True)
    own_speech.flag(START_S + 1.28, False)
    heard = heard_frames(own_speech, np.full(2 * RATE, 0.1))
    np.testing.assert_array_equal(
        heard, ~((np.arange(len(heard)) >= 16) & (np.arange(len(heard)) < 32))
    )
    own_speech.flag(START_S + 3.0, True)
    own_speech.clear()
    assert own_speech.speaks(np.array([0.0]))[0], "a reset does not end what the robot says"


def test_a_flag_that_is_never_cleared_expires_after_two_minutes():
    own_speech = OwnSpeech(TimelineConfig())
    own_speech.flag(START_S, True)
    later = START_S + np.array([1.0, 119.0, 121.0])
    np.testing.assert_array_equal(own_speech.speaks(later), [True, True, False])
    own_speech.flag(START_S + 200.0, True)
    assert own_speech.speaks(np.array([START_S + 201.0]))[0]


def test_what_is_played_is_the_robots_turn_until_a_pause():
    own_speech = OwnSpeech(TimelineConfig())
    sound = np.concatenate([made_voice(3)[: 2 * RATE], np.zeros(2 * RATE)])
    heard_frames(own_speech, np.zeros(4 * RATE), sound)
    assert own_speech.speaks(np.array([START_S + 1.3]))[0]
    assert not own_speech.speaks(np.array([START_S + 3.5]))[0]


def talk(session, speaking_s, seconds=4.0, played=None):
    """A person before the session; the robot's flag is up from ``speaking_s`` on, if it is."""
    reactions = []
    rng = np.random.default_rng(1)
    for frame in range(round(seconds * 25)):
        stamp_s = START_S + frame / 25
        session.push_image(stamp_s, picture(frame))
        if speaking_s is not None and frame == round(speaking_s * 25):
            session.push_speaking(stamp_s, True)
        sound = rng.standard_normal(FRAME).astype(np.float32)
        if played is not None:
            session.push_own_audio(stamp_s, (played * sound).astype(np.float32), RATE)
        session.push_audio(stamp_s, 0.1 * sound, RATE)
        reactions += session.poll(stamp_s)
    return reactions


def test_while_the_robot_speaks_the_mouth_is_left_and_the_rest_goes_on():
    listening, speaking = (talk(make_session(), at) for at in (None, 2.0))
    before, after = (np.concatenate([r.face for r in rs]) for rs in (listening, speaking))
    np.testing.assert_array_equal(before[:40], after[:40])
    assert np.abs(before[64:, MOUTH]).max() > 0.05
    # A window in which it was told and one to close the mouth in.
    assert not after[64:, MOUTH].any()
    assert after[64:, index_of("browInnerUp")].any()
    assert np.ptp(after[64:, index_of("rotationY")]) > 0
    steps = np.abs(np.diff(after[:, MOUTH], axis=0)).max(axis=1)
    assert steps[44:72].max() < 0.5 * np.abs(before[:, MOUTH]).max() + 0.05
    assert speaking[-1].voice_heard == 0.0 and listening[-1].voice_heard == 1.0


def test_the_mouth_comes_back_after_own_speech():
    session = make_session()
    talk(session, 0.0, 2.0)
    session.push_speaking(START_S + 2.0, False)
    session.reset()
    assert np.abs(np.concatenate([r.face for r in talk(session, None)])[:, MOUTH]).max() > 0.05
    assert session.stats()["windows_own_turn"] > 0


def test_what_the_robot_plays_leaves_the_mouth_without_any_flag():
    session = make_session()
    reactions = talk(session, None, played=0.3)
    assert not reactions[-1].face[:, MOUTH].any()
    assert reactions[-1].voice_heard < 0.3  # It hears itself alone.


def test_bad_own_audio_is_a_value_error_and_changes_nothing():
    session = make_session()
    with pytest.raises(ValueError, match="audio must"):
        session.push_own_audio(START_S, np.zeros((2, 2, 2)), RATE)
    assert talk(session, None, 1.0)
