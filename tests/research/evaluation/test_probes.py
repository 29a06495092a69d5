"""The probes, on reactions with known results."""

import numpy as np
import pytest
import torch

from reactface_node.config import Config, PlayoutConfig
from reactface_node.errors import UserError
from reactface_node.research.data.motion import frame_times
from reactface_node.research.data.nods import Nod, nod_motion
from reactface_node.research.data.script import FROWN, SMILE, SURPRISE
from reactface_node.research.evaluation import probes
from reactface_node.research.evaluation.scenes import FRAMES, PAUSE_S, feeling, leaves, speech

pytestmark = pytest.mark.slow


def still(batch=2, samples=3):
    return np.zeros((batch, samples, FRAMES, 58), np.float32)


def mirrored(kind, delay):
    """Listeners who do what the speaker does, so many frames later."""
    face = np.roll(feeling(kind, 2).speaker.face.numpy(), delay, axis=1)
    return np.repeat(face[:, None], 3, axis=1)


def passed(found):
    return [probe.passed for probe in found]


def test_a_smile_that_is_answered_passes_and_one_that_is_not_or_late_fails():
    assert passed(probes.smile(mirrored(SMILE, 12))) == [True, True]
    assert not probes.smile(still())[0].passed
    assert not probes.smile(mirrored(SMILE, 60))[0].passed
    lasting = mirrored(SMILE, 12)
    lasting[:, :, 130:] = lasting[:, :, 130:131]
    assert passed(probes.smile(lasting)) == [True, False]


def test_a_frown_must_not_be_smiled_at_and_surprise_must_raise_the_brows():
    assert probes.frown(mirrored(FROWN, 12)).passed
    assert not probes.frown(mirrored(SMILE, 12)).passed
    assert probes.surprise(mirrored(SURPRISE, 8)).passed
    assert not probes.surprise(mirrored(SMILE, 8)).passed


def nodding(*starts_s):
    reactions = still()
    for start in starts_s:
        reactions[..., 52] += nod_motion(frame_times(FRAMES), Nod(start, 4, 0.08, 2.5))
    return reactions


def test_nods_must_follow_a_pause_and_not_come_anyhow():
    assert probes.nod(nodding(PAUSE_S + 0.8), nodding(8.5))[-1].passed
    often = nodding(3.2, 5.0, 6.5)
    assert not probes.nod(often, often)[-1].passed
    assert not probes.nod(still(), still())[-1].passed
    assert probes.nod_chance(often, [PAUSE_S]) == 1.0


def test_who_leaves_is_followed_by_idle_motion_alone():
    smiling = still(1)[0] + np.float32(0.5)
    assert passed(probes.nobody(smiling, PlayoutConfig(), 8)) == [True, True]
    frozen = probes.nobody(smiling, PlayoutConfig(idle_gain=0.0), 8)
    assert passed(frozen) == [True, False]


def test_blinks_are_counted_in_what_is_shown():
    assert all(passed(probes.blinks(still(1)[0], PlayoutConfig(), 8)))
    assert not probes.blinks(still(1)[0], PlayoutConfig(blinks_per_min=0.0), 8)[0].passed


def test_border_jumps_are_measured_at_the_borders():
    walk = still()
    walk[...] = np.arange(FRAMES)[:, None] * 0.01
    assert [probe.value for probe in probes.border_jumps(walk, 8)] == pytest.approx([1.0, 1.0])
    walk += (np.arange(FRAMES) // 8)[:, None] * 0.01
    jumping = probes.border_jumps(walk, 8)
    assert [probe.value for probe in jumping] == pytest.approx([2.0, 2.0], rel=1e-3)
    assert passed(jumping) == [False, False]


def test_samples_that_are_alike_or_wild_fail():
    alike = still(1, 10)
    assert passed(probes.different(alike)) == [False, False]
    apart = alike + 0.1 * np.arange(10, dtype=np.float32)[None, :, None, None]
    assert passed(probes.different(apart)) == [True, True]
    real = speech(True, 1).listeners
    assert passed(probes.smooth(alike, real)) == [True, True]
    wild = np.random.default_rng(0).random((1, 10, FRAMES, 58)).astype(np.float32)
    assert passed(probes.smooth(wild, real)) == [False, False]


class Still:
    def react(self, speaker, samples, generator):
        batch, frames = speaker.face.shape[:2]
        return torch.zeros(batch, samples, frames, 58)


def test_all_probes_run_and_print_a_line_each():
    found = probes.run_probes(Still())
    text = probes.as_text(found).splitlines()
    assert len(text) == len(found)
    failed = {probe.name for probe in found if not probe.passed}
    assert "a smile is answered within 1.5 s: rise" in failed
    assert "two of ten samples look different" in failed
    assert text[0].startswith("FAIL a smile is answered")
    assert found[0].to_json()["passed"] is False


class Rising:
    """A reactor whose reactions rise evenly; it notes how many frames it was given."""

    def __init__(self):
        self.seen = set()

    def react(self, speaker, samples, generator):
        batch, frames = speaker.face.shape[:2]
        self.seen.add(frames)
        rising = torch.arange(float(frames))[:, None] / 1000
        return rising.expand(batch, samples, frames, 58)


@pytest.mark.parametrize("window", [5, 64])
def test_probes_take_windows_of_any_length(window):
    reactor = Rising()
    config = Config().replace(**{"model.window": window})
    found = {probe.name: probe.value for probe in probes.run_probes(reactor, config)}
    assert reactor.seen == {-(-FRAMES // window) * window}
    assert found["steps across window borders, face"] == pytest.approx(1.0, rel=1e-3)


def test_a_model_that_sees_pixels_is_refused():
    config = Config().replace(**{"model.face_encoder": "pixels"})
    with pytest.raises(UserError, match="no pixels to see them by"):
        probes.run_probes(Still(), config)


def test_a_scene_is_the_same_every_time_and_has_whole_windows():
    first, second = speech(True, 2), speech(True, 2)
    assert torch.equal(first.speaker.audio, second.speaker.audio)
    assert first.speaker.face.shape == (2, FRAMES, 58) and FRAMES % 8 == 0
    talk = speech(False, 2).speaker.audio[1]
    late = slice(round((PAUSE_S + 1) * 16000), FRAMES * 640)
    assert talk[late].std() > 3 * first.speaker.audio[1][late].std()
    gone = leaves(first).speaker
    frame = round(PAUSE_S * 25)
    assert gone.audio_valid[:, :frame].all() and not gone.audio_valid[:, frame:].any()
