"""The comparison of finders on a folder of clips: its records, and how they come from tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reactface_node.research.data.labels import LABELLED_KINDS, NO_SMILE_KINDS, ClipLabels
from reactface_node.research.data.labels import SMILE as SMILE_KIND
from reactface_node.schema import NUM_EXPRESSION, ROTATION
from reactface_node.tools.inspection.agreement import (
    CHANNELS,
    FROWN,
    JAW,
    SMILE,
    Agreement,
    agree,
    changes,
    channel_values,
    is_given,
    lost_count,
    matched,
    unwrapped,
)
from reactface_node.tools.inspection.disagreement import Disagreement, strongest
from reactface_node.tools.inspection.face import LIDS, blinks, longest_without
from reactface_node.tools.inspection.label_shares import (
    KindShares,
    LabelledSmile,
    frame_lengths,
    kind_shares,
    labelled_smile,
    overlaps,
)
from reactface_node.tools.inspection.tracks import STILL_IMAGES, ClipTracks, FaceTrack

START_IMAGES = 10
"""Images in which models start: they are left out of the cost."""
BLINK_WITHIN_S = 0.3
"""How exact labels are."""
LEAST_SPREAD, LEAST_SPREAD_RAD = 0.1, np.radians(3.0)
NO_SMILE = "no smile"
"""All kinds during which nobody smiles, together."""
AXES = ("pitch", "yaw", "roll")


@dataclass(frozen=True)
class ClipFinding:
    """What one finder makes of one clip.

    found: share of the images with a face. lost: how often it was lost. longest_without_s: seconds
    on end without. people: how many were told apart. cpu_ms: processor time of an image, mean.
    blinks_s: when. blinks_expected, blinks_matched: labelled ones and those of them found within
    0.3 s; None without labels.
    """

    clip: str
    finder: str
    images: int
    duration_s: float
    width: int
    height: int
    found: float
    lost: int
    longest_without_s: float
    people: int
    cpu_ms: float | None
    blinks_s: tuple[float, ...]
    blinks_expected: int | None
    blinks_matched: int | None


@dataclass(frozen=True)
class ChannelRow:
    """A channel of two finders over all clips, where both have a face."""

    channel: str
    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True)
class HeadRow:
    """Changes over 0.4 s of an angle of the head: of a finder's coefficients (second) against the
    head transform of ``reference`` (first)."""

    axis: str
    finder: str
    reference: str
    agreement: Agreement


@dataclass(frozen=True, eq=False)
class StillCase:
    """One image of a clip, repeated.

    time_s: which one. is_neutral: whether a label says that the face is neutral there. highest:
    (58,) largest absolute value in 10 s. noise: (58,) standard deviation in 4 s with the noise of
    a camera. given: (58,) bool.
    """

    clip: str
    finder: str
    time_s: float
    is_neutral: bool
    found: float
    highest: np.ndarray
    noise: np.ndarray
    given: np.ndarray


@dataclass(frozen=True, eq=False)
class Comparison:
    """finders: names in order. left_out: a line for each finder and clip that is not in it.
    sheets: file names of the contact sheets that were written."""

    finders: tuple[str, ...]
    clips: tuple[ClipFinding, ...]
    channels: tuple[ChannelRow, ...]
    head: tuple[HeadRow, ...]
    still: tuple[StillCase, ...]
    kinds: tuple[KindShares, ...]
    smiles: tuple[LabelledSmile, ...]
    left_out: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()


def compare_tracks(
    clips: Sequence[ClipTracks], labels: Mapping[str, ClipLabels], still: Sequence[StillCase]
) -> Comparison:
    """clips: at least one, all with the same finders."""
    finders = tuple(clips[0].tracks)
    return Comparison(
        finders=finders,
        clips=tuple(
            _finding(clip, finder, labels.get(clip.name, ClipLabels()))
            for clip in clips
            for finder in finders
        ),
        channels=tuple(_channel_rows(clips)),
        head=tuple(_head_rows(clips)),
        still=tuple(still),
        kinds=tuple(_kind_rows(clips, labels)),
        smiles=tuple(_smile_rows(clips, labels)),
    )


def still_case(
    clip: str, finder: str, time_s: float, is_neutral: bool, track: FaceTrack
) -> StillCase:
    """track: of the images of ``tracks.still_images``."""
    still, noisy = track.coefficients[:STILL_IMAGES], track.coefficients[STILL_IMAGES:]
    return StillCase(
        clip=clip,
        finder=finder,
        time_s=time_s,
        is_neutral=is_neutral,
        found=float(track.found.mean()),
        highest=np.abs(still).max(axis=0),
        noise=noisy.std(axis=0),
        given=track.given,
    )


def disagreements(clip: ClipTracks, channel: str, count: int) -> list[Disagreement]:
    """The clip's strongest disagreements of all finders that give the channel."""
    values = [
        np.where(track.found, channel_values(track.coefficients, channel), np.nan)
        for track in clip.tracks.values()
        if is_given(track.given, channel)
    ]
    if len(values) < 2:
        return []
    spread = np.max(values, axis=0) - np.min(values, axis=0)
    least = LEAST_SPREAD if CHANNELS[channel][0] < NUM_EXPRESSION else LEAST_SPREAD_RAD
    return strongest(clip.name, clip.times_s, spread, least, count)


def _finding(clip: ClipTracks, finder: str, labels: ClipLabels) -> ClipFinding:
    track, times_s = clip.tracks[finder], clip.times_s
    lids = track.coefficients[:, LIDS].mean(axis=1)
    seen_s = blinks(times_s[track.found], lids[track.found])
    expected = labels.blinks
    end_s = float(times_s[-1] + frame_lengths(times_s)[-1])
    cpu_s = track.cpu_s[START_IMAGES:]
    return ClipFinding(
        clip=clip.name,
        finder=finder,
        images=len(times_s),
        duration_s=end_s - float(times_s[0]),
        width=clip.size[0],
        height=clip.size[1],
        found=float(track.found.mean()),
        lost=lost_count(track.found),
        longest_without_s=longest_without(times_s, track.found, end_s),
        people=track.people,
        cpu_ms=1000 * float(cpu_s.mean()) if len(cpu_s) else None,
        blinks_s=tuple(seen_s.tolist()),
        blinks_expected=None if expected is None else len(expected),
        blinks_matched=None if expected is None else matched(expected, seen_s, BLINK_WITHIN_S),
    )


def _channel_rows(clips: Sequence[ClipTracks]) -> list[ChannelRow]:
    rows = []
    for first, second in combinations(clips[0].tracks, 2):
        for channel in CHANNELS:
            pairs = [(clip.tracks[first], clip.tracks[second]) for clip in clips]
            given = [is_given(a.given, channel) and is_given(b.given, channel) for a, b in pairs]
            if not any(given):
                continue
            sides = [
                [
                    np.where(track.found, channel_values(track.coefficients, channel), np.nan)
                    for track in one
                ]
                for one in pairs
            ]
            a, b = (np.concatenate([side[which] for side in sides]) for which in (0, 1))
            rows.append(ChannelRow(channel, first, second, agree(a, b)))
    return rows


def _head_rows(clips: Sequence[ClipTracks]) -> list[HeadRow]:
    rows = []
    for reference in clips[0].tracks:
        if not any(np.isfinite(clip.tracks[reference].transform).any() for clip in clips):
            continue
        for finder in clips[0].tracks:
            for axis, name in enumerate(AXES):
                pairs = [_angle_changes(clip, reference, finder, axis) for clip in clips]
                a, b = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
                rows.append(HeadRow(name, finder, reference, agree(a, b)))
    return rows


def _angle_changes(
    clip: ClipTracks, reference: str, finder: str, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """(m,) of the reference's head transform and (m,) of the finder's coefficients, radians."""
    track = clip.tracks[finder]
    own = np.where(track.found, track.coefficients[:, ROTATION][:, axis].astype(float), np.nan)
    transform = clip.tracks[reference].transform[:, axis]
    return (
        changes(clip.times_s, unwrapped(transform)),
        changes(clip.times_s, unwrapped(own)),
    )


def _kind_rows(clips: Sequence[ClipTracks], labels: Mapping[str, ClipLabels]) -> list[KindShares]:
    rows = []
    groups = {NO_SMILE: NO_SMILE_KINDS} | {kind: (kind,) for kind in LABELLED_KINDS}
    for name, kinds in groups.items():
        seconds = [
            overlaps(clip.times_s, labels.get(clip.name, ClipLabels()).of(*kinds)) for clip in clips
        ]
        for finder in clips[0].tracks:
            tracks = [clip.tracks[finder] for clip in clips]
            smile, frown, jaw = (
                np.concatenate([channel_values(track.coefficients, channel) for track in tracks])
                for channel in (SMILE, FROWN, JAW)
            )
            found, kinds = (
                np.concatenate([getattr(track, part) for track in tracks])
                for part in ("found", "kinds")
            )
            row = kind_shares(
                name, finder, np.concatenate(seconds), found, smile, frown, jaw, kinds
            )
            if row is not None:
                rows.append(row)
    return rows


def _smile_rows(
    clips: Sequence[ClipTracks], labels: Mapping[str, ClipLabels]
) -> list[LabelledSmile]:
    rows = []
    for clip in clips:
        for interval in labels.get(clip.name, ClipLabels()).of(SMILE_KIND):
            for finder, track in clip.tracks.items():
                smile = channel_values(track.coefficients, SMILE)
                row = labelled_smile(clip.name, finder, interval, clip.times_s, track.found, smile)
                if row is not None:
                    rows.append(row)
    return rows
