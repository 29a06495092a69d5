"""Clock jumps, late streams and audio in long chunks, on the small seeded model."""

import logging

import numpy as np
import pytest
from rigs.noting import noting_session
from rigs.session import joined, make_session, picture, run
from rigs.timeline import Rig, W

from reactface_node.media.audio import LONGEST_CHUNK_S, MOST_CHANNELS

CHUNKS_S = [0.02, 0.1, 0.2, 0.5, 1.0, 1.5, 3.0, 7.0, 10.0, 12.0]


def voice(seconds, rate_hz=16000):
    return 0.2 * np.random.default_rng(3).standard_normal(round(seconds * rate_hz))


def arrivals(chunk_s, seconds=40.0, camera=True, at_end=False, rate_hz=16000):
    """(arrival, stamp, image or sound): a chunk comes when its last sample has been recorded."""
    sound, size = voice(seconds, rate_hz).astype(np.float32), round(chunk_s * rate_hz)
    events = [
        ((first + size) / rate_hz, (first + at_end * size) / rate_hz, sound[first : first + size])
        for first in range(0, len(sound) - size + 1, size)
    ]
    if camera:
        events += [(index / 25, index / 25, index) for index in range(round(seconds * 25))]
    return sorted(events, key=lambda event: event[0])


def serve(session, events, seconds=40.0, rate_hz=16000, wait=True):
    """All reactions, polled every 20 ms. rate_hz: of the sound, or what gives it for a chunk."""
    rate_of = rate_hz if callable(rate_hz) else lambda _: rate_hz
    waiting, reactions = list(events), []
    for tick in range(round(seconds * 50)):
        now_s = tick / 50
        while waiting and waiting[0][0] <= now_s:
            _, stamp_s, what = waiting.pop(0)
            if isinstance(what, int):
                session.push_image(stamp_s, picture(what % 7))
            else:
                session.push_audio(stamp_s, what, rate_of(what))
        reactions += session.poll(now_s, wait)
    return reactions


@pytest.mark.parametrize("mode", ["frame", "window"])
@pytest.mark.parametrize("chunk_s", CHUNKS_S)
def test_sound_in_chunks_of_any_length_is_heard_and_seen_beside(chunk_s, mode, caplog):
    session = noting_session(mode, playout__playout_delay_s=0.06)
    seconds = max(8.0, 4 * chunk_s)
    with caplog.at_level(logging.WARNING):
        reactions = serve(session, arrivals(chunk_s, seconds), seconds)
    stats = session.stats()
    assert stats["resets"] == 0 and stats["windows_skipped"] <= 1
    frames = sum(len(one.face) for one in reactions)
    assert frames >= seconds * 25 - 24
    assert np.mean([one.face_seen for one in reactions]) > 0.97
    # Delayed by a chunk, and cut to the last ten seconds of each, but whole.
    later = [one.voice_heard for one in reactions if one.show_at_s[0] > 2 * chunk_s + 1.0]
    expected = min(1.0, LONGEST_CHUNK_S / chunk_s)
    assert np.mean(later) > 0.95 * expected
    assert caplog.text.count("came at once") == (chunk_s > LONGEST_CHUNK_S)


@pytest.mark.parametrize("chunk_s", [0.5, 1.5, 7.0])
def test_chunks_that_are_stamped_at_their_end_restart_nothing(chunk_s):
    session = noting_session("window", playout__playout_delay_s=0.06)
    reactions = serve(session, arrivals(chunk_s, at_end=True))
    assert session.stats()["resets"] == 0
    assert np.mean([one.face_seen for one in reactions]) > 0.97
    later = [one.voice_heard for one in reactions if one.show_at_s[0] > 2 * chunk_s + 1.0]
    assert np.mean(later) > 0.95


@pytest.mark.parametrize("chunk_s", [0.5, 2.0, 10.0])
def test_long_chunks_without_a_camera(chunk_s):
    session = noting_session("frame")
    reactions = serve(session, arrivals(chunk_s, camera=False))
    assert session.stats()["resets"] == 0
    later = [one.voice_heard for one in reactions if one.show_at_s[0] > 2 * chunk_s + 1.0]
    assert np.mean(later) > 0.95


@pytest.mark.parametrize("seconds", [61, 3600])
@pytest.mark.parametrize("first", [True, False])
def test_an_absurdly_long_message_costs_no_more_than_its_last_ten_seconds(seconds, first, caplog):
    session = noting_session("window", playout__playout_delay_s=0.06)
    sound = np.zeros(seconds * 4000, np.int16)
    long = (0.0 if first else 5.0, 0.0 if first else 5.0, sound)
    events = sorted([long, *arrivals(0.02, 20.0)], key=lambda event: event[0])
    with caplog.at_level(logging.WARNING):
        reactions = serve(session, events, 20.0, lambda sound: 16000 if len(sound) == 320 else 4000)
    assert caplog.text.count("came at once") == 1
    assert np.mean([one.face_seen for one in reactions]) > 0.97
    assert sum(len(one.face) for one in reactions) > 20 * 25 - 24
    stats = session.stats()
    assert stats["audio_cut"] == 1 and stats["resets"] == 0
    assert stats["audio_s"] < 35.0


@pytest.mark.parametrize(
    ("samples", "rate_hz"),
    [
        (np.zeros((16, MOST_CHANNELS + 1), np.int16), 16000),
        (np.zeros((1, 16000), np.float32), 16000),
        (np.zeros((2, 2, 2), np.float32), 16000),
        (np.float32(1.0), 16000),
        (np.zeros(16, np.float32), 1),
        (np.zeros(16, np.float32), 10**12),
        (np.zeros(16, np.float32), float("nan")),
        (np.zeros(16, np.complex64), 16000),
    ],
)
def test_absurd_sound_is_a_value_error_and_changes_nothing(samples, rate_hz):
    session, before = make_session(), make_session().stats()
    with pytest.raises(ValueError, match="audio"):
        session.push_audio(0.0, samples, rate_hz)
    assert session.stats() == before
    with pytest.raises(ValueError, match="audio"):
        session.push_own_audio(0.0, samples, rate_hz)
    assert len(run(session)) == 9


def test_a_stream_that_is_late_for_a_moment_is_dropped_and_counted():
    session = make_session()
    shown = run(session, 3.0)
    for index in range(20):
        session.push_image(103.0 + index / 25, picture(index))
        session.push_audio(101.0 + index / 25, np.full(640, 0.1, np.float32), 16000)
    stats = session.stats()
    assert stats["resets"] == 0 and stats["audio_late"] == 19  # the last is not judged yet
    session.push_audio(103.8, np.full(640, 0.1, np.float32), 16000)
    assert session.stats()["audio_late"] == 20 and len(shown) == 9


@pytest.mark.parametrize("behind_s", [1.5, 3.0, 4.9, 3600.0])
def test_images_that_are_always_late_restart_nothing(behind_s):
    session = noting_session("frame")
    events = [
        (at, at - behind_s if isinstance(what, int) else at - 0.02, what)
        for at, _, what in arrivals(0.02, 10.0)
    ]
    reactions = serve(session, events, 10.0)
    assert session.stats()["resets"] <= 1
    assert np.mean([one.voice_heard for one in reactions[50:]]) > 0.95


@pytest.mark.parametrize("ahead_s", [0.5, 1.0, 1.9, 3.0, 60.0])
def test_images_that_are_always_ahead_restart_nothing(ahead_s):
    session = noting_session("frame")
    events = [
        (at, at + ahead_s if isinstance(what, int) else at - 0.02, what)
        for at, _, what in arrivals(0.02, 10.0)
    ]
    reactions = serve(session, events, 10.0)
    assert session.stats()["resets"] <= 1
    assert np.mean([one.voice_heard for one in reactions[100:]]) > 0.95


@pytest.mark.parametrize("order", ["image first", "sound first"])
@pytest.mark.parametrize("back_s", [1.2, 50.0, 1e6])
def test_a_clock_that_jumped_back_on_both_streams_loses_nothing(order, back_s, caplog):
    session = make_session()
    run(session, 2.0)
    start_s = 102.0 - back_s
    image, sound = (start_s, picture(0)), (start_s, np.full(640, 0.1, np.float32), 16000)
    with caplog.at_level(logging.WARNING):
        if order == "image first":
            session.push_image(*image)
            assert session.stats()["resets"] == 0
            session.push_audio(*sound)
        else:
            session.push_audio(*sound)
            assert session.stats()["resets"] == 0
            session.push_image(*image)
    stats = session.stats()
    assert stats["resets"] == 1 and "jumped back" in caplog.text
    assert stats["images_late"] == stats["audio_late"] == 0
    (window,) = session.poll(start_s + 0.5)[:1]
    assert window.window_index == 0 and window.face_seen > 0
    assert window.voice_heard == 1 / W


def test_one_stream_alone_that_goes_on_back_in_time_is_a_jump_after_half_a_second():
    session = make_session()
    for index in range(50):
        session.push_image(100.0 + index / 25, picture(index))
    resets = []
    for index in range(30):
        session.push_image(50.0 + index / 25, picture(index))
        resets.append(session.stats()["resets"])
    assert resets.index(1) == 13 and resets[-1] == 1
    assert session.stats()["images_late"] == 13 + 1 - 4


def test_stamps_that_stand_still_back_in_time_are_a_jump_too():
    session = make_session()
    run(session, 2.0)
    for index in range(25):
        session.push_image(50.0, picture(index))
    assert session.stats()["resets"] == 1


def test_a_single_message_out_of_order_restarts_nothing():
    session = make_session()
    run(session, 2.0)
    session.push_image(100.5, picture(3))
    session.push_image(102.0, picture(4))
    session.push_audio(100.0, np.full(320, 0.1, np.float32), 16000)
    session.push_audio(102.0, np.full(320, 0.1, np.float32), 16000)
    stats = session.stats()
    assert (stats["resets"], stats["images_late"], stats["audio_late"]) == (0, 1, 1)


def test_a_recording_played_twice_gives_the_same_twice():
    session = make_session()
    first, second = (joined(run(session, 2.0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert session.stats()["resets"] == 1


def test_what_time_it_is_tells_which_of_two_streams_is_right():
    """The first stamps of two streams lie an hour apart."""
    for wrong_s, resets in ((3600.0, 1), (-3600.0, 0)):
        session = noting_session("frame")
        session.push_image(100.0 + wrong_s, picture(0))
        session.poll(100.0)
        session.push_audio(100.0, np.full(640, 0.1, np.float32), 16000)
        assert session.stats()["resets"] == resets


def test_a_chunk_that_is_long_once_delays_nothing():
    rig = Rig()
    for index in range(50):
        rig.timeline.push_image(index / 25, index)
        rig.timeline.push_audio(index / 25, np.full(640, 0.1, np.float32), 16000)
        rig.timeline.poll(index / 25)
    rig.timeline.push_audio(1.5, np.full(16000, 0.1, np.float32), 16000)
    assert rig.stats.audio_delays == 0
