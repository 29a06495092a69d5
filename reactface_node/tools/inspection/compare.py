"""``reactface inspect --compare``: finders side by side on a folder of clips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import written_whole
from reactface_node.media.containers import pictures
from reactface_node.media.video import video_duration_s
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.research.data.labels import (
    LABELS_FILE,
    NEUTRAL,
    ClipLabels,
    find_clips,
    read_labels,
)
from reactface_node.schema import TRANSLATION
from reactface_node.tools.inspection.agreement import (
    CHANNELS,
    channel_values,
    is_given,
    stillest_second,
)
from reactface_node.tools.inspection.comparison import (
    Comparison,
    StillCase,
    compare_tracks,
    disagreements,
    still_case,
)
from reactface_node.tools.inspection.disagreement import (
    PICTURES,
    Disagreement,
    draw_sheet,
    face_picture,
    for_a_sheet,
    write_png,
)
from reactface_node.tools.inspection.tracks import (
    NOISY_IMAGES,
    STILL_IMAGES,
    ClipTracks,
    make_trackers,
    still_images,
    track_clip,
    track_inputs,
)

SHEET_CHANNELS = tuple(name for name, at in CHANNELS.items() if at[0] < TRANSLATION.start)
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"


def compare(folder: Path, labels_file: Path | None, config: Config, out: Path | None) -> Comparison:
    """Tracks every clip of the folder by every finder.

    labels_file: None for ``labels.yaml`` in the folder, if it is there. out: folder to make for
    the contact sheets, None for none. A clip that cannot be used is a line in ``left_out``.
    UserError where no clip can be used.
    """
    paths = find_clips(folder)
    labels = _labels(folder, labels_file)
    trackers, left_out = make_trackers(config.perception)
    try:
        clips, bad = _track_all(paths, trackers)
        left_out += bad
        if not clips:
            raise UserError(f"no clip in {folder} can be used: {'; '.join(bad)}")
        still = _still_cases(clips, labels, trackers)
    finally:
        for tracker in trackers.values():
            tracker.close()
    if absent := sorted(labels.keys() - {path.stem for path in paths}):
        left_out.append(f"labelled, but no clip here: {', '.join(absent)}")
    result = replace(compare_tracks(clips, labels, still), left_out=tuple(left_out))
    if out is not None:
        result = replace(result, sheets=tuple(_write_sheets(out, clips, labels)))
    return result


def _labels(folder: Path, labels_file: Path | None) -> dict[str, ClipLabels]:
    if labels_file is not None:
        return read_labels(labels_file)
    path = folder / LABELS_FILE
    return read_labels(path) if path.exists() else {}


def _track_all(
    paths: Sequence[Path], trackers: dict[str, LandmarkTracker]
) -> tuple[list[ClipTracks], list[str]]:
    """The clips with a face, and a line for each other clip."""
    clips: list[ClipTracks] = []
    bad: list[str] = []
    lengths_s = [_length_s(path) for path in paths]
    with ProgressBar(total=max(sum(lengths_s), 1e-3), desc="tracking", bar_format=BAR) as bar:
        for path, before_s, length_s in zip(
            paths, np.cumsum([0.0, *lengths_s[:-1]]).tolist(), lengths_s, strict=True
        ):
            # A header may promise another length than the file has.
            def advance(
                stamp_s: float, before_s: float = before_s, all_s: float = length_s
            ) -> None:
                reached_s = before_s + min(max(stamp_s, 0.0), all_s)
                bar.update(max(0.0, reached_s - bar.n))

            try:
                clip = track_clip(path, trackers, advance)
            except (UserError, ValueError, RuntimeError) as error:
                # Errors of MediaPipe have many lines.
                why = (str(error).splitlines() or [type(error).__name__])[0]
                bad.append(why if str(path) in why else f"{path}: {why}")
                continue
            if any(track.found.any() for track in clip.tracks.values()):
                clips.append(clip)
            else:
                seconds = clip.times_s[-1] - clip.times_s[0]
                bad.append(f"{path}: no finder sees a face in its {seconds:.1f} s")
    return clips, bad


def _length_s(path: Path) -> float:
    try:
        return video_duration_s(path)
    except UserError:
        return 0.0  # It is said when the clip is read.


def _still_cases(
    clips: Sequence[ClipTracks],
    labels: Mapping[str, ClipLabels],
    trackers: dict[str, LandmarkTracker],
) -> list[StillCase]:
    cases = []
    images = STILL_IMAGES + NOISY_IMAGES
    with ProgressBar(total=images * len(clips), desc="still images") as bar:
        for clip in clips:
            chosen = still_moment(clip, labels.get(clip.name, ClipLabels()))
            if chosen is None:
                bar.update(images)
                continue
            index, is_neutral = chosen
            rgb = _pictures_at(clip, {index})[index]

            def advance(_: float) -> None:
                bar.update()

            tracked = track_inputs(clip.path, still_images(rgb), trackers, advance)
            time_s = float(clip.times_s[index])
            cases += [
                still_case(clip.name, name, time_s, is_neutral, track)
                for name, track in tracked.tracks.items()
            ]
    return cases


def still_moment(clip: ClipTracks, labels: ClipLabels) -> tuple[int, bool] | None:
    """Index of the image to hold still, and whether it is labelled neutral: the first image of
    the first neutral interval, or of the stillest second. None where there is no such second."""
    for start_s, end_s in labels.of(NEUTRAL):
        index = int(np.searchsorted(clip.times_s, start_s - 1e-6))
        if index < len(clip.times_s) and clip.times_s[index] < end_s:
            return index, True
    for track in clip.tracks.values():
        time_s = stillest_second(clip.times_s, track.found, track.coefficients)
        if time_s is not None:
            return int(np.searchsorted(clip.times_s, time_s)), False
    return None


def _pictures_at(clip: ClipTracks, indices: Iterable[int]) -> dict[int, np.ndarray]:
    """Images (H, W, 3) of a clip by their index: it is decoded again."""
    wanted = set(indices)
    found: dict[int, np.ndarray] = {}
    for index, (_, rgb) in enumerate(pictures(clip.path)):
        if index in wanted:
            found[index] = rgb
            if len(found) == len(wanted):
                break
    return found


def _write_sheets(
    out: Path, clips: Sequence[ClipTracks], labels: Mapping[str, ClipLabels]
) -> list[str]:
    """A PNG by channel on which finders disagree, in a new folder; the files' names."""
    chosen = {}
    for channel in SHEET_CHANNELS:
        moments = for_a_sheet([disagreements(clip, channel, PICTURES) for clip in clips])
        if moments:
            chosen[channel] = moments
    tiles = _face_pictures(clips, [one for moments in chosen.values() for one in moments])
    by_name = {clip.name: clip for clip in clips}
    names = []
    with written_whole(out) as unfinished:
        unfinished.mkdir()
        for channel, moments in chosen.items():
            sheet = draw_sheet(
                f"{channel}: strongest disagreements",
                [
                    (
                        tiles[one.clip, one.index],
                        tile_text(by_name[one.clip], one, channel, labels.get(one.clip)),
                    )
                    for one in moments
                ],
            )
            names.append(f"{channel}.png")
            write_png(unfinished / names[-1], sheet)
    return names


def _face_pictures(
    clips: Sequence[ClipTracks], moments: Sequence[Disagreement]
) -> dict[tuple[str, int], np.ndarray]:
    """The face at each moment, by clip and index: each clip is decoded once."""
    tiles = {}
    with ProgressBar(clips, desc="sheets") as bar:
        for clip in bar:
            wanted = {one.index for one in moments if one.clip == clip.name}
            if not wanted:
                continue
            for index, rgb in _pictures_at(clip, wanted).items():
                boxes = np.stack([track.boxes[index] for track in clip.tracks.values()])
                box = np.nanmean(boxes, axis=0)
                tiles[clip.name, index] = face_picture(rgb, box)
    return tiles


def tile_text(
    clip: ClipTracks, moment: Disagreement, channel: str, labels: ClipLabels | None
) -> list[str]:
    """Lines under a picture: clip and time, labels, then each finder's value (angles in degrees).

    As many lines for every moment of the same clips.
    """
    kinds = [
        kind
        for kind, intervals in (labels.intervals if labels else {}).items()
        if any(start_s <= moment.time_s < end_s for start_s, end_s in intervals)
    ]
    lines = [f"{clip.name} {moment.time_s:.2f} s", " ".join(kinds)]
    for name, track in clip.tracks.items():
        if not is_given(track.given, channel) or not track.found[moment.index]:
            lines.append(f"{name} -")
            continue
        value = float(channel_values(track.coefficients[moment.index][None], channel)[0])
        is_angle = channel.startswith("rotation")
        text = f"{np.degrees(value):+.1f} deg" if is_angle else f"{value:.2f}"
        lines.append(f"{name} {text}")
    return lines
