"""The clips of a run: from a converted data set, or synthetic dyads made at its start."""

import hashlib
import json
from pathlib import Path

import numpy as np

from reactface_node.config import TrainingConfig
from reactface_node.errors import UserError
from reactface_node.files.whole import home_path
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.convert import convert
from reactface_node.research.data.dyads import dyad_source
from reactface_node.research.data.neighbours import with_neighbours
from reactface_node.research.data.plan import Plan, read_plan
from reactface_node.research.data.store import load_clips, load_facts
from reactface_node.research.training.distributed import Processes


def data_folder(settings: TrainingConfig, out: Path) -> Path:
    """Where the splits are: ``training.data``, or synthetic ones in ``out/data``."""
    return home_path(settings.data) if settings.data else out / "data"


def prepare_data(settings: TrainingConfig, out: Path, processes: Processes) -> Path:
    """The folder with the splits; makes missing synthetic ones."""
    folder = data_folder(settings, out)
    if not settings.data:
        if processes.first:
            make_synthetic(settings, folder)
        processes.wait()
    return folder


def make_synthetic(settings: TrainingConfig, folder: Path) -> None:
    """Write the synthetic splits that are missing in the folder.

    UserError if an existing one was made with other settings.
    """
    counts = {
        "train": (settings.clips, settings.listeners),
        "val": (settings.validation_clips, settings.test_listeners),
        "test": (settings.test_clips, settings.test_listeners),
    }
    sources = [
        dyad_source(settings.seed, split, clips, settings.clip_s, listeners)
        for split, (clips, listeners) in counts.items()
    ]
    missing = []
    for source in sources:
        if (folder / source.split).exists():
            _refuse_others(folder / source.split, Plan.of(source))
        else:
            missing.append(source)
    for source in missing:
        convert(source, folder)


def _refuse_others(path: Path, wanted: Plan) -> None:
    stored = read_plan(path)
    if stored != wanted:
        raise UserError(
            f"{path} holds {_content(stored)}, but the settings say {_content(wanted)}: "
            f"choose another folder, or remove {path}"
        )


def _content(plan: Plan) -> str:
    if "seconds" not in plan.facts:
        return "no synthetic dyads"
    return (
        f"{len(plan.names)} clips of {plan.facts['seconds']:g} s with {plan.listeners} listeners "
        f"of seed {plan.facts.get('seed')}"
    )


def open_split(folder: Path, split: str, settings: TrainingConfig) -> tuple[Clips, str]:
    """The split with its appropriate reactions, and a hash of its content."""
    clips = load_clips(folder, split)
    if not load_facts(folder, split).get("labels") and settings.neighbour_distance > 0:
        clips = with_neighbours(clips, settings.neighbour_distance)
    digest = hashlib.sha256(json.dumps(clips.names).encode())
    for array in (clips.frames, clips.speaker, clips.reactions, clips.audio):
        digest.update(np.ascontiguousarray(array).data)
    return clips, digest.hexdigest()
