"""Videos of every row of the table, for viewing and for a survey."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import check_new, make_folder
from reactface_node.media.audio import integers_to_float
from reactface_node.media.video import VideoWriter
from reactface_node.render import make_renderer
from reactface_node.render.renderer import Renderer
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.rows import GT, OURS
from reactface_node.research.evaluation.strips import SPEAKER_THEME
from reactface_node.research.training.baselines import TITLES
from reactface_node.schema import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

DRAWN_AT_ONCE = 8


def folder_name(row: str) -> str:
    """The folder of a row's videos: 'ours', 'gt', a baseline's name in ``training.network``, or the
    row's name without characters that are unsuitable in file names."""
    short = {GT: "gt", OURS: "ours"} | {title: name for name, title in TITLES.items()}
    return short.get(row) or _plain(row)


def check_videos(folder: Path, config: RenderConfig) -> None:
    """UserError if ``write_videos`` could not write there; call it before the work."""
    if config.renderer == "none":
        raise UserError("--videos needs a renderer; leave render.renderer at avatar")
    check_new(folder, makes_folders=True)


def write_videos(
    folder: Path, rows: Mapping[str, np.ndarray], clips: Clips, config: RenderConfig
) -> None:
    """``folder/ROW/CLIP.mp4``: speaker | listener at 25 fps, with the speaker's sound.

    rows: (N, T, 58) reactions to the first N clips, by the rows' names. UserError if a file exists
    already or cannot be written.
    """
    count, frames = next(iter(rows.values())).shape[:2]
    speaking = make_renderer(replace(config, renderer="avatar", theme=SPEAKER_THEME)).render
    # One renderer per row, because a portrait's renderer keeps earlier frames.
    renderers = [make_renderer(config) for _ in rows]
    for row in rows:
        make_folder(folder / folder_name(row))
    with ProgressBar(total=count * frames, desc="videos", unit="frame", leave=False) as bar:
        for index, name in enumerate(clips.names[:count]):
            sound = integers_to_float(clips.audio[index])
            paths = [folder / folder_name(row) / f"{_plain(name)}.mp4" for row in rows]
            listening = [
                _pictures(renderer, reactions[index])
                for renderer, reactions in zip(renderers, rows.values(), strict=True)
            ]
            # All rows at once, so that the speaker is drawn once.
            with ExitStack() as stack:
                writers = [stack.enter_context(_writer(path, config)) for path in paths]
                for frame in range(frames):
                    left, at = speaking(clips.speaker[index, frame]), frame * SAMPLES_PER_FRAME
                    heard = sound[at : at + SAMPLES_PER_FRAME]
                    for writer, pictures in zip(writers, listening, strict=True):
                        right = next(pictures)
                        writer.write_image(np.hstack([left, right]))  # type: ignore[list-item]
                        writer.write_audio(at / SAMPLE_RATE_HZ, heard, SAMPLE_RATE_HZ)
                    bar.update()


def _pictures(renderer: Renderer, faces: np.ndarray) -> Iterator[np.ndarray | None]:
    """(T, 58) -> T pictures, drawn window by window as in a session."""
    renderer.reset()
    for first in range(0, len(faces), DRAWN_AT_ONCE):
        window = faces[first : first + DRAWN_AT_ONCE]
        draw = renderer.begin(window)
        yield from (draw(frame) for frame in range(len(window)))


def _writer(path: Path, config: RenderConfig) -> VideoWriter:
    return VideoWriter(path, 2 * config.width, config.height)


def _plain(name: str) -> str:
    """A file name without _, since the survey takes clip_1 for a sample of clip_0."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
