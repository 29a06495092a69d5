"""Made recordings of two people who take turns, for the kinds that read one recording a person."""

import csv
import json
import wave

import av
import numpy as np

from reactface_node.outputs.livelink import NAMES
from reactface_node.schema import FRAME_RATE_HZ
from rigs.paths import ROOT

TURNS = (((1.0, 8.0), (15.0, 22.0)), ((8.0, 15.0), (22.0, 29.0)))
"""Seconds in which the first and the second person talk."""
SECONDS = 30.0
HEADER = ("Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in NAMES))
ANGLES = ("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll")
ANGLES = (*ANGLES, "RightEyeYaw", "RightEyePitch", "RightEyeRoll")


def talking(times_s, spans):
    """(n,) bool."""
    found = np.zeros(len(times_s), bool)
    for start_s, end_s in spans:
        found |= (times_s >= start_s) & (times_s < end_s)
    return found


def voice(spans, seconds=SECONDS, rate_hz=16000, seed=0):
    """(n,) int16: loud syllables where the person talks, and a quiet room."""
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng(seed).normal(size=len(times_s))
    level = 0.001 + 0.2 * talking(times_s, spans) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times_s))
    return (32767 * level * noise).clip(-32768, 32767).astype(np.int16)


def jaw(times_s, spans, seed=0):
    """(n,) in 0.1..0.6: it opens and shuts four times a second where the person talks."""
    slow = 0.02 * np.sin(2 * np.pi * 0.3 * times_s + seed)
    return 0.2 + slow + 0.2 * talking(times_s, spans) * (1 + np.sin(2 * np.pi * 3 * times_s))


def write_sound(path, samples, rate_hz=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())


def write_side(
    path, spans, seconds=SECONDS, rate_hz=25, sound=True, away=(), seed=0, size=(32, 24)
):
    """A video whose grey level is the jaw, as ``GreyTracker`` reads it; black where ``away``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        seen = out.add_stream("libx264", rate=rate_hz, options={"crf": "10"})
        seen.width, seen.height, seen.pix_fmt = *size, "yuv420p"
        heard = out.add_stream("aac", rate=16000, layout="mono") if sound else None
        times_s = np.arange(round(seconds * float(rate_hz))) / float(rate_hz)
        levels = np.where(talking(times_s, away), 0.0, jaw(times_s, spans, seed))
        for level in levels:
            picture = np.full((size[1], size[0], 3), round(255 * level), np.uint8)
            out.mux(seen.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(seen.encode(None))
        if heard is not None:
            samples = voice(spans, seconds, seed=seed).astype(np.float32) / 32768
            for start in range(0, len(samples), 1024):
                frame = av.AudioFrame.from_ndarray(
                    samples[None, start : start + 1024], "fltp", "mono"
                )
                frame.sample_rate, frame.pts = 16000, start
                out.mux(heard.encode(frame))
            out.mux(heard.encode(None))
    return path


def write_take(path, spans, begins_s=36000.0, seconds=SECONDS, rate_hz=60, seed=0, **columns):
    """A csv of Live Link Face and its sound. columns: further values, (n,) each by header name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * rate_hz)
    times_s = np.arange(count) / rate_hz
    values = {name: np.zeros(count) for name in (*HEADER[2:], *ANGLES)}
    values["JawOpen"] = jaw(times_s, spans, seed)
    values["HeadPitch"] = 0.3 + 0.05 * np.sin(times_s + seed)
    values["MouthSmileLeft"] = 0.1 + 0.1 * np.sin(0.7 * times_s + seed)
    values |= columns
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*HEADER, *ANGLES])
        for index in range(count):
            row = [f"{values[name][index]:.6f}" for name in (*HEADER[2:], *ANGLES)]
            rows.writerow([timecode(begins_s + index / rate_hz, rate_hz), 61, *row])
    write_sound(path.with_suffix(".wav"), voice(spans, seconds, seed=seed))
    return path


def timecode(time_s, rate_hz):
    frames = round(time_s * rate_hz * 1000) / 1000
    whole, part = divmod(frames, rate_hz)
    whole = int(whole) % 86400
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{part:06.3f}"


def write_person(stem, spans, seconds=SECONDS, seed=0, video=True, features=True, **change):
    """A person's files of Seamless Interaction. change: further arrays of the npz, by key."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    if video:
        write_side(stem.with_suffix(".mp4"), spans, seconds, 30, sound=False, seed=seed)
    write_sound(stem.with_suffix(".wav"), voice(spans, seconds, 48000, seed), 48000)
    vad = [{"start": start_s, "end": end_s} for start_s, end_s in spans]
    found = {"id": stem.name, "metadata:transcript": [], "metadata:vad": vad}
    stem.with_suffix(".json").write_text(json.dumps(found))
    if features:
        times_s = (np.arange(round(seconds * 30)) + 0.5) / 30
        units = np.zeros((len(times_s), 24), np.float32)
        units[:, 20] = 2 * jaw(times_s, spans, seed)
        units[:, 8] = 0.2 + 0.1 * np.sin(times_s + seed)
        head = 0.05 * np.stack([np.sin(times_s + k) for k in range(3)], axis=1)
        arrays = {
            "FAUValue": units,
            "alignment_head_rotation": head.astype(np.float32),
            "gaze_encodings": (0.1 * head[:, :2]).astype(np.float32),
            "is_valid": np.ones((len(times_s), 1), np.float32),
            **change,
        }
        np.savez(stem.with_suffix(".npz"), **{f"movement:{key}": v for key, v in arrays.items()})
    return stem


def no_speech_model():
    """Loud sound counts as voice."""
    return None


def frames(seconds):
    return round(seconds * FRAME_RATE_HZ)


def sample_faces(seconds):
    """(n, H, W, 3) uint8 at 25 Hz: the face of the sample recording, which the tracker follows."""
    from reactface_node.ros.bags.reader import BagReader
    from reactface_node.ros.messages.convert import image_to_rgb, stamp_of

    images, begins_s = [], None
    with BagReader(ROOT / "sample") as bag:
        for item in bag.messages(["/image"]):
            stamp_s = stamp_of(item.message)
            begins_s = stamp_s if begins_s is None else begins_s
            if stamp_s - begins_s >= seconds:
                break
            if stamp_s - begins_s >= len(images) / FRAME_RATE_HZ:
                images.append(image_to_rgb(item.message))
    return np.stack(images)


def write_faces(path, images, spans, seed=0):
    """A video at 25 Hz of these pictures, with the voice of ``spans``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        seen = out.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
        seen.height, seen.width, seen.pix_fmt = *images.shape[1:3], "yuv420p"
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            out.mux(seen.encode(frame))
        out.mux(seen.encode(None))
    write_sound(path.with_suffix(".wav"), voice(spans, len(images) / 25, seed=seed))
    return path
