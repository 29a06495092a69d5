"""Clips tracked by several finders side by side, in the way a live camera is tracked."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.audio import AudioStats, to_mono
from reactface_node.media.video import AudioInput, ImageInput, read_video
from reactface_node.perception.finders import FaceMeshFinder
from reactface_node.perception.geometry import euler_angles
from reactface_node.perception.hands import choose_hands
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.perception.library import has_facemesh
from reactface_node.perception.tracker import Finder, LandmarkTracker
from reactface_node.perception.voice import speech_model
from reactface_node.schema import FRAME_RATE_HZ, KINDS, NUM_COEFFICIENTS

STILL_IMAGES = 10 * FRAME_RATE_HZ
NOISY_IMAGES = 4 * FRAME_RATE_HZ
SENSOR_NOISE = 4.0
"""Standard deviation of a webcam's noise in daylight, of 255."""
NO_FACEMESH = "no mediapipe that carries FaceMesh is installed: pip install '.[facemesh]'"


def _measures(config: PerceptionConfig) -> Finder | str:
    if not has_facemesh():
        return NO_FACEMESH
    return FaceMeshFinder(config)


def _classed(config: PerceptionConfig) -> Finder | str:
    classifier = resources.weights_file(config.expression_classifier)
    if classifier is None:
        return f"perception.expression_classifier={config.expression_classifier} is no file"
    if not has_facemesh():
        return NO_FACEMESH
    return FaceMeshFinder(config, None, classifier)


def _fused(config: PerceptionConfig) -> Finder | str:
    model = resources.weights_file(config.landmarker)
    if model is None:
        return _no_model(config)
    if not has_facemesh():
        return NO_FACEMESH
    return FaceMeshFinder(config, model, resources.weights_file(config.expression_classifier))


def _networks(config: PerceptionConfig) -> Finder | str:
    model = resources.weights_file(config.landmarker)
    if model is None:
        return _no_model(config)
    return LandmarkerFinder(config, model, resources.weights_file(config.expression_classifier))


def _no_model(config: PerceptionConfig) -> str:
    return f"perception.landmarker={config.landmarker} is no file"


FINDERS: tuple[tuple[str, Callable[[PerceptionConfig], Finder | str]], ...] = (
    ("measures", _measures),
    ("classed", _classed),
    ("fused", _fused),
    ("networks", _networks),
)
"""All finders that are compared: a name of at most 8 letters, and what makes the finder, or says
why it cannot be had here."""


def make_trackers(config: PerceptionConfig) -> tuple[dict[str, LandmarkTracker], list[str]]:
    """A tracker by finder, and a line for each finder that cannot be had. UserError for none."""
    trackers: dict[str, LandmarkTracker] = {}
    missing = []
    speech = speech_model(config)
    for name, make in FINDERS:
        made = make(config)
        if isinstance(made, str):
            missing.append(f"{name}: {made}")
        else:
            trackers[name] = LandmarkTracker(config, False, made, choose_hands(config), speech)
    if not trackers:
        raise UserError(f"no face model is installed ({'; '.join(missing)})")
    return trackers, missing


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """What one finder makes of n images.

    coefficients: (n, 58), 0 without a face. kinds: (n, 9) probabilities of ``KINDS``, 0 without a
    face. given: (58,) bool, channels that it gives. found: (n,).
    transform: (n, 3) angles of the finder's own head transform in radians, NaN where it gives none.
    boxes: (n, 4) the face's left, top, right, bottom in image widths and heights, NaN without one.
    cpu_s: (n,) processor time of all threads. people: how many people were told apart.
    """

    coefficients: np.ndarray
    kinds: np.ndarray
    given: np.ndarray
    found: np.ndarray
    transform: np.ndarray
    boxes: np.ndarray
    cpu_s: np.ndarray
    people: int


@dataclass(frozen=True, eq=False)
class ClipTracks:
    """A clip as every finder sees it. times_s: (n,). size: (width, height) in pixels."""

    path: Path
    times_s: np.ndarray
    size: tuple[int, int]
    tracks: dict[str, FaceTrack]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


class _Collector:
    """Collects a ``FaceTrack``."""

    def __init__(self, tracker: LandmarkTracker) -> None:
        self._tracker = tracker
        self._met = tracker.met
        self._given = np.zeros(NUM_COEFFICIENTS, bool)
        self._rows: list[tuple[np.ndarray, np.ndarray, bool, np.ndarray, np.ndarray, float]] = []

    def see(self, stamp_s: float, rgb: np.ndarray) -> None:
        begin_s = time.process_time()
        seen = self._tracker.track(stamp_s, rgb)
        cpu_s = time.process_time() - begin_s
        face = self._tracker.face
        transform, box = np.full(3, np.nan), np.full(4, np.nan)
        if face is not None:
            corners = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
            box = np.concatenate(corners)
            if face.pose is not None:
                transform = euler_angles(face.pose[0])
        self._given = self._given | seen.valid
        kinds = np.zeros(len(KINDS)) if seen.kinds is None else seen.kinds
        self._rows.append((seen.coefficients, kinds, seen.face_found, transform, box, cpu_s))

    def track(self) -> FaceTrack:
        coefficients, kinds, found, transform, boxes, cpu_s = zip(*self._rows, strict=True)
        return FaceTrack(
            coefficients=np.stack(coefficients),
            kinds=np.stack(kinds),
            given=self._given,
            found=np.array(found),
            transform=np.stack(transform),
            boxes=np.stack(boxes),
            cpu_s=np.array(cpu_s),
            people=self._tracker.met - self._met,
        )


def track_clip(
    path: Path, trackers: dict[str, LandmarkTracker], advance: Callable[[float], None]
) -> ClipTracks:
    """Every image and every sound of a video file, at its own times. UserError where it cannot be
    read or has no images. advance: is told the time of each image in seconds."""
    return track_inputs(path, read_video(path), trackers, advance)


def track_inputs(
    path: Path,
    inputs: Iterable[ImageInput | AudioInput],
    trackers: dict[str, LandmarkTracker],
    advance: Callable[[float], None],
) -> ClipTracks:
    """As ``track_clip``, of images and sounds in order of arrival."""
    collectors = {}
    for name, tracker in trackers.items():
        tracker.reset()
        collectors[name] = _Collector(tracker)
    times_s: list[float] = []
    size = (0, 0)
    for item in inputs:
        if isinstance(item, AudioInput):
            mono = to_mono(item.samples, AudioStats())
            for tracker in trackers.values():
                tracker.hear(item.stamp_s, mono, item.rate_hz)
            continue
        times_s.append(item.stamp_s)
        size = item.rgb.shape[1], item.rgb.shape[0]
        for collector in collectors.values():
            collector.see(item.stamp_s, item.rgb)
        advance(item.stamp_s)
    if not times_s:
        raise UserError(f"{path} holds no pictures that can be decoded")
    tracks = {name: collector.track() for name, collector in collectors.items()}
    return ClipTracks(path, np.array(times_s), size, tracks)


def still_images(rgb: np.ndarray) -> Iterable[ImageInput]:
    """One image (H, W, 3) for 10 s at 25 Hz, then for 4 s with a camera's noise."""
    random = np.random.default_rng(0)
    for index in range(STILL_IMAGES + NOISY_IMAGES):
        stamp_s = index / FRAME_RATE_HZ
        image = rgb
        if index >= STILL_IMAGES:
            noise = random.normal(0.0, SENSOR_NOISE, rgb.shape)
            image = np.clip(rgb + noise, 0, 255).round().astype(np.uint8)
        yield ImageInput(stamp_s, stamp_s, image)
