"""Late, early, missing and malformed inputs of the timeline."""

import dataclasses

import numpy as np
import pytest
from rigs.timeline import WINDOW_S, Rig, W, chunks, heard, images, merged, same, sine

from reactface_node.config import TimelineConfig
from reactface_node.session.stamps import AUDIO, IMAGE, Order
from reactface_node.session.timeline import BUFFER_S, Timeline


def test_late_images_and_duplicates_are_counted_and_dropped():
    rig = Rig()
    for stamp_s in (1.0, 1.05, 1.05, 1.01, 0.9):
        rig.timeline.push_image(stamp_s, stamp_s)
    assert (rig.stats.images_duplicate, rig.stats.images_late) == (1, 2)
    rig.timeline.poll(1.0 + WINDOW_S + 0.2)
    rig.timeline.push_image(1.3, 1.3)
    assert rig.stats.images_late == 3
    assert rig.perceived == [1.0, 1.05]


def test_out_of_order_within_open_slots_is_fine():
    rig = Rig()
    for stamp_s in (0.0, 0.075, 0.05, 0.11, 0.09):
        rig.timeline.push_image(stamp_s, stamp_s)
    (window,) = rig.timeline.poll(1.0)[:1]
    assert window.frames[:3] == [0.0, 0.075, 0.11]
    assert rig.stats.images_late == 0


def test_audio_that_comes_after_its_window_is_counted_not_heard():
    rig = Rig()
    rig.timeline.push_image(0.0, "face")
    rig.timeline.poll(WINDOW_S + 0.2)
    rig.timeline.push_audio(0.0, np.full(16000, 0.5, np.float32), 16000)
    assert rig.stats.late_samples == W * 640
    window = rig.timeline.poll(2 * WINDOW_S + 0.2)[0]
    assert window.audio_valid.all()
    np.testing.assert_array_equal(window.audio, np.float32(0.5))


def test_audio_before_time_zero_is_trimmed():
    rig = Rig()
    rig.timeline.push_image(1.0, "face")
    ramp = np.linspace(0, 0.9, 16000, dtype=np.float32)
    rig.timeline.push_audio(0.5, ramp, 16000)
    window = rig.timeline.poll(1.0 + WINDOW_S + 0.2)[0]
    np.testing.assert_array_equal(window.audio, ramp[8000 : 8000 + W * 640])
    assert rig.stats.late_samples == 8000


def test_the_last_words_are_not_left_in_the_resampler():
    rig = Rig()
    rig.play(chunks(sine(48000, WINDOW_S), 48000, 480), poll=False)
    (window,) = rig.timeline.poll(WINDOW_S + 0.2)
    assert window.audio_valid.all()


def test_gap_in_the_audio_masks_its_frames():
    audio = [c for c in heard(3.0) if not 1.0 <= c[0] < 1.5]
    windows = Rig().play(merged(images(30, 3.0), audio))
    valid = np.concatenate([w.audio_valid for w in windows])
    np.testing.assert_array_equal(np.flatnonzero(~valid), np.arange(25, 38))


def test_a_hole_of_a_few_milliseconds_leaves_the_frame_valid():
    for missing, valid in ((60, True), (70, False)):
        rig = Rig()
        rig.timeline.push_image(0.0, "face")
        rig.timeline.push_audio(missing / 16000, np.ones(16000, np.float32), 16000)
        assert rig.timeline.poll(1.0)[0].audio_valid.tolist() == [valid] + [True] * 7


def test_a_jump_back_is_reported_and_a_reset_starts_again():
    rig = Rig()
    rig.play(merged(images(30, 2.0, 100.0), heard(2.0, 100.0)))
    for stream in (IMAGE, AUDIO):
        assert rig.timeline.order(stream, 101.5) is Order.FORWARD
        assert rig.timeline.order(stream, float("nan")) is Order.FORWARD
        assert rig.timeline.order(stream, 100.0) is Order.BACK
    before = rig.stats.images
    rig.timeline.reset()
    assert rig.timeline.order(IMAGE, 100.0) is Order.FORWARD
    windows = rig.play(merged(images(30, 2.0, 100.0), heard(2.0, 100.0)))
    assert [w.index for w in windows] == list(range(6))
    assert windows[0].start_s == 100.0
    assert rig.timeline.stats is rig.stats
    assert rig.stats.images == 2 * before


def test_a_clock_set_back_before_any_input_is_a_jump_too():
    rig = Rig()
    for now_s in np.arange(0.0, 60.0, 0.5):
        rig.timeline.poll(now_s)
    assert rig.timeline.order(IMAGE, 59.0) is Order.FORWARD
    assert rig.timeline.order(IMAGE, 1.0) is Order.JUMPED


@pytest.mark.parametrize("hours", [1, 24 * 365 * 50])
@pytest.mark.parametrize("stream", ["image", "audio"])
def test_a_lone_stamp_in_the_far_future_changes_nothing(stream, hours):
    events = merged(images(30, 3.0), heard(3.0))
    outlier = (
        (3600.0 * hours, "face") if stream == "image" else (3600.0 * hours, np.ones(160), 16000)
    )
    rig = Rig()
    windows = rig.play([*events[:70], outlier, *events[70:]], poll=False)
    same(windows, Rig().play(events, poll=False))
    assert rig.stats.stamps_ahead == 1
    assert rig.timeline.order(IMAGE, 3.0) is rig.timeline.order(AUDIO, 3.0) is Order.FORWARD


def test_a_stream_whose_clock_is_hours_ahead_does_not_take_the_other_with_it():
    rig = Rig()
    wrong = [(s, s + 7200.0) for s, _ in images(30, 5.0)]
    windows, resets = [], 0
    for stamp_s, *rest in merged(wrong, heard(5.0)):
        ahead = len(rest) == 1
        stream = IMAGE if ahead else AUDIO
        if rig.timeline.order(stream, rest[0] if ahead else stamp_s) is not Order.FORWARD:
            rig.timeline.reset()
            resets += 1
        if ahead:
            rig.timeline.push_image(rest[0], "face")
        else:
            rig.timeline.push_audio(stamp_s, *rest)
        windows += rig.timeline.poll(stamp_s)
    assert resets == 1
    assert [w.index for w in windows] == list(range(15))
    assert all(w.audio_valid.all() for w in windows)


def test_a_jump_ahead_of_everything_is_followed_on_the_grid_of_time():
    before = merged(images(30, 2.0), heard(2.0))
    after = merged(images(30, 4.0, 7200.0), heard(4.0, 7200.0))
    rig = Rig()
    windows = rig.play(before + after, poll=False)
    assert len(windows) < 40
    assert 0 < rig.stats.stamps_ahead < 50
    late = [w for w in windows if w.start_s > 7200.0 + 0.6 + WINDOW_S]
    assert len(late) >= 8
    for window in late:
        assert window.start_s == pytest.approx(window.index * WINDOW_S)
        assert None not in window.frames
        assert window.audio_valid.all()
    assert np.concatenate([w.audio_valid for w in windows[:6]]).sum() >= 48


def test_hours_of_silence_are_skipped():
    rig = Rig()
    rig.play(merged(images(30, 2.0), heard(2.0)))
    windows = rig.timeline.poll(36000.0)
    assert len(windows) < 10
    assert rig.stats.windows_left_out > 100_000
    windows = rig.play(merged(images(30, 2.0, 36000.0), heard(2.0, 36000.0)))
    assert len(windows) >= 5
    for window in windows[1:]:
        assert window.start_s == pytest.approx(window.index * WINDOW_S)
        assert None not in window.frames
        assert window.audio_valid.all()
    assert rig.stats.stamps_ahead == 0


def test_nobody_polls_and_memory_stays_bounded():
    rig = Rig()
    seconds = 2 * BUFFER_S
    rig.play(images(25, seconds), poll=False)
    rig.timeline.reset()
    for stamp_s, _ in images(25, seconds):
        rig.timeline.push_image(stamp_s, stamp_s)
    windows = rig.timeline.poll(-1.0)
    assert len(windows) * WINDOW_S <= BUFFER_S
    assert windows[-1].end_s >= seconds - BUFFER_S - 1.0


@pytest.mark.parametrize("stamp_s", [np.nan, np.inf, -np.inf, 1e300])
def test_stamps_that_are_no_times_are_ignored(stamp_s):
    rig = Rig()
    rig.timeline.push_image(stamp_s, "face")
    rig.timeline.push_audio(stamp_s, np.ones(160, np.float32), 16000)
    assert rig.timeline.poll(stamp_s) == []
    assert rig.stats.stamps_invalid == 2
    assert rig.stats.images == rig.stats.audio_chunks == 0
    assert len(rig.play(merged(images(30, 1.0), heard(1.0)))) == 3


def test_empty_chunks_are_fine_and_wrong_audio_is_refused_without_a_trace():
    rig = Rig()
    rig.timeline.push_audio(0.0, np.zeros(0, np.int16), 48000)
    rig.timeline.push_audio(0.0, np.zeros((0, 2), np.float32), 48000)
    untouched = dataclasses.asdict(rig.stats)
    for samples, rate_hz in (
        (np.zeros(4, np.float32), 0),
        (np.zeros(4, np.float32), -16000),
        (np.zeros(4, np.float32), float("nan")),
        (np.zeros(4, np.int64), 16000),
        (np.zeros((1, 2, 3), np.float32), 16000),
    ):
        with pytest.raises(ValueError, match="audio"):
            rig.timeline.push_audio(0.1, samples, rate_hz)
    assert dataclasses.asdict(rig.stats) == untouched


def test_nan_and_clipping_are_counted_and_stay_out_of_the_windows():
    rig = Rig()
    samples = np.tile(np.array([np.nan, 3.0, -3.0, 0.5], np.float32), 4000)
    rig.timeline.push_audio(0.0, samples, 48000)
    (window, *_) = rig.timeline.poll(1.0)
    assert np.isfinite(window.audio).all()
    assert np.abs(window.audio).max() <= 1.0
    assert (rig.stats.nonfinite_samples, rig.stats.clipped_samples) == (4000, 8000)


def test_a_failing_perception_costs_one_frame():
    def perceive(slot, stamp_s, image):
        if image == "broken":
            raise RuntimeError("no tracker")
        return image

    timeline = Timeline(TimelineConfig(), W, perceive)
    timeline.push_image(0.0, "a")
    timeline.push_image(0.04, "broken")
    with pytest.raises(RuntimeError, match="no tracker"):
        timeline.push_image(0.08, "b")
    timeline.push_image(0.12, "c")
    (window,) = timeline.poll(WINDOW_S + 0.2)
    assert window.frames[:4] == ["a", "a", "b", "c"]


def test_stamps_that_are_random_never_add_up_to_a_new_time():
    rig = Rig()
    rig.timeline.push_image(0.0, "face")
    for stamp_s in (3600.0, 9000.0, 5000.0, 7000.0):
        rig.timeline.push_image(stamp_s, "face")
    assert rig.stats.stamps_ahead == 4
    assert rig.timeline.order(IMAGE, 0.04) is Order.FORWARD
