"""The timeline: windows of 25 Hz frames and 16 kHz samples from cameras and microphones."""

import numpy as np
import pytest
from rigs.timeline import WINDOW_S, Rig, W, chunks, heard, images, merged, same, sine

from reactface_node.session.stamps import AUDIO, IMAGE, Order

RATES = (8000, 16000, 44100, 48000)


@pytest.mark.parametrize("start_s", [0.0, 1.7e9 + 0.123456789])
@pytest.mark.parametrize("fps", [15, 24, 25, 30, 60])
def test_any_camera_becomes_25_frames_a_second(fps, start_s):
    rig = Rig()
    windows = rig.play(merged(images(fps, 3.3, start_s), heard(3.3, start_s)))
    assert [w.index for w in windows] == list(range(10))
    for window in windows:
        assert window.start_s == pytest.approx(start_s + window.index * WINDOW_S, abs=1e-6)
        assert window.end_s == pytest.approx(window.start_s + WINDOW_S, abs=1e-6)
        assert window.audio.dtype == np.float32
        assert window.audio.shape == (W * 640,)
        assert window.audio_valid.all()
        for i, stamp_s in enumerate(window.frames):
            end_s = window.start_s + (i + 1) / 25
            assert end_s - max(1 / fps, 0.04) - 1e-5 <= stamp_s + 1 / fps
            assert stamp_s < end_s
    assert rig.perceived == sorted(rig.perceived)
    assert len(rig.perceived) == len(set(rig.perceived)) <= 25 * 3.3 + 1
    assert rig.stats.images == round(fps * 3.3)
    assert rig.stats.windows == 10
    assert rig.stats.windows_waited == 0


def test_an_exact_25_fps_camera_gives_every_slot_its_own_image():
    for start_s in (0.0, 0.7, 1.7e9 + 0.1):
        rig = Rig()
        windows = rig.play(merged(images(25, 2.0, start_s), heard(2.0, start_s)))
        frames = [stamp_s for w in windows for stamp_s in w.frames]
        np.testing.assert_allclose(frames, start_s + np.arange(len(frames)) / 25, atol=1e-6)
        assert rig.stats.images_replaced == 0


def test_latest_image_of_a_slot_wins_and_only_it_is_perceived():
    rig = Rig()
    for stamp_s in (0.0, 0.01, 0.03, 0.02, 0.05):
        rig.timeline.push_image(stamp_s, stamp_s)
    assert rig.perceived == [0.03]
    assert rig.stats.images_replaced == 3


def test_irregular_camera():
    stamps = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.09, 60))
    rig = Rig()
    windows = rig.play(merged([(float(s), float(s)) for s in stamps], heard(3.0, stamps[0])))
    for window in windows:
        for i, stamp_s in enumerate(window.frames):
            end_s = window.start_s + (i + 1) / 25
            assert stamp_s == max(s for s in stamps if s < end_s)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_sine_in_stereo_int16_arrives_whole(rate_hz):
    signal = (sine(rate_hz, 2.0) * 32767).astype(np.int16)
    audio = chunks(np.stack([signal, signal], axis=1), rate_hz, rate_hz // 50)
    windows = Rig().play(merged(images(30, 2.0), audio))
    samples = np.concatenate([w.audio for w in windows])
    assert len(samples) >= 5 * W * 640
    expected = sine(16000, 2.0)[: len(samples)]
    np.testing.assert_allclose(samples[1600:], expected[1600:], atol=2e-3)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_click_lands_where_its_stamp_says(rate_hz):
    signal = np.zeros(2 * rate_hz, np.float32)
    signal[round(1.111 * rate_hz)] = 0.9
    audio = chunks(signal, rate_hz, 441, start_s=50.003)
    windows = Rig().play(merged(images(30, 2.0, start_s=50.0), audio))
    samples = np.concatenate([w.audio for w in windows])
    assert np.argmax(np.abs(samples)) / 16000 == pytest.approx(0.003 + 1.111, abs=0.3e-3)


@pytest.mark.parametrize("offset_s", [0.4, -0.4, 2.0, -2.0])
def test_offset_moves_audio_against_the_camera_and_is_no_jump(offset_s):
    signal = np.zeros(16000 * 2, np.float32)
    signal[16000] = 0.9
    audio = chunks(signal, 16000, 320, start_s=10.0 - offset_s)
    rig = Rig(camera_to_microphone_offset_s=offset_s)
    windows = []
    video = images(30, 2.0, start_s=10.0)
    for stamp_s, *rest in sorted(video + audio, key=lambda e: e[0] + offset_s * (len(e) == 3)):
        stream = IMAGE if len(rest) == 1 else AUDIO
        assert rig.timeline.order(stream, stamp_s) is Order.FORWARD
        windows += rig.play([(stamp_s, *rest)], poll=False)
    samples = np.concatenate([w.audio for w in windows])
    assert np.argmax(samples) == 16000


@pytest.mark.parametrize("bias", [0.5, 0.02, 0.98])
def test_interleaving_of_pushes_and_polls_changes_nothing(bias):
    rng = np.random.default_rng(2)
    video = [(s + float(rng.uniform(-0.03, 0.03)), s) for s, _ in images(40, 8.0)]
    video[0] = (0.0, 0.0)
    audio = chunks(rng.uniform(-1, 1, 8 * 44100), 44100, 1000)
    audio = audio[:100] + audio[110:200] + audio[199:]
    reference = Rig().play(merged(sorted(video), audio), poll=False)
    assert len(reference) == 24

    rig, windows, streams = Rig(), [], [sorted(video), audio]
    while any(streams):
        stream = streams[rng.random() < bias] or max(streams, key=len)
        windows += rig.play([stream.pop(0)], poll=False)
        windows += rig.timeline.poll(-1.0) if rng.random() < 0.3 else []
    same(windows + rig.timeline.poll(-1.0), reference)
    assert rig.stats.windows_waited == 0


def test_polling_is_what_the_wait_needs_and_no_sooner():
    rig = Rig(max_wait_s=0.1)
    rig.timeline.push_image(5.0, "face")
    rig.timeline.push_image(5.2, "face")
    rig.timeline.push_audio(5.0, np.zeros(3200, np.float32), 16000)
    assert rig.timeline.poll(5.0 + WINDOW_S + 0.09) == []
    (window,) = rig.timeline.poll(5.0 + WINDOW_S + 0.1)
    assert window.index == 0
    assert rig.stats.windows_waited == 1


def test_a_stream_that_gave_nothing_is_not_waited_for():
    rig = Rig(max_wait_s=0.1)
    audio = heard(2 * WINDOW_S)
    rig.play([event for event in audio if event[0] < WINDOW_S], poll=False)
    assert [w.index for w in rig.timeline.poll(WINDOW_S)] == [0]
    rig.timeline.push_image(WINDOW_S + 0.2, "face")
    rig.play([event for event in audio if event[0] >= WINDOW_S], poll=False)
    assert rig.timeline.poll(2 * WINDOW_S + 0.09) == []
    assert [w.index for w in rig.timeline.poll(2 * WINDOW_S + 0.1)] == [1]


def test_both_streams_close_a_window_without_waiting():
    rig = Rig()
    rig.play(merged(images(25, WINDOW_S), heard(WINDOW_S)))
    assert rig.timeline.poll(WINDOW_S) == []
    rig.timeline.push_image(WINDOW_S, "next")
    assert [w.index for w in rig.timeline.poll(WINDOW_S)] == [0]


def test_video_alone():
    windows = Rig().play(images(30, 3.0))
    assert [w.index for w in windows] == list(range(9))
    for window in windows:
        assert None not in window.frames
        assert not window.audio.any()
        assert not window.audio_valid.any()


def test_audio_alone():
    windows = Rig().play(heard(3.0))
    assert [w.index for w in windows] == list(range(9))
    assert all(w.frames == [None] * W and w.audio_valid.all() for w in windows)


def test_nothing_at_all_still_gives_windows():
    rig = Rig()
    windows = [w for now_s in np.arange(7.0, 10.0, 0.04) for w in rig.timeline.poll(now_s)]
    assert [w.index for w in windows] == list(range(len(windows)))
    assert len(windows) == 9
    assert windows[0].start_s == 7.0
    assert all(w.frames == [None] * W and not w.audio_valid.any() for w in windows)


def test_idle_windows_are_not_skipped_when_they_are_long():
    rig = Rig(w=64)
    windows = [w for now_s in np.arange(0.0, 10.0, 0.04) for w in rig.timeline.poll(now_s)]
    assert [w.index for w in windows] == [0, 1, 2]


def test_an_image_is_held_for_a_while_and_no_longer():
    rig = Rig(face_hold_s=0.25)
    rig.timeline.push_image(0.0, "face")
    first, second = rig.timeline.poll(2 * WINDOW_S + 0.2)
    assert first.frames == ["face"] * 6 + [None] * 2
    assert second.frames == [None] * W
