"""Weights, model, tracker and renderer: working, missing, damaged and too slow."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from rigs.doctor import answering, here, never, raising

from reactface_node import perception
from reactface_node.config import Config
from reactface_node.engine import engine as engine_module
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.perception import library
from reactface_node.tools.doctor import check_models
from reactface_node.tools.doctor.apart import ApartError, Crash, Slow
from reactface_node.tools.doctor.check_models import (
    check_files,
    check_model,
    check_renderer,
    check_tracker,
)

DEFAULT = Config.load("default")
PAPER = Config.load("paper")


def test_files_of_the_default_profile():
    assert check_files(DEFAULT).line() == "ok    model files: default.safetensors"


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """A weights folder of its own, which is empty."""
    true_folder = resources.folder
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        resources, "folder", lambda name: tmp_path if name == "weights" else true_folder(name)
    )
    return tmp_path


@pytest.mark.parametrize(
    ("profile", "changes", "line"),
    [
        (
            "default",
            {},
            "fail  model files: weights: no 'default.safetensors' -> git checkout weights/, or "
            "install reactface_node again",
        ),
        (
            "paper",
            {},
            "fail  model files: weights: no 'paper.safetensors' -> train some: reactface train "
            "--profile paper -o FOLDER; or --set weights=FILE",
        ),
        (
            "paper",
            {"weights": "mine.safetensors"},
            "fail  model files: weights: no 'mine.safetensors' -> correct the setting `weights`, "
            "or leave it out",
        ),
        (
            "official",
            {},
            "fail  model files: weights: no 'official.safetensors' -> its authors publish no "
            "checkpoint; train one with their code, then run reactface weights --convert "
            "best_checkpoint.pth weights/official.safetensors; see `reactface weights`, entry "
            "official.safetensors",
        ),
    ],
)
def test_no_weights(weights, profile, changes, line):
    config = Config.load(profile, overrides=changes)
    assert check_files(config).line() == line
    assert check_model(config, never).line() == (
        "fail  model: cannot run without its weights -> see the model files above"
    )


def test_files_of_renderers_and_profiles(weights):
    (weights / "paper.safetensors").write_bytes(b"\x08weights")
    said = check_files(PAPER)
    assert (said.level, said.fact) == ("fail", "render.pirender: no 'cur_model_fold.pth'")
    assert said.cure.endswith("see `reactface weights`, entry cur_model_fold.pth")
    (weights / "cur_model_fold.pth").write_bytes(b"\x80weights")
    assert check_files(PAPER).line() == ("ok    model files: paper.safetensors, cur_model_fold.pth")
    mesh = DEFAULT.replace(**{"render.renderer": "mesh", "weights": "paper.safetensors"})
    assert check_files(mesh).fact == "render.mesh: no ''"
    head = mesh.replace(**{"render.mesh": str(weights)})
    assert check_files(head).line() == f"ok    model files: paper.safetensors, {weights}"


def test_the_official_profile_wants_a_mean_face(weights):
    (weights / "official.safetensors").write_bytes(b"\x08weights")
    config = Config.load("official")
    said = check_files(config)
    assert (said.level, said.name) == ("warn", "model files")
    assert said.fact == "model.mean_face is not set: the neutral face is unknown"
    assert said.cure.endswith("see `reactface weights`, entry mean_face.npy")
    named = config.replace(**{"model.mean_face": "mean_face.npy"})
    assert check_files(named).fact == "model.mean_face: no 'mean_face.npy'"
    (weights / "mean_face.npy").write_bytes(b"\x93NUMPY")
    assert check_files(named).line() == ("ok    model files: official.safetensors, mean_face.npy")


def test_a_pointer_in_the_place_of_weights(weights):
    (weights / "default.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert check_files(DEFAULT).line() == (
        "fail  model files: weights: default.safetensors is a Git LFS pointer, not the file "
        "itself: run `git lfs pull` -> git checkout weights/, or install reactface_node again"
    )


def model_answers(step_ms, frames=1):
    return answering(load_s=2.04, step_ms=step_ms, frames=frames)


def test_the_speed_of_the_model():
    said = "model: default.safetensors loads in 2.0 s; a frame in"
    assert check_model(DEFAULT, model_answers(20.0)).line() == (
        f"ok    {said} 20.0 of 40 ms on cpu"
    )
    assert check_model(DEFAULT, model_answers(20.1)).line() == (
        f"warn  {said} 20.1 of 40 ms on cpu: little is left for the rest -> end other programs, or "
        "--set threads=0"
    )
    assert check_model(DEFAULT, model_answers(40.1)).line() == (
        f"fail  {said} 40.1 of 40 ms on cpu: too slow -> end other programs, or --set threads=0"
    )


@pytest.mark.parametrize(
    ("profile", "device", "cure"),
    [
        ("official", "cpu", "--set device=cuda, or --profile default"),
        ("official", "cuda", "a faster GPU, or --profile default"),
    ],
)
def test_a_model_that_is_too_slow(weights, profile, device, cure):
    (weights / "official.safetensors").write_bytes(b"\x08weights")
    config = Config.load(profile, overrides={"device": device})
    assert check_model(config, model_answers(400.0, frames=8)).line() == (
        f"fail  model: official.safetensors loads in 2.0 s; 8 frames in 400.0 of 320 ms on "
        f"{device}: too slow -> {cure}"
    )


@pytest.mark.parametrize(
    ("error", "device", "cure"),
    [
        (
            UserError("x is damaged"),
            "cpu",
            "git checkout weights/, or install reactface_node again",
        ),
        (Slow("no answer within 9 s"), "cpu", "end other programs, and run the doctor again"),
        (Crash("the process crashed (SIGKILL)"), "cpu", "free some memory"),
        (Crash("the process crashed (SIGILL)"), "cpu", "pip install --force-reinstall torch"),
        (
            UserError("there is no device cuda"),
            "cuda",
            "see whether nvidia-smi lists the GPU, or --set device=cpu",
        ),
        (
            ApartError("ModuleNotFoundError: No module named 'torch'"),
            "cpu",
            "pip install torch",
        ),
        (
            ApartError("ModuleNotFoundError: No module named 'cv2.data'"),
            "cpu",
            "pip install 'opencv-contrib-python<5'",
        ),
        (
            ApartError("ImportError: libGL.so.1: cannot open shared object file"),
            "cpu",
            "sudo apt install libgl1 libegl1 libglib2.0-0",
        ),
    ],
)
def test_a_model_that_does_not_run(error, device, cure):
    config = DEFAULT.replace(device=device)
    assert check_model(config, raising(error)).line() == f"fail  model: {error} -> {cure}"


class FakeEngine:
    """Gives so many frames at a time; after ``good`` steps they are no numbers."""

    frames, disposition = 1, 0

    def __init__(self, good):
        self.left, self.samples = good, 0

    def begin(self, seed, samples, first=None):
        self.samples = samples

    def step(self, speaker):
        assert speaker.face.shape == (1, 58)
        self.left -= 1
        return np.full((self.samples, 1, 58), 0.0 if self.left >= 0 else np.nan)


def test_the_model_is_really_run(monkeypatch):
    engine = FakeEngine(good=1000)
    monkeypatch.setattr(engine_module, "load_engine", lambda _: engine)
    ticks = iter(range(100))
    monkeypatch.setattr(check_models.time, "perf_counter", lambda: next(ticks) / 100)
    config = DEFAULT.replace(**{"playout.samples": 3})
    assert check_model(config, here).line() == (
        "ok    model: default.safetensors loads in 0.0 s; a frame in 10.0 of 40 ms on cpu"
    )
    assert engine.samples == 3


def test_weights_that_give_no_numbers_in_the_second_window(monkeypatch):
    window = DEFAULT.model.window
    monkeypatch.setattr(engine_module, "load_engine", lambda _: FakeEngine(good=2 * window - 1))
    assert check_model(DEFAULT, here).line() == (
        "fail  model: default.safetensors is damaged: the model gives NaN; get it again -> git "
        "checkout weights/, or install reactface_node again"
    )


@pytest.mark.parametrize(
    ("image_ms", "line"),
    [
        (40.0, "ok    face tracker: FaceMesh, 40.0 of 40 ms for an image"),
        (
            40.1,
            "warn  face tracker: FaceMesh, 40.1 of 40 ms for an image: images will be left out -> "
            "--set perception.max_width_px=320, or end other programs",
        ),
        (
            120.1,
            "fail  face tracker: FaceMesh, 120.1 of 40 ms for an image: too slow -> --set "
            "perception.max_width_px=320, or end other programs",
        ),
    ],
)
def test_the_speed_of_the_tracker(image_ms, line):
    said = check_tracker(DEFAULT, answering(kind="FaceMesh", image_ms=image_ms))
    assert said.line() == line


def test_a_tracker_without_its_model():
    error = UserError("there is no face model: download it")
    assert check_tracker(DEFAULT, raising(error)).line() == (
        f"fail  face tracker: {error} -> reactface weights --download face_landmarker.task"
    )


def test_no_face_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    alone = replace(DEFAULT, perception=replace(DEFAULT.perception, landmarker=""))
    said = check_tracker(alone, here)
    assert said.fact.startswith("there is no face model: run `reactface weights --download")
    assert said.level == "fail" and said.cure


@pytest.mark.parametrize(
    ("facemesh", "settings", "faces"),
    [
        (True, {}, "FaceMesh, voices by loudness"),
        (True, {"max_faces": 0}, "no faces, voices by loudness"),
        (True, {"landmarker": "a"}, "FaceMesh with a, voices by loudness"),
        (True, {"landmarker": "a", "expression_classifier": "b"}, "FaceMesh with a and b, "),
        (True, {"voice_activity": "c"}, "FaceMesh, voices by c"),
        (False, {"landmarker": "a"}, "Face Landmarker, voices by loudness"),
        (False, {"landmarker": "a", "expression_classifier": "b"}, "Face Landmarker with b, "),
    ],
)
def test_the_tracker_is_really_run(monkeypatch, tmp_path, facemesh, settings, faces):
    tracked = []
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"a model")

    class FakeTracker:
        def track(self, stamp_s, rgb):
            tracked.append((stamp_s, rgb.shape))

        def close(self):
            tracked.append("closed")

    monkeypatch.setattr(perception, "make_tracker", lambda *_: FakeTracker())
    monkeypatch.setattr(library, "has_facemesh", lambda: facemesh)
    models = dict.fromkeys(("landmarker", "expression_classifier", "voice_activity"), "")
    models |= {name: str(tmp_path / value) for name, value in settings.items() if value}
    settings = models | {name: value for name, value in settings.items() if not value}
    config = replace(DEFAULT, perception=replace(DEFAULT.perception, **settings))
    said = check_tracker(config, here)
    assert said.level == "ok" and said.fact.startswith(faces)
    images = [(float(index), (240, 320, 3)) for index in range(1 + check_models.TIMES)]
    assert tracked == [*images, "closed"]


def test_renderers():
    quick, slow = answering(picture_ms=40.0), answering(picture_ms=1000.0)
    assert check_renderer(DEFAULT, quick).line() == (
        "ok    renderer: avatar 512x512, 40.0 of 40 ms for a picture"
    )
    assert check_renderer(DEFAULT, slow).line() == (
        "warn  renderer: avatar 512x512, 1000.0 of 40 ms for a picture: too slow for live pictures "
        "-> --set render.width=256 --set render.height=256"
    )
    assert check_renderer(PAPER, slow).line() == (
        "warn  renderer: portrait 512x512, 1000.0 of 40 ms for a picture: too slow for live "
        "pictures -> --set render.device=cuda, or --render avatar"
    )
    nothing = DEFAULT.replace(**{"render.renderer": "none"})
    assert check_renderer(nothing, never).line() == ("ok    renderer: none: no pictures are drawn")


def test_renderers_that_lack_something():
    theme = DEFAULT.replace(**{"render.theme": "nocturne"})
    said = check_renderer(theme, here)
    assert (said.level, said.cure) == ("fail", "--set render.theme=default")
    assert said.fact.startswith("avatar: ") and "nocturne" in said.fact
    mesh = DEFAULT.replace(**{"render.renderer": "mesh"})
    assert check_renderer(mesh, here).line() == (
        "fail  renderer: mesh: render.mesh is empty; set it to FaceVerse's .npy or a folder of OBJ "
        "files -> --render avatar"
    )


def test_the_avatar_is_really_drawn():
    small = DEFAULT.replace(**{"render.width": 32, "render.height": 32})
    said = check_renderer(small, here)
    assert said.fact.startswith("avatar 32x32, ")
