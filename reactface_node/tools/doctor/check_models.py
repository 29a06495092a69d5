"""Checks of the weights, and of the speed of the model, the face tracker and the renderer."""

import itertools
import re
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from reactface_node.config import Config, PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS
from reactface_node.tools.doctor.apart import ApartError, Crash, RunApart, Slow
from reactface_node.tools.doctor.check_system import APT, LIBRARIES, PACKAGES, install
from reactface_node.tools.doctor.finding import Finding, fail, ok, warn

LIMIT_S = 180.0
"""Reading the largest weights from a slow disk takes minutes."""
TIMES = 5
FRAME_MS = 1000.0 / FRAME_RATE_HZ
SLOWEST_TRACKING = 3
"""At its lowest level the overload controller tracks one of this many frames."""


def check_files(config: Config) -> Finding:
    """Check every file that the config names and needs."""
    name = "model files"
    needed = {"weights": config.weights}
    if config.model.mean_face:
        needed["model.mean_face"] = config.model.mean_face
    if config.render.renderer == "portrait":
        needed["render.pirender"] = config.render.pirender
    if config.render.renderer == "mesh":
        needed["render.mesh"] = config.render.mesh
    for setting, value in needed.items():
        lack = _lack(value)
        if lack:
            return fail(name, f"{setting}: {lack}", _source(setting, value, config.profile))
    if config.model.behaviour == "official" and not config.model.mean_face:
        cure = _source("model.mean_face", "", config.profile)
        return warn(name, "model.mean_face is not set: the neutral face is unknown", cure)
    return ok(name, ", ".join(needed.values()))


def _lack(name: str) -> str:
    """Why a file, or a folder, cannot be used; '' if it can."""
    try:
        is_there = bool(resources.weights_file(name) or resources.exported_model(name))
    except UserError as error:
        return str(error)
    return "" if is_there else f"no '{name}'"


def _source(setting: str, value: str, profile: str) -> str:
    """Where to get the file of a setting, from the catalogue if it is listed there."""
    from reactface_node.engine.catalogue import read_catalogue

    if setting == "weights" and value != Config.load(profile).weights:
        return "correct the setting `weights`, or leave it out"
    for entry in read_catalogue():
        if entry.setting == setting and profile in entry.profiles:
            if not entry.by_hand:
                return f"reactface weights --download {entry.name}"
            return f"{entry.by_hand}; see `reactface weights`, entry {entry.name}"
    if setting == "weights" and profile == "default":
        return "git checkout weights/, or install reactface_node again"
    return f"train some: reactface train --profile {profile} -o FOLDER; or --set {setting}=FILE"


def check_model(config: Config, apart: RunApart) -> Finding:
    """Load the model and check whether each step ends before the next one is due."""
    if _lack(config.weights):
        return fail("model", "cannot run without its weights", "see the model files above")
    try:
        found = apart(run_model, config, limit_s=LIMIT_S)
    except (UserError, ApartError) as error:
        cure = _source("weights", config.weights, config.profile)
        if config.device != "cpu":
            cure = "see whether nvidia-smi lists the GPU, or --set device=cpu"
        return fail("model", str(error), _cure(error, cure, "torch"))
    budget_ms = found["frames"] * FRAME_MS
    fact = (
        f"{config.weights} loads in {found['load_s']:.1f} s; {_frames(found['frames'])} in "
        f"{found['step_ms']:.1f} of {budget_ms:.0f} ms on {config.device}"
    )
    if found["step_ms"] > budget_ms:
        return fail("model", f"{fact}: too slow", _faster(config))
    if found["step_ms"] > 0.5 * budget_ms:
        return warn("model", f"{fact}: little is left for the rest", _faster(config))
    return ok("model", fact)


def check_tracker(config: Config, apart: RunApart) -> Finding:
    """Make the face tracker and track an image without a face."""
    try:
        found = apart(run_tracker, config, limit_s=LIMIT_S)
    except (UserError, ApartError) as error:
        cure = "reactface weights --download face_landmarker.task"
        return fail("face tracker", str(error), _cure(error, cure, "ai-edge-litert"))
    fact = f"{found['kind']}, {found['image_ms']:.1f} of {FRAME_MS:.0f} ms for an image"
    cure = "--set perception.max_width_px=320, or end other programs"
    if found["image_ms"] > SLOWEST_TRACKING * FRAME_MS:
        return fail("face tracker", f"{fact}: too slow", cure)
    if found["image_ms"] > FRAME_MS:
        return warn("face tracker", f"{fact}: images will be left out", cure)
    return ok("face tracker", fact)


def check_renderer(config: Config, apart: RunApart) -> Finding:
    """Draw the neutral face."""
    kind = config.render.renderer
    if kind == "none":
        return ok("renderer", "none: no pictures are drawn")
    try:
        found = apart(run_renderer, config, limit_s=LIMIT_S)
    except (UserError, ApartError) as error:
        cure = "--set render.theme=default" if kind == "avatar" else "--render avatar"
        return fail("renderer", f"{kind}: {error}", _cure(error, cure, "skia-python"))
    size = f"{config.render.width}x{config.render.height}"
    fact = f"{kind} {size}, {found['picture_ms']:.1f} of {FRAME_MS:.0f} ms for a picture"
    if found["picture_ms"] > FRAME_MS:
        cure = (
            "--set render.device=cuda, or --render avatar"
            if kind == "portrait"
            else ("--set render.width=256 --set render.height=256")
        )
        return warn("renderer", f"{fact}: too slow for live pictures", cure)
    return ok("renderer", fact)


def run_model(config: Config) -> dict[str, Any]:
    """load_s, step_ms (median), frames of a step. UserError if the weights are missing or
    damaged."""
    from reactface_node.engine.engine import load_engine
    from reactface_node.perception.finders import NoFinder
    from reactface_node.perception.tracker import LandmarkTracker
    from reactface_node.session import ReactionSession

    began_s = time.perf_counter()
    engine = load_engine(config)
    load_s = time.perf_counter() - began_s
    tracker = LandmarkTracker(config.perception, False, NoFinder())
    session = ReactionSession(config, engine, tracker)
    session.check_model()
    step_ms = _milliseconds(session.run_silence)
    session.close()
    return {"load_s": load_s, "step_ms": step_ms, "frames": engine.frames}


def run_tracker(config: Config) -> dict[str, Any]:
    """kind of the face finder and of the voice detector, image_ms (median of an image without a
    face). UserError if a library or a model is missing or damaged."""
    from reactface_node.perception import make_tracker

    tracker = make_tracker(config.perception, config.model.face_encoder == "pixels")
    blank, stamps_s = np.zeros((240, 320, 3), np.uint8), itertools.count()
    image_ms = _milliseconds(lambda: tracker.track(float(next(stamps_s)), blank))
    tracker.close()
    voices = resources.weights_file(config.perception.voice_activity)
    heard = "loudness" if voices is None else voices.name
    return {"kind": f"{_faces(config.perception)}, voices by {heard}", "image_ms": image_ms}


def _faces(config: PerceptionConfig) -> str:
    """What finds and reads faces."""
    from reactface_node.perception.library import has_facemesh

    if config.max_faces == 0:
        return "no faces"
    names = [config.expression_classifier]
    finder = "Face Landmarker"
    if has_facemesh():
        finder, names = "FaceMesh", [config.landmarker, *names]
    files = [file.name for name in names if (file := resources.weights_file(name)) is not None]
    return " with ".join([finder, *([" and ".join(files)] if files else [])])


def run_renderer(config: Config) -> dict[str, Any]:
    """picture_ms (median). UserError if a file, a theme or a library is missing."""
    from reactface_node.render import make_renderer

    renderer = make_renderer(config.render, config.on_device_failure, config.perception.landmarker)
    neutral = np.zeros(NUM_COEFFICIENTS, np.float32)
    return {"picture_ms": _milliseconds(lambda: renderer.render(neutral))}


def _milliseconds(act: Callable[[], object]) -> float:
    """The median duration of several calls, after a first one that does not count."""
    act()
    taken_s = []
    for _ in range(TIMES):
        began_s = time.perf_counter()
        act()
        taken_s.append(time.perf_counter() - began_s)
    return 1000.0 * median(taken_s)


def _faster(config: Config) -> str:
    if config.device != "cpu":
        return "a faster GPU, or --profile default"
    if config.profile != "default":
        return "--set device=cuda, or --profile default"
    return "end other programs, or --set threads=0"


def _cure(error: Exception, otherwise: str, package: str) -> str:
    """The cure for a missing library, a missing package or a crash of ``package``; otherwise
    ``otherwise``."""
    text = str(error)
    module = re.search(r"No module named '(\w+)", text)
    if module:
        return install(PACKAGES.get(module[1], module[1]))
    if ".so" in text:
        return f"{APT} {' '.join(LIBRARIES.values())}"
    if isinstance(error, Slow):
        return "end other programs, and run the doctor again"
    if isinstance(error, Crash):
        # The kernel ends processes with SIGKILL if no memory is left.
        is_memory = "SIGKILL" in text
        return "free some memory" if is_memory else f"pip install --force-reinstall {package}"
    return otherwise


def _frames(number: int) -> str:
    return "a frame" if number == 1 else f"{number} frames"
