"""How far each channel of a tracked face can be trusted, from the picture of the face.

A reliability is the factor that brings what is read nearest to what is true, in the mean square:
mean(read * true) / mean(read * read). Measured on eleven real clips, each made small, blurred,
noisy or dark, against the clip as it is. What is read of each clip times the factor of the other
ten has a mean square error that is lower by up to 4 % for the fine channels, 14 % for the mouth
and 20 % for the head's rotation. Errors that last, such as a neutral face that was learned wrongly,
are not lower by it. The last reliable value, held, is worse than what is read.

The finder's score is not among the factors. MediaPipe's landmark models give none, and the score of
its face detector differs more between people (0.90 to 0.97) than from those to faces of 32 pixels
(0.85 to 0.96) or a strong blur (0.81 to 0.95).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from reactface_node.perception.hands import share_inside
from reactface_node.perception.lighting import DARK
from reactface_node.perception.measures import CHIN, LOWER_EDGE, LOWER_LIP, SIDES, UPPER_EDGE
from reactface_node.perception.measures import UPPER_LIP as UPPER
from reactface_node.schema import COEFFICIENT_NAMES, NUM_COEFFICIENTS, POSE_NAMES, stem_of

FINE, MOUTH, ROTATION, PLACE = range(4)
"""Groups of channels: eyes, brows, cheeks and nose; mouth and jaw; the head's rotation; its
position, which is always read well."""


@dataclass(frozen=True)
class Factor:
    """Reliability by one measure of the picture: of each group, at the values ``at``, in order.

    Between them it is linear, outside them constant; the best one is exactly 1.
    """

    at: tuple[float, ...]
    fine: tuple[float, ...]
    mouth: tuple[float, ...]
    rotation: tuple[float, ...]

    def of(self, value: float | np.ndarray) -> np.ndarray:
        """(58,) by channel; value: one for all, or (58,)."""
        at, *rows = self._table
        found = np.array([np.interp(value, at, row) for row in rows])
        by_channel: np.ndarray = found[GROUPS] if found.ndim == 1 else found[GROUPS, CHANNELS]
        return by_channel

    @cached_property
    def _table(self) -> np.ndarray:
        """(5, n): the values, and a row for each group."""
        ones = (1.0,) * len(self.at)
        return np.array([self.at, self.fine, self.mouth, self.rotation, ones])


SIZE = Factor(
    at=(32.0, 48.0, 64.0, 96.0, 128.0),
    fine=(0.89, 0.96, 0.97, 0.99, 1.0),
    mouth=(0.92, 0.97, 0.97, 0.99, 1.0),
    rotation=(0.97, 0.98, 0.99, 0.99, 1.0),
)
"""By the larger side of the face's box in pixels."""
DETAIL = Factor(
    at=(0.11, 0.16, 0.26, 0.29),
    fine=(0.87, 0.92, 0.98, 1.0),
    mouth=(0.77, 0.92, 0.98, 1.0),
    rotation=(0.89, 0.95, 0.99, 1.0),
)
"""By ``detail``: a blur with a standard deviation of 1/40, 1/65, 1/130 of the face, and none. On 40
clips and photographs as they are it is 0.29 to 0.8."""
GRAIN = Factor(
    at=(0.04, 0.075, 0.15, 0.25, 0.45, 0.9),
    fine=(1.0, 0.99, 0.98, 0.98, 0.96, 0.87),
    mouth=(1.0, 0.98, 0.95, 0.95, 0.91, 0.79),
    rotation=(1.0, 0.98, 0.95, 0.95, 0.90, 0.80),
)
"""By noise over brightness of the face. 0.45 is brightness x 0.12 with noise of sigma 6 of 255,
tracked with ``lighting``; a webcam in daylight has 0.04, a clean clip 0.005."""
TURNED = Factor(
    at=(25.0, 35.0, 45.0, 55.0),
    fine=(1.0, 0.84, 0.64, 0.34),
    mouth=(1.0, 0.92, 0.71, 0.45),
    rotation=(1.0, 1.0, 1.0, 1.0),
)
"""By the angle in degrees, in any direction, between the face and the camera. No clip turns so far:
faces were turned by their own landmarks in space, without hair and ears. The rotation itself must
not be made smaller because it is large."""
NEAR_DEG = 8.0
"""The near side of a face that turns aside is read as if it turned by so much less."""
COVERED_SHARES, COVERED = (0.0, 0.4, 0.8, 1.0), (1.0, 0.8, 0.5, 0.4)
"""By the share of a part of the face that a hand covers: a real hand, copied over two clips."""
OUTSIDE = Factor(
    at=(0.0, 0.1, 0.25, 0.45),
    fine=(1.0, 0.97, 0.90, 0.84),
    mouth=(1.0, 0.97, 0.90, 0.84),
    rotation=(1.0, 0.85, 0.60, 0.30),
)
"""By the share of the face that lies outside the image: five clips, cut at the left or below."""
OUTSIDE_SHARES, OUTSIDE_PART = (0.0, 0.35, 0.8), (1.0, 0.65, 0.3)
"""The same by the share of the channel's own part of the face."""
SAID_BELOW = 0.93
"""A factor is named as a doubt where it leaves less than this to a channel."""

SIDE, MARGIN = 48, 8
"""Side in pixels to which the face is shrunk to look for blur, and the margin left out of it."""
DIRECTED = 1.5
"""Detail along one direction counts as so much: motion blurs in one direction alone."""
STEP = 8
"""Brightness is that of every so many rows and columns."""
PATCH = 96
"""Side in pixels of the middle of the face, in which noise is looked for."""
_SECOND = np.array([[1.0, -2.0, 1.0]], np.float32)
# Immerkaer's mask (1996): it removes planes and edges along the axes, and makes noise 6 times as
# large. The median of absolute values of a normal distribution is 0.6745 of its deviation.
_NOISE, _NOISE_GAIN = _SECOND.T @ _SECOND, 6 * 0.6745


def _group(name: str) -> int:
    if name in POSE_NAMES:
        return ROTATION if name.startswith("rotation") else PLACE
    return MOUTH if name.startswith(("mouth", "jaw", "tongue")) else FINE


def _side(name: str) -> int:
    """1 for channels of the subject's left side, -1 for those of the right one, 0 for others."""
    if stem_of(name) == name:
        return 0
    return 1 if name.endswith("Left") else -1


GROUPS = np.array([_group(name) for name in COEFFICIENT_NAMES])
"""(58,) group of each channel."""
CHANNELS = np.arange(NUM_COEFFICIENTS)
ON_LEFT = np.array([_side(name) for name in COEFFICIENT_NAMES])


def _parts() -> tuple[tuple[tuple[int, ...], np.ndarray], ...]:
    """Parts of the face: landmarks, and the indices of the channels that are read from them."""
    lips = (UPPER, LOWER_LIP, UPPER_EDGE, LOWER_EDGE)
    mouth = [*lips, *(p for s in SIDES for p in (s.mouth_corner, *s.upper_lip, *s.lower_lip))]
    parts: list[tuple[tuple[int, ...], list[str]]] = [
        (tuple(mouth), [name for name in COEFFICIENT_NAMES if name.startswith("mouth")]),
        ((CHIN, *lips), [name for name in COEFFICIENT_NAMES if name.startswith("jaw")]),
        (tuple(p for s in SIDES for p in s.inner_brow), ["browInnerUp"]),
    ]
    for side in SIDES:
        lids = side.outer_eye, side.inner_eye, *side.upper_lid, *side.lower_lid
        for points, start in (
            (lids, "eye"),
            ((*side.inner_brow, *side.outer_brow), "brow"),
            (side.cheek, "cheek"),
            (side.nostril, "nose"),
        ):
            names = [n for n in COEFFICIENT_NAMES if n.startswith(start) and n != stem_of(n)]
            parts.append((points, [name for name in names if name.endswith(side.name)]))
    return tuple(
        (points, np.array([COEFFICIENT_NAMES.index(name) for name in names]))
        for points, names in parts
    )


PARTS = _parts()


def reliability(
    image: np.ndarray, points: np.ndarray, to_camera: np.ndarray, hands: Sequence[np.ndarray] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The reliability (58,) of a face's channels, and the reasons for less than 1 in plain words.

    image: (H, W, 3) uint8 as the camera gave it. points: landmarks (478, 3) in pixels in our axes.
    to_camera: unit vector (3,) in the face's axes. hands: outlines, (n, 2) in pixels each.
    """
    places = points[:, :2] * [1.0, -1.0]
    low, high = places.min(axis=0), places.max(axis=0)
    small = SIZE.of(float((high - low).max()))
    factors = {"small face": small}
    face = _cut(image, low, high)
    if min(face.shape) >= 4:
        sharp = DETAIL.of(detail(face))
        # A small face has no fine detail either: that is one error, not two.
        word = "blurred" if sharp.min() < small.min() else "small face"
        factors = {word: np.minimum(small, sharp)}
        brightness = float(np.median(face[::STEP, ::STEP]))
        factors["dark" if brightness < DARK else "noisy"] = GRAIN.of(grain(face, brightness))
    factors["turned away"] = _turned(to_camera)
    factors["covered by a hand"] = _free(places, hands)
    factors["partly outside the picture"] = _inside(places, image)
    found = np.prod(list(factors.values()), axis=0).astype(np.float32)
    return found, tuple(word for word, by in factors.items() if by.min() < SAID_BELOW)


def detail(face: np.ndarray) -> float:
    """How much of a face's (h, w) structure is fine: that of 1/48 of it over that of 1/24.

    The ratio of variances of second derivatives does not depend on contrast or brightness.
    """
    size = SIDE, SIDE
    fine = cv2.resize(face, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    coarse = cv2.resize(fine, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    ratios = _structure(fine, MARGIN) / np.maximum(_structure(coarse, MARGIN // 2), 1e-3)
    both, across, down = ratios.tolist()
    return float(min(both, DIRECTED * across, DIRECTED * down))


def grain(face: np.ndarray, brightness: float) -> float:
    """Deviation of the noise in a face (h, w), in shares of its brightness."""
    height, width = face.shape
    top, left = max(height - PATCH, 0) // 2, max(width - PATCH, 0) // 2
    patch = face[top : top + PATCH, left : left + PATCH].astype(np.float32)
    noise = np.abs(cv2.filter2D(patch, -1, _NOISE)[::2, ::2])
    return float(np.median(noise)) / _NOISE_GAIN / max(brightness, 1.0)


def _structure(image: np.ndarray, margin: int) -> np.ndarray:
    """Mean squares of the second derivatives: both, across, down."""
    inner = image[margin:-margin, margin:-margin]
    twice = 2.0 * inner[1:-1, 1:-1]
    across = inner[1:-1, :-2] - twice + inner[1:-1, 2:]
    down = inner[:-2, 1:-1] - twice + inner[2:, 1:-1]
    both = across + down
    return np.array([np.vdot(one, one) / one.size for one in (both, across, down)])


def _cut(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The green of a box of the image, (h, w); empty if it lies outside."""
    left, top = np.maximum(low, 0.0).astype(int).tolist()
    right, bottom = np.maximum(high, 0.0).astype(int).tolist()
    part = image[top : bottom + 1, left : right + 1]
    return cv2.extractChannel(part, 1) if part.size else part[..., 1]


def _turned(to_camera: np.ndarray) -> np.ndarray:
    """(58,) reliability by the angle between the face and the camera."""
    across, up, out = to_camera.tolist()
    angle = np.degrees(np.arctan2(np.hypot(across, up), out))
    # 1 or -1 for a turn aside to where the camera sees the left or the right half, 0 for a nod.
    aside = across / max(np.hypot(across, up), 1e-9)
    return TURNED.of(angle - NEAR_DEG * np.maximum(aside * ON_LEFT, 0.0))


def _free(points: np.ndarray, hands: Sequence[np.ndarray]) -> np.ndarray:
    """(58,) reliability by the hands before each channel's part of the face."""
    covered = np.zeros(NUM_COEFFICIENTS)
    if hands:
        for landmarks, channels in PARTS:
            covered[channels] = share_inside(hands, points[list(landmarks)])
    return np.interp(covered, COVERED_SHARES, COVERED)


def _inside(points: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(58,) reliability by how much of the face, and of each channel's part, is in the image."""
    outside = ((points < 0.0) | (points > [image.shape[1], image.shape[0]])).any(axis=1)
    if not outside.any():
        return np.ones(NUM_COEFFICIENTS)
    found = OUTSIDE.of(float(outside.mean()))
    for landmarks, channels in PARTS:
        share = float(outside[list(landmarks)].mean())
        found[channels] *= np.interp(share, OUTSIDE_SHARES, OUTSIDE_PART)
    return found
