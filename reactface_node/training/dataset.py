"""Where a run's clips come from: a converted data set, or synthetic dyads made on the spot."""

import hashlib
import json
from pathlib import Path

import numpy as np

from reactface_node.config import TrainingConfig
from reactface_node.data.clips import Clips
from reactface_node.data.convert import convert
from reactface_node.data.dyads import dyad_source
from reactface_node.data.neighbours import with_neighbours
from reactface_node.data.store import load_clips, load_facts
from reactface_node.training.distributed import Processes


def prepare_data(settings: TrainingConfig, out: Path, processes: Processes) -> Path:
    """The folder with the splits; makes the synthetic ones that are not there yet."""
    if settings.data:
        return Path(settings.data).expanduser()
    folder = out / "data"
    if processes.first:
        make_synthetic(settings, folder)
    processes.wait()
    return folder


def make_synthetic(settings: TrainingConfig, folder: Path) -> None:
    """Writes the synthetic splits that are missing in the folder."""
    counts = {
        "train": (settings.clips, settings.listeners),
        "val": (settings.validation_clips, settings.test_listeners),
        "test": (settings.test_clips, settings.test_listeners),
    }
    for split, (clips, listeners) in counts.items():
        if not (folder / split).exists():
            source = dyad_source(settings.seed, split, clips, settings.clip_s, listeners)
            convert(source, folder)


def open_split(folder: Path, split: str, settings: TrainingConfig) -> tuple[Clips, str]:
    """The split with its appropriate reactions, and a hash of what it holds."""
    clips = load_clips(folder, split)
    if not load_facts(folder, split).get("labels") and settings.neighbour_distance > 0:
        clips = with_neighbours(clips, settings.neighbour_distance)
    digest = hashlib.sha256(json.dumps(clips.names).encode())
    for array in (clips.frames, clips.speaker, clips.reactions, clips.audio):
        digest.update(np.ascontiguousarray(array).data)
    return clips, digest.hexdigest()
