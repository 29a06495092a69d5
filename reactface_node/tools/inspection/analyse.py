"""Computes the report from the logs of a recording."""

from dataclasses import replace

import numpy as np

from reactface_node.config import Config
from reactface_node.perception.person import FRESH
from reactface_node.tools.inspection.advice import advise
from reactface_node.tools.inspection.face import examine_face, openness
from reactface_node.tools.inspection.hearing import LEVEL_RATE_HZ
from reactface_node.tools.inspection.offset import Offset, estimate_offset, no_offset
from reactface_node.tools.inspection.record import AudioLog, ImageLog, Recording
from reactface_node.tools.inspection.report import AudioReport, ImageReport, Report
from reactface_node.tools.inspection.signals import (
    examine_pace,
    examine_stamps,
    mean_level_db,
    noise_floor_db,
    voice_activity,
)

SHORTEST_S = 1.0
"""A shorter stream is too short to measure its rate."""


def analyse(recording: Recording, config: Config) -> Report:
    """config: limits for the advice come from its timeline and perception."""
    images, audio = recording.images, recording.audio
    looked = images is not None and len(images.times_s) > 0
    report = Report(
        name=recording.name,
        kind=recording.kind,
        duration_s=recording.duration_s,
        leaps_s=recording.leaps_s,
        damaged=recording.damaged,
        images=_examine_images(images) if images else None,
        face=examine_face(images, recording.duration_s) if images and looked else None,
        audio=_examine_audio(audio) if audio else None,
        offset=_offset(images, audio),
        offset_now_s=config.timeline.camera_to_microphone_offset_s,
    )
    return replace(report, what_to_do=advise(report, config))


def _examine_images(images: ImageLog) -> ImageReport:
    stream = images.stream
    return ImageReport(
        count=len(stream.times_s),
        sizes=images.sizes,
        kinds=stream.kinds,
        rejected=stream.rejected,
        pace=examine_pace(stream.times_s),
        stamps=examine_stamps(stream.stamps_s, stream.arrivals_s, stream.offsets_s),
    )


def _examine_audio(audio: AudioLog) -> AudioReport:
    stream, levels, frames = audio.stream, audio.levels_db, audio.level_frames
    voiced = voice_activity(frames, levels)
    some = len(frames) > 0
    return AudioReport(
        count=len(stream.times_s),
        rates_hz=audio.rates_hz,
        measured_rate_hz=_measured_rate_hz(audio),
        channels=audio.channels,
        kinds=stream.kinds,
        rejected=stream.rejected,
        stamps=examine_stamps(stream.stamps_s, stream.arrivals_s, stream.offsets_s, audio.chunk_s),
        begins_s=float(frames[0] / LEVEL_RATE_HZ) if some else None,
        ends_s=float((frames[-1] + 1) / LEVEL_RATE_HZ) if some else None,
        heard=len(frames) / float(frames[-1] - frames[0] + 1) if some else 0.0,
        voice_db=mean_level_db(levels[voiced]),
        floor_db=noise_floor_db(levels) if some else None,
        clipped=audio.clipped / max(audio.samples, 1),
        zeros=audio.zeros / max(audio.samples, 1),
        voice=float(voiced.mean()) if some else 0.0,
        gaps=audio.stats.audio_gaps,
        overlaps=audio.stats.audio_overlaps,
        duplicates=audio.stats.audio_duplicates,
        reanchors=audio.stats.reanchors,
    )


def _measured_rate_hz(audio: AudioLog) -> float | None:
    """Samples of one channel between the first chunk and the last, over the time between them."""
    times = audio.stream.times_s
    took_s = float(times.max() - times.min()) if len(times) else 0.0
    if took_s < SHORTEST_S:
        return None
    rates = np.repeat(list(audio.rates_hz), list(audio.rates_hz.values()))
    announced_hz = float(rates.mean())
    return float(audio.chunk_s[:-1].sum() / took_s * announced_hz)


def _offset(images: ImageLog | None, audio: AudioLog | None) -> Offset:
    if images is None or audio is None:
        return no_offset("it takes a camera and a microphone")
    times, first = np.unique(images.times_s[images.found], return_index=True)
    mouth = openness(images.coefficients[images.found][first])
    # Mean delay of its smoothing (an exponential mean).
    interval_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    delay_s = (1.0 - FRESH) / FRESH * interval_s
    return estimate_offset(times, mouth, audio.level_frames, audio.levels_db, delay_s)
