"""From a bag or a video file to a bag of reactions and an mp4, written atomically."""

from functools import partial

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.paths import ROOT
from rigs.replay_inputs import START_S, picture, write_inputs
from rigs.session import ReadingTracker

from reactface_node.errors import UserError
from reactface_node.media.video import AudioInput, ImageInput, VideoWriter, read_video
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow


def config_for(**changes):
    small = {"render__width": 64, "render__height": 64, "playout__samples": 2}
    return small_config(**{**small, **changes})


def session_for(config):
    return ReactionSession(config, engine_for(config), ReadingTracker())


def read_faces(path):
    with BagReader(path) as bag:
        faces = [m for m in bag.messages(["/reactface/blendshapes"])]
    return faces


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_in_a_bag_and_a_video_out(tmp_path, storage):
    source = write_inputs(tmp_path / "in", storage)
    config = config_for()
    stats = replay(
        config, source, tmp_path / "out", tmp_path / "out.mp4", lambda: session_for(config)
    )
    assert stats["windows_reacted"] >= 6 and stats["face_seen"] > 0.7
    with BagReader(tmp_path / "out") as bag:
        counts = {topic.name: topic.count for topic in bag.topics}
    frames = counts["/reactface/blendshapes"]
    assert frames >= 45
    assert counts["/reactface/coefficients"] == counts["/reactface/image/compressed"] == frames
    assert counts["/reactface/reaction"] >= 6 and counts["/diagnostics"] >= 1
    faces = read_faces(tmp_path / "out")
    stamps = [convert.stamp_of(m.message) for m in faces]
    # At the recording's end a window waits for what never comes, and its first frames are late.
    np.testing.assert_allclose(np.diff(stamps[:40]), 0.04, atol=1e-6)
    assert stamps[0] == pytest.approx(START_S + 0.32 + 0.06, abs=1e-6)
    assert all(m.stamp_s >= stamp for m, stamp in zip(faces, stamps, strict=True))

    inputs = list(read_video(tmp_path / "out.mp4"))
    images = [item.rgb for item in inputs if isinstance(item, ImageInput)]
    # The mp4 keeps time: a frame that was late is a picture that stood still.
    assert len(images) == round((stamps[-1] - stamps[0]) * 25) + 1
    assert images[0].shape == (64, 148, 3)
    heard = np.concatenate([i.samples[:, 0] for i in inputs if isinstance(i, AudioInput)])
    assert 0.15 < np.abs(heard).max() < 0.4


def test_a_replay_holds_the_outputs_that_are_asked_for(tmp_path):
    source = write_inputs(tmp_path / "in")
    asked = {f"outputs__{name}": True for name in ("expression", "facs", "joint_states")}
    motors = ROOT / "config" / "motors_example.yaml"
    config = config_for(**asked, outputs__motor_map=str(motors))
    replay(config, source, tmp_path / "out", None, lambda: session_for(config))
    with BagReader(tmp_path / "out") as bag:
        counts = {topic.name: topic.count for topic in bag.topics}
        states = list(bag.messages(["/reactface/joint_states"]))
        shown = list(bag.messages(["/reactface/blendshapes"]))
    frames = counts["/reactface/blendshapes"]
    for name in ("expression", "facs", "joint_states", "motors", "joint_trajectory"):
        assert counts[f"/reactface/{name}"] == frames > 40
    for state, face in zip(states, shown, strict=True):
        assert state.message.name[:52] == face.message.names
        np.testing.assert_allclose(state.message.position[:52], face.message.weights, atol=1e-6)
        assert convert.stamp_of(state.message) == convert.stamp_of(face.message)


def test_a_replay_with_the_same_seed_is_the_same_bit_for_bit(tmp_path):
    source = write_inputs(tmp_path / "in")
    weights = []
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        config = config_for(playout__seed=seed, render__renderer="none")
        replay(config, source, tmp_path / name, None, partial(session_for, config))
        weights.append(np.stack([m.message.weights for m in read_faces(tmp_path / name)]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_bad_messages_are_counted_and_passed_over(tmp_path):
    source = write_inputs(tmp_path / "in", broken=range(10, 20))
    config = config_for(render__renderer="none")
    stats = replay(config, source, tmp_path / "out", None, lambda: session_for(config))
    assert stats["rejected"] == 10
    assert stats["windows_reacted"] >= 6


def test_a_video_file_with_sound(tmp_path):
    with VideoWriter(tmp_path / "talk.mp4", 64, 48) as video:
        for index in range(50):
            video.write_image(picture(index))
            video.write_audio(index / 25, np.full(640, 0.1, np.float32), 16000)
    config = config_for(render__renderer="none")
    stats = replay(
        config, tmp_path / "talk.mp4", tmp_path / "out", None, lambda: session_for(config)
    )
    assert stats["windows_reacted"] >= 6
    assert stats["face_seen"] > 0.7 and stats["voice_heard"] > 0.7


def test_interrupted_leaves_nothing(tmp_path):
    source = write_inputs(tmp_path / "in")
    config = config_for()
    session = session_for(config)
    polls, poll_ahead = iter(range(100)), session.poll_ahead

    def interrupt(now_s):
        if next(polls) == 50:
            raise KeyboardInterrupt
        return poll_ahead(now_s)

    session.poll_ahead = interrupt
    with pytest.raises(KeyboardInterrupt):
        replay(config, source, tmp_path / "out", tmp_path / "out.mp4", lambda: session)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_video_needs_a_renderer(tmp_path):
    config = config_for(render__renderer="none")
    with pytest.raises(UserError, match="needs a renderer"):
        replay(config, tmp_path, tmp_path / "o", tmp_path / "o.mp4", lambda: session_for(config))
