"""Small undamaged recordings: bags of both storages, and videos of several containers."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

SECONDS, START_S = 1.6, 1000.0
IMAGES, CHUNKS = 24, 40
VIDEOS = {"mp4": {}, "mkv": {}, "ts": {}, "frag.mp4": {"movflags": "frag_keyframe+empty_moov"}}
FORMATS = {"mp4": "mp4", "mkv": "matroska", "ts": "mpegts"}


def picture(index: int) -> np.ndarray:
    """A gradient that moves, small."""
    across = np.arange(64, dtype=np.uint8)[None, :, None] * np.uint8(3)
    return np.broadcast_to(across + np.uint8(index * 5), (48, 64, 3)).copy()


def write_bag(path: Path, storage: str) -> Path:
    """A camera at 15 Hz and 16 kHz sound in chunks of 40 ms."""
    types = RosbagsTypes()
    build = types.message_type
    with BagWriter(path, storage, types) as bag:
        info = build("audio_common_msgs/msg/AudioInfo")(
            channels=1, sample_rate=16000, sample_format="S16LE", bitrate=0, coding_format="wave"
        )
        events: list[tuple[float, str, Any]] = [(START_S, "/audio_info", info)]
        for index in range(IMAGES):
            at_s = START_S + index * SECONDS / IMAGES
            image = convert.compressed_image(types, at_s, "camera", picture(index), 85)
            events.append((at_s, "/image", image))
        for index in range(CHUNKS):
            at_s = START_S + index * SECONDS / CHUNKS
            tone = 8000 * np.sin(0.1 * np.arange(640))
            data = build("audio_common_msgs/msg/AudioData")(data=tone.astype("<i2").view(np.uint8))
            header = convert.header(types, at_s, "microphone")
            stamped = build("audio_common_msgs/msg/AudioDataStamped")(header=header, audio=data)
            events.append((at_s + SECONDS / CHUNKS, "/audio", stamped))
        for at_s, topic, message in sorted(events, key=lambda event: event[0]):
            bag.write(topic, at_s, message)
    return path


def write_video(path: Path, options: dict[str, str]) -> Path:
    """H.264 and AAC, 15 fps, a key frame every 5."""
    form = FORMATS[path.suffix[1:]]
    with av.open(str(path), "w", format=form, options=options) as container:
        video: Any = container.add_stream("libx264", rate=15)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.options = {"g": "5", "bf": "0", "preset": "ultrafast"}
        audio: Any = container.add_stream("aac", rate=16000)
        audio.layout = "mono"
        for index in range(IMAGES):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 15)
            container.mux(video.encode(frame))
        tone = (0.3 * np.sin(0.1 * np.arange(1024))).astype(np.float32)[None]
        for index in range(int(SECONDS * 16000) // 1024):
            sound = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            sound.sample_rate, sound.pts = 16000, index * 1024
            sound.time_base = Fraction(1, 16000)
            container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return path


def write_all(folder: Path) -> dict[str, Path]:
    """By kind."""
    found = {storage: write_bag(folder / storage, storage) for storage in ("mcap", "sqlite3")}
    for name, options in VIDEOS.items():
        found[name] = write_video(folder / f"talk.{name}", options)
    return found
