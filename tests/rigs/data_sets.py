"""Tiny data sets on the disk, for the tests of the sources."""

import csv
import wave
from pathlib import Path

import av
import numpy as np

from reactface_node.faceverse import MEAN_POSE
from reactface_node.schema import NUM_COEFFICIENTS, Observation

FRAMES = 30
RLD_HEADER = ["attitude", "audio", "listener", "speaker", "listener_id", "data_split"]


def faceverse(seed, frames=FRAMES):
    """(frames, 58) as REACT's files: x rotation near pi, depth near 1.8."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 1, (frames, NUM_COEFFICIENTS))
    values[:, 52:] = rng.normal(MEAN_POSE, 0.1, (frames, 6))
    return values.astype(np.float32)


def write_wav(path, seed, frames=FRAMES, rate_hz=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-9000, 9000, frames * rate_hz // 25, np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(noise.tobytes())
    return noise


def write_video(path, levels, rate_hz=25):
    """One grey picture a level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate_hz)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in levels:
            picture = np.full((48, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def write_coefficients(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_csv(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_react(root: Path, sessions=3, split="train", frames=FRAMES):
    """A split of ``sessions`` sessions; person p of session s has seed 10 s + p."""
    rows = []
    for session in range(sessions):
        people = [f"NoXI/{session:03d}/{role}_video/1" for role in ("Expert", "Novice")]
        rows.append([session, *people])
        for role, person in enumerate(people):
            seed = 10 * session + role
            values = faceverse(seed, frames)[:, None]  # (t, 1, 58), as some of the files are
            write_coefficients(root / split / "3D_FV_files" / f"{person}.npy", values)
            write_wav(root / split / "Audio_files" / f"{person}.wav", seed, frames)
    write_csv(root / f"{split}.csv", ["", "speaker_path", "listener_path"], rows)
    np.save(root / f"neighbour_emotion_{split}.npy", np.eye(2 * sessions))
    return root


def write_rld(root, levels=range(60, 60 + FRAMES)):
    """Two rows of train and one of ood; the faces as videos of these grey levels."""
    rows = [
        ["positive", "talk0", "l0", "s0", 3, "train"],
        ["negative", "talk1.wav", "l1.mp4", "s1.mp4", 4, "train"],
        ["neutral", "talk0", "l1", "s0", 4, "ood"],
    ]
    for index in range(2):
        write_wav(root / "audios" / f"talk{index}.wav", index, rate_hz=44100)
        write_video(root / "videos" / f"s{index}.mp4", levels)
        write_video(root / "videos" / f"l{index}.mp4", [40 + 100 * index] * len(levels))
    write_csv(root / "RLD_data.csv", RLD_HEADER, rows)
    return root


class GreyTracker:
    """Reads a picture's grey level as jawOpen; black pictures hold no face."""

    def __init__(self, want_crop=False):
        self._want_crop = want_crop

    def track(self, stamp_s, rgb):
        level = float(rgb.mean()) / 255
        if level < 0.05:
            return Observation.missing()
        values = np.zeros(NUM_COEFFICIENTS, np.float32)
        values[24] = level
        crop = np.full((224, 224, 3), round(level * 255), np.uint8) if self._want_crop else None
        return Observation(values, np.ones(NUM_COEFFICIENTS, bool), crop)

    def reset(self):
        pass

    def close(self):
        pass


def contents(folder: Path):
    """name -> bytes of all files of a folder but the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
