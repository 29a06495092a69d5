"""Stamps of another clock: each stream's offset to arrival is learned and removed."""

import logging

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, TYPES, an_image, faked_node
from rigs.session import ReadingTracker

from reactface_node.ros.messages import convert
from reactface_node.ros.node.stamps import StreamClock, first_offset_s, stream_clock
from reactface_node.session.session import ReactionSession

SECONDS = 8.0
LAG_S = 0.02
"""Time from right stamps to their arrival."""


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)


def camera(seconds=SECONDS, rate_hz=25):
    """(when it was taken, when it arrives) of each image."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return [(float(t), float(t) + LAG_S) for t in at]


def placed(clock, events, off, duration_s=0.0):
    """What becomes of stamps that are ``off(time)`` from right ones; those that are None left
    out."""
    return np.array(
        [clock.time_s(START_S + t + off(t), START_S + a, duration_s) - START_S for t, a in events]
    )


def image_clock():
    return stream_clock("image", 1.0)


def audio_clock():
    return stream_clock("audio", 1.0)


@pytest.mark.parametrize("lag_s", [0.0, 0.02, 0.06, 0.1, -0.05])
def test_ordinary_transport_leaves_stamps_as_they_are(lag_s):
    rng = np.random.default_rng(0)
    clock = image_clock()
    for index in range(300):
        stamp_s = START_S + index / 25
        jitter_s = float(rng.exponential(0.01)) * (index % 5 > 0)
        assert clock.time_s(stamp_s, stamp_s + lag_s + jitter_s) == stamp_s
    assert clock.offset_s == 0.0 and not clock.has_settled


OFFSETS = [-3600.0, -6.0, -4.9, -3.0, -1.0, -0.3, -0.2, 0.15, 0.3, 1.0, 3.0, 4.9, 6.0, 1e9]


@pytest.mark.parametrize("off_s", OFFSETS)
def test_the_first_image_decides(off_s):
    clock = image_clock()
    times = placed(clock, camera(), lambda _: off_s)
    np.testing.assert_allclose(times, [t for t, _ in camera()], atol=LAG_S + 1e-6)
    # It does not wander, so that there is no step in time.
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-6)
    assert clock.has_settled and clock.offset_s == pytest.approx(LAG_S - off_s)


@pytest.mark.parametrize("off_s", [-0.3, 0.3, -2.0, 2.0])
def test_an_image_that_was_late_at_the_start_is_put_right_by_the_next(off_s):
    clock = image_clock()
    events = camera()
    events[0] = (0.0, 0.03 + 0.5)
    events[1:] = [(t, max(a, 0.53)) for t, a in events[1:]]
    times = placed(clock, events, lambda _: off_s)
    np.testing.assert_allclose(times[30:], [t for t, _ in events[30:]], atol=LAG_S + 1e-6)


def test_one_late_image_is_late_and_no_offset():
    """The driver that is late at times, out of order at times, must stay untouched."""
    clock = image_clock()
    late_s = 0.15 * (np.arange(200) % 7 == 3)
    for index, extra_s in enumerate(late_s):
        stamp_s = START_S + index / 25 - 0.06 * (index % 11 == 5)
        assert clock.time_s(stamp_s, START_S + index / 25 + LAG_S + extra_s) == stamp_s
        assert clock.late_s == pytest.approx(START_S + index / 25 + LAG_S + extra_s - stamp_s)


@pytest.mark.parametrize("off_s", [0.0, -3.0])
@pytest.mark.parametrize("wrong_s", [0.3, -0.3, 2.0, -2.0, 3600.0])
def test_a_single_wrong_stamp_moves_no_other(off_s, wrong_s):
    clock = image_clock()
    times = placed(clock, camera(), lambda t: off_s + wrong_s * (3.98 < t < 4.02))
    right = np.array([t for t, _ in camera()])
    (wrong,) = np.nonzero(np.abs(times - right) > LAG_S + 1e-6)
    assert set(wrong) <= {100}


def microphone(seconds=SECONDS, chunk_s=0.032, burst=1):
    """(begin, arrival) of chunks that come ``burst`` at a time, when the last one has ended."""
    count = round(seconds / chunk_s) // burst * burst
    begin = [index * chunk_s for index in range(count)]
    return [
        (t, begin[index // burst * burst + burst - 1] + chunk_s + LAG_S)
        for index, t in enumerate(begin)
    ]


@pytest.mark.parametrize("burst", [1, 4, 10, 16])
def test_bursts_of_sound_are_no_offset(burst):
    clock = audio_clock()
    for t, arrival in microphone(burst=burst):
        assert clock.time_s(START_S + t, START_S + arrival, 0.032) == START_S + t


@pytest.mark.parametrize("off_s", OFFSETS)
@pytest.mark.parametrize("burst", [1, 10])
def test_sound_of_another_clock(off_s, burst):
    clock = audio_clock()
    events = microphone(burst=burst)
    times = placed(clock, events, lambda _: off_s, 0.032)
    # The first half second may be needed to tell an offset from a burst.
    settled = np.array([a for _, a in events]) > 1.2
    right = np.array([t for t, _ in events])
    np.testing.assert_allclose(times[settled], right[settled], atol=STEP)
    np.testing.assert_allclose(np.diff(times[settled]), 0.032, atol=1e-6)


STEP = 0.05 + LAG_S + 1e-6


@pytest.mark.parametrize("stream", ["image", "audio"])
@pytest.mark.parametrize("ppm", [100, -100])
def test_clocks_that_drift_apart_are_followed_in_small_steps(stream, ppm):
    clock = stream_clock(stream, 1.0)
    events = camera(3 * 3600, 2)
    times = placed(clock, events, lambda t: ppm * 1e-6 * t)
    right = np.array([t for t, _ in events])
    assert np.abs(times - right).max() < 0.131
    assert np.abs(np.diff(times) - 0.5).max() < 0.131
    # One step in ten minutes or so.
    assert (np.abs(np.diff(times) - 0.5) > 0.01).sum() < 25


@pytest.mark.parametrize("before_s", [0.0, -3.0, 0.4])
@pytest.mark.parametrize("after_s", [0.0, -0.4, -2.0, 1.5, -900.0])
@pytest.mark.parametrize("pause_s", [0.0, 3.0])
def test_a_camera_that_comes_back_with_another_clock(before_s, after_s, pause_s):
    clock = image_clock()
    events = [(t + pause_s * (t >= 4), a + pause_s * (t >= 4)) for t, a in camera()]
    times = placed(clock, events, lambda t: before_s if t < 4 else after_s)
    right = np.array([t for t, _ in events])
    wrong = np.abs(times - right) > LAG_S + 1e-6
    # After a pause at once; while images go on it takes half a second to tell from late ones.
    assert not wrong[:100].any() and not wrong[115:].any()
    if pause_s or after_s > before_s or before_s - after_s > 0.75:
        assert not wrong.any()


def test_stamps_that_stand_still_are_none():
    clock = image_clock()
    times = [clock.time_s(321.0, START_S + index / 25) for index in range(100)]
    assert times[10:] == [None] * 90
    times = [clock.time_s(330.0 + index / 25, START_S + 5 + index / 25) for index in range(100)]
    assert times[50] == pytest.approx(START_S + 5 + 50 / 25)


def test_an_image_published_twice_is_as_stamped():
    for later_s in (0.02, 0.2, 0.7):
        clock = image_clock()
        assert [clock.time_s(START_S, START_S + at) for at in (0.02, later_s)] == [START_S] * 2


def test_a_clock_of_arrival_that_jumps_back_needs_no_new_offset():
    clock = StreamClock(0.75, in_bursts=False)
    for begin_s in (1000.0, 200.0):
        times = [clock.time_s(begin_s + i / 25 - 3, begin_s + i / 25 + LAG_S) for i in range(50)]
        np.testing.assert_allclose(times, begin_s + np.arange(50) / 25, atol=LAG_S + 1e-6)


def audio_stamped(at, value=1000, chunk=512):
    data = TYPES.message_type("audio_common_msgs/msg/AudioData")(
        data=np.full(chunk, value, "<i2").view(np.uint8)
    )
    build = TYPES.message_type("audio_common_msgs/msg/AudioDataStamped")
    return build(header=convert.header(TYPES, at, "microphone"), audio=data)


def picture_at(t):
    """Grey; no two in a row are the same, as of a camera that lives."""
    return np.full((48, 64, 3), 180 + 20 * (round(30 * t) % 2), np.uint8)


def events_of(image_off, audio_off, burst=1, seconds=SECONDS):
    """(arrival, stream, message) in order of arrival; off: functions of time."""
    found = [
        (a, "image", an_image(START_S + t + image_off(t), rgb=picture_at(t)))
        for t, a in camera(seconds)
    ]
    found += [
        (a, "audio", audio_stamped(START_S + t + audio_off(t)))
        for t, a in microphone(seconds, burst=burst)
    ]
    return sorted(found, key=lambda event: event[0])


class Noting(ReactionSession):
    pushed: list

    def push_image(self, stamp_s, rgb):
        self.pushed.append(("image", stamp_s - START_S))
        super().push_image(stamp_s, rgb)

    def push_audio(self, stamp_s, samples, rate_hz):
        self.pushed.append(("audio", stamp_s - START_S))
        super().push_audio(stamp_s, samples, rate_hz)


def run(events):
    """The node's own logic with the real session, at 10 ms a tick."""
    config = small_config()
    session = Noting(config, engine_for(config), ReadingTracker())
    session.pushed = []
    node = faked_node(config, session, is_live=False)
    now = 0
    for arrival, stream, message in events:
        while now / 100 < arrival:
            node.server.tick(START_S + now / 100)
            now += 1
        node.server.receive(stream, message, START_S + arrival)
    stats = {**session.stats(), **node.server.meter.totals, **node.server.intake.offsets()}
    session.close()
    return session.pushed, stats


def still(_):
    return 0.0


def always(off_s):
    return lambda _: off_s


@pytest.fixture(scope="module")
def right():
    return run(events_of(still, still))


def test_with_right_stamps_everything_is_seen_and_heard(right):
    pushed, stats = right
    assert [t for kind, t in pushed if kind == "image"] == pytest.approx([t for t, _ in camera()])
    assert stats["face_seen"] > 0.95 and stats["voice_heard"] > 0.95 and not stats["resets"]
    assert stats["image_offset_s"] == stats["audio_offset_s"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image_off", "audio_off"),
    [
        (-0.3, 0),
        (-3, 0),
        (1, 0),
        (-1, 0),
        (-6, 0),
        (4.9, 0),
        (-3600, 0),
        (0, 2),
        (0, -3),
        (0, 1),
        (0, -0.9),
        (3, -3),
        (-2.5, -2.5),
        (-0.2, 0),
    ],
)
def test_the_same_is_seen_and_heard_as_with_right_stamps(right, caplog, image_off, audio_off):
    pushed, stats = run(events_of(always(image_off), always(audio_off)))
    expected, goal = right
    assert [kind for kind, _ in pushed] == [kind for kind, _ in expected]
    np.testing.assert_allclose([t for _, t in pushed], [t for _, t in expected], atol=STEP)
    assert stats["resets"] == 0
    for name in ("face_seen", "voice_heard"):
        assert stats[name] >= goal[name] - 0.03
    streams = ["image"] * bool(image_off) + ["audio"] * bool(audio_off)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(streams)
    for stream, text in zip(streams, sorted(said, reverse=True), strict=True):
        assert text.startswith(f"{stream} stamps lie ")
        assert stats[f"{stream}_offset_s"] != 0


@pytest.mark.slow
@pytest.mark.parametrize("burst", [1, 10])
def test_sound_that_is_a_little_late_is_heard_after_half_a_second(burst):
    _, goal = run(events_of(still, still, burst))
    _, stats = run(events_of(still, always(-0.4), burst))
    assert stats["resets"] == goal["resets"] == 0
    # Of 8 s.
    assert stats["voice_heard"] > goal["voice_heard"] - 0.12
    assert stats["face_seen"] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["image", "audio"])
@pytest.mark.parametrize("after_s", [-0.4, -3.0, 2.0, -1000.0])
def test_a_sender_that_starts_again_with_another_clock_restarts_nothing(stream, after_s):
    def off(t):
        return 0.0 if t < 4 else after_s

    events = events_of(off if stream == "image" else still, off if stream == "audio" else still)
    _, stats = run(events)
    assert stats["resets"] <= 1
    assert stats["face_seen"] > 0.88 and stats["voice_heard"] > 0.88


def test_offsets_are_in_the_diagnostics():
    node = faked_node()
    for index in range(120):
        at = START_S + index / 100
        node.server.receive("image", an_image(at - 2.0), at)
        node.server.tick(at)
    (message,) = node.transport.on("/diagnostics")
    values = {pair.key: float(pair.value) for pair in message.status[0].values}
    assert values["image_offset_s"] == pytest.approx(2.0) and values["audio_offset_s"] == 0


def one_a_round(round_s, seconds=12.0):
    """As rclpy's executor does: of each subscription one message a round, where 50 chunks of
    sound and one image wait."""
    sound, images, now_s = microphone(seconds), camera(seconds), 0.0
    found = []
    while now_s < seconds:
        now_s += round_s
        waiting = [event for event in sound if event[1] <= now_s]
        if waiting:
            t, _ = waiting[max(0, len(waiting) - 50)]
            sound = sound[sound.index((t, _)) + 1 :]
            found.append((now_s, "audio", audio_stamped(START_S + t)))
        seen = [event for event in images if event[1] <= now_s]
        if seen:
            images = images[len(seen) :]
            t = seen[-1][0]
            found.append((now_s, "image", an_image(START_S + t, rgb=picture_at(t))))
    return found


def test_sound_that_falls_behind_is_late_and_no_clock_that_jumped():
    _, stats = run(one_a_round(0.05))
    assert stats["resets"] == 0 and stats["audio_late"] > 50
    assert stats["face_seen"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("jump_s", [-60.0, -3.0, 60.0])
def test_a_clock_that_really_jumps_restarts_once(jump_s):
    """Of this machine, or simulated time in a bag that is played in a loop: stamps and arrival
    alike; messages may be on the way meanwhile."""
    for in_between in (0, 2):
        begin, goes_on = events_of(still, still, seconds=4), events_of(still, still, seconds=4)
        restarted = 4 + jump_s
        after = [
            (restarted + a, stream, moved(message, restarted)) for a, stream, message in goes_on
        ]
        on_the_way = [(after[0][0], stream, message) for _, stream, message in begin[:in_between]]
        session = small_session()
        node = faked_node(session.config, session, is_live=False)
        for arrival, stream, message in [*begin, *on_the_way, *after]:
            node.server.receive(stream, message, START_S + arrival)
            node.server.tick(START_S + arrival)
        stats = session.stats()
        session.close()
        assert stats["resets"] == (jump_s < 0)
        assert stats["face_seen"] > 0.8 and stats["voice_heard"] > 0.8


def small_session():
    config = small_config()
    return ReactionSession(config, engine_for(config), ReadingTracker())


def moved(message, by_s):
    stamp_s = convert.time_to_s(message.header.stamp) + by_s
    message.header = convert.header(TYPES, stamp_s, message.header.frame_id)
    return message


def test_an_offset_that_is_known_beforehand_is_there_from_the_first_message_on():
    lags = [START_S + a - (START_S + t - 0.3) - 0.032 for t, a in microphone(1.0, burst=10)]
    offset_s = first_offset_s(lags)
    assert offset_s == pytest.approx(0.3 + LAG_S)
    assert first_offset_s([]) == first_offset_s([0.4, 0.05, 0.1]) == 0.0
    clock = stream_clock("audio", 1.0, offset_s)
    times = placed(clock, microphone(burst=10), always(-0.3), 0.032)
    np.testing.assert_allclose(times, [t for t, _ in microphone(burst=10)], atol=LAG_S + 1e-6)


def test_a_message_without_a_stamp_of_use_ended_when_it_came():
    clock = audio_clock()
    assert clock.place(None, START_S, 0.5) == START_S - 0.5 and clock.added_s is None
    assert clock.place(0.0, START_S + 1, 0.5) == START_S + 0.5 and clock.added_s is None
    assert clock.place(START_S + 1.4, START_S + 2, 0.5) == START_S + 1.4 and clock.added_s == 0.0
    # Of a clock that is 100 s behind.
    assert clock.place(START_S - 97.4, START_S + 3, 0.5) == pytest.approx(START_S + 2.5)
    assert clock.added_s == clock.offset_s == pytest.approx(99.9)
