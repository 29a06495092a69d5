"""Checks of the camera and the microphone of this machine."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.tools.doctor.apart import ApartError, RunApart
from reactface_node.tools.doctor.check_system import joining
from reactface_node.tools.doctor.finding import Finding, fail, ok, warn

DEV = Path("/dev")
LIMIT_S = 15.0
"""A device that gives no data for this long counts as hanging."""
IMAGES, MEASURED_S = 40, 2.0
DARK = 16
"""An image of which no pixel is brighter (of 255) is black."""
LOWEST_RATE_HZ = 12.0
LISTENED_S = 1.0
QUIET_DB = -75.0
"""A working microphone in a quiet room is louder than this, relative to full scale."""
TOPIC, NONE = "topic", "none"


def check_camera(wanted: str | None, apart: RunApart, dev: Path = DEV) -> Finding:
    """wanted: an index, "topic", or None for the first camera that is found."""
    if wanted == TOPIC:
        return ok("camera", "images come from a ROS topic")
    nodes = {
        int(path.name.removeprefix("video")): path
        for path in dev.glob("video*")
        if path.name.removeprefix("video").isdigit()
    }
    index = min(nodes, default=0) if wanted is None else int(wanted)
    if index not in nodes:
        present = ", ".join(f"{path}" for _, path in sorted(nodes.items()))
        fact = f"{dev}/video{index} is not there" + (f"; there is {present}" if present else "")
        cure = (
            f"--camera {min(nodes)}"
            if nodes
            else (
                f"plug a webcam in; a container needs --device /dev/video{index}; or use ROS topics"
            )
        )
        return _absent("camera", wanted, fact, cure)
    path = nodes[index]
    if not os.access(path, os.R_OK | os.W_OK):
        return fail("camera", f"no permission to open {path}", joining("video"))
    try:
        seen = apart(read_camera, index, limit_s=LIMIT_S)
    except (UserError, ApartError, OSError) as error:
        return fail("camera", f"{path}: {error}", f"end the program that holds it: fuser -v {path}")
    fact = f"{path}: {seen['width']}x{seen['height']} at {seen['rate_hz']:.0f} images/s"
    if seen["brightest"] <= DARK:
        return warn("camera", f"{fact}, all black", "open the lens cover and switch on a light")
    if seen["rate_hz"] < LOWEST_RATE_HZ:
        return warn("camera", fact, "give it more light, or another USB port")
    return ok("camera", fact)


def check_microphone(wanted: str | None, apart: RunApart, dev: Path = DEV) -> Finding:
    """wanted: an ALSA device, "topic", "none", or None for ALSA's default."""
    if wanted == TOPIC:
        return ok("microphone", "sound comes from a ROS topic")
    if wanted == NONE:
        return ok("microphone", "not used (--mic none)")
    device = wanted or "default"
    nodes = sorted((dev / "snd").glob("pcm*c"))
    has_server = _has_sound_server()
    if not nodes and not has_server:
        return _absent(
            "microphone",
            wanted,
            f"no capture device in {dev / 'snd'}",
            "plug one in; a container needs --device /dev/snd; or use ROS topics, or --mic none",
        )
    if nodes and not has_server and not any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        return fail("microphone", f"no permission to open {nodes[0]}", joining("audio"))
    try:
        heard = apart(read_microphone, device, limit_s=LIMIT_S)
    except (UserError, ApartError, OSError) as error:
        return fail(
            "microphone", f"'{device}': {error}", "choose another with --mic NAME (arecord -L)"
        )
    fact = f"'{device}': {heard['rate_hz']} Hz, {_count(heard['channels'])}"
    if heard["level"] == 0.0:
        return fail("microphone", f"{fact}, all zero", "unmute it: alsamixer, then F4")
    level_db = 20.0 * math.log10(heard["level"])
    fact += f", {level_db:.0f} dB"
    if level_db < QUIET_DB:
        return warn("microphone", f"{fact}, too quiet", "raise its gain: alsamixer, then F4")
    return ok("microphone", fact)


def read_camera(index: int) -> dict[str, Any]:
    """width, height (pixels), rate_hz, brightest (0..255) of a webcam's images; UserError if it
    cannot be opened, OSError if no image comes."""
    from reactface_node.media.capture import Camera

    camera = Camera(index)
    try:
        images = [camera.read()]
        while len(images) < IMAGES and images[-1].stamp_s - images[0].stamp_s < MEASURED_S:
            images = [*images, camera.read()]
    finally:
        camera.close()
    height, width = images[-1].rgb.shape[:2]
    duration_s = images[-1].stamp_s - images[0].stamp_s
    return {
        "width": width,
        "height": height,
        "rate_hz": (len(images) - 1) / duration_s if duration_s > 0.0 else 0.0,
        "brightest": int(images[-1].rgb.max()),
    }


def read_microphone(device: str) -> dict[str, Any]:
    """rate_hz, channels, level (root mean square, full scale = 1) of a microphone's next second;
    UserError if it cannot be opened, OSError if no sound comes."""
    from reactface_node.media.audio import AudioStats, to_float
    from reactface_node.media.capture import Microphone

    microphone = Microphone(device)
    parts: list[np.ndarray] = []
    try:
        while True:
            sound = microphone.read()
            parts.append(to_float(sound.samples, AudioStats()))
            if sum(map(len, parts)) >= LISTENED_S * sound.rate_hz:
                break
    finally:
        microphone.close()
    samples = np.concatenate(parts)
    return {
        "rate_hz": sound.rate_hz,
        "channels": 1 if samples.ndim == 1 else samples.shape[1],
        "level": float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))),
    }


def _absent(name: str, wanted: str | None, fact: str, cure: str) -> Finding:
    """The finding for a missing device: a failure if the user named it; otherwise topics may be
    used."""
    return (warn if wanted is None else fail)(name, fact, cure)


def _has_sound_server() -> bool:
    """Whether PulseAudio or PipeWire runs for this user, and so owns the devices."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return (folder / "pulse" / "native").exists() or bool(os.environ.get("PULSE_SERVER"))


def _count(channels: int) -> str:
    return f"{channels} channel" + ("" if channels == 1 else "s")
