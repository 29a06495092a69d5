"""Small video and sound files, undamaged and damaged."""

import struct
from fractions import Fraction

import av
import numpy as np

RATE_HZ = 25
SOUND_HZ = 16000


def grey(index, width=64, height=48):
    """Its brightness tells its number; brighter on the left, so that it has a way up."""
    rgb = np.full((height, width, 3), 20 + 6 * (index % 30), np.uint8)
    rgb[: height // 2, : width // 2] += 50
    return rgb


def tone(hz, seconds):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * SOUND_HZ)) / SOUND_HZ)).astype(
        np.float32
    )


SOUND_CODECS = {"avi": "pcm_s16le", "mpegts": "mp2", "mpeg": "mp2", "webm": "libopus"}


def write(
    path,
    frames=25,
    *,
    format="mp4",
    codec="mpeg4",
    tones=(440,),
    options=None,
    pts=None,
    videos=((64, 48),),
    edit=None,
    metadata=None,
):
    """A file with those streams: pictures of these sizes and sound of these pitches.

    pts: of each frame, in frames. edit: is given the streams, videos first.
    """
    with path.open("wb") as file, av.open(file, "w", format=format, options=options or {}) as out:
        out.metadata.update(metadata or {})
        seen = [_video(out, codec, *size) for size in videos]
        rate_hz = 48000 if format == "webm" else SOUND_HZ
        heard = [
            out.add_stream(SOUND_CODECS.get(format, "aac"), rate=rate_hz, layout="mono")
            for _ in tones
        ]
        if edit:
            edit(*seen, *heard)
        sounds = [_chunks(stream, hz, frames) for stream, hz in zip(heard, tones, strict=True)]
        for index in range(frames):
            for stream in seen:
                out.mux(stream.encode(_picture(stream, index, pts[index] if pts else index)))
            for stream, chunks in zip(heard, sounds, strict=True):
                out.mux([packet for chunk in next(chunks) for packet in stream.encode(chunk)])
        for stream in [*seen, *heard]:
            out.mux(stream.encode(None))
    return path


def _video(out, codec, width, height):
    stream = out.add_stream(codec, rate=RATE_HZ)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.gop_size, stream.bit_rate = 5, 4_000_000
    return stream


def _picture(stream, index, pts):
    rgb = grey(index, stream.width, stream.height)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame.pts, frame.time_base = pts, Fraction(1, RATE_HZ)
    return frame


def _chunks(stream, hz, frames):
    """Of each frame's time the sound as the stream takes it."""
    resampler = av.AudioResampler(stream.format, "mono", stream.rate)
    sound, size = tone(hz, frames / RATE_HZ), SOUND_HZ // RATE_HZ
    for at in range(0, len(sound), size):
        chunk = av.AudioFrame.from_ndarray(sound[None, at : at + size], "fltp", "mono")
        chunk.sample_rate, chunk.pts, chunk.time_base = SOUND_HZ, at, Fraction(1, SOUND_HZ)
        yield resampler.resample(chunk)


def pitch_hz(samples, rate_hz):
    """The loudest frequency of (n,) samples."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum.argmax() * rate_hz / len(samples)


def packets(path, kind):
    """[(place in the file, size)] of a stream's packets."""
    with av.open(str(path)) as container:
        stream = container.streams.get({kind: 0})[0]
        return [(p.pos, p.size) for p in container.demux(stream) if p.size and p.pos is not None]


def spoil(path, places):
    """Writes noise over these (place, size)."""
    data, noise = bytearray(path.read_bytes()), np.random.default_rng(0)
    for at, size in places:
        data[at : at + size] = noise.integers(0, 256, size, np.uint8).tobytes()
    path.write_bytes(data)


def _box(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


def add_cover(path, jpeg):
    """Puts a cover picture before the other streams of an mp4 (iTunes's metadata)."""
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    cover = _box(b"covr", _box(b"data", struct.pack(">II", 13, 0) + jpeg))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = _box(b"udta", _box(b"meta", bytes(4) + handler + _box(b"ilst", cover)))
    moov = _box(b"moov", tags + data[at + 8 : at + size])
    path.write_bytes(data[:at] + moov + data[at + size :])


def set_matrix(path, a, b, c, d):
    """Turns the first track of an mp4, as phones do: "tkhd" has a matrix (ISO/IEC 14496-12)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
