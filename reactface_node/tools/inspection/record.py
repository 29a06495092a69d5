"""Logs of a recording: the data that is collected while it is read."""

from dataclasses import dataclass, field

import numpy as np

from reactface_node.media.audio import AudioStats


@dataclass(frozen=True, eq=False)
class StreamLog:
    """The n usable messages or frames of one stream, in order of arrival.

    stamps_s: (n,) their own stamps, NaN if the message type has no stamp.
    arrivals_s: (n,) when the recorder received them; NaN in a video file, which has no recorder.
    offsets_s: (n,) added by the node to the stamps; NaN if it uses the arrival instead.
    times_s: (n,) the times that the node gives them, on the recording's clock.
    kinds: their kinds, such as message type and encoding, with counts.
    rejected: why other messages could not be used, with counts.
    """

    stamps_s: np.ndarray
    arrivals_s: np.ndarray
    offsets_s: np.ndarray
    times_s: np.ndarray
    kinds: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ImageLog:
    """n images and the face in each.

    The arrays of images are in order of time, which may differ from the order of arrival.
    sizes: "WIDTHxHEIGHT" with counts.
    coefficients: (n, 58), 0 where no face was found; given: (58,) the channels that the tracker
    gives. found: (n,). face_px: (n,) height of the face from forehead to chin in the image's
    pixels, tracked_px: the same in the tracker's smaller image, NaN without a face.
    brightness: (n,) mean luma, 0..255, of the face's box, or of the image without a face.
    people: how often another person was followed, including the first one; most_in_view: faces in
    one image. doubts: why the face was hard to read, with counts of images.
    """

    stream: StreamLog
    sizes: dict[str, int]
    times_s: np.ndarray
    coefficients: np.ndarray
    given: np.ndarray
    found: np.ndarray
    face_px: np.ndarray
    tracked_px: np.ndarray
    brightness: np.ndarray
    people: int
    most_in_view: int
    doubts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class AudioLog:
    """n chunks of sound and its levels.

    chunk_s: (n,) duration of each by its announced rate. rates_hz, channels: with counts of chunks.
    samples, clipped, zeros: of all channels together; clipped are those at full scale.
    level_frames: (f,) indices of the 10 ms frames that were heard, on the recording's clock.
    levels_db: (f,) dBFS, 0 being a square wave at full scale.
    """

    stream: StreamLog
    chunk_s: np.ndarray
    rates_hz: dict[int, int]
    channels: dict[int, int]
    samples: int
    clipped: int
    zeros: int
    level_frames: np.ndarray
    levels_db: np.ndarray
    stats: AudioStats


@dataclass(frozen=True, eq=False)
class Recording:
    """Times are seconds since the first message or frame.

    leaps_s: pauses of the recorder (or jumps of its clock) that were removed from the times.
    damaged: number of messages that could not be decoded.
    """

    name: str
    kind: str
    duration_s: float
    images: ImageLog | None
    audio: AudioLog | None
    leaps_s: tuple[float, ...] = ()
    damaged: int = 0
