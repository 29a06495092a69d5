"""The report on a recording: its numbers, as text and as JSON."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.tools.inspection.face import OPEN, FaceReport
from reactface_node.tools.inspection.offset import MOUTH_LEAD_S, Offset
from reactface_node.tools.inspection.signals import JITTER_RULE, VOICE_RULE, Pace, StampReport

OFFSET_SETTING = "timeline.camera_to_microphone_offset_s"


@dataclass(frozen=True)
class ImageReport:
    """sizes, kinds, rejected: with counts, as in ``ImageLog``."""

    count: int
    sizes: dict[str, int]
    kinds: dict[str, int]
    rejected: dict[str, int]
    pace: Pace
    stamps: StampReport


@dataclass(frozen=True)
class AudioReport:
    """measured_rate_hz: received samples of a channel per second. begins_s, ends_s: its first and
    last sound; heard: share of the time between. voice_db: level of the parts with voice; floor_db:
    10th percentile; both dBFS. clipped, zeros: shares of the samples at full scale and of exactly
    0. voice: share of the received audio with voice. Gaps, overlaps, duplicates and reanchors as in
    ``AudioStats``."""

    count: int
    rates_hz: dict[int, int]
    measured_rate_hz: float | None
    channels: dict[int, int]
    kinds: dict[str, int]
    rejected: dict[str, int]
    stamps: StampReport
    begins_s: float | None
    ends_s: float | None
    heard: float
    voice_db: float | None
    floor_db: float | None
    clipped: float
    zeros: float
    voice: float
    gaps: int
    overlaps: int
    duplicates: int
    reanchors: int


@dataclass(frozen=True, eq=False)
class Report:
    """images, face, audio: None if the recording has no such stream, or no usable one (face).
    offset_now_s: the offset that is configured."""

    name: str
    kind: str
    duration_s: float
    leaps_s: tuple[float, ...]
    damaged: int
    images: ImageReport | None
    face: FaceReport | None
    audio: AudioReport | None
    offset: Offset
    offset_now_s: float
    what_to_do: tuple[str, ...] = ()


def as_json(report: Report) -> dict[str, Any]:
    """A value for ``json.dumps``; numbers have six digits, unknown ones are null."""
    return {name: plain(value) for name, value in dataclasses.asdict(report).items()}


def plain(value: Any) -> Any:
    """Values, arrays and containers of them as what ``json.dumps`` takes."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def as_text(report: Report) -> str:
    """The report as text for the terminal."""
    lines = [f"{report.name}: {report.kind}, {report.duration_s:.1f} s"]
    for title, body in (
        ("images", _image_lines(report.images)),
        ("face", _face_lines(report.face)),
        ("audio", _audio_lines(report.audio)),
        ("camera to microphone", _offset_lines(report)),
        ("what to do", list(report.what_to_do) or ["nothing: no problem was found"]),
    ):
        lines += ["", title, *(f"  {line}" for line in body)]
    return "\n".join(lines)


def _image_lines(images: ImageReport | None) -> list[str]:
    if images is None:
        return ["none: the recording has no camera"]
    pace = images.pace
    lines = [f"{images.count} of {_counted(images.sizes)}; {_counted(images.kinds)}"]
    if pace.rate_hz and pace.longest_s is not None:
        lines.append(
            f"{pace.rate_hz:.1f} a second (median interval {1000 / pace.rate_hz:.1f} ms), longest "
            f"interval {1000 * pace.longest_s:.0f} ms at {_number(pace.longest_at_s, '.1f')} s; "
            f"{pace.gaps} gaps"
        )
    return lines + _stamp_lines(images.stamps) + _rejected_lines(images.rejected)


def _stamp_lines(stamps: StampReport) -> list[str]:
    problems = [
        f"{count} {what}"
        for count, what in (
            (stamps.unstamped, "without a stamp"),
            (stamps.zero, "zero"),
            (stamps.unmoved, "standing still"),
            (stamps.duplicates, "duplicate"),
            (stamps.backwards, "going backwards"),
        )
        if count
    ]
    line = f"stamps: {', '.join(problems) or 'none zero, duplicate or backwards'}"
    if stamps.offset_s:
        line += f"; {stamps.offset_s:+.2f} s are added to them (by arrival)"
    if stamps.jitter_ms is not None:
        line += f"; jitter {stamps.jitter_ms:.1f} ms (p95 of intervals)"
    if stamps.delay_p50_ms is not None:
        p99 = _number(stamps.delay_p99_ms, ".1f")
        line += f"; received after {stamps.delay_p50_ms:.1f} ms (p50), {p99} ms (p99)"
    return [line]


def _rejected_lines(rejected: dict[str, int]) -> list[str]:
    return [f"{count} cannot be used: {reason}" for reason, count in rejected.items()]


def _face_lines(face: FaceReport | None) -> list[str]:
    if face is None:
        return ["no image in which to look for one"]
    lines = [
        f"found in {face.found:.1%} of the images; longest time without "
        f"{face.longest_without_s:.1f} s; followed {face.people} time(s) another, "
        f"at most {face.most_in_view} in view"
    ]
    if not face.found:
        return [*lines, f"brightness of the images {_number(face.brightness, '.0f')} of 255"]
    lines += [
        f"{_number(face.px, '.0f')} px from forehead to chin ({_number(face.tracked_px, '.0f')} px "
        f"as the tracker sees it), brightness {_number(face.brightness, '.0f')} of 255",
        "hard to read: "
        + (", ".join(f"{w} {share:.0%}" for w, share in face.doubts.items()) or "never"),
        f"trembles while still: head {_number(face.head_jitter_deg, '.2f')} deg, mouth "
        f"{_number(face.mouth_jitter, '.3f')}, brows {_number(face.brow_jitter, '.3f')}",
        f"  ({JITTER_RULE})",
        f"head from its neutral, p5 to p95 in degrees: nods {_range(face.pitch_deg)}, turns "
        f"{_range(face.yaw_deg)}, tilts {_range(face.roll_deg)}",
        f"{face.blinks} blinks ({_number(face.blinks_per_min, '.0f')} a minute); mouth open in "
        f"{_number(face.mouth_open, '.0%')} of the images with a face (openness over {OPEN})",
    ]
    return lines


def _audio_lines(audio: AudioReport | None) -> list[str]:
    if audio is None:
        return ["none: the recording has no microphone"]
    lines = [
        f"{audio.count} chunks; {_counted(audio.rates_hz)} Hz, {_counted(audio.channels)} "
        f"channel(s); {_counted(audio.kinds)}",
    ]
    if audio.count:
        lines += [
            f"{_number(audio.measured_rate_hz, '.0f')} samples a second came, from "
            f"{_number(audio.begins_s, '.1f')} to {_number(audio.ends_s, '.1f')} s, heard in "
            f"{audio.heard:.1%} of that; {audio.gaps} gaps, {audio.overlaps} overlaps, "
            f"{audio.duplicates} duplicates, {audio.reanchors} corrections of drift",
            f"speech {_number(audio.voice_db, '.1f')} dBFS, noise floor "
            f"{_number(audio.floor_db, '.1f')} dBFS (p10); clipped {audio.clipped:.3%}, exactly "
            f"zero {audio.zeros:.1%} of the samples",
            f"voice in {audio.voice:.0%}, none in {1 - audio.voice:.0%} of what was heard",
            f"  ({VOICE_RULE})",
            *_stamp_lines(audio.stamps),
        ]
    return lines + _rejected_lines(audio.rejected)


def _offset_lines(report: Report) -> list[str]:
    offset = report.offset
    lines = []
    if offset.lag_s is not None:
        spread = "" if offset.spread_s is None else f", halves within {1000 * offset.spread_s:.0f}"
        lines.append(
            f"the voice follows the mouth by {1000 * offset.lag_s:.0f} ms: correlation "
            f"{_number(offset.correlation, '.2f')}, {_number(offset.score, '.1f')} deviations "
            f"above chance{spread}{' ms' if spread else ''}"
        )
    if offset.offset_s is None:
        return [*lines, f"cannot be told: {offset.why}"]
    return [
        *lines,
        f"estimate: {OFFSET_SETTING}={offset.offset_s:.2f} (now {report.offset_now_s:.2f})",
        "  (added to audio stamps: positive if the audio is stamped too early; "
        f"{1000 * MOUTH_LEAD_S:.0f} ms that mouths",
        "  lead in speech and the tracker's own delay are taken off; good to about 0.1 s)",
    ]


def _counted(counts: dict[Any, int]) -> str:
    """The only value, or all values with their counts."""
    if len(counts) <= 1:
        return "".join(str(name) for name in counts) or "nothing"
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def _number(value: float | None, form: str) -> str:
    return "?" if value is None else format(value, form)


def _range(ends: tuple[float, float] | None) -> str:
    return "?" if ends is None else f"{ends[0]:+.0f} to {ends[1]:+.0f}"
