"""Selection of a microphone's channel."""

import logging

import numpy as np
import pytest
from rigs.session import joined, make_session, picture, run
from rigs.timeline import Rig, chunks

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media.audio import AudioStats, to_mono
from reactface_node.media.channels import Channels
from reactface_node.session.digest import Digest

RATE_HZ = 16000


def speech(seconds=6.0, level=0.1, seed=0):
    """Noise in syllables, with pauses."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    loud = np.sin(2 * np.pi * 3.0 * np.arange(count) / RATE_HZ).clip(0.0) ** 2
    loud *= np.arange(count) % (2 * RATE_HZ) < 1.4 * RATE_HZ
    return (level * loud * rng.standard_normal(count)).astype(np.float32)


def noise(level, count, seed=1):
    return (level * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def heard(pcm, wanted="auto", chunk=320):
    channels = Channels(wanted)
    return np.concatenate(
        [
            channels.mono(pcm[first : first + chunk], RATE_HZ, AudioStats())
            for first in range(0, len(pcm), chunk)
        ]
    )


@pytest.mark.parametrize("chunk", [160, 320, 1000, 16000])
def test_mono_and_alike_channels_are_the_mean_to_the_last_bit(chunk):
    voice = speech()
    for pcm in (
        voice,
        voice[:, None],
        np.stack([voice, voice], axis=1),
        np.stack([voice, 0.8 * voice], axis=1),
        np.stack([voice + noise(0.01, len(voice), 2), voice + noise(0.01, len(voice), 3)], axis=1),
        np.stack([noise(0.1, len(voice), seed) for seed in (1, 2)], axis=1),
    ):
        np.testing.assert_array_equal(heard(pcm, chunk=chunk), to_mono(pcm, AudioStats()))


def test_opposite_phase_is_heard_from_the_first_word():
    voice = speech()
    mono = heard(np.stack([voice, -voice], axis=1))
    np.testing.assert_array_equal(mono[320:], voice[320:])
    assert not to_mono(np.stack([voice, -voice], axis=1), AudioStats()).any()


@pytest.mark.parametrize("channel", [0, 3, 5])
def test_one_voice_among_six_channels_is_heard_in_full(channel, caplog):
    voice = speech()
    pcm = np.stack([noise(0.001, len(voice), seed) for seed in range(6)], axis=1)
    pcm[:, channel] += voice
    with caplog.at_level(logging.INFO):
        mono = heard(pcm)
    np.testing.assert_array_equal(mono[RATE_HZ:], pcm[RATE_HZ:, channel])
    assert f"of 6 audio channels number {channel}" in caplog.text


def test_a_fan_that_is_louder_than_the_voice_is_not_taken_for_it():
    voice = speech(12.0)
    pcm = np.zeros((len(voice), 4), np.float32)
    pcm[:, 1] = noise(0.3, len(voice))
    pcm[:, 2] += voice
    mono = heard(pcm)
    np.testing.assert_array_equal(mono[4 * RATE_HZ :], voice[4 * RATE_HZ :])


def test_a_constant_offset_is_no_voice():
    voice = speech()
    pcm = np.stack([np.full(len(voice), 0.5, np.float32), voice], axis=1)
    np.testing.assert_array_equal(heard(pcm)[RATE_HZ:], voice[RATE_HZ:])


def test_it_stays_with_a_channel_until_another_one_is_clearly_better():
    first, second = speech(8.0), speech(8.0, seed=5)
    turns = np.zeros((2 * len(first), 2), np.float32)
    turns[: len(first), 0] = first
    turns[len(first) :, 1] = 0.9 * second
    mono = heard(turns)
    np.testing.assert_array_equal(mono[RATE_HZ : len(first)], first[RATE_HZ:])
    late = len(first) + 4 * RATE_HZ
    np.testing.assert_array_equal(mono[late:], turns[late:, 1])
    # Two that speak as loudly: no going back and forth.
    both = np.stack([speech(20.0, seed=1), 1.1 * speech(20.0, seed=1)], axis=1) * [1.0, -1.0]
    channels, chosen = Channels("auto"), []
    for start in range(0, len(both), 320):
        channels.mono(both[start : start + 320].astype(np.float32), RATE_HZ, AudioStats())
        chosen.append(channels._chosen)
    assert len(set(chosen[100:])) == 1


def test_silence_changes_nothing_and_a_switch_makes_no_click():
    channels = Channels("auto")
    quiet = np.zeros((1600, 2), np.float32)
    assert not channels.mono(quiet, RATE_HZ, AudioStats()).any() and channels._chosen is None
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(1600) / RATE_HZ)
    pcm = np.stack([tone, -tone], axis=1).astype(np.float32)
    mono = channels.mono(pcm, RATE_HZ, AudioStats())
    assert channels._chosen == 0
    assert np.abs(np.diff(mono)).max() < 1.1 * np.abs(np.diff(tone)).max()


def test_a_number_is_that_channel_and_mean_is_the_mean(caplog):
    pcm = np.stack([speech(2.0, seed=seed) for seed in range(3)], axis=1)
    for number in range(3):
        np.testing.assert_array_equal(heard(pcm, str(number))[320:], pcm[320:, number])
    np.testing.assert_array_equal(heard(pcm, "mean"), to_mono(pcm, AudioStats()))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(heard(pcm, "7"), to_mono(pcm, AudioStats()))
    assert caplog.text.count("audio_channel is 7") == 1 and len(caplog.records) == 1


def test_another_number_of_channels_begins_anew():
    voice = speech(2.0)
    channels = Channels("auto")
    channels.mono(np.stack([voice, 0 * voice, 0 * voice], axis=1), RATE_HZ, AudioStats())
    assert channels._chosen == 0
    stereo = np.stack([voice, voice], axis=1)
    mono = channels.mono(stereo, RATE_HZ, AudioStats())
    np.testing.assert_array_equal(mono[160:], voice[160:])
    np.testing.assert_array_equal(channels.mono(voice, RATE_HZ, AudioStats()), voice)


def test_the_timeline_listens_to_the_channel_that_is_set():
    voice = speech(2.0)
    pcm = np.stack([voice, -voice], axis=1)
    for wanted, sign in (("auto", 1.0), ("1", -1.0)):
        rig = Rig(audio_channel=wanted)
        windows = rig.play(chunks(pcm, RATE_HZ, 320))
        audio = np.concatenate([window.audio for window in windows])
        np.testing.assert_array_equal(audio[640:], sign * voice[640 : len(audio)])
        np.testing.assert_array_equal(rig.timeline.newest_audio, sign * voice[-320:])


def test_a_session_reacts_to_opposite_phase_as_to_the_voice(monkeypatch):
    """From the second chunk on; the first is the mean's. Chance follows from every sample, so it is
    made the same."""
    monkeypatch.setattr(Digest, "note", lambda *_: 0)
    sound = 0.1 * np.random.default_rng(1).standard_normal(48000).astype(np.float32)
    session, reactions = make_session(), []
    for first in range(0, len(sound), 320):
        stamp_s, one = 100.0 + first / 16000, sound[first : first + 320]
        if first % 640 == 0:
            session.push_image(stamp_s, picture(first // 640))
        session.push_audio(stamp_s, np.stack([one, -one], axis=1), 16000)
        reactions += session.poll(stamp_s)
    reactions += session.poll(103.2)
    shown, expected = joined(reactions, "samples"), joined(run(make_session()), "samples")
    assert shown.shape == expected.shape
    np.testing.assert_allclose(shown[:, W_LATER:], expected[:, W_LATER:], atol=0.05)


W_LATER = 40


@pytest.mark.parametrize("value", ["auto", "mean", "0", "31"])
def test_the_setting_takes_these(value):
    assert Config().replace(**{"timeline.audio_channel": value}).timeline.audio_channel == value


@pytest.mark.parametrize("value", ["32", "-1", "left", "1.0"])
def test_and_no_others(value):
    with pytest.raises(UserError, match="audio_channel"):
        Config().replace(**{"timeline.audio_channel": value})
