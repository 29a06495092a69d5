"""Audio messages to samples: both packages of one name, Foxglove's, and every bad message."""

from types import SimpleNamespace

import numpy as np
import pytest
from rigs.audio_messages import FIELDS, TYPES, portaudio, raw_audio

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.audio import AudioFormat
from reactface_node.ros.messages.types import MessageError

PLAIN = AudioFormat(16000, 1)
OF_24_BITS = np.array([256, (2**23 - 1) * 256, -(2**31)], np.int32)


def bare(data):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.frombuffer(bytes(data), np.uint8))


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("S16LE", np.array([1, -2, 32767], "<i2"), np.array([1, -2, 32767], np.int16)),
        ("S16BE", np.array([1, -2, 32767], ">i2"), np.array([1, -2, 32767], np.int16)),
        ("S32LE", np.array([1, -(2**31)], "<i4"), np.array([1, -(2**31)], np.int32)),
        ("S32BE", np.array([1, -(2**31)], ">i4"), np.array([1, -(2**31)], np.int32)),
        ("S24LE", np.array([1, 0, 0, 0xFF, 0xFF, 0x7F, 0, 0, 0x80], "u1"), OF_24_BITS),
        ("S24BE", np.array([0, 0, 1, 0x7F, 0xFF, 0xFF, 0x80, 0, 0], "u1"), OF_24_BITS),
        ("S24_32LE", np.array([1, 2**23 - 1, -(2**23)], "<i4"), OF_24_BITS),
        ("S24_32BE", np.array([1, 2**23 - 1, -(2**23)], ">i4"), OF_24_BITS),
        ("U16LE", np.array([0, 32768, 65535], "<u2"), np.array([-32768, 0, 32767], np.int16)),
        ("U16BE", np.array([0, 32768, 65535], ">u2"), np.array([-32768, 0, 32767], np.int16)),
        ("F32BE", np.array([0.5, -1], ">f4"), np.array([0.5, -1], np.float32)),
        ("F64LE", np.array([0.5, -1], "<f8"), np.array([0.5, -1], np.float32)),
        ("F64BE", np.array([0.5, -1], ">f8"), np.array([0.5, -1], np.float32)),
        ("F32LE", np.array([0.5, -1], "<f4"), np.array([0.5, -1], np.float32)),
        ("U8", np.array([0, 128, 255], "u1"), np.array([0, 128, 255], np.uint8)),
        ("S8", np.array([-128, 0, 127], "i1"), np.array([-32768, 0, 32512], np.int16)),
    ],
)
def test_bare_audio_in_the_format_that_audio_info_names(name, stored, expected):
    info = TYPES.message_type("audio_common_msgs/msg/AudioInfo")(
        channels=1, sample_rate=44100, sample_format=name, bitrate=0, coding_format="WAVE"
    )
    audio = convert.audio_to_samples(bare(stored.tobytes()), convert.format_from_info(info))
    np.testing.assert_array_equal(audio.samples, expected)
    assert audio.samples.dtype == expected.dtype and audio.samples.flags.writeable
    assert audio.rate_hz == 44100 and audio.stamp_s is None
    assert audio.duration_s == len(expected) / 44100


def test_stamped_audio_of_the_apt_release_with_two_channels():
    data = bare(np.array([1, 2, 3, 4], "<i2").tobytes())
    build = TYPES.message_type("audio_common_msgs/msg/AudioDataStamped")
    message = build(header=convert.header(TYPES, 12.25, "mic"), audio=data)
    audio = convert.audio_to_samples(message, AudioFormat(48000, 2))
    assert audio.samples.tolist() == [[1, 2], [3, 4]]
    assert (audio.stamp_s, audio.channels, audio.rate_hz) == (12.25, 2, 48000)


@pytest.mark.parametrize("code", list(FIELDS))
def test_audio_of_the_other_package(code):
    audio = convert.audio_to_samples(portaudio(code, [1, 2, 3]), PLAIN)
    assert audio.samples.tolist() == ([256, 512, 768] if code == 16 else [1, 2, 3])
    assert audio.samples.dtype == (np.int16 if code == 16 else FIELDS[code][1])
    assert audio.stamp_s == 7.5


def test_foxglove_audio():
    audio = convert.audio_to_samples(raw_audio(), PLAIN)
    assert audio.samples.tolist() == [1, 2] and audio.rate_hz == 8000 and audio.stamp_s == 3.5


@pytest.mark.parametrize(
    "message",
    [
        bare(b""),
        bare(b"\1\2\3"),
        raw_audio(sample_rate=0),
        raw_audio(sample_rate=2**32 - 1),
        raw_audio(number_of_channels=0),
        raw_audio(number_of_channels=5000),
        raw_audio(number_of_channels=3),
        raw_audio(format="opus"),
        portaudio(8, []),
        portaudio(4, [1, 2]),
        portaudio(8, [1, 2], rate=0),
        portaudio(8, [1, 2], rate=-16000),
        portaudio(8, [1, 2, 3], channels=2),
        portaudio(8, [1, 2], channels=-1),
    ],
)
def test_bad_audio_is_one_clear_line(message):
    with pytest.raises(MessageError) as error:
        convert.audio_to_samples(message, PLAIN)
    assert str(error.value).startswith("audio: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": 0},
        {"channels": 255},
        {"sample_rate": 0},
        {"sample_format": "S20LE"},
        {"sample_format": "S16"},
        {"sample_format": "U8LE"},
        {"sample_format": ""},
        {"sample_format": "ALAW"},
        {"coding_format": "mp3"},
        {"coding_format": "mulaw"},
    ],
)
def test_bad_audio_info(change):
    fields = {
        "channels": 1,
        "sample_rate": 16000,
        "sample_format": "S16LE",
        "bitrate": 0,
        "coding_format": "wave",
        **change,
    }
    with pytest.raises(MessageError, match=r"^audio: "):
        convert.audio_to_samples(bare(b"\1\2"), convert.format_from_info(SimpleNamespace(**fields)))


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_are_interleaved(channels):
    frames = np.arange(5 * channels, dtype=np.int16).reshape(5, channels)
    kinds = [
        convert.audio_to_samples(bare(frames.tobytes()), AudioFormat(48000, channels)),
        convert.audio_to_samples(portaudio(8, frames.ravel(), channels), PLAIN),
        convert.audio_to_samples(
            raw_audio(data=np.frombuffer(frames.tobytes(), np.uint8), number_of_channels=channels),
            PLAIN,
        ),
    ]
    for audio in kinds:
        assert audio.channels == channels
        np.testing.assert_array_equal(audio.samples.reshape(5, channels), frames)


@pytest.mark.parametrize("coding", ["alaw", "mulaw", "PCMU", "opus", "flac"])
def test_compressed_sound_says_what_to_set_and_is_no_noise(coding):
    with pytest.raises(MessageError, match=f"'{coding}'.*format:=wave"):
        convert.audio_to_samples(bare(bytes(160)), AudioFormat(8000, 1, "S16LE", coding))
    with pytest.raises(MessageError, match=f"'{coding}' is not pcm-s16"):
        convert.audio_to_samples(raw_audio(format=coding), PLAIN)


def test_planes_of_the_other_package_are_refused():
    """PortAudio's paNonInterleaved, the highest bit."""
    with pytest.raises(MessageError, match="PortAudio format -2147483640"):
        convert.audio_to_samples(portaudio(8 - 2**31, [1, 2]), PLAIN)


def test_mp3_says_what_to_set_on_the_capture_node():
    frame = bytes([0xFF, 0xFB, 0x90, 0x00]) + bytes(413)  # 128 kbit/s, 44.1 kHz: 417 bytes
    for data in (frame, frame + frame, frame + frame[:100]):
        with pytest.raises(MessageError, match="format:=wave"):
            convert.audio_to_samples(bare(data), PLAIN)
    info = SimpleNamespace(
        channels=1, sample_rate=16000, sample_format="S16LE", bitrate=128, coding_format="mp3"
    )
    with pytest.raises(MessageError, match="format:=wave"):
        convert.audio_to_samples(bare(b"\1\2"), convert.format_from_info(info))


def test_quiet_pcm_is_not_taken_for_mp3():
    quiet = np.full(512, -1, "<i2")
    looks_like = np.array([-1025, 144, -1, 0] * 128, "<i2")  # begins with ff fb 90 00
    for samples in (quiet, looks_like):
        audio = convert.audio_to_samples(bare(samples.tobytes()), PLAIN)
        np.testing.assert_array_equal(audio.samples, samples)
