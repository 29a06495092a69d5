"""The perception survey of section 5.7: a page of pairs of videos to compare."""

import json
import random
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files.whole import check_new, written_whole
from reactface_node.media.containers import open_media, video_stream

PLACEHOLDER = "__SURVEY__"
PLAYED_BY_BROWSERS = ("h264", "vp8", "vp9", "av1", "libdav1d")
MOST_SAMPLES = 4  # most samples of a clip on each side that can be watched at the same time

Clips = dict[str, list[Path]]  # a clip's name -> its videos, one per sample


def make_survey(results: Mapping[str, Path], ours: str, out: Path, pairs: int) -> Path:
    """Write the page folder ``out``; returns the key file beside it, which names the methods.

    results: name of a method -> folder of mp4 files, the same clips in each; ``clip_0.mp4``,
    ``clip_1.mp4`` and so on are samples of one clip, as many of it in every folder. pairs: clips
    for every competitor, an even number (the paper: 8). UserError if ``out`` or its key exists, or
    a video is missing or does not play.
    """
    _check_names(results, ours, pairs)
    check_new(out, makes_folders=True)
    key_file = out.with_name(f"{out.name}_key.json")
    check_new(key_file, makes_folders=True)
    sets = {name: _clips(folder) for name, folder in results.items()}
    chosen = _choose(sets, results, pairs)
    _check_counts(sets, ours, chosen)
    for name, clip in ((name, clip) for name in sets for clip in chosen):
        for video in sets[name][clip]:
            _check_video(video)
    # The key is named first: a survey without its key cannot be evaluated.
    with written_whole(out) as unfinished, written_whole(key_file) as unfinished_key:
        (unfinished / "videos").mkdir(parents=True)
        page, key = _lay_out(sets, ours, chosen, unfinished)
        html = _part("survey_page.html").replace(PLACEHOLDER, json.dumps(page))
        (unfinished / "index.html").write_text(html, encoding="utf-8")
        (unfinished / "survey.js").write_text(_part("survey_page.js"), encoding="utf-8")
        unfinished_key.write_text(json.dumps(key, indent=2) + "\n", encoding="utf-8")
    return key_file


def _check_names(results: Mapping[str, Path], ours: str, pairs: int) -> None:
    if ours not in results:
        raise UserError(f"no results are named '{ours}'; there are: {', '.join(results)}")
    if len(results) < 2:
        raise UserError(f"a survey compares two or more sets of results; there is only '{ours}'")
    for name in results:
        if not name or name != name.strip() or "|" in name or not name.isprintable():
            raise UserError(
                f"'{name}' cannot name a method: no '|', no blanks around it, not empty"
            )
    if pairs < 2 or pairs % 2:
        raise UserError(f"pairs must be even, not {pairs}: ours is on either side equally often")


def _check_counts(sets: Mapping[str, Clips], ours: str, chosen: Sequence[str]) -> None:
    """UserError if the numbers of samples differ: they would reveal the method."""
    for clip in chosen:
        for name, clips in sets.items():
            mine, theirs = len(sets[ours][clip]), len(clips[clip])
            if mine != theirs:
                raise UserError(
                    f"{clip} has {mine} samples of {ours} but {theirs} of {name}: "
                    f"show as many of every method"
                )


def _clips(folder: Path) -> Clips:
    """Videos by clip. ``name_k`` is sample k of ``name`` only if ``name_0`` exists, since names of
    clips end in numbers too.

    Videos of a clip in the order of their samples."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of results")
    videos = {path.stem: path for path in folder.glob("*.mp4") if not path.name.startswith(".")}
    samples: dict[str, dict[int, Path]] = {}
    for stem, path in videos.items():
        match = re.fullmatch(r"(.+)_(0|[1-9]\d*)", stem)
        clip, number = (match[1], int(match[2])) if match else (stem, 0)
        if f"{clip}_0" not in videos:
            clip, number = stem, 0
        samples.setdefault(clip, {})[number] = path
    return {
        clip: [numbered[number] for number in sorted(numbered)][:MOST_SAMPLES]
        for clip, numbered in samples.items()
    }


def _choose(sets: Mapping[str, Clips], folders: Mapping[str, Path], pairs: int) -> list[str]:
    """Clips that every method has, spread evenly over the sorted names."""
    every = sorted(set().union(*sets.values()))
    common = [clip for clip in every if all(clip in clips for clips in sets.values())]
    if len(common) < pairs:
        lacking = [
            f"{folders[name] / clip}.mp4"
            for name, clips in sets.items()
            for clip in every
            if clip not in clips
        ]
        missing = f"; missing: {', '.join(lacking[:3])}" if lacking else ""
        raise UserError(f"{pairs} clips asked for, {len(common)} in every set{missing}")
    return [common[index * len(common) // pairs] for index in range(pairs)]


def _check_video(path: Path) -> None:
    with open_media(path) as container:
        stream = video_stream(container)
        codec = stream.codec_context.name if stream else ""
    if not codec:
        raise UserError(f"{path} holds no video")
    if codec not in PLAYED_BY_BROWSERS:
        raise UserError(f"{path} is {codec} video, which browsers do not play; use H.264")


def _lay_out(
    sets: Mapping[str, Clips], ours: str, chosen: Sequence[str], folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copy the videos; returns the data of the page and the data of the key, which the page lacks.

    The pairs of one competitor form blocks of two that have ours on the same side. The page swaps
    one of the two, so that ours is on both sides equally often although the page does not know its
    side. Every pair has its own copies: a file that is used twice would reveal ours.
    """
    chance = random.SystemRandom()
    blocks, key = [], {}
    for competitor in (name for name in sets if name != ours):
        clips = chance.sample(chosen, len(chosen))
        for start in range(0, len(clips), 2):
            side = chance.choice("xy")
            block = []
            for clip in clips[start : start + 2]:
                name = secrets.token_hex(6)
                mine, theirs = (_copy(sets[s][clip], folder) for s in (ours, competitor))
                x, y = (mine, theirs) if side == "x" else (theirs, mine)
                block.append({"id": name, "x": x, "y": y})
                key[name] = {"competitor": competitor, "clip": clip, "ours": side}
            blocks.append(block)
    chance.shuffle(blocks)
    survey = secrets.token_hex(6)
    return {"survey": survey, "blocks": blocks}, {"survey": survey, "ours": ours, "pairs": key}


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _copy(videos: Sequence[Path], folder: Path) -> list[str]:
    names = []
    for video in videos:
        names.append(f"videos/{secrets.token_hex(6)}.mp4")
        shutil.copyfile(video, folder / names[-1])
    return names
