"""Small data sets of pairs on the disk: two faces and two voices of each conversation."""

import json
import wave

import numpy as np
from scipy.spatial.transform import Rotation

from reactface_node.faceverse import Space
from reactface_node.outputs.livelink import NAMES
from reactface_node.schema import NUM_COEFFICIENTS, index_of

FRAMES = 110
SIDES = ("speaker1", "speaker2")


def turns(frames, first):
    """(t,) how loud a person talks, 0..1: syllables in every other 2 s."""
    at = np.arange(frames) / 25
    talks = (at // 2 % 2 == 0) == first
    return talks * (0.5 + 0.5 * np.sin(2 * np.pi * 1.1 * at))


def voice(loud, seed, rate_hz=16000):
    """int16 noise of this loudness."""
    levels = np.repeat(loud, rate_hz // 25)
    noise = np.random.default_rng(seed).uniform(-1, 1, len(levels))
    return (9000 * levels * noise).astype(np.int16)


def write_voice(path, samples, rate_hz=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())


def talking(loud, seed):
    """(t, 58) of ours: the jaw follows the voice, the rest moves slowly."""
    rng = np.random.default_rng(seed)
    at = np.arange(len(loud))[:, None] / 25
    slow = np.sin(2 * np.pi * rng.uniform(0.1, 0.4, NUM_COEFFICIENTS) * at + rng.uniform(0, 6, 58))
    face = 0.3 + 0.2 * slow
    face[:, 52:] = 0.1 * slow[:, 52:]
    face[:, index_of("jawOpen")] = 0.6 * loud
    return face.astype(np.float32)


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_mars(root, splits=("train", "val", "test"), sessions=(0, 3), recordings=2, frames=FRAMES):
    """Each session of each split has that many recordings; the roles take turns."""
    for number, split in enumerate(splits):
        for session in sessions:
            for index in range(recordings):
                seed = 1000 * number + 10 * session + 2 * index
                name = f"session{session}/Camera-2024-06-21-1031{number}{index}-103102"
                for side, role in enumerate(("speaker", "listener")):
                    loud = turns(frames, side == 0)
                    theirs = Space.of().to_faceverse(talking(loud, seed + side))
                    save(root / split / "coefficients" / role / f"{name}.npy", theirs[:, None])
                    sound = voice(loud, seed + side)
                    write_voice(root / split / "audio" / role / f"{name}.wav", sound)
    return root


def flame(frames, seed):
    """exp (t, 50) and pose (t, 6) of a person who talks in turns."""
    loud = turns(frames, seed % 2 == 0)
    rng = np.random.default_rng(seed)
    at = np.arange(frames)[:, None] / 25
    pose = np.zeros((frames, 6), np.float32)
    pose[:, :3] = 0.1 * np.sin(2 * np.pi * 0.3 * at + rng.uniform(0, 6, 3)) + 0.05
    pose[:, 3] = 0.2 * loud
    expression = np.sin(2 * np.pi * rng.uniform(0.1, 0.4, 50) * at).astype(np.float32)
    return expression, pose


def arkit(frames, seed):
    """(t, 61) of the same person."""
    _, pose = flame(frames, seed)
    rows = np.zeros((frames, 61), np.float32)
    face = talking(turns(frames, seed % 2 == 0), seed)
    for column, name in enumerate(NAMES):
        if not name.startswith(("eyeLook", "tongue")):
            rows[:, column] = face[:, index_of(name)]
    rows[:, 52:55] = Rotation.from_rotvec(pose[:, :3]).as_euler("YXZ")
    return rows


def write_dualtalk(root, splits=("train", "test"), pairs=2, frames=FRAMES, form="flame"):
    """FLAME's form, or the ARKit form with its metadata."""
    for number, split in enumerate(splits):
        lines = []
        for index in range(pairs):
            name = f"-video{number}_sub_video_{index}"
            line = {"name": name}
            for side, person in enumerate(SIDES):
                seed, stem = 100 * number + 2 * index + side, f"{split}/{name}_{person}"
                write_voice(root / f"{stem}.wav", voice(turns(frames, side == 0), seed))
                if form == "flame":
                    expression, pose = flame(frames, seed)
                    np.savez(root / f"{stem}.npz", exp=expression, pose=pose)
                else:
                    save(root / "ARKit_npy" / f"{stem}.npy", arkit(frames, seed))
                line |= {
                    f"{person}_text": None,
                    f"{person}_audio": f"{stem}.wav",
                    f"{person}_flame": f"{stem}.npz",
                    f"{person}_arkit": f"{stem}.npy",
                    f"{person}_frames": frames,
                }
            lines.append(json.dumps(line) + "\n")
        if form == "arkit":
            (root / "metadata").mkdir(exist_ok=True)
            (root / "metadata" / f"{split}.jsonl").write_text("".join(lines))
    return root


def flame_map(seed=0):
    """(51, 103) whose columns are large, so that what is solved for hardly shrinks."""
    return np.random.default_rng(seed).normal(0, 40, (51, 103))
