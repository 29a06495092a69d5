"""Frame mode: the window mode's numbers, one frame after the face that caused them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, faked_node, reaction
from rigs.session import ReadingTracker, W, joined, make_session, picture, run
from rigs.timeline import Rig, chunks, images, merged, sine

from reactface_node.config import Config, PlayoutConfig
from reactface_node.engine.engine import frames_at_once
from reactface_node.errors import UserError
from reactface_node.ros.node.topics import REACTION
from reactface_node.session.playout import Playout
from reactface_node.session.session import ReactionSession

FRAME_S = 0.04


def frame_session(**changes):
    config = small_config(**{"playout__samples": 2, "mode": "frame", **changes})
    return ReactionSession(config, engine_for(config), ReadingTracker())


def test_the_numbers_are_those_of_window_mode():
    windows, frames = joined(run(make_session()), "samples"), run(frame_session())
    assert len(frames) >= 75 and all(len(reaction.face) == 1 for reaction in frames)
    single = joined(frames, "samples")[:, : windows.shape[1]]
    np.testing.assert_allclose(single, windows, atol=2e-5)
    places = [(reaction.window_index, reaction.first_frame) for reaction in frames]
    assert places == [divmod(index, W) for index in range(len(frames))]


def test_a_frame_is_shown_soon_after_the_speakers_own():
    reactions = run(frame_session())[:74]
    for index, frame in enumerate(reactions):
        end_s = 100.0 + (index + 1) * FRAME_S
        np.testing.assert_allclose(frame.show_at_s, [end_s + 0.06], atol=1e-6)


def test_what_changes_at_frame_i_shows_at_frame_i():
    def other(index):
        return picture(index) if index < 40 else picture(index)[::-1].copy()

    first, second = (joined(run(frame_session(), image=image)) for image in (picture, other))
    assert np.array_equal(first[:40], second[:40])
    assert not np.array_equal(first[40], second[40])


def test_audio_in_large_chunks_delays_the_frames_and_loses_none():
    shown = run_late(frame_session(), chunk=1600)  # 0.1 s at once
    times_s = np.concatenate([reaction.show_at_s for reaction in shown])
    assert len(times_s) >= 72
    # Once the delay is known, one every 40 ms, and all of them still to come when they close.
    np.testing.assert_allclose(np.diff(times_s[25:]), FRAME_S, atol=1e-6)
    assert np.diff(times_s).min() > 0.034


def test_the_delay_goes_back_when_the_sound_comes_in_time_again():
    shown = run_late(frame_session(), chunk=1600, seconds=3.0, then=320, more_s=8.0)
    delays = [r.show_at_s[0] - 100.0 - (i + 1) * FRAME_S for i, r in enumerate(shown)]
    assert max(delays[10:70]) > 0.08 and delays[-1] == pytest.approx(0.06, abs=1e-6)


def run_late(session, chunk, seconds=3.0, then=0, more_s=0.0, start_s=100.0):
    """A chunk arrives when its last sample has been spoken; polled every 5 ms."""
    total = int((seconds + more_s) * 16000)
    sound = 0.1 * np.random.default_rng(1).standard_normal(total).astype(np.float32)
    events = [(start_s + i * FRAME_S, i) for i in range(round((seconds + more_s) * 25))]
    bounds = [*range(0, int(seconds * 16000), chunk), int(seconds * 16000)]
    bounds += list(range(bounds[-1] + then, total + 1, then)) if then else []
    for first, last in pairwise(bounds):
        events.append((start_s + last / 16000, sound[first:last]))
    events.sort(key=lambda event: event[0])
    reactions, now_s = [], start_s
    for stamp_s, item in events:
        while now_s < stamp_s:
            reactions += session.poll(now_s)
            now_s += 0.005
        if isinstance(item, int):
            session.push_image(stamp_s, picture(item))
        else:
            session.push_audio(stamp_s - len(item) / 16000, item, 16000)
    return reactions + session.poll(now_s)


def test_a_switch_cross_fades_over_as_many_frames_as_in_window_mode():
    config = PlayoutConfig(samples=2, blinks_per_min=0.0, idle_gain=0.0)
    raw = np.random.default_rng(0).random((2, 3 * W, 58)).astype(np.float32)
    shown = []
    for frames in (W, 1):
        playout, there = Playout(config, W), np.ones(frames, bool)
        faces = [
            playout.finish(
                index,
                raw[:, index * frames : (index + 1) * frames],
                there,
                replace(config, play=int(index * frames >= W)),
            )[1]
            for index in range(3 * W // frames)
        ]
        shown.append(np.concatenate(faces))
    np.testing.assert_allclose(shown[0], shown[1], atol=1e-6)
    assert np.abs(shown[0][W - 1] - shown[0][2 * W - 1]).max() > 0.1


def test_a_frame_closes_with_its_audio_not_with_the_next_image():
    rig = Rig(w=1, eager=True)
    windows = rig.play(merged(images(25, 1.0), chunks(sine(16000, 1.0), 16000, 320)))
    assert [window.frames[0] for window in windows] == pytest.approx(np.arange(25) / 25)
    lazy = Rig(w=1)
    assert len(lazy.play(merged(images(25, 1.0), chunks(sine(16000, 1.0), 16000, 320)))) == 24


@pytest.mark.parametrize(
    ("profile", "changes", "why"),
    [
        ("paper", {}, "hears whole windows"),
        ("official", {}, "hears whole windows"),
        ("default", {"model.sync_history_s": 0.0}, "sync_history_s"),
    ],
)
def test_what_cannot_go_frame_by_frame_says_so(profile, changes, why):
    with pytest.raises(UserError, match=why):
        frames_at_once(Config.load(profile, overrides={"mode": "frame", **changes}))


def test_the_reaction_topic_still_carries_whole_windows():
    node = faked_node(Config().replace(mode="frame"))
    whole = reaction(START_S + 0.06)
    frames = [
        replace(
            whole,
            first_frame=index,
            show_at_s=whole.show_at_s[index : index + 1],
            samples=whole.samples[:, index : index + 1],
            face=whole.face[index : index + 1],
        )
        for index in range(W)
    ]
    late = [replace(frame, window_index=1) for frame in frames[2:]]
    for frame in [*frames[:-1], *late, *(replace(f, window_index=2) for f in frames)]:
        node.session.reactions = [frame]
        node.server.tick(START_S)
    messages = node.transport.on(REACTION)
    # Of the first window the last frame never came, and the second's first two did not.
    assert [(m.window_index, m.num_frames) for m in messages] == [(2, W)]
    shown = np.reshape(messages[0].samples, whole.samples.shape)
    np.testing.assert_array_equal(shown, whole.samples)
