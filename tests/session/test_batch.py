"""Batched sessions: each gives the same numbers as a session of its own."""

import numpy as np
import pytest
import torch
from rigs.batch import alone, push
from rigs.cropping import CroppingTracker
from rigs.fitted import make_fitted
from rigs.model_inputs import small_config, small_model
from rigs.session import ReadingTracker, joined

from reactface_node.engine.batches import load_batch
from reactface_node.engine.onnx_slots import OnnxSlots
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.session.batch import SessionBatch
from reactface_node.session.pending import empty_frames

pytestmark = pytest.mark.slow

EXACT = 1e-5
CHANGES = {"playout__samples": 2, "model__disposition": 3}


def test_a_model_that_gives_no_numbers_is_refused(tmp_path):
    config = small_config(model__disposition=3)
    net = small_model(config)
    with torch.no_grad():
        # Each weight is a number; what comes of them is none.
        for module in net.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.bias.fill_(1e38)
    path = tmp_path / "huge.safetensors"
    save_checkpoint(path, net, config, {}, "")
    with pytest.raises(UserError, match=r"huge\.safetensors is damaged: the model gives NaN"):
        SessionBatch.load(config.replace(weights=str(path)), 2)


def events(seed, start_s, seconds, size=(6, 8)):
    """(stamp, image or None, samples) every 40 ms, of somebody."""
    rng = np.random.default_rng(seed)
    for index in range(round(seconds * 25)):
        image = rng.integers(1, 255, (*size, 3), np.uint8)
        yield start_s + index / 25, image, (0.1 * rng.standard_normal(640)).astype(np.float32)


def together(batch, streams):
    """All streams in order of time, polled at each."""
    reactions = [[] for _ in streams]
    tagged = [(event, who) for who, stream in enumerate(streams) for event in stream]
    for event, who in sorted(tagged, key=lambda item: item[0][0]):
        push(batch.sessions[who], event)
        for shown, new in zip(reactions, batch.poll(event[0]), strict=True):
            shown += new
    return [joined(shown, "samples") for shown in reactions]


def polls_of(streams):
    return sorted({event[0] for stream in streams for event in stream})


def test_a_session_does_not_depend_on_the_others(seconds=4.0):
    config = small_config(**CHANGES)
    model = small_model(config)
    # They begin and end at different times: steps with some of them alone.
    streams = [list(events(who, 100.0 + 0.13 * who, seconds - 0.4 * who)) for who in range(3)]
    batch = SessionBatch(config, model, [ReadingTracker() for _ in streams])
    for found, stream in zip(together(batch, streams), streams, strict=True):
        expected = alone(config, model, ReadingTracker(), stream, polls_of(streams))
        assert found.shape[1] == expected.shape[1] > 64
        np.testing.assert_allclose(found, expected, atol=EXACT)


def test_pixels_and_speech_go_through_one_batch_too():
    config = small_config("paper", **CHANGES)
    model = small_model(config)
    streams = [list(events(who, 10.0 + 0.16 * who, 1.0, (224, 224))) for who in range(2)]
    batch = SessionBatch(config, model, [CroppingTracker() for _ in streams])
    for found, stream in zip(together(batch, streams), streams, strict=True):
        expected = alone(config, model, CroppingTracker(), stream, polls_of(streams))
        np.testing.assert_allclose(found, expected, atol=EXACT)


def test_a_slot_begins_anew_and_leaves_the_others_alone():
    config = small_config(**CHANGES)
    model = small_model(config)
    batch = SessionBatch(config, model, [ReadingTracker(), ReadingTracker()])
    first, second = list(events(0, 5.0, 2.0)), list(events(1, 5.0, 2.0))
    expected = together(batch, [first, second])
    batch.sessions[0].reset()
    later = [(stamp_s + 2.0, *rest) for stamp_s, *rest in first]
    onward = [(stamp_s + 2.0, *rest) for stamp_s, *rest in events(2, 5.0, 2.0)]
    again = together(batch, [later, onward])
    np.testing.assert_allclose(again[0], expected[0], atol=EXACT)
    other = alone(config, model, ReadingTracker(), second + onward)
    np.testing.assert_allclose(again[1], other[:, -again[1].shape[1] :], atol=EXACT)


def test_a_session_of_a_batch_can_be_polled_alone():
    config = small_config(**CHANGES)
    model = small_model(config)
    batch = SessionBatch(config, model, [ReadingTracker(), ReadingTracker()])
    stream, reactions = list(events(0, 5.0, 1.0)), []
    for event in stream:
        push(batch.sessions[1], event)
        reactions += batch.sessions[1].poll(event[0])
    expected = alone(config, model, ReadingTracker(), stream)
    np.testing.assert_allclose(joined(reactions, "samples"), expected, atol=EXACT)


def test_what_would_change_all_is_refused_and_so_is_frame_mode():
    config = small_config(**CHANGES)
    batch = SessionBatch(config, small_model(config), [ReadingTracker(), ReadingTracker()])
    batch.sessions[0].configure({"playout.gain": 0.5})
    with pytest.raises(UserError, match="share"):
        batch.sessions[0].configure({"model.temperature": 0.1})
    with pytest.raises(UserError, match="window by window"):
        SessionBatch(config.replace(mode="frame"), small_model(config), [ReadingTracker()])


def test_a_step_that_cannot_be_captured_goes_on_without_a_graph(monkeypatch, caplog):
    config = small_config(**CHANGES)
    model = small_model(config)
    batch = SessionBatch(config, model, [ReadingTracker(), ReadingTracker()])
    batch._batch._captures = True  # as on a GPU

    def refuse():
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(batch._batch, "_capture", refuse)
    stream = list(events(0, 5.0, 1.5))
    found = together(batch, [stream, list(events(1, 5.0, 1.5))])[0]
    np.testing.assert_allclose(found, alone(config, model, ReadingTracker(), stream), atol=EXACT)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_one_session_becomes_a_fitted_listener(tmp_path):
    config, model, fitted = make_fitted(tmp_path, playout__samples=2)
    fitted.save(tmp_path / "a.json")
    chosen = config.replace({"playout.disposition": "a.json"})
    batch = SessionBatch(config, model, [ReadingTracker(), ReadingTracker()])
    batch.sessions[0].configure({"playout.disposition": "a.json"})
    streams = [list(events(0, 5.0, 2.0)), list(events(1, 5.0, 2.0))]
    found = together(batch, streams)
    for one, stream, used in zip(found, streams, (chosen, config), strict=True):
        expected = alone(used, model, ReadingTracker(), stream, polls_of(streams))
        np.testing.assert_allclose(one, expected, atol=EXACT)


def test_onnxruntime_plays_a_batch_as_torch_does(exports):
    config, model, _ = exports("window")
    streams = [list(events(who, 100.0 + 0.13 * who, 3.0 - 0.4 * who)) for who in range(3)]
    silence = empty_frames(config.model, config.model.window)
    slots = load_batch(config, 3, silence)
    assert isinstance(slots, OnnxSlots)
    ours = SessionBatch(config, slots, [ReadingTracker() for _ in streams])
    for found, stream in zip(together(ours, streams), streams, strict=True):
        expected = alone(config, model, ReadingTracker(), stream, polls_of(streams))
        np.testing.assert_allclose(found, expected, atol=EXACT)
    ours.sessions[1].reset()
    later = [(stamp_s + 3.0, *rest) for stamp_s, *rest in streams[1]]
    again = together(ours, [[], later, []])[1]
    expected = alone(config, model, ReadingTracker(), later)
    np.testing.assert_allclose(again, expected, atol=EXACT)
