"""The problems of a recording and their cures, one line each."""

import math
from collections.abc import Iterator

from reactface_node.config import Config
from reactface_node.session.playout import LONGEST_DELAY_S
from reactface_node.tools.inspection.face import FaceReport
from reactface_node.tools.inspection.offset import DOUBT_S
from reactface_node.tools.inspection.report import OFFSET_SETTING, AudioReport, ImageReport, Report
from reactface_node.tools.inspection.signals import StampReport

SLOW_HZ, FEW_HZ = 12.0, 20.0
SMALL_PX, DARK, BRIGHT = 90.0, 50.0, 225.0
MANY_GAPS, JITTERY_MS = 0.01, 20.0
FOUND, SELDOM, NEVER = 0.95, 0.5, 0.05
TREMBLE_DEG = 0.5
TURNED_DEG = 35.0
CLIPPED, DEAD_DB, QUIET_DB, SNR_DB = 0.001, -80.0, -45.0, 15.0
HEARD, SPOKEN, RATE_ERROR = 0.99, 0.05, 0.03
AHEAD_MS, ABSENT_S = 15.0, 2.0
FEW_CHANGES = 2
USUAL_RATES_HZ = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
LONGEST_WAIT_S = 2.0
"""Limit of ``timeline.max_wait_s`` and ``playout.playout_delay_s``."""


def advise(report: Report, config: Config) -> tuple[str, ...]:
    """One line for each problem, the most fundamental first."""
    return tuple(_lines(report, config))


def _lines(report: Report, config: Config) -> Iterator[str]:
    if report.leaps_s:
        yield (
            f"the recorder paused, or its clock leapt, by {max(map(abs, report.leaps_s)):.0f} s: "
            "set the robot's clock before recording, and make one bag of each conversation"
        )
    if report.damaged:
        yield f"{report.damaged} messages are damaged: record again, with the definitions in place"
    if report.images is None:
        yield "there is no camera: record its topic (ros.image_topic), or the listener only hears"
    else:
        yield from _camera(report.images, config)
    if report.face is not None:
        yield from _face(report.face, config)
    if report.audio is None:
        yield (
            "there is no microphone: record its topic (ros.audio_topic), or the listener only sees"
        )
    else:
        yield from _microphone(report.audio, config, report.duration_s)
    offset_s, now_s = report.offset.offset_s, report.offset_now_s
    if offset_s is not None and abs(offset_s - now_s) >= DOUBT_S:
        side = "early" if offset_s > now_s else "late"
        yield (
            f"the audio is stamped {abs(offset_s - now_s):.2f} s too {side} for the images: "
            f"--set {OFFSET_SETTING}={offset_s:.2f}"
        )


def _waiting(config: Config, late_s: float) -> str:
    """The settings with which windows wait for such late inputs; "" if they do already, or
    cannot."""
    if not config.timeline.max_wait_s < late_s <= LONGEST_WAIT_S:
        return ""
    # In frame mode the delay does not grow further, and frames that come later are skipped.
    longest_s = LONGEST_DELAY_S if config.mode == "frame" else LONGEST_WAIT_S
    wait_s = min(longest_s, math.ceil(100 * late_s + 2) / 100)
    if wait_s <= config.timeline.max_wait_s:
        return ""
    delay_s = max(wait_s, config.playout.playout_delay_s)
    return f" --set timeline.max_wait_s={wait_s:.2f} --set playout.playout_delay_s={delay_s:.2f}"


def _camera(images: ImageReport, config: Config) -> Iterator[str]:
    for reason, count in images.rejected.items():
        yield f"{count} images cannot be used: {reason}"
    rate_hz, longest_s = images.pace.rate_hz, images.pace.longest_s or 0.0
    if rate_hz is not None and rate_hz < FEW_HZ:
        much = "far too few" if rate_hz < SLOW_HZ else "few"
        yield (
            f"{rate_hz:.1f} images a second are {much} (25 are used): raise the camera's rate, "
            "give it light for shorter exposures, or send CompressedImage"
        )
    many = images.pace.gaps > MANY_GAPS * images.count
    if longest_s > config.timeline.face_hold_s or many:
        yield (
            f"images are missing ({images.pace.gaps} gaps, the longest {longest_s:.2f} s): send "
            "CompressedImage or smaller images, and record with best effort and a large cache"
        )
    yield from _stamps(images.stamps, "image", config)


def _stamps(stamps: StampReport, stream: str, config: Config) -> Iterator[str]:
    if stamps.zero:
        yield (
            f"{stamps.zero} {stream} stamps are zero, and the time of arrival is used: let the "
            "driver fill header.stamp"
        )
    if stamps.unmoved:
        yield (
            f"{stamps.unmoved} {stream} stamps stand still, and the time of arrival is used: let "
            "the driver stamp each message"
        )
    if stamps.offset_s:
        side = "before" if stamps.offset_s > 0 else "after"
        yield (
            f"{stream} stamps lie {abs(stamps.offset_s):.2f} s {side} their arrival, which is put "
            "right: synchronise the machines (chrony), let all or none use simulated time, or "
            "find out what delays the sender"
        )
    if stamps.offset_changes > FEW_CHANGES:
        yield (
            f"the {stream} stamps' distance from their arrival changes {stamps.offset_changes} "
            "times: is the sender's clock set again and again?"
        )
    if stamps.backwards or stamps.duplicates:
        repeat = [f"repeat ({stamps.duplicates})"] if stamps.duplicates else []
        back = [f"go backwards ({stamps.backwards})"] if stamps.backwards else []
        yield (
            f"{stream} stamps {' and '.join(repeat + back)}: is the topic published twice, or the "
            "bag looped?"
        )
    if stamps.jitter_ms is not None and stamps.jitter_ms > JITTERY_MS:
        yield (
            f"{stream} stamps jitter by {stamps.jitter_ms:.0f} ms: stamp when the sensor "
            "captures, not when the message is sent"
        )
    yield from _delays(stamps, stream, config)


def _delays(stamps: StampReport, stream: str, config: Config) -> Iterator[str]:
    if stamps.delay_p50_ms is not None and stamps.delay_p50_ms < -AHEAD_MS:
        end = "the driver stamps a chunk's end, or " if stream == "audio" else ""
        yield (
            f"{stream} stamps are {-stamps.delay_p50_ms:.0f} ms ahead of what can have arrived: "
            f"{end}the machines' clocks differ (chrony)"
        )
    wait_ms = 1000 * config.timeline.max_wait_s
    if stamps.delay_p99_ms is not None and stamps.delay_p99_ms > wait_ms:
        waiting = _waiting(config, stamps.delay_p99_ms / 1000)
        remedy = f", or react later by{waiting}" if waiting else ""
        yield (
            f"{stream} messages arrive up to {stamps.delay_p99_ms:.0f} ms late (p99) and a window "
            f"waits {wait_ms:.0f} ms: relieve the network{remedy}"
        )


def _face(face: FaceReport, config: Config) -> Iterator[str]:
    light = face.brightness
    if face.found < NEVER:
        yield (
            "hardly any image has a face: is the image upright, the camera at the height of the "
            "face and within 2 m, and the right topic chosen?"
        )
    elif face.found < FOUND:
        seldom = "seldom" if face.found < SELDOM else "not always"
        yield (
            f"the face is {seldom} found ({face.found:.0%}, {face.longest_without_s:.1f} s without "
            "on end): more light, a nearer camera at the height of the face, nothing before it"
        )
    what = "face is" if face.found else "images are"
    if light is not None and light < DARK:
        yield f"the {what} dark ({light:.0f} of 255): more light from the front, or expose longer"
    if light is not None and light > BRIGHT:
        yield f"the {what} overexposed ({light:.0f} of 255): expose shorter"
    if face.tracked_px is not None and face.px is not None and face.tracked_px < SMALL_PX:
        shrunk = face.tracked_px < 0.9 * face.px
        remedy = "raise perception.max_width_px" if shrunk else "raise the camera's resolution"
        yield f"the face is small ({face.tracked_px:.0f} px): come nearer, zoom, or {remedy}"
    if face.head_jitter_deg is not None and face.head_jitter_deg > TREMBLE_DEG:
        yield (
            f"the tracked head trembles ({face.head_jitter_deg:.1f} deg): more light, less "
            "compression, a larger face"
        )
    if face.yaw_deg is not None and max(map(abs, face.yaw_deg)) > TURNED_DEG:
        yield "the head is often turned far away: put the camera before the person"
    if face.people > 1:
        nearest = "" if config.perception.follow == "nearest" else "set perception.follow=nearest, "
        yield (
            f"another person was followed {face.people - 1} time(s), with up to "
            f"{face.most_in_view} in view: keep one in view, {nearest}or "
            "raise perception.person_change_s where it was the same one "
            f"({config.perception.person_change_s:g} s)"
        )


def _microphone(audio: AudioReport, config: Config, duration_s: float) -> Iterator[str]:
    for reason, count in audio.rejected.items():
        yield f"{count} audio messages cannot be used: {reason}"
    if not audio.count:
        return
    announced = max(audio.rates_hz, key=lambda rate_hz: audio.rates_hz[rate_hz])
    came = audio.measured_rate_hz
    is_assumed = any("assumed" in kind for kind in audio.kinds)
    if is_assumed:
        yield (
            f"no AudioInfo describes the audio, which is taken as {announced} Hz: record "
            "ros.audio_info_topic, or set ros.audio_rate_hz and ros.audio_channels"
        )
    if came is not None and abs(came / announced - 1) > RATE_ERROR:
        near = min(USUAL_RATES_HZ, key=lambda rate_hz: abs(came / rate_hz - 1))
        is_usual = is_assumed and abs(came / near - 1) <= RATE_ERROR
        of_one = f"; of one channel that is --set ros.audio_rate_hz={near}" if is_usual else ""
        yield (
            f"{came:.0f} samples a second came but {announced} Hz are announced: audio is lost or "
            f"repeated, or the announced rate or number of channels is wrong{of_one}"
        )
    begins_s, ends_s = audio.begins_s or 0.0, audio.ends_s or 0.0
    if begins_s > ABSENT_S or ends_s < duration_s - ABSENT_S:
        yield (
            f"there is sound from {begins_s:.1f} to {ends_s:.1f} s only, of {duration_s:.1f} s: "
            "start the microphone before, and stop it after, the recording"
        )
    if audio.gaps or audio.overlaps or audio.heard < HEARD:
        yield (
            f"the audio is broken ({audio.gaps} gaps, {audio.overlaps} overlaps, heard in "
            f"{audio.heard:.1%} of the time): queue more messages of it (depth 50), and record "
            "on the machine that has the microphone"
        )
    yield from _stamps(audio.stamps, "audio", config)
    yield from _levels(audio)


def _levels(audio: AudioReport) -> Iterator[str]:
    if audio.clipped > CLIPPED:
        yield f"the audio clips ({audio.clipped:.1%} of the samples): turn the microphone down"
    # Silence in all channels, or no channel that differs.
    if audio.voice_db is None or audio.floor_db is None:
        dead = audio.floor_db is None or (audio.floor_db < DEAD_DB and audio.zeros > 0.5)
        yield (
            "the microphone is silent: is it the right device, and not muted?"
            if dead
            else "no voice stands out of the noise: is it the right microphone, and near enough?"
        )
        return
    if audio.voice_db < QUIET_DB:
        yield f"the voice is quiet ({audio.voice_db:.0f} dBFS): turn the microphone up"
    if audio.voice_db - audio.floor_db < SNR_DB:
        yield (
            f"the voice is only {audio.voice_db - audio.floor_db:.0f} dB above the noise: bring "
            "the microphone nearer, or away from fans and motors"
        )
    if audio.voice < SPOKEN:
        yield f"there is hardly any voice ({audio.voice:.0%} of the time): was anybody speaking?"
