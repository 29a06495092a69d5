"""Rehearses a data set of full size: ``python docs/scripts/full_scale.py OUT``.

Makes files in the form of MARS, of the size that the real data set has, converts them, trains and
evaluates, and prints wall time, memory and disk of every step as a table, for docs/full_scale.md.
Steps that are done are kept in OUT/steps.json: the same command goes on after an interruption, and
training, conversion and evaluation go on within their step.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from reactface_node.config import Config, RenderConfig
from reactface_node.config.settings import settings
from reactface_node.faceverse import Space
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import write_text, written_whole
from reactface_node.media.audio import float_to_int16, integers_to_float
from reactface_node.media.video import VideoWriter
from reactface_node.render import make_renderer
from reactface_node.research.data.decode import read_audio
from reactface_node.research.data.dyads import cast_of
from reactface_node.research.data.synthetic import make_dyad
from reactface_node.schema import NUM_EXPRESSION, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

SESSIONS, TOPICS = 2856, 23
"""Recordings of MARS, and the numbers session0 to session22 of their topics."""
SPLITS = {"train": 0.6, "val": 0.2, "test": 0.2}
BASES = 48
"""Conversations that are simulated; each recording is one of them, shifted and scaled."""
PICTURE_PX = 224


@dataclass(frozen=True)
class Step:
    """What a step took. peak_mb: of its largest process. disk_mb: of what it wrote."""

    name: str
    wall_s: float
    peak_mb: float
    disk_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a recording")
    parser.add_argument("--clips", type=int, default=24, help="clips with videos")
    parser.add_argument("--video", type=Path, help="mp4 of a person who talks, to be tracked")
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps of each training")
    parser.add_argument("--test-clips", type=int, default=0, help="clips measured; 0: all")
    parser.add_argument("--workers", type=int, default=0, help="processes of the conversion")
    options = parser.parse_args()
    rehearse(options.out.resolve(), options)


def rehearse(out: Path, options: argparse.Namespace) -> None:
    """All steps that are not done yet, then the table."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "steps.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for name, folder, run in steps(out, options):
        if name not in found:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = asdict(Step(name, *measured(run), megabytes(folder)))
            write_text(kept, json.dumps(found, indent=1))
    print(f"{options.sessions} recordings of {options.seconds:g} s, on {os.cpu_count()} cores\n")
    print("| step | wall time | peak memory of a process | on disk |\n| --- | --- | --- | --- |")
    for step in (Step(**one) for one in found.values()):
        minutes, seconds = divmod(round(step.wall_s), 60)
        print(f"| {step.name} | {minutes} min {seconds} s | {step.peak_mb:.0f} MB |", end=" ")
        print(f"{step.disk_mb:.0f} MB |")


def steps(
    out: Path, options: argparse.Namespace
) -> Iterator[tuple[str, Path, Callable[[], object]]]:
    """Name, folder that is written, and what to do."""
    mars, react, workers = out / "mars", out / "converted", ["--workers", str(options.workers)]
    data = [f"--set=training.data={react}", f"--set=training.steps={options.steps}"]
    yield "make the files", mars, lambda: make(mars, options)
    yield "check", mars, lambda: command("data", "check", "mars", mars)
    yield "convert", react, lambda: command("data", "convert", "mars", mars, react, *workers)
    if options.video:
        videos, tracked = out / "videos", out / "tracked"
        yield "make the videos", videos, lambda: copy(options, videos)
        for count in (1, 2):
            place = tracked / str(count)
            told = ["data", "convert", "rld", videos, place, "--workers", count]
            name = f"track and convert {options.clips} clips of video, {count} processes"
            yield name, place, partial_run(told)
    half = options.steps // 2
    phases = ["own_past_steps", "event_steps", "proportion_steps", "validate_every"]
    short = [f"--set=training.{name}={half}" for name in phases]
    networks = next(one.choices for one in settings(Config()) if one.name == "training.network")
    for name in networks:
        set_to = [f"--set=training.network={name}", *data, *short]
        told = ["train", "-o", out / "runs" / name, *set_to]
        yield f"train {name}, {options.steps} steps", out / "runs" / name, partial_run(told)
    weights = [f"--set=weights={out / 'runs' / 'reactface' / 'weights.safetensors'}", *data]
    rows = [out / "runs" / name for name in networks if name != "reactface"]
    told = ["evaluate", *rows, "-o", out / "tables", "--clips", options.test_clips, *weights]
    yield "evaluate, all rows", out / "tables", partial_run(told)


def partial_run(told: list[object]) -> Callable[[], None]:
    return lambda: command(*told)


def command(*words: object) -> None:
    """Runs ``reactface`` with these words; ends this program if it fails."""
    program = [sys.executable, "-m", "reactface_node.cli", *map(str, words)]
    print(" ".join(["reactface", *program[3:]]), file=sys.stderr, flush=True)
    if code := subprocess.run(program, check=False).returncode:
        raise SystemExit(code)


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and the peak in MB of the largest process, of what is run in a process of its
    own."""
    started = time.monotonic()
    child = os.fork()
    if not child:
        code = 1
        try:
            run()
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(code)
    # Of the child and of all that it has waited for, in kB.
    return time.monotonic() - started, used.ru_maxrss / 1000


def megabytes(folder: Path) -> float:
    """What the folder takes on the disk; holes in files count as nothing."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def make(root: Path, options: argparse.Namespace) -> None:
    """Recordings in the form of MARS (``data/mars.py``), the first of each split with videos."""
    rng = np.random.default_rng(0)
    cast, space = cast_of(0, "train"), Space.of()
    count = min(BASES, options.sessions)
    bases = [
        make_dyad(np.random.default_rng((1, index)), options.seconds, 1, cast)
        for index in ProgressBar(range(count), "simulating", unit="clip")
    ]
    left = options.clips
    for index in ProgressBar(range(options.sessions), "writing", unit="recording"):
        split = split_of(index / options.sessions)
        one, other = bases[index % count], bases[(index + 1) % count]
        shift = int(rng.integers(len(one.speaker)))
        name = f"session{index % TOPICS}/Camera-2024-06-21-{index:06d}-103102"
        for role, face, sound in (
            ("speaker", one.speaker, one.audio),
            ("listener", one.listeners[0], 0.5 * other.audio),
        ):
            varied = np.roll(face, shift, 0)
            varied[:, :NUM_EXPRESSION] *= rng.uniform(0.8, 1.0)
            heard = np.roll(sound, shift * SAMPLES_PER_FRAME)
            theirs = space.to_faceverse(varied).astype(np.float32)[:, None]
            save(root / split / "coefficients" / role / f"{name}.npy", theirs)
            write_sound(root / split / "audio" / role / f"{name}.wav", heard)
            if left > 0:
                draw(root / split / "video-face-crop" / role / f"{name}.mp4", varied)
        left -= 1


def split_of(share: float) -> str:
    for split, size in SPLITS.items():
        if share < size:
            return split
        share -= size
    return "test"


def save(path: Path, values: np.ndarray) -> None:
    if not path.exists():
        with written_whole(path) as unfinished, unfinished.open("wb") as file:
            np.save(file, values)


def write_sound(path: Path, samples: np.ndarray) -> None:
    if not path.exists():
        with written_whole(path) as unfinished, wave.open(str(unfinished), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(float_to_int16(samples).tobytes())


def draw(path: Path, face: np.ndarray) -> None:
    """A video of the avatar with this face."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        render = make_renderer(RenderConfig(width=PICTURE_PX, height=PICTURE_PX)).render
        with VideoWriter(path, PICTURE_PX, PICTURE_PX) as video:
            for frame in face:
                picture = render(frame)
                assert picture is not None
                video.write_image(picture)


def copy(options: argparse.Namespace, root: Path) -> None:
    """Clips in the form of RLD (``data/rld.py``), the same person on both sides, to be tracked."""
    sound = read_audio(options.video)
    rows = ["audio,listener,speaker,data_split"]
    for index in range(options.clips):
        rows.append(f"{index},{index}b,{index}a,train")
        write_sound(root / "audios" / f"{index}.wav", integers_to_float(sound))
        for side in "ab":
            place = root / "videos" / f"{index}{side}.mp4"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(options.video, place)
    write_text(root / "RLD_data.csv", "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
