"""``reactface evaluate``: from a data set and runs to the paper's tables and figures."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reactface_node.config import Config
from reactface_node.files.whole import make_folder
from reactface_node.model.architecture import find_weights
from reactface_node.model.checkpoint import load_checkpoint
from reactface_node.render.renderer import Renderer
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.store import load_facts
from reactface_node.research.evaluation.ablations import SEEDS, choose_studies, run_studies
from reactface_node.research.evaluation.figures import attention_maps, draw_attention, draw_training
from reactface_node.research.evaluation.human_table import PeopleChoice, compare_with_people
from reactface_node.research.evaluation.i3d import I3D, load_i3d
from reactface_node.research.evaluation.probes import ProbeResult, run_probes
from reactface_node.research.evaluation.proportion import proportions
from reactface_node.research.evaluation.realism import RenderedClips, frrea
from reactface_node.research.evaluation.recording import recording
from reactface_node.research.evaluation.rows import (
    GT,
    OURS,
    Scale,
    device_name,
    frames_per_second,
    measure,
    react_to,
    real_reactions,
    space_of,
    test_split,
    trained,
    untrained,
    whole_frames,
)
from reactface_node.research.evaluation.runs import load_runs
from reactface_node.research.evaluation.speed import frames_per_core_second
from reactface_node.research.evaluation.strips import draw_strip, mesh_view
from reactface_node.research.evaluation.table import Row, Table
from reactface_node.research.evaluation.videos import check_videos, write_videos
from reactface_node.research.training.corpus import speaker_input
from reactface_node.research.training.dataset import data_folder, make_synthetic, open_split
from reactface_node.research.training.learner import Reactor

FIGURE_FRAMES = 400


@dataclass(frozen=True)
class EvaluationChoice:
    """What to evaluate. runs: folders of trained baselines. samples: M. band: largest shift in
    frames of FRDist's time warp, None for any. paper_scale: FRDvs, FRDiv and FRRea by the paper's
    equations. clips: number of test clips, 0 for all. i3d: weights for FRRea, which is left out
    without them. videos: number of clips of which every row's first sample is written as an mp4.
    seeds: number of seeds of every ablation."""

    runs: tuple[Path, ...] = ()
    samples: int = 10
    paper_scale: bool = False
    band: int | None = None
    clips: int = 0
    i3d: Path | None = None
    videos: int = 0
    seeds: int = SEEDS


def probe(
    config: Config, speech: Path | None = None, people: PeopleChoice | None = None
) -> list[ProbeResult]:
    """The probes of the config's checkpoint, of ReactFace or a baseline, and its nods to a
    recording of speech. people: also compare with people (``compare_with_people``), which only
    ReactFace's sessions can be."""
    if config.threads:
        torch.set_num_threads(config.threads)
    title, reactor = trained(find_weights(config.weights), config)
    found = [*run_probes(reactor, config), *proportions(reactor, config)]
    found += recording(reactor, speech, config) if speech else []
    if people is not None and title == OURS:
        found += [row.as_probe() for row in compare_with_people(config, people).rows]
    elif people is not None:
        print(f"no human statistics of {title}: a session runs ReactFace only", file=sys.stderr)
    return found


def evaluate(config: Config, out: Path, choice: EvaluationChoice) -> Table:
    """Table 2 into ``out`` as JSON, Markdown and PNG, with Figs 7-9; UserError on bad input.

    Clips too short for the metrics are left out, the others cut to the shortest. The row "ours" is
    the config's checkpoint; the data set is ``training.data``, or synthetic dyads.
    """
    # Check for mistakes of the user first: making dyads takes minutes.
    if choice.videos:
        check_videos(out / "videos", config.render)
    runs = load_runs(config, choice.runs)
    net = load_i3d(choice.i3d, config.device) if choice.i3d else None
    on_mesh = mesh_view(config.render)
    make_folder(out)
    data = data_folder(config.training, out)
    if not config.training.data:
        make_synthetic(config.training, data)
    train, _ = open_split(data, "train", config.training)
    test, _ = test_split(data, config, choice.clips)
    scale = Scale(choice.paper_scale, choice.band, space_of(load_facts(data, "test")))
    reactors = [*untrained(train), *runs]
    rows, shown, filmed = _rows(config, reactors, test, choice, scale, net)
    note = f"FPS: one reaction a speaker and its pictures, on {device_name(config.device)}."
    note += " FPS_core: the reaction alone, for each second of one CPU core; a listener needs 25."
    table = Table("Quantitative results", rows, notes=(note,))
    table.save(out / "table2")
    figures(config, out, test, shown, on_mesh)
    if choice.videos:
        write_videos(out / "videos", filmed, test, config.render)
    return table


def ablate(
    config: Config, out: Path, choice: EvaluationChoice, names: Sequence[str] = ()
) -> list[Table]:
    """Write Tables 3-7 and the table of departures, or those named, to ``out``; every row is
    trained with the config's settings. UserError for an unknown name."""
    studies = choose_studies(names)
    make_folder(out)
    tables = []
    for study, table in run_studies(
        config, out, choice.samples, choice.clips, os.cpu_count() or 1, studies, choice.seeds
    ):
        table.save(out / study.name)
        tables.append(table)
    return tables


def _rows(
    config: Config,
    reactors: list[tuple[str, Reactor]],
    test: Clips,
    choice: EvaluationChoice,
    scale: Scale,
    net: I3D | None,
) -> tuple[list[Row], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One row per reactor, the real listener first; every reaction to the first clip; and the first
    sample of every row for the clips of which videos are written."""
    workers = os.cpu_count() or 1
    frames = whole_frames(test, config.model.window)
    real = real_reactions(test, frames)
    rows = [Row(GT, measure(GT, real, test, workers, scale))]
    shown = {"Speaker": np.asarray(test.speaker[0, :frames]), GT: real[0, 0]}
    filmed = {GT: real[: choice.videos, 0]}
    for name, reactor in reactors:
        predictions = react_to(reactor, test, choice.samples, config)
        metrics = measure(name, predictions, test, workers, scale)
        if net:
            videos = RenderedClips(real[:, 0]), RenderedClips(predictions[:, 0])
            metrics["FRRea"] = frrea(*videos, net, released=not choice.paper_scale)
        metrics["FPS"] = frames_per_second(reactor, test, config)
        metrics["FPS_core"] = frames_per_core_second(reactor, test, config)
        rows.append(Row(name, metrics))
        filmed[name] = predictions[: choice.videos, 0].copy()
        print(json.dumps({name: metrics}), flush=True)
        if name == OURS:
            shown |= {f"Ours {n + 1}": predictions[0, n] for n in range(min(3, choice.samples))}
        else:
            shown[name] = predictions[0, 0]
    return rows, shown, filmed


def figures(
    config: Config,
    out: Path,
    test: Clips,
    shown: dict[str, np.ndarray],
    on_mesh: Renderer | None = None,
) -> None:
    """Figs 7-9 and the training curve, as PNG."""
    ours = {
        name: face for name, face in shown.items() if name.startswith(("Speaker", "GT", "Ours"))
    }
    draw_strip(shown, out / "fig7.png", on_mesh=on_mesh)
    draw_strip(ours, out / "fig8.png", on_mesh=on_mesh)
    if config.model.behaviour == "official":
        # The released code's checkpoints hold no training history, and its attention is torch's
        # own.
        print("no fig9.png and no training.png of a released checkpoint", file=sys.stderr)
    else:
        model_figures(config, out, test)


def model_figures(config: Config, out: Path, test: Clips) -> None:
    """Fig. 9 and the training curve."""
    stored = load_checkpoint(find_weights(config.weights), config.model, config.device)
    frames = whole_frames(test, config.model.window, FIGURE_FRAMES)
    pixels = config.model.face_encoder == "pixels"
    speaker = speaker_input(test, slice(0, 1), frames, pixels).to(config.device)
    maps = attention_maps(stored.model, speaker, torch.Generator().manual_seed(0))
    if maps:
        draw_attention(maps, out / "fig9.png")
    else:
        print("no fig9.png: without VIM and MIM there is no attention to draw", file=sys.stderr)
    if history := stored.metrics.get("history"):
        draw_training(history, out / "training.png")
