"""``reactface evaluate``: from a data set and runs to the paper's tables and figures."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from reactface_node.research.evaluation.field_metrics import (
    FIELD_DIRECTIONS,
    FIELD_NOTES,
    FIELD_TITLE,
)
from reactface_node.research.evaluation.figures import attention_maps, draw_attention, draw_training
from reactface_node.research.evaluation.human_table import PeopleChoice, compare_with_people
from reactface_node.research.evaluation.i3d import load_i3d
from reactface_node.research.evaluation.measured_rows import RowMeasuring, measured_rows
from reactface_node.research.evaluation.probes import ProbeResult, run_probes
from reactface_node.research.evaluation.proportion import proportions
from reactface_node.research.evaluation.recording import recording
from reactface_node.research.evaluation.row_people import RowPeople
from reactface_node.research.evaluation.row_store import MeasuredRow, RowStore
from reactface_node.research.evaluation.rows import (
    OURS,
    Scale,
    device_name,
    space_of,
    test_split,
    trained,
    untrained,
    whole_frames,
)
from reactface_node.research.evaluation.runs import load_runs
from reactface_node.research.evaluation.strips import draw_strip, mesh_view
from reactface_node.research.evaluation.table import Row, Table
from reactface_node.research.evaluation.videos import check_videos, write_videos
from reactface_node.research.evaluation.workers import Workers
from reactface_node.research.training.corpus import speaker_input
from reactface_node.research.training.dataset import open_split, ready_folder

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
    """Tables 2, 2b and 2c into ``out``, with Figs 7-9; UserError on bad input.

    Rows are kept in ``out/rows``: after an interruption the same call measures only the others.
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
    data = ready_folder(config.training, out)
    train, train_digest = open_split(data, "train", config.training)
    test, digest = test_split(data, config, choice.clips)
    scale = Scale(choice.paper_scale, choice.band, space_of(load_facts(data, "test")))
    store = RowStore(out / "rows", _chosen(config, choice, {"train": train_digest, "test": digest}))
    with Workers(os.cpu_count() or 1) as workers:
        measuring = RowMeasuring(
            config,
            test,
            choice.samples,
            scale,
            workers,
            store,
            net,
            choice.videos,
            not choice.paper_scale,
        )
        rows = measured_rows(measuring, [*untrained(train), *runs])
    table = _save_tables(out, rows, config)
    frames = rows[0].shown.shape[1]
    figures(config, out, test, _shown(np.asarray(test.speaker[0, :frames]), rows), on_mesh)
    if choice.videos:
        write_videos(out / "videos", {row.name: row.filmed for row in rows}, test, config.render)
    return table


def _chosen(config: Config, choice: EvaluationChoice, data: dict[str, str]) -> dict[str, Any]:
    """All on which the numbers of a row depend, beside the reactor."""
    settings = config.to_dict()
    parts = {name: settings[name] for name in ("model", "training", "perception", "device")}
    return {
        **parts,
        **data,
        "samples": choice.samples,
        "clips": choice.clips,
        "band": choice.band,
        "paper_scale": choice.paper_scale,
        "i3d": str(choice.i3d or ""),
        "videos": choice.videos,
    }


def _save_tables(out: Path, measured: Sequence[MeasuredRow], config: Config) -> Table:
    """Write Tables 2, 2b and 2c; returns Table 2."""
    rows = [Row(one.name, one.metrics) for one in measured]
    note = f"FPS: one reaction a speaker and its pictures, on {device_name(config.device)}."
    note += " FPS_core: the reaction alone, for each second of one CPU core; a listener needs 25."
    table = Table("Quantitative results", rows, notes=(note,))
    table.save(out / "table2")
    Table(FIELD_TITLE, rows, notes=FIELD_NOTES, directions=FIELD_DIRECTIONS).save(out / "table2b")
    RowPeople({one.name: one.people for one in measured}).save(out / "table2c")
    return table


def _shown(speaker: np.ndarray, rows: Sequence[MeasuredRow]) -> dict[str, np.ndarray]:
    """The faces of Figs 7 and 8: the first clip."""
    shown = {"Speaker": speaker}
    for row in rows:
        if row.name == OURS:
            shown |= {f"Ours {n + 1}": face for n, face in enumerate(row.shown)}
        else:
            shown[row.name] = row.shown[0]
    return shown


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
