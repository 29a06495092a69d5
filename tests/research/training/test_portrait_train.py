"""PIRender learns a tiny clip, resumes a run, and reports errors."""

import json

import cv2
import numpy as np
import pytest
import torch
from rigs.portrait import FACES, drawn_clip
from safetensors import safe_open

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.media.video import VideoWriter
from reactface_node.render.portrait import generator, weights
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.weights import LoadedGenerator, load_generator
from reactface_node.render.sheet import face, painter
from reactface_node.research.training.portrait import train as module
from reactface_node.research.training.portrait.losses import PixelLoss
from reactface_node.research.training.portrait.train import Stages, terms, tune

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip():
    return drawn_clip()


def new_net(width, seed=0):
    torch.manual_seed(seed)
    return LoadedGenerator(FaceGenerator(width), "ours")


def stages(**changes):
    given = {
        "warp_steps": 2,
        "edit_steps": 2,
        "batch": 1,
        "learning_rate": 1e-3,
        "seed": 0,
        "save_every": 1,
    }
    return Stages(**{**given, **changes})


def run(clip, out, begin=None, **changes):
    begin = begin or new_net(4)
    return tune(begin, [clip], PixelLoss(), stages(**changes), out, "cpu")


def tensors(path):
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def test_it_learns_a_tiny_clip(clip, tmp_path):
    found = run(clip, tmp_path, new_net(8), warp_steps=20, edit_steps=100, batch=2, save_every=20)
    with safe_open(tmp_path / "state.safetensors", "pt") as file:
        history = json.loads(file.metadata()["history"])
    assert [one["step"] for one in history] == list(range(20, 121, 20))
    assert history[-1] == found
    # Better than at its start, and than the picture it starts from.
    assert found["edited"] < 0.35 * history[0]["edited"]
    assert found["edited"] < 0.7 * found["source"]
    assert found["warped"] < 0.85 * found["source"]
    assert len(list(tmp_path.glob("sheet_*.png"))) == len(history)


def test_the_first_stage_leaves_the_editing_net_as_it_is(clip, tmp_path):
    before = {n: t.numpy().copy() for n, t in new_net(4).net.state_dict().items()}
    run(clip, tmp_path, warp_steps=2, edit_steps=0)
    after = tensors(tmp_path / "pirender.safetensors")
    changed = {
        name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])
    }
    assert changed == {"mapping_net", "warpping_net"}


def test_the_second_stage_trains_everything_that_is_not_dead(clip, tmp_path):
    before = {n: t.numpy().copy() for n, t in new_net(4).net.state_dict().items()}
    run(clip, tmp_path, warp_steps=0, edit_steps=2)
    after = tensors(tmp_path / "pirender.safetensors")
    still = {name for name in before if np.array_equal(before[name], after[name])}
    assert still == {name for name in before if ".conv1." in name or ".norm1." in name}


@pytest.mark.parametrize("stop_at", [1, 3], ids=["warp stage", "edit stage"])
def test_an_interrupted_run_goes_on_with_the_same_numbers(stop_at, clip, tmp_path, monkeypatch):
    whole = run(clip, tmp_path / "whole")
    real = module.optimise

    def interrupted(state, pairs, step):
        if step == stop_at:
            raise KeyboardInterrupt
        return real(state, pairs, step)

    monkeypatch.setattr(module, "optimise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(clip, tmp_path / "parts")
    monkeypatch.setattr(module, "optimise", real)
    assert run(clip, tmp_path / "parts") == whole
    for name in ("pirender.safetensors", "state.safetensors"):
        assert same(tensors(tmp_path / "whole" / name), tensors(tmp_path / "parts" / name))


def test_a_run_can_be_prolonged_and_ends_where_a_long_one_does(clip, tmp_path):
    run(clip, tmp_path / "parts", edit_steps=1)
    assert run(clip, tmp_path / "parts") == run(clip, tmp_path / "whole")
    # Nothing is left to do: the numbers that are there.
    assert run(clip, tmp_path / "parts")["step"] == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"learning_rate": 2e-3},
            r"made with training.learning_rate = 0.001, the config says 0.002",
        ),
        ({"warp_steps": 1}, "training.warp_steps = 2"),
        ({"begin": new_net(4, seed=1)}, "another starting net"),
        ({"clip": drawn_clip(faces=FACES[:2])}, "another set of clips"),
    ],
)
def test_a_folder_of_another_run_is_refused(change, says, clip, tmp_path):
    run(clip, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=says):
        run(**{"clip": clip, "out": tmp_path, **change})
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_loss_that_is_no_number_ends_the_run_in_one_line(clip, tmp_path):
    begin = new_net(4)
    with torch.no_grad():
        begin.net.mapping_net.pre.bias.fill_(torch.inf)
    with pytest.raises(UserError, match="no number in step 0: lower the learning rate"):
        run(clip, tmp_path, begin)
    assert list(tmp_path.iterdir()) == []


def test_the_sheet_shows_a_row_a_pair_under_titles(clip, tmp_path):
    run(clip, tmp_path, warp_steps=1, edit_steps=0)
    sheet = cv2.imread(str(tmp_path / "sheet_000001.png"))
    assert sheet.shape == (20 + 4 * 64, 4 * 64, 3)
    shown = cv2.cvtColor(sheet[20:84, :64], cv2.COLOR_BGR2RGB)
    assert any(np.array_equal(shown, picture) for picture in clip.pictures)


def test_gradients_reach_every_part_that_is_used():
    torch.manual_seed(0)
    net, clip = FaceGenerator(4), drawn_clip()
    pairs = module.draw([clip], np.random.default_rng(0), 1)
    torch.stack(list(terms(net, PixelLoss(), pairs, False).values())).sum().backward()
    dead = {n for n, p in net.named_parameters() if p.grad is None}
    assert dead and all(".conv1." in name or ".norm1." in name for name in dead)


def film(path, frames=6):
    """A person, who is found by the tracker, talks."""
    draw = painter("person", 320)
    with VideoWriter(path, 320, 320) as video:
        for index in range(frames):
            video.write_image(draw({"jawOpen": 0.15 * index, "rotationY": 0.05 * index}))
    return path


@pytest.fixture
def narrow(monkeypatch):
    """Nets that only their size tells from the released one, which takes seconds a step."""
    for place in (generator, weights):
        monkeypatch.setattr(place, "FaceGenerator", lambda: FaceGenerator(4))


def command(*arguments):
    return main(["portrait", "train", *(str(argument) for argument in arguments)])


def test_one_command_tunes_it_on_a_video(tmp_path, narrow, capsys):
    pytest.importorskip("mediapipe", reason="the tracker is not installed")
    clip, out = film(tmp_path / "me.mp4"), tmp_path / "out"
    few = ("--warp-steps", 1, "--edit-steps", 0, "--batch", 1)
    assert command(clip, "-o", out, *few) == 0
    shown = capsys.readouterr()
    assert "its face is tracked" in shown.err
    assert f"wrote {out / 'pirender.safetensors'}" in shown.out
    assert load_generator(out / "pirender.safetensors", "cpu").space == "ours"


def test_it_goes_on_from_released_weights_in_their_space(tmp_path, narrow, capsys):
    film(tmp_path / "me.mp4", frames=3)
    values = np.stack([face({"jawOpen": 0.15 * index}) for index in range(3)])
    np.save(tmp_path / "me.npy", values)
    torch.save(new_net(4).net.state_dict(), tmp_path / "released.pth")
    arguments = (
        tmp_path / "me.mp4",
        "-o",
        tmp_path / "out",
        "--from",
        tmp_path / "released.pth",
        "--warp-steps",
        1,
        "--edit-steps",
        1,
        "--batch",
        1,
    )
    assert command(*arguments) == 0
    assert load_generator(tmp_path / "out" / "pirender.safetensors", "cpu").space == "faceverse"
    capsys.readouterr()
    assert command(*arguments, "--learning-rate", 0.5) == 2
    assert "choose another folder" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no.mp4"], "no.mp4 does not exist"),
        (["HERE", "--batch", "0"], "--batch must be at least 1, not 0"),
        (["HERE", "--warp-steps", "-1"], "--warp-steps must be at least 0"),
        (["HERE", "--warp-steps", "0", "--edit-steps", "0"], "there is nothing to do"),
        (["HERE", "--learning-rate", "nan"], "--learning-rate must be within 0 .. 1"),
        (["HERE", "--from", "no.pth"], "no.pth is missing"),
        (["HERE", "--vgg", "no.pth"], "no.pth is missing"),
        (["HERE", "--set", "device=gpu9"], "device"),
    ],
)
def test_a_mistake_is_one_line(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "HERE").mkdir()
    assert command(*arguments, "-o", "OUT") == 2
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["HERE"]


def test_an_empty_folder_is_no_clip(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert command(tmp_path / "empty", "-o", tmp_path / "out") == 2
    assert "holds no pictures" in capsys.readouterr().err.splitlines()[-1]
