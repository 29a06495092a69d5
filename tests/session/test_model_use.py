"""Decisions for windows: run the model, skip it, or show idle motion, and the faces shown then."""

from dataclasses import replace

import numpy as np
import pytest
from rigs.batch import alone
from rigs.model_inputs import engine_for, small_config, small_model
from rigs.noting import NotingStepper, noting_session
from rigs.server import START_S, faked_node, reaction
from rigs.session import ReadingTracker, W, joined, picture, run
from rigs.voices import NoSpeech

from reactface_node.config import Config
from reactface_node.engine.guarded import GuardedStepper
from reactface_node.ros.node.topics import REACTION
from reactface_node.session.batch import SessionBatch
from reactface_node.session.model_use import IDLE_S
from reactface_node.session.session import ReactionSession

IDLE_WINDOWS = round(IDLE_S * 25)


def push(session, index, image=picture, voice=0.1, start_s=100.0):
    stamp_s = start_s + index / 25
    session.push_image(stamp_s, image(index))
    session.push_audio(stamp_s, np.full(640, voice, np.float32), 16000)


def raw_of(session):
    """Notes what the model said of each frame that is shown; None if it was not asked."""
    said, finish = [], session._maker._playout.finish

    def noted(index, raw, *rest):
        said.append(None if raw is None else round(float(raw[0, 0, 0]) * 100))
        return finish(index, raw, *rest)

    session._maker._playout.finish = noted
    return said


def labels(reactions):
    return [(one.window_index, one.first_frame) for one in reactions]


@pytest.mark.slow
@pytest.mark.parametrize("stall", [0.2, 0.31, 0.45, 1.0, 1.234, 7.0])
@pytest.mark.parametrize("at", [8, 11, 15])
def test_after_a_late_frame_the_models_windows_are_still_those_of_the_labels(at, stall):
    """Nothing is polled for a while, as by a stalled process; what came meanwhile is late."""
    session = noting_session()
    said, reactions, until = raw_of(session), [], at + round(stall * 25)
    for index in range(at + round(stall * 25) + 40):
        push(session, index)
        if not at <= index < until:
            reactions += session.poll(100.0 + index / 25)
    assert len(said) == len(reactions)
    for raw, (_, place) in zip(said, labels(reactions), strict=True):
        assert raw == place
    shown = labels(reactions)
    windows = {}
    for number, place in shown:
        windows.setdefault(number, []).append(place)
    # Each window is shown from its first frame on, and none again after one was left out.
    assert all(places == list(range(len(places))) for places in windows.values())
    assert labels(reactions)[-1] == divmod(until + 39, W)
    assert session.stats()["windows_skipped"] == until + 40 - len(shown)


def test_a_model_that_is_too_slow_leaves_whole_windows_out_and_keeps_its_place():
    """Each step takes 1.5 frames: the time goes on meanwhile."""
    clock = [100.0]

    def during():
        clock[0] += 0.06

    stepper = NotingStepper(during)
    session = noting_session(stepper=stepper)
    said, reactions, index = raw_of(session), [], 0
    while clock[0] < 130.0:
        while 100.0 + index / 25 <= clock[0]:
            push(session, index)
            index += 1
        before = len(reactions)
        reactions += session.poll(clock[0], wait=False)
        if len(reactions) == before:
            clock[0] += 0.005
    assert said == [place for _, place in labels(reactions)]
    assert session.stats()["windows_skipped"] > 100 and len(reactions) > 350
    assert stepper.places == [place % W for place in range(len(stepper.places))]


def test_a_hole_in_time_leaves_the_rest_of_its_window_out():
    session = noting_session()
    said, reactions = raw_of(session), []
    for index in range(100):
        moment = index if index < 30 else index + 1003  # 40 s later
        push(session, moment)
        reactions += session.poll(100.0 + moment / 25)
    after = [label for label in labels(reactions) if label[0] > 100]
    assert after[0][1] == 0 and len(after) > 40
    ran = [(raw, place) for raw, (_, place) in zip(said, labels(reactions), strict=True)]
    assert all(raw in (None, place) for raw, place in ran)
    assert [raw for raw, _ in ran[-20:]] == [place for _, place in ran[-20:]]


def test_a_window_that_is_spared_is_spared_whole():
    """The level changes in the middle of windows."""
    session = noting_session()
    said, reactions = raw_of(session), []
    for index in range(200):
        if index % 11 == 4:
            session.shed(4 if index % 2 else 0)
        push(session, index)
        reactions += session.poll(100.0 + index / 25)
    for number in range(len(said) // W):
        one = said[number * W : (number + 1) * W]
        assert one in ([None] * W, list(range(W)))
    assert session.stats()["windows_spared"] > 20


def nobody_image(_):
    return np.zeros((6, 8, 3), np.uint8)


def scene(session, plan, mode="frame", start_s=100.0):
    """plan: (seconds, image, voice). All reactions; polled at each frame."""
    reactions, index = [], 0
    for seconds, image, voice in plan:
        for _ in range(round(seconds * 25)):
            push(session, index, image, voice, start_s)
            reactions += session.poll(start_s + index / 25)
            index += 1
    return reactions + session.poll(start_s + index / 25 + 0.2)


THERE, GONE = (3.2, picture, 0.1), (12.8, nobody_image, 1e-4)


@pytest.mark.parametrize("mode", ["frame", "window"])
def test_the_model_does_not_run_without_a_speaker_and_starts_anew_with_one(mode):
    stepper = NotingStepper()
    session = noting_session(mode, stepper)
    reactions = scene(session, [THERE, GONE, THERE])
    stats = session.stats()
    frames = 1 if mode == "frame" else W
    # Five seconds after the last frame with somebody the next whole window is idle.
    begins = -(-(80 + IDLE_WINDOWS) // W)
    ends = 400 // W + 1
    assert stats["windows_idle"] * frames == (ends - begins) * W
    assert len(stepper.places) * frames == len(reactions) * frames - (ends - begins) * W
    assert len(stepper.begun) == 2
    np.testing.assert_array_equal(*stepper.begun)  # the same listener
    assert joined(reactions).shape[0] == len(reactions) * frames


@pytest.mark.slow
def test_the_same_windows_are_idle_live_and_in_a_replay_and_frame_by_frame():
    plan = [THERE, GONE, THERE, GONE, (3.2, nobody_image, 0.1), GONE]
    used = {}
    for mode in ("frame", "window"):
        stepper = NotingStepper()
        session = noting_session(mode, stepper, playout__playout_delay_s=0.06)
        scene(session, plan)
        used[mode] = len(stepper.places) * (1 if mode == "frame" else W), len(stepper.begun)
    assert used["frame"] == used["window"] and used["frame"][1] == 3
    first, again = (joined(scene(noting_session(), plan)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("mode", ["frame", "window"])
def test_a_face_that_is_idle_lives_and_does_not_jump(mode):
    calm = {"playout__blinks_per_min": 0.0, "playout__gaze_gain": 0.0}
    face = joined(scene(noting_session(mode, **calm), [THERE, GONE, THERE]))
    steps = np.abs(np.diff(face, axis=0)).max(axis=1)
    usual = steps[:70].max()
    assert steps.max() < max(1.5 * usual, 0.06)
    idle = np.diff(face[240:390, 52:55], axis=0)
    assert np.abs(idle).max(axis=1).min() > 0


@pytest.mark.parametrize("who", ["face", "voice"])
def test_a_face_or_a_voice_alone_keeps_the_model_running(who):
    def speech(index):
        return 0.1 if index % 50 < 25 else 1e-4

    session = noting_session()
    for index in range(400):
        image = picture if who == "face" else nobody_image
        push(session, index, image, 1e-4 if who == "face" else speech(index))
        session.poll(100.0 + index / 25)
    assert session.stats()["windows_idle"] == 0


def test_sound_that_is_no_speech_keeps_nobody_there():
    """By loudness it is taken for a voice."""
    plan = [(12.8, nobody_image, 0.1)]
    by_loudness, session = noting_session(), noting_session(speech=NoSpeech())
    scene(by_loudness, plan)
    scene(session, plan)
    assert by_loudness.stats()["windows_idle"] == 0
    assert by_loudness.stats()["speech_heard"] == pytest.approx(1.0, abs=0.01)
    # The first idle window begins up to one window after five seconds.
    assert 320 - IDLE_WINDOWS - W <= session.stats()["windows_idle"] <= 320 - IDLE_WINDOWS
    assert session.stats()["speech_heard"] == 0.0 and session.stats()["voice_heard"] > 0.99


def test_without_any_input_the_model_rests_after_five_seconds():
    stepper = NotingStepper()
    session = noting_session(stepper=stepper)
    shown = [one for tick in range(6000) for one in session.poll(100.0 + tick / 100)]
    assert IDLE_WINDOWS <= len(stepper.places) < IDLE_WINDOWS + W
    assert session.stats()["windows_idle"] == len(shown) - len(stepper.places)


@pytest.mark.slow
def test_a_real_model_reacts_again_as_one_that_begins():
    """After it was idle: a new state of the same listener, with numbers of its own."""
    config = small_config(mode="frame")
    session = ReactionSession(config, engine_for(config), ReadingTracker())
    face = joined(scene(session, [THERE, GONE, THERE]))
    assert np.isfinite(face).all()
    assert np.abs(face[-40:, :52]).max() > 0.02


def test_an_absent_speaker_of_a_batch_changes_nothing_for_the_others():
    config = small_config(playout__samples=2, model__disposition=3)
    model = small_model(config)
    batch = SessionBatch(config, model, [ReadingTracker(), ReadingTracker()])
    plans = [[(0.96, picture, 0.1), (7.68, nobody_image, 0.0), (1.28, picture, 0.1)]]
    plans.append([(sum(part[0] for part in plans[0]), picture, 0.1)])
    streams = [
        [
            (100.0 + index / 25, image(index), np.full(640, voice, np.float32))
            for index, (image, voice) in enumerate(
                (image, voice) for seconds, image, voice in plan for _ in range(round(seconds * 25))
            )
        ]
        for plan in plans
    ]
    shown = [[], []]
    for events in zip(*streams, strict=True):
        for one, event in zip(batch.sessions, events, strict=True):
            one.push_image(*event[:2])
            one.push_audio(event[0], event[2], 16000)
        for kept, new in zip(shown, batch.poll(events[0][0]), strict=True):
            kept += new
    for found, stream in zip(shown, streams, strict=True):
        expected = alone(config, model, ReadingTracker(), stream)
        np.testing.assert_allclose(joined(found, "samples"), expected, atol=1e-5)
    idle = [one.stats()["windows_idle"] for one in batch.sessions]
    assert idle[0] > 5 and idle[1] == 0


def frames_of(number, places, whole):
    return [
        replace(
            whole,
            window_index=number,
            first_frame=place,
            show_at_s=whole.show_at_s[place : place + 1],
            samples=whole.samples[:, place : place + 1],
            face=whole.face[place : place + 1],
        )
        for place in places
    ]


@pytest.mark.parametrize(
    ("given", "published"),
    [
        ([(0, range(8)), (1, range(8))], [0, 1]),
        ([(0, range(5)), (1, range(5, 8))], []),
        ([(0, range(5)), (0, range(5, 8))], [0]),
        ([(0, range(5)), (0, range(6, 8)), (1, range(8))], [1]),
        ([(0, [0, 1, 2, 4, 5, 6, 7]), (2, range(8))], [2]),
        ([(0, range(3, 8)), (1, range(3)), (2, range(3, 8)), (3, range(8))], [3]),
        ([(0, range(3)), (0, range(8))], [0]),  # after a reset
    ],
)
def test_the_reaction_topic_has_whole_windows_alone(given, published):
    node, whole = faked_node(Config().replace(mode="frame")), reaction(START_S + 0.06)
    for number, places in given:
        for one in frames_of(number, places, whole):
            node.session.reactions = [one]
            node.server.tick(START_S)
    messages = node.transport.on(REACTION)
    assert [message.window_index for message in messages] == published
    for message in messages:
        assert message.num_frames == W
        np.testing.assert_array_equal(
            np.reshape(message.samples, whole.samples.shape), whole.samples
        )


def test_a_gpu_that_is_lost_within_a_window_leaves_the_model_at_its_place():
    class Failing(NotingStepper):
        def step(self, speaker, noise):
            if len(self.places) == 13:
                raise RuntimeError("CUDA error: unspecified launch failure")
            return super().step(speaker, noise)

    made = [Failing(), NotingStepper()]
    stepper = GuardedStepper(
        Config().replace(device="cuda", on_device_failure="cpu"),
        lambda config: made[config.device == "cpu"],
    )
    session = noting_session(stepper=stepper)
    said, reactions = raw_of(session), []
    for index in range(40):
        push(session, index)
        reactions += session.poll(100.0 + index / 25)
    assert said == [place for _, place in labels(reactions)] and len(said) == 40
    # Frames 8 to 12 once more, with the same noise.
    assert made[1].first_values[:5] == made[0].first_values[8:]
    assert all(np.array_equal(one, made[0].noise[8]) for one in made[1].noise[:8])


def test_a_session_that_is_always_attended_is_the_same_as_ever():
    assert run(noting_session("window"))[-1].window_index == 8


def test_a_session_tells_that_nobody_is_there():
    def black(_):
        return np.zeros((6, 8, 3), np.uint8)

    session, idle = noting_session(), []
    for index in range(IDLE_WINDOWS + 3 * W):
        push(session, index, image=black if index < IDLE_WINDOWS + W else picture, voice=0.0)
        session.poll(100.0 + index / 25)
        idle.append(session.is_idle)
    assert not any(idle[: IDLE_WINDOWS - W]) and idle[IDLE_WINDOWS + W - 2] and not idle[-1]
