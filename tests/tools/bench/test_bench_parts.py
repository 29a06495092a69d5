"""Parts of the benchmark: readings by stage, endless inputs, minutes of a session."""

import itertools
import tempfile
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from rigs.model_inputs import engine_for, small_config, small_model, speaker_input
from rigs.official import official_config, small_net
from torch import nn

from reactface_node.model.official.session import OfficialListener
from reactface_node.ros.messages import convert
from reactface_node.schema import Observation
from reactface_node.session.playout import Playout
from reactface_node.tools.bench import flat as flat_module
from reactface_node.tools.bench.clock import StageMeter, spread
from reactface_node.tools.bench.flat import flat
from reactface_node.tools.bench.pipeline import EACH, SUMMED, BenchNode
from reactface_node.tools.bench.recording import BenchRecording, enlarged
from reactface_node.tools.bench.simulated import BenchClip, SimulatedSession, tracked_clip
from reactface_node.tools.bench.stages import _attention_flops, _count, stage_modules

pytestmark = pytest.mark.slow

W = 8


@pytest.fixture(scope="module")
def recording():
    return BenchRecording(small_config())


def counting():
    """A reading that grows by one with every look."""
    return itertools.count().__next__


def test_calls_are_read_alone_or_added_up_over_a_lap():
    meter = StageMeter(counting(), each=("alone",), summed={"part": "summed", "rest": "summed"})
    for _ in range(2):
        with meter.stage("alone"), meter.stage("part"):
            pass
    with meter.stage("rest"), meter.stage("not measured"):
        pass
    meter.lap()
    with meter.stage("alone"), meter.stage("part"):
        pass
    meter.drop()
    # The outer reading looks three times: at the inner one's two looks too.
    assert meter.grown == {"alone": [3, 3, 3], "summed": [3]}


def test_a_stage_that_an_error_ends_is_not_counted():
    meter = StageMeter(counting(), each=("alone",), summed={"part": "part"})
    with pytest.raises(RuntimeError), meter.stage("part"), meter.stage("alone"):
        raise RuntimeError
    meter.lap()
    assert meter.grown == {}


def test_a_node_tells_of_its_stages_and_nothing_of_it_is_replaced(recording, monkeypatch):
    from rigs.bench import QuickTracker

    monkeypatch.setattr("reactface_node.tools.bench.pipeline.make_tracker", QuickTracker)
    before = dict(vars(convert)), dict(vars(Playout))
    told = []

    class Noted:
        def stage(self, name):
            told.append(name)
            return nullcontext()

    config = small_config()
    node = BenchNode(config, engine_for(config), recording, is_live=False, probe=Noted())
    now_s = 0.0
    for event in recording.events(1.5):
        while now_s < event.arrival_s:
            node.server.tick(100.0 + now_s)
            now_s += 0.01
        node.receive(event, 100.0, 100.0 + event.arrival_s)
    node.session.close()
    assert set(told) >= {"deserialise", "track", "model", "playout", *EACH, *SUMMED}
    assert told.count("render") == node.frames() > 10
    assert "step" not in vars(node.session._engine)
    assert before == (dict(vars(convert)), dict(vars(Playout)))


def test_modules_are_read_by_stage_and_then_left_alone():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    meter = StageMeter(counting())
    with meter.watching({"linear": [net[0], net[2]], "whole": [net]}):
        net(torch.ones(1, 2))
        meter.lap()
    assert meter.grown == {"linear": [2], "whole": [5]}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_milliseconds_are_spread():
    found = spread([0.001, 0.002, 0.006])
    assert found["calls"] == 3 and found["p50_ms"] == 2.0 and found["mean_ms"] == 3.0
    assert found["least_ms"] == 1.0 and found["raw_ms"] == [1.0, 2.0, 6.0]


@pytest.mark.parametrize("behaviour", ["causal", "official"])
def test_the_stages_are_the_whole_network(behaviour):
    """All parameters but the ones that the released code keeps for nothing."""
    if behaviour == "causal":
        model = small_model(small_config(model__nods=True))
    else:
        model = OfficialListener(small_net(official_config()))
    stages = stage_modules(model, behaviour)
    inside = {
        id(parameter)
        for modules in stages.values()
        for module in modules
        for parameter in module.parameters()
    }
    outside = {name for name, p in model.named_parameters() if id(p) not in inside}
    unused = ("transformer_listener_vectors", "lm_head")
    assert not [name for name in outside if not any(part in name for part in unused)]


def stepping(step):
    """A drive whose engine only steps."""

    def window(probe):
        with probe.stage("model"):
            step()

    return SimpleNamespace(window=window)


def test_arithmetic_is_counted_by_stage_and_attention_with_it():
    net = nn.Sequential(nn.Linear(3, 5, bias=False), nn.Linear(5, 7, bias=False))
    x = torch.ones(4, 3)

    def window():
        with torch.inference_mode():
            net(x)

    named = {"one": [net[0]], "two": [net[1]]}
    flops, moved = _count(stepping(window), named)
    assert flops == {"one": 2 * 4 * 3 * 5, "two": 2 * 4 * 5 * 7, "model": 2 * 4 * (15 + 35)}
    assert moved["one"] == 4 * (15 + 12 + 20)
    assert _attention_flops((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)) == 2 * (2 * 2 * 3 * 5 * 4)
    query = torch.ones(1, 2, 3, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    module = SimpleNamespace(window=lambda: attend(query, query, query))
    net[0].forward = lambda x: module.window()
    flops, _ = _count(stepping(lambda: net[0](x)), {"one": [net[0]]})
    assert flops["one"] == 2 * (2 * 2 * 3 * 3 * 4)


def test_the_recording_has_no_end_and_no_face_jumps(recording):
    seconds = 2.2 * recording.seconds
    events = list(recording.events(seconds))
    arrivals = [event.arrival_s for event in events]
    assert arrivals == sorted(arrivals) and arrivals[-1] > seconds - 0.05
    images = [event for event in events if event.stream == "image"]
    assert len(images) == pytest.approx(30 * seconds, abs=2)
    count = round(30 * recording.seconds)
    shown = [event.data() for event in images]
    assert shown[count] == shown[count - 2] and shown[2 * count - 2] == shown[0]
    sounds = [event for event in events if event.stream == "audio"]
    assert all(event.arrival_s == pytest.approx(event.stamp_s + 0.04) for event in sounds)
    message = images[31].message(recording.types, 100.0)
    assert convert.stamp_of(message) == pytest.approx(100.0 + images[31].stamp_s)


def test_pictures_are_enlarged_with_their_shape_kept(recording):
    with tempfile.TemporaryFile() as file:
        pictures = enlarged(recording, file, (320, 180), 3)
        message = recording.types.deserialize(pictures.read(2), pictures.kind)
    assert pictures.count == 3
    rgb = convert.image_to_rgb(message)
    assert rgb.shape == (180, 320, 3)
    # Four to three in sixteen to nine: nothing at both sides.
    assert not rgb[:, :35].any() and not rgb[:, -35:].any() and rgb[:, 45:-45].any()


def test_a_drive_gives_what_the_tracker_saw(recording, monkeypatch):
    config = small_config()
    seen = [Observation(np.full(58, 0.1 * n, np.float32), np.ones(58, bool)) for n in range(3)]
    sounds = [np.full(640, 0.1, np.float32)]
    drive = SimulatedSession(config, engine_for(config), BenchClip(seen, sounds, 16000))
    polled = []
    finish = drive.session.finish

    def noted(pending, raw):
        polled.append(finish(pending, raw))
        return polled[-1]

    monkeypatch.setattr(drive.session, "finish", noted)
    for _ in range(4):
        drive.window()
    assert drive.seconds == pytest.approx(4 * W / 25)
    assert [reaction.voice_heard for reaction in polled] == [1.0] * len(polled)
    assert len(polled) >= 3
    heights = np.stack([reaction.speaker[:, 0] for reaction in polled]).reshape(-1)
    assert heights[:6] == pytest.approx([0.0, 0.1, 0.2, 0.0, 0.1, 0.2])


def test_the_recording_is_tracked_once_whole(recording, monkeypatch):
    from rigs.bench import QuickTracker

    monkeypatch.setattr("reactface_node.tools.bench.simulated.make_tracker", QuickTracker)
    clip = tracked_clip(small_config(), recording)
    assert len(clip.observations) == 600 and len(clip.sounds) == 600
    assert clip.rate_hz == 48000 and len(clip.sounds[0]) == 1920


def test_minutes_are_reached_and_measured_in_turns(monkeypatch):
    """A session of which a window takes as many seconds as it has run, beside new ones."""

    class Counted:
        def __init__(self):
            self.windows = 0

        seconds = property(lambda self: self.windows * W / 25)

        def window(self):
            self.windows += 1

    def taken_s(work, device):
        work()
        return work.__self__.windows

    monkeypatch.setattr(flat_module, "taken_s", taken_s)
    found = flat(Counted, 12.0, W)
    assert list(found["minutes"]) == ["1", "10", "12"]
    minute = 60 * 25 / W
    for mark, of in found["minutes"].items():
        middle_ms = 1e3 * (round(float(mark) * minute) - (minute - 1) / 2)
        assert of["window"]["p50_ms"] == pytest.approx(middle_ms, abs=1e3)
        assert of["new_session"]["p50_ms"] == pytest.approx(1e3 * (minute + 1) / 2, abs=1e3)
    assert found["simulated_minutes"] == 12.0
    assert found["last_to_first"] == pytest.approx((12 - 0.5) / 0.5, rel=0.05)


def test_without_a_length_it_is_as_long_as_is_quickly_run(monkeypatch):
    drive = SimpleNamespace(window=lambda: None, seconds=600.0)
    a_window_s = {"quick": 0.001, "slow": 0.03, "slowest": 1.0}
    for name, minutes in (("quick", 60), ("slow", 10), ("slowest", 1)):
        # Twenty windows are tried.
        taken_s = Mock(return_value=20 * a_window_s[name])
        monkeypatch.setattr(flat_module, "taken_s", taken_s)
        assert flat_module._affordable(drive, 60 * 25 / W) == minutes


def test_speaker_input_is_what_a_network_takes():
    from reactface_node.tools.bench.compare import Speaker

    made, expected = Speaker(W, "cpu", 32).window(5), speaker_input(small_config("paper"), W)
    for name, tensor in vars(expected).items():
        assert (
            getattr(made, name).shape == tensor.shape and getattr(made, name).dtype == tensor.dtype
        )
