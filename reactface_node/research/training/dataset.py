"""The clips of a run: from a converted data set, or synthetic dyads made at its start."""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reactface_node.config import TrainingConfig
from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.files.whole import home_path
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.convert import convert
from reactface_node.research.data.dyads import dyad_source
from reactface_node.research.data.neighbours import with_neighbours
from reactface_node.research.data.plan import Plan, read_plan
from reactface_node.research.data.store import (
    load_clips,
    load_digest,
    load_facts,
    load_nearest,
)
from reactface_node.research.training.distributed import Processes

SYNTHETIC = "synthetic"
"""The name, in ``training.data``, of the synthetic conversations."""


@dataclass(frozen=True)
class DataSet:
    """One data set of a training. folder: of its splits. weight: its share of the crops, relative
    to the others'. made: synthetic, in the run's folder."""

    name: str
    folder: Path
    weight: float
    made: bool


def data_sets(settings: TrainingConfig, out: Path) -> tuple[DataSet, ...]:
    """The data sets that ``training.data`` names. UserError for an empty name, for a weight that is
    not above 0, and for a folder that is there twice."""
    text = settings.data
    if not text:
        found = [_data_set(SYNTHETIC, out)]
    elif text != SYNTHETIC and home_path(text).exists():  # its name may hold a comma
        found = [DataSet(home_path(text).name, home_path(text), 1.0, False)]
    else:
        found = [_data_set(one, out) for one in text.split(",")]
    places = [one.folder.resolve() for one in found]
    for index, place in enumerate(places):
        if place in places[:index]:
            raise UserError(f"training.data = {shown(text)} names {found[index].name} twice")
    names = [one.name for one in found]
    return tuple(
        replace(one, name=f"{one.name}-{before + 1}")
        if (before := names[:index].count(one.name))
        else one
        for index, one in enumerate(found)
    )


def _data_set(text: str, out: Path) -> DataSet:
    """FOLDER or FOLDER:WEIGHT."""
    text, weight = text.strip(), 1.0
    name, colon, tail = text.rpartition(":")
    if colon and (number := _number(tail)) is not None:
        text, weight = name.strip(), number
        if not 0.0 < weight < math.inf:
            raise UserError(f"training.data: the weight of {shown(text)} is {tail}, not above 0")
    if not text:
        raise UserError("training.data holds an empty name")
    if text == SYNTHETIC:
        return DataSet(SYNTHETIC, out / "data", weight, True)
    folder = home_path(text)
    return DataSet(folder.name, folder, weight, False)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def data_folder(settings: TrainingConfig, out: Path) -> Path:
    """Where the splits are: ``training.data``, or synthetic ones in ``out/data``. UserError if it
    names several."""
    found = data_sets(settings, out)
    if len(found) > 1:
        raise UserError(
            f"training.data = {shown(settings.data)} is a mixture, which is for training; "
            "name one of its folders here"
        )
    return found[0].folder


def ready_folder(settings: TrainingConfig, out: Path) -> Path:
    """``data_folder``; makes missing synthetic splits."""
    folder = data_folder(settings, out)
    if data_sets(settings, out)[0].made:
        make_synthetic(settings, folder)
    return folder


def prepare_data(settings: TrainingConfig, out: Path, processes: Processes) -> tuple[DataSet, ...]:
    """The data sets of a run; makes missing synthetic splits."""
    found = data_sets(settings, out)
    for one in found:
        if one.made:
            if processes.first:
                make_synthetic(settings, one.folder)
            processes.wait()
    return found


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
    """The split with its appropriate reactions, and a hash of its content, which its conversion has
    computed (version 1: computed here)."""
    clips = load_clips(folder, split)
    if not load_facts(folder, split).get("labels") and settings.neighbour_distance > 0:
        nearest = load_nearest(folder, split)
        clips = with_neighbours(clips, settings.neighbour_distance, nearest)
    return clips, load_digest(folder, split) or _digest(clips)


def _digest(clips: Clips) -> str:
    digest = hashlib.sha256(json.dumps(clips.names).encode())
    digest.update(np.ascontiguousarray(clips.frames).data)
    for rows in (clips.speaker, clips.reactions, clips.audio):
        for row in rows:
            digest.update(np.ascontiguousarray(row).data)
    return digest.hexdigest()
