"""The portrait renderer: the frames that PIRender gets, and the person that it shows."""

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.portrait_pictures import Showing, config

from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.render import make_renderer
from reactface_node.render.portrait.generator import Rendered
from reactface_node.render.portrait.painter import Painter, precision_of
from reactface_node.render.portrait.weights import LoadedGenerator

pytest.importorskip("mediapipe", reason="the tracker is not installed")
W, LEVELS = 8, 127.5


@pytest.fixture
def showing(monkeypatch, tmp_path):
    """The net is replaced by one that shows its input; its space is "ours"."""
    net = Showing()
    monkeypatch.setattr(
        "reactface_node.render.portrait.view.load_generator",
        lambda path, device: LoadedGenerator(net, "ours"),
    )
    (tmp_path / "pirender.pth").write_bytes(b"what load_generator is told to read")
    return net


def faces(count, seed=0):
    """(count, 58) on the grid of 8-bit colours."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 255, (count, 58)) / LEVELS - 1.0).astype(np.float32)


def shown(picture):
    """(27, 58): the frames that the picture was made of."""
    return picture[:58, :27, 0].T / LEVELS - 1.0


def centred(clip, frame, known):
    """The 27 frames around one where ``known`` frames are there and the ends are held."""
    return clip[np.arange(frame - 13, frame + 14).clip(0, known - 1)]


@pytest.mark.parametrize("look_ahead", [0, 3, 13])
def test_each_picture_is_made_of_the_frames_around_it(portraits, tmp_path, showing, look_ahead):
    renderer = make_renderer(config(portraits, tmp_path, look_ahead=look_ahead))
    clip = faces(6 * W)
    for start in range(0, len(clip), W):
        draw = renderer.begin(clip[start : start + W])
        for index in range(W):
            frame = max(start + index - look_ahead, 0)
            expected = centred(clip, frame, start + W)
            np.testing.assert_allclose(shown(draw(index)), expected, atol=0.5 / LEVELS)


def test_with_all_of_the_future_streaming_is_offline(portraits, tmp_path, showing):
    renderer = make_renderer(config(portraits, tmp_path, look_ahead=13))
    clip = faces(8 * W)
    streamed = []
    for start in range(0, len(clip), W):
        draw = renderer.begin(clip[start : start + W])
        streamed += [shown(draw(index)) for index in range(W)]
    for frame in range(len(clip) - 13):
        expected = centred(clip, frame, len(clip))
        np.testing.assert_allclose(streamed[frame + 13], expected, atol=0.5 / LEVELS)


def test_a_window_is_one_batch_and_only_when_it_is_looked_at(
    portraits, tmp_path, showing, monkeypatch
):
    monkeypatch.setattr(Painter, "batched", True)
    renderer = make_renderer(config(portraits, tmp_path))
    clip = faces(3 * W)
    unseen, last = (renderer.begin(clip[start : start + W]) for start in (0, W))
    assert showing.batches == []
    for index in range(W):
        expected = centred(clip, W + index, 2 * W)
        np.testing.assert_allclose(shown(last(index)), expected, atol=0.5 / LEVELS)
    assert showing.batches == [W]
    unseen(0)
    assert showing.batches == [W, W]
    renderer.reset()
    assert np.allclose(shown(renderer.begin(clip[16:])(0))[:13], clip[16], atol=0.5 / LEVELS)


def test_frames_that_nobody_looked_at_are_not_drawn(portraits, tmp_path, showing, monkeypatch):
    monkeypatch.setattr(Painter, "batched", True)
    clip = faces(W)
    draw = make_renderer(config(portraits, tmp_path)).begin(clip)
    for index in (3, 5, 1, 7):
        expected = centred(clip, index, W)
        np.testing.assert_allclose(shown(draw(index)), expected, atol=0.5 / LEVELS)
    assert showing.batches == [5, 2]


def test_a_cpu_draws_one_frame_at_a_time(portraits, tmp_path, showing):
    draw = make_renderer(config(portraits, tmp_path)).begin(faces(W))
    for index in (2, 3, 2):
        draw(index)
    assert showing.batches == [1, 1]


@pytest.mark.parametrize("look_ahead", [0, 5])
def test_frame_by_frame_it_keeps_the_frames_before(portraits, tmp_path, showing, look_ahead):
    renderer = make_renderer(config(portraits, tmp_path, look_ahead=look_ahead))
    clip = faces(40)
    for frame in range(len(clip)):
        expected = centred(clip, max(frame - look_ahead, 0), frame + 1)
        draw = renderer.begin(clip[frame : frame + 1])
        if frame % 3 != 1:  # Frames that nobody looks at count as well.
            np.testing.assert_allclose(shown(draw(0)), expected, atol=0.5 / LEVELS)


def test_a_still_face_is_held_around(portraits, tmp_path, showing):
    renderer = make_renderer(config(portraits, tmp_path))
    one = faces(1)[0]
    assert np.allclose(shown(renderer.render(one)), one, atol=0.5 / LEVELS)
    assert showing.batches == [1]


def test_released_weights_get_faceverse_coefficients(portraits, tmp_path, showing, monkeypatch):
    seen = []
    monkeypatch.setattr(Painter, "batched", True)
    monkeypatch.setattr(
        "reactface_node.render.portrait.view.load_generator",
        lambda path, device: LoadedGenerator(showing, "faceverse"),
    )
    draw = Showing.draw
    monkeypatch.setattr(Showing, "draw", lambda self, p, c: (seen.append(c), draw(self, p, c))[1])
    clip = faces(W)
    make_renderer(config(portraits, tmp_path)).begin(clip)(0)
    expected = Space.of().to_faceverse(centred(clip, 3, W)).T
    np.testing.assert_allclose(seen[0][3].numpy(), expected, atol=1e-5)


def test_the_portrait_changes_while_running(portraits, tmp_path, showing):
    settings = config(portraits, tmp_path)
    renderer = make_renderer(settings)
    draw = renderer.begin(faces(W))
    before = renderer.render(np.zeros(58, np.float32))[-1, -1].astype(int)
    faceless = replace(settings, portrait="none.png")
    renderer.configure(faceless)
    reason, held = settled(renderer)
    assert "none.png: no face is found" in reason and held == settings
    assert np.array_equal(renderer.render(np.zeros(58, np.float32))[-1, -1], before)
    assert renderer.settle() is None  # It is told once.
    renderer.configure(replace(settings, portrait="smile.png"))
    assert settled(renderer) is None
    assert draw(0).shape == draw(1).shape == (224, 224, 3)
    assert showing.prepared == 2  # Once a portrait, not once a frame.


def settled(renderer):
    """What ``settle`` says once the portrait that is being read has been."""
    renderer._reading[1].exception()
    return renderer.settle()


@pytest.mark.parametrize("name", ["nobody.png", "../clips", "", "a\0b.png", "x" * 300 + ".png"])
def test_what_is_no_picture_is_refused_at_once(portraits, tmp_path, showing, name):
    settings = config(portraits, tmp_path)
    renderer = make_renderer(settings)
    with pytest.raises(UserError, match=r"no portrait|names no picture"):
        renderer.check(replace(settings, portrait=name))
    assert renderer._reading is None


def test_of_many_portraits_the_last_one_is_read_and_one_at_a_time(
    portraits, tmp_path, showing, monkeypatch
):
    settings = config(portraits, tmp_path)
    renderer = make_renderer(settings)
    begun, go_on = [], threading.Event()

    def read(folder, name, landmarker):
        begun.append(name)
        assert go_on.wait(20.0)
        return torch.full((1, 3, 224, 224), float(len(begun)))

    monkeypatch.setattr("reactface_node.render.portrait.view.read_portrait", read)
    for name in ["none.png", "smile.png"] * 50:
        renderer.configure(replace(settings, portrait=name))  # returns while it is being read
        assert renderer.settle() is None
    go_on.set()
    assert settled(renderer) is None and settled(renderer) is None
    assert begun == ["none.png", "smile.png"] and renderer._reading is None
    assert float(renderer._picture.mean()) == 2.0
    renderer.configure(replace(settings, portrait="none.png"))
    renderer.configure(replace(settings, portrait="smile.png"))  # as it is already
    assert settled(renderer) is None and renderer._reading is None
    assert float(renderer._picture.mean()) == 2.0


def test_the_face_is_as_large_as_the_display_allows(portraits, tmp_path, showing):
    renderer = make_renderer(config(portraits, tmp_path, width=80, height=48))
    picture = renderer.render(np.zeros(58, np.float32))
    assert picture.shape == (48, 80, 3) and picture.dtype == np.uint8
    assert (picture[:, :16] == 24).all() and (picture[:, 64:] == 24).all()
    assert not (picture[:, 16:64] == 24).all()


def test_the_precision_is_what_the_device_is_good_at(portraits, tmp_path, showing):
    make_renderer(config(portraits, tmp_path))
    assert showing.precision is torch.float32
    make_renderer(config(portraits, tmp_path, precision="bfloat16"))
    assert showing.precision is torch.bfloat16
    assert precision_of("auto", "cuda:1") is torch.float16
    assert precision_of("float32", "cuda") is torch.float32
    with pytest.raises(UserError, match=r"render\.precision float16 is for a GPU"):
        make_renderer(config(portraits, tmp_path, precision="float16"))


def test_on_a_cpu_it_says_that_it_is_slow(portraits, tmp_path, showing, caplog):
    with caplog.at_level(logging.WARNING):
        make_renderer(config(portraits, tmp_path))
    assert ["on a CPU" in record.getMessage() for record in caplog.records] == [True]


class Failing(Showing):
    """On a device that gives out at the second batch."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def draw(self, prepared, coefficients):
        if self.batches:
            raise self.error
        super().draw(prepared, coefficients)
        return Rendered(*(torch.zeros(len(coefficients), 3, 224, 224) for _ in range(3)))


def failing_renderer(portraits, tmp_path, showing, monkeypatch, error):
    """The GPU is torch's device without memory; on the CPU ``showing`` draws."""
    failing = Failing(error)
    monkeypatch.setattr("reactface_node.render.portrait.view.resolve_device", lambda name: name)
    monkeypatch.setattr(
        "reactface_node.render.portrait.view.load_generator",
        lambda path, device: LoadedGenerator(showing if device == "cpu" else failing, "ours"),
    )
    return make_renderer(config(portraits, tmp_path, device="meta"), "cpu"), failing


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory.\nmore"), RuntimeError("CUDA error: lost\nmore")],
    ids=["memory", "lost"],
)
def test_a_gpu_that_gives_out_leaves_the_face_to_the_cpu(
    portraits, tmp_path, showing, monkeypatch, caplog, error
):
    renderer, failing = failing_renderer(portraits, tmp_path, showing, monkeypatch, error)
    clip = faces(3 * W)
    renderer.begin(clip[:W])(0)
    assert failing.batches == [W] and showing.batches == []
    draw = renderer.begin(clip[W : 2 * W])
    with caplog.at_level(logging.WARNING):
        for index in range(W):
            expected = centred(clip, W + index, 2 * W)
            np.testing.assert_allclose(shown(draw(index)), expected, atol=0.5 / LEVELS)
        renderer.begin(clip[2 * W :])(0)
    assert showing.batches == [1] * (W + 1) and showing.precision is torch.float32
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "meta" in warning and "goes on on the cpu" in warning and "\n" not in warning


def test_a_mistake_is_no_failure_of_the_gpu(portraits, tmp_path, showing, monkeypatch):
    mistake = RuntimeError("shapes cannot be multiplied")
    renderer, _ = failing_renderer(portraits, tmp_path, showing, monkeypatch, mistake)
    renderer.begin(faces(W))(0)
    with pytest.raises(RuntimeError, match="shapes"):
        renderer.begin(faces(W))(0)
    assert showing.batches == []
