"""One figure of a recording: face and voice over time, and their correlation."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from reactface_node.files.figures import new_figure, save_figure
from reactface_node.schema import ROTATION
from reactface_node.tools.inspection.face import LIDS, OPEN, blinks, openness
from reactface_node.tools.inspection.hearing import FLOOR_DB, LEVEL_RATE_HZ
from reactface_node.tools.inspection.offset import MAX_LAG_S, MOUTH_LEAD_S, Offset
from reactface_node.tools.inspection.record import AudioLog, ImageLog, Recording
from reactface_node.tools.inspection.report import Report
from reactface_node.tools.inspection.signals import voice_activity

HEAD = ("nods (+ down)", "turns (+ to the left)", "tilts (+ left side up)")
LEVEL_PER_S = 25
VOICE = "tab:orange"
DPI = 110


def draw_report(recording: Recording, report: Report, path: Path) -> None:
    """Write the figure as PNG, atomically; UserError if it cannot be written."""
    figure = new_figure(12.0, 11.5, DPI)
    figure.set_layout_engine("constrained")
    rows = figure.subplots(5, 1, gridspec_kw={"height_ratios": [0.7, 1, 1.5, 1.2, 1.3]})
    for axes in rows[1:4]:
        axes.sharex(rows[0])
    images, audio = recording.images, recording.audio
    if images is not None and len(images.times_s):
        _found(rows[0], images)
        _intervals(rows[1], images)
        _mouth(rows[2], images)
        _head(rows[3], images)
    if audio is not None and len(audio.levels_db):
        _voice(rows[2].twinx(), audio)
    _correlation(rows[4], report.offset)
    rows[0].set_xlim(0, max(recording.duration_s, 1e-3))
    rows[0].set_title(f"{report.name}: {report.kind}, {report.duration_s:.1f} s")
    rows[3].set_xlabel("seconds")
    for axes in rows:
        axes.grid(alpha=0.3)
    save_figure(figure, path)


def _broken(images: ImageLog, values: np.ndarray) -> np.ndarray:
    """(n, ...) with NaN where there is no face, so that lines are interrupted."""
    broken = np.array(values, float)
    broken[~images.found] = np.nan
    return broken


def _found(axes: Axes, images: ImageLog) -> None:
    axes.fill_between(images.times_s, images.found.astype(float), step="post", alpha=0.35)
    seen = images.found
    lids = images.coefficients[:, LIDS].mean(axis=1)
    axes.plot(images.times_s, _broken(images, lids), color="0.3", linewidth=0.8)
    shut = blinks(images.times_s[seen], lids[seen])
    axes.plot(shut, np.full(len(shut), 1.1), "v", color="tab:red", markersize=5)
    axes.set_ylim(0, 1.2)
    axes.set_ylabel("face found (area)\nlids shut (line)\nblinks (marks)", fontsize=8)


def _intervals(axes: Axes, images: ImageLog) -> None:
    intervals = 1000 * np.diff(images.times_s)
    axes.plot(images.times_s[1:], intervals, ".", markersize=3)
    axes.set_ylim(0, 1.3 * max(intervals.max(initial=0.0), 1.0))
    axes.set_ylabel("image intervals, ms", fontsize=8)


def _mouth(axes: Axes, images: ImageLog) -> None:
    axes.plot(images.times_s, _broken(images, openness(images.coefficients)), linewidth=1.0)
    axes.axhline(OPEN, color="tab:blue", linewidth=0.7, linestyle=":")
    axes.set_ylabel("mouth's openness", fontsize=8, color="tab:blue")


def _voice(axes: Axes, audio: AudioLog) -> None:
    """Draw the level at 25 Hz, in bold during voice."""
    per = LEVEL_RATE_HZ // LEVEL_PER_S
    voiced = voice_activity(audio.level_frames, audio.levels_db)
    slots = audio.level_frames // per
    each, which = np.unique(slots, return_inverse=True)
    counts = np.bincount(which)
    levels = np.bincount(which, audio.levels_db) / counts
    spoken = np.bincount(which, voiced) / counts >= 0.5
    size = int(each[-1] - each[0]) + 1
    line, bold = np.full(size, np.nan), np.full(size, np.nan)
    line[each - each[0]] = levels
    bold[(each - each[0])[spoken]] = levels[spoken]
    times = (np.arange(size) + each[0] + 0.5) / LEVEL_PER_S
    axes.plot(times, line, color=VOICE, linewidth=0.6, alpha=0.6)
    axes.plot(times, bold, color=VOICE, linewidth=1.4)
    axes.set_ylim(FLOOR_DB - 3, 3)
    axes.set_ylabel("sound, dBFS (bold: voice)", fontsize=8, color=VOICE)


def _head(axes: Axes, images: ImageLog) -> None:
    degrees = np.degrees(_broken(images, images.coefficients[:, ROTATION]))
    for axis, name in enumerate(HEAD):
        axes.plot(images.times_s, degrees[:, axis], linewidth=1.0, label=name)
    axes.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, frameon=False)
    axes.set_ylabel("head from its neutral, deg", fontsize=8)


def _correlation(axes: Axes, offset: Offset) -> None:
    axes.set_xlabel("lag of the voice behind the mouth, s")
    axes.set_ylabel("correlation of mouth and voice", fontsize=8)
    if len(offset.curve):
        axes.plot(offset.lags_s, offset.curve, marker=".")
    else:
        axes.set_ylim(-1, 1)
    axes.set_xlim(-MAX_LAG_S - 0.04, MAX_LAG_S + 0.04)
    axes.axhline(0.0, color="0.3", linewidth=0.7)
    axes.axvline(MOUTH_LEAD_S, color="0.3", linewidth=0.9, linestyle=":", label="as in speech")
    if offset.lag_s is not None:
        axes.axvline(offset.lag_s, color="tab:red", linewidth=0.9, linestyle="--", label="here")
    axes.legend(fontsize=7, loc="upper right")
    found = f"offset to set: {offset.offset_s:.2f} s" if offset.offset_s is not None else offset.why
    axes.set_title(found, fontsize=9)
