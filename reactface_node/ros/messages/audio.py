"""All audio messages in use on ROS 2 -> samples, rate and stamp.

The fields and format names are those of ros-drivers' audio_common_msgs (GStreamer names),
mgonzs13's audio_common_msgs (PortAudio codes) and foxglove_msgs/RawAudio.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.ros.messages.types import MessageError

MAX_CHANNELS = 64
MAX_RATE_HZ = 384_000
SET_WAVE = "set format:=wave on the capture node (ros2 launch audio_capture ... format:=wave)"

# GStreamer's name without its byte order -> bytes a sample. An AudioInfo cannot tell whether the
# channels are stored one after the other (planar); GStreamer's default is interleaved.
_GSTREAMER = {
    "S8": 1,
    "U8": 1,
    "S16": 2,
    "U16": 2,
    "S24": 3,
    "S24_32": 4,
    "S32": 4,
    "F32": 4,
    "F64": 8,
}
_PORTAUDIO = {
    1: "float32_data",
    2: "int32_data",
    8: "int16_data",
    16: "int8_data",
    32: "uint8_data",
}
_DTYPES = {
    "float32_data": np.float32,
    "int32_data": np.int32,
    "int16_data": np.int16,
    "int8_data": np.int8,
    "uint8_data": np.uint8,
}
# MPEG audio layer III: kbit/s by bitrate index, Hz by rate index (ISO/IEC 11172-3, 13818-3).
_MP3_KBPS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


@dataclass(frozen=True)
class AudioFormat:
    """The format of AudioData, which does not carry it: from an AudioInfo or the configuration.

    sample_format: GStreamer's name, such as "S16LE". coding: "wave" (raw PCM) or a codec.
    """

    rate_hz: int
    channels: int
    sample_format: str = "S16LE"
    coding: str = "wave"


@dataclass(frozen=True, eq=False)
class Audio:
    """samples: (n,) or (n, channels) int16, int32, uint8 or float32, a copy of the message's.
    stamp_s: time of the first sample in seconds; None without a stamp."""

    samples: np.ndarray
    rate_hz: int
    stamp_s: float | None

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def format_from_info(info: Any) -> AudioFormat:
    """AudioInfo of the apt release -> AudioFormat; checked when AudioData is read with it."""
    return AudioFormat(info.sample_rate, info.channels, info.sample_format, info.coding_format)


def audio_to_samples(message: Any, bare: AudioFormat) -> Audio:
    """Any known audio message -> Audio; ``bare`` describes AudioData and AudioDataStamped.

    MessageError for compressed audio, zero or absurd rates and channels, and odd byte counts.
    """
    if hasattr(message, "number_of_channels"):
        return _from_foxglove(message)
    if hasattr(message, "data"):
        return _from_bytes(message.data, bare, None)
    inner = getattr(message, "audio", message)
    stamp_s = time_to_s(message.header.stamp) if hasattr(message, "header") else None
    if hasattr(inner, "info"):
        return _from_portaudio(inner, stamp_s)
    return _from_bytes(inner.data, bare, stamp_s)


def says_its_format(message: Any) -> bool:
    """Whether a message carries its format; the apt release's audio does not."""
    inner = getattr(message, "audio", message)
    return hasattr(message, "number_of_channels") or hasattr(inner, "info")


def time_to_s(stamp: Any) -> float:
    """builtin_interfaces/Time -> seconds."""
    return float(stamp.sec + stamp.nanosec * 1e-9)


def _from_foxglove(message: Any) -> Audio:
    if message.format.lower().replace("_", "-") != "pcm-s16":
        raise MessageError(f"audio: format '{message.format[:40]}' is not pcm-s16")
    bare = AudioFormat(message.sample_rate, message.number_of_channels)
    return _from_bytes(message.data, bare, time_to_s(message.timestamp))


def _from_portaudio(message: Any, stamp_s: float | None) -> Audio:
    info = message.info
    field = _PORTAUDIO.get(info.format)
    if field is None:
        raise MessageError(f"audio: PortAudio format {info.format} is not one of 1, 2, 8, 16, 32")
    samples = np.array(getattr(message.audio_data, field), _DTYPES[field])
    return _shaped(samples, info.rate, info.channels, stamp_s)


def _from_bytes(data: Any, bare: AudioFormat, stamp_s: float | None) -> Audio:
    _check_format(bare)
    raw = np.frombuffer(data, np.uint8)
    if _is_mp3(raw):
        raise MessageError(f"audio: these are MP3 frames, not samples; {SET_WAVE}")
    name, big = _split(bare.sample_format)
    if raw.size % _GSTREAMER[name]:
        raise MessageError(
            f"audio: {raw.size} bytes are not a whole number of {bare.sample_format} samples"
        )
    return _shaped(_unpacked(raw, name, big), bare.rate_hz, bare.channels, stamp_s)


def _split(sample_format: str) -> tuple[str, bool]:
    """GStreamer's name -> (name without byte order, whether it is big-endian)."""
    return sample_format.removesuffix("LE").removesuffix("BE"), sample_format.endswith("BE")


def _unpacked(raw: np.ndarray, name: str, big: bool) -> np.ndarray:
    """(bytes,) uint8 -> (n,), a new array of a type of ``Audio``, or int8."""
    order = ">" if big else "<"
    if name == "S24":
        # The missing low byte is zero.
        wide = np.zeros((raw.size // 3, 4), np.uint8)
        wide[:, slice(0, 3) if big else slice(1, 4)] = raw.reshape(-1, 3)
        return wide.view(f"{order}i4").reshape(-1).astype(np.int32)
    kind = {"S": "i", "U": "u", "F": "f"}[name[0]]
    samples = raw.view(f"{order}{kind}{_GSTREAMER[name]}")
    if name == "S24_32":
        return samples.astype(np.int32) << 8
    if name == "U16":
        return (samples.astype(np.uint16) ^ 0x8000).view(np.int16)
    return samples.astype(np.float32 if kind == "f" else samples.dtype.newbyteorder("="))


def _shaped(samples: np.ndarray, rate_hz: int, channels: int, stamp_s: float | None) -> Audio:
    _check_rate(rate_hz, channels)
    if samples.size == 0:
        raise MessageError("audio: no samples (or none of the announced format)")
    if samples.size % channels:
        raise MessageError(f"audio: {samples.size} samples do not divide by {channels} channels")
    if samples.dtype == np.int8:
        samples = samples.astype(np.int16) * 256
    shaped = samples if channels == 1 else samples.reshape(-1, channels)
    return Audio(shaped, int(rate_hz), stamp_s)


def _check_format(audio: AudioFormat) -> None:
    if audio.coding.lower() not in ("wave", "wav", "pcm", "raw", ""):
        raise MessageError(f"audio: coding format is '{audio.coding[:40]}'; {SET_WAVE}")
    name, _ = _split(audio.sample_format)
    # A single byte has no byte order.
    if name not in _GSTREAMER or (name != audio.sample_format) != (_GSTREAMER[name] > 1):
        known = ", ".join(one + "LE" * (size > 1) for one, size in _GSTREAMER.items())
        raise MessageError(f"audio: sample format '{audio.sample_format[:40]}' is not in {known}")
    _check_rate(audio.rate_hz, audio.channels)


def _check_rate(rate_hz: int, channels: int) -> None:
    if not 1 <= rate_hz <= MAX_RATE_HZ:
        raise MessageError(f"audio: a rate of {rate_hz} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise MessageError(f"audio: {channels} channels")


def _is_mp3(raw: np.ndarray) -> bool:
    """Whether the bytes begin with a whole MP3 frame that ends, or is followed by another.

    A sync word alone would also match quiet PCM: -1 is ff ff.
    """
    size = _mp3_frame_bytes(raw[:4].tobytes())
    return 0 < size <= raw.size and (
        raw.size == size or _mp3_frame_bytes(raw[size : size + 4].tobytes()) > 0
    )


def _mp3_frame_bytes(header: bytes) -> int:
    """Length of the frame that begins with these 4 bytes; 0 if they are no layer III header."""
    if len(header) < 4 or header[0] != 0xFF or (header[1] & 0xE6) != 0xE2:
        return 0
    version, bitrate, rate = (header[1] >> 3) & 3, header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return 0
    first = version == 3
    bits_per_s = _MP3_KBPS[first][bitrate - 1] * 1000
    return (144 if first else 72) * bits_per_s // _MP3_RATES_HZ[version][rate] + (
        header[2] >> 1 & 1
    )
