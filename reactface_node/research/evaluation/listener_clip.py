"""A person who listens, in a video file or a bag, as the session's own tracker sees them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media.video import ImageInput
from reactface_node.perception.tracker_thread import Tracker
from reactface_node.ros.bags.reader import BagMessage
from reactface_node.ros.bags.source import RecordingSource, open_source
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageError
from reactface_node.schema import FRAME_RATE_HZ, Observation

LEAST_S = 5.0
"""Least time for which the face must be seen; chosen."""
LONGEST_GAP_S = 0.25
"""A longer time without the face ends a part, as ``timeline.face_hold_s``."""
SHORTEST_PART_S = 1.0
"""Shorter parts show no smile and no nod; chosen."""

Seen = list[tuple[float, Observation]]


def read_listener(source: Path, config: Config, tracker: Tracker) -> list[np.ndarray]:
    """Parts (T, 58) at 25 Hz in which the face is seen without a gap, of the person who is seen
    most. The sound is not used.

    UserError if the recording cannot be read, or holds no face or one for less than 5 s.
    """
    observed: Seen = []
    with open_source(source, config.ros) as recording:
        for stamp_s, rgb in _images(recording, source.name):
            if not observed or stamp_s > observed[-1][0]:
                observed.append((stamp_s, tracker.track(stamp_s, rgb)))
    if not observed:
        raise UserError(f"{source} holds no pictures that can be decoded")
    people = Counter(one.person for _, one in observed if one.face_found)
    if not people:
        raise UserError(f"{source} shows no face: `reactface inspect {source}` says why")
    (person, _), *_ = people.most_common(1)
    seen = [(at, one) for at, one in observed if one.face_found and one.person == person]
    parts = [part for part in _parts(seen) if len(part) >= SHORTEST_PART_S * FRAME_RATE_HZ]
    seconds = sum(map(len, parts)) / FRAME_RATE_HZ
    if seconds < LEAST_S:
        raise UserError(
            f"{source} shows a face for {seconds:.1f} s, and {LEAST_S:.0f} s are needed"
        )
    return parts


def _images(recording: RecordingSource, name: str) -> Iterator[tuple[float, np.ndarray]]:
    """(seconds, (H, W, 3) RGB); messages that hold no image are left out."""
    for item in recording.watched(name):
        if isinstance(item, ImageInput):
            yield item.stamp_s, item.rgb
        elif isinstance(item, BagMessage) and recording.stream_of(item) == "image":
            try:
                yield (
                    convert.stamp_of(item.message) or item.stamp_s,
                    convert.image_to_rgb(item.message),
                )
            except (MessageError, ValueError):
                continue


def _parts(seen: Seen) -> Iterator[np.ndarray]:
    """The stretches without a gap, interpolated at 25 Hz."""
    stamps_s = np.array([at for at, _ in seen])
    values = np.stack([one.coefficients for _, one in seen])
    cuts = np.flatnonzero(np.diff(stamps_s) > LONGEST_GAP_S) + 1
    for at_s, face in zip(np.split(stamps_s, cuts), np.split(values, cuts), strict=True):
        grid_s = np.arange(at_s[0], at_s[-1] + 1e-6, 1 / FRAME_RATE_HZ)
        yield np.stack([np.interp(grid_s, at_s, one) for one in face.T], axis=1).astype(np.float32)
