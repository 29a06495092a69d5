"""The session, with small seeded models and a tracker that reads coefficients from pixels."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.chance import drawn_noise
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker, W, joined, make_session, picture, run

from reactface_node.engine.chance import dispositions
from reactface_node.errors import UserError
from reactface_node.model.records import SpeakerInput
from reactface_node.schema import indices_of
from reactface_node.session.session import ReactionSession


def test_a_replay_is_bit_for_bit_the_same_whatever_the_chunks():
    first = run(make_session())
    again = run(make_session())
    finer = run(make_session(), chunk=64)
    assert len(first) == 9
    assert np.array_equal(joined(first, "samples"), joined(again, "samples"))
    assert np.array_equal(joined(first, "samples"), joined(finer, "samples"))
    other = run(make_session(playout__seed=1))
    assert not np.array_equal(joined(first), joined(other))


def test_the_session_equals_the_models_offline_forward():
    session = make_session()
    pushed = []
    session._maker._playout.finish = lambda index, raw, *rest: (
        pushed.append(raw) or raw,
        raw[0],
    )
    run(session)
    audio = 0.1 * np.random.default_rng(1).standard_normal(48000)
    frames = len(pushed) * W
    face = np.stack([picture(i).reshape(-1)[:58] for i in range(frames)]) / np.float32(255)
    model = session._engine._stepper._model
    who = dispositions(0, 2, model.config.disposition)
    noise = drawn_noise(0, 2, model.noise_width, face, audio)
    state = model.initial_state(1, 2, torch.from_numpy(who[None]))
    speaker = SpeakerInput(
        torch.from_numpy(face.astype(np.float32))[None],
        torch.ones(1, frames, 58, dtype=torch.bool),
        torch.from_numpy(audio[: frames * 640].astype(np.float32))[None],
        torch.ones(1, frames, dtype=torch.bool),
    )
    with torch.inference_mode():
        offline = model(speaker, torch.from_numpy(noise)[None], state)[0].listener[0]
    np.testing.assert_allclose(np.concatenate(pushed, axis=1), offline.numpy(), atol=1e-5)


def test_sample_m_is_the_same_however_many_are_drawn():
    alone = run(make_session(playout__samples=1))
    many = run(make_session(playout__samples=3))
    np.testing.assert_allclose(joined(alone, "samples")[0], joined(many, "samples")[0], atol=1e-5)


def test_frames_are_stamped_after_their_window():
    reactions = run(make_session())
    for index, reaction in enumerate(reactions):
        assert reaction.window_index == index
        start = 100.0 + (index + 1) * 0.32 + 0.06
        np.testing.assert_allclose(reaction.show_at_s, start + np.arange(W) / 25, atol=1e-6)
        assert reaction.samples.shape == (2, W, 58) and reaction.face.shape == (W, 58)
        assert np.array_equal(reaction.face, reaction.samples[0])


def test_without_any_input_there_is_idle_motion_and_nothing_else():
    session = make_session()
    reactions = [r for now in np.arange(0, 60, 0.04) for r in session.poll(5.0 + now)]
    face = joined(reactions)
    assert len(reactions) >= 180
    assert face[:, indices_of("mouthSmile", "jawOpen", "browDown")].max() == 0
    assert face[:, 52:].std(axis=0)[:3].min() > 1e-3  # alive
    assert np.abs(np.diff(face[:, 52:55], axis=0)).max() < 0.01  # and calm
    assert face[:, indices_of("eyeBlink")].max() > 0.9


def test_the_reaction_fades_to_idle_when_the_speaker_leaves_and_never_jumps():
    def leaves(index):
        return picture(0) if index < 50 else np.zeros((6, 8, 3), np.uint8)

    session = make_session(playout__idle_gain=0.0, playout__blinks_per_min=0.0)
    reactions = run(session, 6.0, image=leaves, voice=0)
    face = joined(reactions)
    assert np.abs(face[25:45]).max() > 0.05
    assert np.abs(face[80:]).max() == 0
    assert reactions[0].face_seen == 1 and reactions[-1].face_seen == 0


def test_a_session_says_how_reliable_the_newest_face_is_and_discounts_it():
    class Unsure(ReadingTracker):
        share, words = 1.0, ()

        def track(self, stamp_s, rgb):
            shares = np.full(58, self.share, np.float32)
            return replace(super().track(stamp_s, rgb), reliability=shares, doubts=self.words)

    def reactions_of(share, words):
        config = small_config(**{"playout__samples": 2})
        tracker = Unsure()
        tracker.share, tracker.words = share, words
        session = ReactionSession(config, engine_for(config), tracker)
        assert session.doubts == () and session.stats()["face_reliability"] == 0.0
        made = run(session, 1.0, voice=0)
        assert session.doubts == words
        assert session.stats()["face_reliability"] == pytest.approx(share)
        session.reset()
        assert session.doubts == ()
        return made

    sure, unsure = reactions_of(1.0, ()), reactions_of(0.25, ("dark",))
    plain = run(make_session(), 1.0, voice=0)
    assert np.array_equal(joined(sure, "samples"), joined(plain, "samples"))
    assert not np.array_equal(joined(unsure, "samples"), joined(plain, "samples"))
    # It is shown as it was seen.
    assert np.array_equal(unsure[-1].speaker, plain[-1].speaker)


@pytest.mark.parametrize("missing", ["face", "voice"])
def test_face_alone_and_voice_alone_both_make_reactions(missing):
    def none(_):
        return np.zeros((6, 8, 3), np.uint8)

    session = make_session(playout__idle_gain=0.0, playout__blinks_per_min=0.0)
    given = {"image": none} if missing == "face" else {"voice": 0}
    reactions = run(session, **given)
    assert np.abs(joined(reactions)[25:]).max() > 0.02
    assert reactions[3].face_seen == (missing != "face")
    assert reactions[3].voice_heard == (missing != "voice")


@pytest.mark.parametrize("mode", ["window", "frame"])
@pytest.mark.parametrize("camera_hz", [25.0, 30.0, 50.0])
def test_images_that_are_not_tracked_need_no_pixels(mode, camera_hz):
    """At half the rate of tracking, a session without them gives the same numbers."""

    def reactions_of(leaves_out):
        session = make_session(mode=mode, perception__rate_hz=12.5, model__sync_history_s=1.0)
        made, read, sound = [], 0, np.zeros(round(16000 / camera_hz), np.float32)
        for index in range(round(4 * camera_hz)):
            stamp_s = 100.0 + index / camera_hz
            needs = session.needs_image(stamp_s)
            read += needs
            session.push_image(stamp_s, picture(index) if needs or not leaves_out else None)
            session.push_audio(stamp_s, sound, 16000)
            made += session.poll(stamp_s)
        made += session.poll(105.0)
        session.close()
        return joined(made, "samples"), read, session._tracker._tracker.tracked

    found, read, tracked = reactions_of(True)
    expected, _, tracked_before = reactions_of(False)
    np.testing.assert_array_equal(found, expected)
    assert tracked == tracked_before and tracked <= read <= 2 * tracked < 4 * camera_hz + 2


def test_the_tracker_hears_the_microphone_but_not_the_robots_own_turn():
    session, heard = make_session(), []

    def hear(stamp_s, mono, rate_hz):
        heard.append((stamp_s, mono, rate_hz))

    session._tracker.hear = hear
    sound = np.random.default_rng(0).normal(0.0, 0.1, (9600, 2)).astype(np.float32)
    for index, first in enumerate(range(0, 9600, 960)):
        if index == 5:
            session.push_speaking(100.0 + first / 48000, True)
        session.push_audio(100.0 + first / 48000, sound[first : first + 960], 48000)
    np.testing.assert_allclose([stamp_s for stamp_s, *_ in heard], 100.0 + 0.02 * np.arange(5))
    mono = np.concatenate([mono for _, mono, _ in heard])
    np.testing.assert_allclose(mono, sound[:4800].mean(axis=1), atol=1e-6)
    assert {rate_hz for *_, rate_hz in heard} == {48000}


def test_switching_the_sample_crossfades_over_one_window():
    session = make_session()
    first = run(session, 1.6)
    session.configure({"playout.play": 1})
    reactions = first + run(session, 1.6, start_s=101.6)
    switched = next(r for r in reactions if r.played == 1)
    assert np.array_equal(switched.face[-1], switched.samples[1, -1])
    share = 1 / W
    expected = (1 - share) * switched.samples[0, 0] + share * switched.samples[1, 0]
    np.testing.assert_allclose(switched.face[0], expected, atol=1e-6)


def test_gain_scales_the_expression_live():
    quiet = make_session(playout__gain=0.0, playout__idle_gain=0.0, playout__blinks_per_min=0.0)
    assert joined(run(quiet))[:, :52].max() == 0
    quiet.configure({"playout.gain": 1.0})
    assert joined(run(quiet, start_s=103.0))[:, :52].max() > 0
    with pytest.raises(UserError, match="cannot change while running"):
        quiet.configure({"playout.samples": 3})
    with pytest.raises(UserError, match="within"):
        quiet.configure({"playout.gain": 99.0})
    with pytest.raises(UserError, match=r"playout\.samples is 2"):
        quiet.configure({"playout.play": 2})
    assert quiet.config.playout.play == 0


def test_a_clock_that_jumps_back_starts_the_session_again_and_says_so(caplog):
    session = make_session()
    first = run(session, 2.0)
    with caplog.at_level(logging.WARNING):
        second = run(session, 2.0, start_s=50.0)
    assert "jumped back" in caplog.text
    assert second[0].window_index == 0
    assert np.array_equal(joined(first[:6]), joined(second[:6]))
    assert session.stats()["resets"] == 1


def test_windows_that_are_too_late_to_show_are_skipped_and_counted():
    session = make_session()
    for index in range(50):
        session.push_image(index / 25, picture(index))
        session.push_audio(index / 25, np.full(640, 0.01, np.float32), 16000)
    reactions = session.poll(2.0)
    assert session.stats()["windows_skipped"] == 5
    assert [reaction.window_index for reaction in reactions] == [5]


def test_bad_input_is_a_value_error_and_leaves_the_session_running():
    session = make_session()
    for image in [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))]:
        with pytest.raises(ValueError, match="an image is"):
            session.push_image(0.0, image)
    with pytest.raises(ValueError, match="Hz"):
        session.push_audio(0.0, np.zeros(16), 0)
    assert len(run(session)) == 9


def test_no_weights_is_an_error_that_says_how_to_get_some():
    with pytest.raises(UserError, match=r"no weights 'none\.safetensors'.*reactface train"):
        ReactionSession.load(small_config(weights="none.safetensors"))


@pytest.mark.parametrize("given", ["nothing", "face", "voice"])
def test_a_missing_stream_makes_no_frame_late(given):
    session = make_session()
    late = []
    for tick in range(500):
        now_s = 10.0 + tick / 100
        if given == "face" and tick % 4 == 0:
            session.push_image(now_s, picture(tick))
        if given == "voice" and tick % 2 == 0:
            session.push_audio(now_s - 0.02, np.full(320, 0.05, np.float32), 16000)
        late += [r.show_at_s[0] - now_s for r in session.poll(now_s)]
    # The first window cannot know yet that a stream will never come.
    assert len(late) >= 14 and min(late[1:]) > 0.01
