"""Statistics of the tracked face: presence, motion and jitter."""

from dataclasses import dataclass, field

import numpy as np

from reactface_node.schema import ARKIT_NAMES, ROTATION, indices_of
from reactface_node.tools.inspection.record import ImageLog
from reactface_node.tools.inspection.signals import still_jitter

JAW = indices_of("jawOpen")
LIPS = indices_of("mouthUpperUp", "mouthLowerDown")
LIDS = indices_of("eyeBlink")
MOUTH = [k for k, name in enumerate(ARKIT_NAMES) if name.startswith(("mouth", "jaw"))]
BROWS = [k for k, name in enumerate(ARKIT_NAMES) if name.startswith("brow")]
OPEN = 0.2
"""Openness from which a mouth counts as open."""
# Thresholds of lid closure for a blink; longer ones are eyes that are closed or look down.
SHUT, REOPENED, LONGEST_BLINK_S = 0.5, 0.3, 0.6
JOINED_FACTOR = 1.6


@dataclass(frozen=True)
class FaceReport:
    """found: share of the images with a face; longest_without_s: longest time without one.

    px, tracked_px: median height from forehead to chin in the image and in the tracker's smaller
    image. brightness: median luma of the face (of the image if no face is found), 0..255. jitter of
    the head in degrees (the worst axis) and of the mouth's and the brows' weights while they are
    still. pitch_deg, yaw_deg, roll_deg: 5th and 95th percentile, from the neutral pose. mouth_open:
    share of the images with a face in which the mouth is open. people: how often another person was
    followed, including the first one. most_in_view: faces in one image. doubts: why the face was
    hard to read, with the share of the images with a face.
    """

    found: float
    longest_without_s: float
    px: float | None
    tracked_px: float | None
    brightness: float | None
    head_jitter_deg: float | None
    mouth_jitter: float | None
    brow_jitter: float | None
    pitch_deg: tuple[float, float] | None
    yaw_deg: tuple[float, float] | None
    roll_deg: tuple[float, float] | None
    blinks: int
    blinks_per_min: float | None
    mouth_open: float | None
    people: int
    most_in_view: int
    doubts: dict[str, float] = field(default_factory=dict)


def openness(coefficients: np.ndarray) -> np.ndarray:
    """(n, 58) -> (n,): jawOpen plus how far the lips part (mean of mouthUpperUp and
    mouthLowerDown, both sides)."""
    result: np.ndarray = coefficients[:, JAW].mean(axis=1) + coefficients[:, LIPS].mean(axis=1)
    return result


def examine_face(images: ImageLog, end_s: float) -> FaceReport:
    """end_s: the recording's length in seconds; at least one image."""
    found, times = images.found, images.times_s
    seen, seen_s = images.coefficients[found].astype(float), times[found]
    median_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    # Successive images, none of them without a face and none lost between them.
    joined = np.concatenate([[False], np.diff(seen_s) <= JOINED_FACTOR * max(median_s, 1e-3)])
    joined = joined if len(seen) else joined[:0]
    degrees = np.degrees(seen[:, ROTATION])
    head = [still_jitter(degrees[:, [axis]], joined) for axis in range(3)]
    ranges = [_range(degrees[:, axis]) for axis in range(3)]
    lids = seen[:, LIDS].mean(axis=1)
    blinked = len(blinks(seen_s, lids))
    minutes = float(found.mean()) * end_s / 60
    return FaceReport(
        found=float(found.mean()),
        longest_without_s=longest_without(times, found, end_s),
        px=_median(images.face_px),
        tracked_px=_median(images.tracked_px),
        brightness=_median(images.brightness[found] if found.any() else images.brightness),
        head_jitter_deg=max((one for one in head if one is not None), default=None),
        mouth_jitter=still_jitter(seen[:, _given(MOUTH, images.given)], joined),
        brow_jitter=still_jitter(seen[:, _given(BROWS, images.given)], joined),
        pitch_deg=ranges[0],
        yaw_deg=ranges[1],
        roll_deg=ranges[2],
        blinks=blinked,
        blinks_per_min=blinked / minutes if minutes > 0 else None,
        mouth_open=float((openness(seen) > OPEN).mean()) if len(seen) else None,
        people=images.people,
        most_in_view=images.most_in_view,
        doubts={word: count / max(len(seen), 1) for word, count in sorted(images.doubts.items())},
    )


def longest_without(times_s: np.ndarray, found: np.ndarray, end_s: float) -> float:
    """The longest time in seconds from an image with a face to the next one.

    times_s (n,) in order, from 0; 0.0 if every image has one.
    """
    if found.all():
        return 0.0
    borders = np.concatenate([[0.0], times_s[found], [max(end_s, float(times_s[-1]))]])
    first = np.searchsorted(times_s[found], times_s[~found])
    return float((borders[first + 1] - borders[first]).max())


def blinks(times_s: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """The times at which blinks of the lids (n,) begin: above 0.5, then below 0.3 within 0.6 s."""
    starts: list[float] = []
    shut_s: float | None = None
    for time_s, lid in zip(times_s.tolist(), lids.tolist(), strict=True):
        if shut_s is None and lid > SHUT:
            shut_s = time_s
        elif shut_s is not None and lid < REOPENED:
            if time_s - shut_s <= LONGEST_BLINK_S:
                starts.append(shut_s)
            shut_s = None
    return np.array(starts)


def _given(channels: list[int], given: np.ndarray) -> list[int]:
    return [channel for channel in channels if given[channel]]


def _range(values: np.ndarray) -> tuple[float, float] | None:
    if not len(values):
        return None
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high)


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
