"""Chunks of audio of any format and length, with right or wrong headers."""

from typing import Any

import numpy as np

from campaign.samples import RATE_HZ, Samples

FORMATS = (
    "S8",
    "U8",
    "S16LE",
    "S16BE",
    "U16LE",
    "S24LE",
    "S24_32LE",
    "S32LE",
    "F32LE",
    "F32BE",
    "F64LE",
)
RATES_HZ = (1, 100, 3999, 4000, 8000, 16000, 22050, 44100, 48000, 96000, 192000, 384000)
LENGTHS = (0, 1, 2, 3, 15, 160, 320, 1024, 4096, 16000, 48000)
VALUES = (np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0, 1.0, 5.0)


def any_sound(samples: Samples, rng: np.random.Generator) -> list[tuple[str, Any]]:
    """(stream, message): a chunk, after what describes it where that is another message."""
    count = LENGTHS[int(rng.integers(0, len(LENGTHS)))]
    rate_hz = RATES_HZ[int(rng.integers(0, len(RATES_HZ)))]
    channels = int(rng.choice([1, 1, 2, 3, 6, 8, 64]))
    if rng.random() < 0.4:
        # Seldom more than a second and a half of audio, or it would all be about that.
        count = min(count, max(1, rate_hz * 3 // 2))
    kind = rng.random()
    if kind < 0.4:
        return [("audio", _floats(samples, rng, count, rate_hz, channels))]
    stream = "audio" if kind < 0.9 else "own_audio"
    form = FORMATS[int(rng.integers(0, len(FORMATS)))]
    info = samples.audio_info(sample_rate=rate_hz, channels=channels, sample_format=form)
    data = np.frombuffer(rng.bytes(count * channels), np.uint8)
    return [
        (f"{stream}_info", info),
        (stream, samples.build("audio_common_msgs/msg/AudioData", data=data)),
    ]


def _floats(
    samples: Samples, rng: np.random.Generator, count: int, rate_hz: int, channels: int
) -> Any:
    """Float samples, some of which are no numbers or far too large."""
    tone = 0.1 * rng.standard_normal(count * channels)
    if count:
        places = rng.integers(0, len(tone), int(rng.integers(0, 5)))
        tone[places] = VALUES[int(rng.integers(0, len(VALUES)))]
    message = samples.portaudio(tone, rate=rate_hz, channels=channels)
    return message


def hours(samples: Samples, rng: np.random.Generator) -> Any:
    """One message that lasts very long: minutes at full rate, hours at the lowest."""
    seconds = float(rng.choice([1.5, 10.0, 59.0, 61.0, 600.0, 3600.0]))
    data = np.zeros(round(seconds * RATE_HZ) * 2, np.uint8)
    return samples.build("audio_common_msgs/msg/AudioData", data=data)
