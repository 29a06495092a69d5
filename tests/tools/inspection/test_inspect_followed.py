"""The advice of inspect is followed on a recording with the problem: nothing gets worse."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from rigs.good_recording import GOOD, OFFSET
from rigs.model_inputs import engine_for, small_config
from rigs.server import TYPES
from rigs.session import ReadingTracker

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession
from reactface_node.tools.inspection import advice
from reactface_node.tools.inspection.advice import advise
from reactface_node.tools.inspection.analyse import analyse
from reactface_node.tools.inspection.read import read_recording

pytestmark = pytest.mark.slow

START_S, SECONDS = 1000.0, 6.0
SET = re.compile(r"--set (\S+)=([\d.-]+)")


def write(path, image_late=lambda t: 0.02, sound_late=lambda t: 0.0, off=0.0, rate_hz=None):
    """A camera at 25 Hz and chunks of 40 ms that come so late; image stamps are off.

    rate_hz: of bare AudioData that no AudioInfo describes."""
    make = TYPES.message_type
    found = []
    for index in range(round(25 * SECONDS)):
        at = START_S + index / 25
        grey = np.full((24, 32, 3), 180, np.uint8)
        image = convert.image(TYPES, at + off, "camera", grey)
        found.append((at + image_late(index / 25), "/image", image))
        samples = np.round(9000 * np.sin(0.1 * np.arange((rate_hz or 16000) // 25))).astype("<i2")
        sound = make("audio_common_msgs/msg/AudioData")(data=samples.view(np.uint8))
        if rate_hz is None:
            header = convert.header(TYPES, at, "microphone")
            sound = make("audio_common_msgs/msg/AudioDataStamped")(header=header, audio=sound)
        found.append((at + 0.04 + sound_late(index / 25), "/audio", sound))
    with BagWriter(path, "mcap", TYPES) as bag:
        if rate_hz is None:
            told = make("audio_common_msgs/msg/AudioInfo")(
                channels=1,
                sample_rate=16000,
                sample_format="S16LE",
                bitrate=0,
                coding_format="wave",
            )
            bag.write("/audio_info", START_S, told)
        for arrival, topic, message in sorted(found, key=lambda one: one[0]):
            bag.write(topic, arrival, message)
    return path


def replayed(source, out, changes, mode="window"):
    config = small_config(render__renderer="none", mode=mode).replace(**changes)
    session = ReactionSession(config, engine_for(config), ReadingTracker())
    return replay(config, source, out, None, lambda: session)


def total(stats, name):
    """Seconds in which there was a face or a voice."""
    return stats[name] * stats["seconds_reacted"]


def followed(lines):
    """The settings that are asked for, as a user would type them."""
    return {name: yaml.safe_load(value) for line in lines for name, value in SET.findall(line)}


def bursts(t):
    """Sound that comes 0.4 s at a time."""
    return 0.4 - (t % 0.4) - 0.04 if t % 0.4 < 0.36 else 0.0


def stalls(t):
    """A camera whose network stands still for half a second in every second."""
    return max(0.02, 0.5 - t % 1.0)


CASES = {
    "bursts of sound": ({"sound_late": bursts}, "voice_heard", 3.0),
    "a stalling camera": ({"image_late": stalls}, "face_seen", 5.0),
    "a late camera": ({"image_late": lambda t: 0.3}, "face_seen", 5.7),
    "a camera's other clock": ({"off": -3.0}, "face_seen", 5.7),
    "a clock ahead": ({"off": 1.0}, "face_seen", 5.7),
    "an unknown rate": ({"rate_hz": 48000}, "voice_heard", 5.7),
}


@pytest.mark.parametrize("mode", ["window", "frame"])
@pytest.mark.parametrize(("fault", "what", "least"), CASES.values(), ids=CASES)
def test_what_is_advised_makes_nothing_worse(tmp_path, fault, what, least, mode):
    source = write(tmp_path / "in", **fault)
    config = Config(mode=mode)
    lines = analyse(read_recording(source, config), config).what_to_do
    assert lines
    changes = followed(lines)
    before = replayed(source, tmp_path / "before", {}, mode)
    after = replayed(source, tmp_path / "after", changes, mode)
    # In seconds: what is shown later ends later.
    for name in ("face_seen", "voice_heard"):
        assert total(after, name) >= total(before, name) - 0.1
    assert after["windows_skipped"] == before["windows_skipped"] == 0
    assert after["seconds_reacted"] >= before["seconds_reacted"] - 0.01
    assert total(after, what) >= least
    if "rate_hz" in fault:
        assert before["audio_overlaps"] > 50 and after["audio_overlaps"] == 0
    elif what == "voice_heard":
        assert total(after, what) > total(before, what) + 0.2


@pytest.mark.parametrize("offset_s", [-1.9, -0.5, -0.3, -0.12, 0.12, 0.3, 1.0])
def test_sound_that_is_shifted_is_still_waited_for(tmp_path, offset_s):
    source = write(tmp_path / "in")
    report = replace(GOOD, offset=replace(OFFSET, offset_s=offset_s))
    changes = followed(advise(report, Config()))
    assert changes["timeline.camera_to_microphone_offset_s"] == offset_s
    before = replayed(source, tmp_path / "before", {})
    after = replayed(source, tmp_path / "after", changes)
    # The shift itself leaves silence at one end.
    for name in ("face_seen", "voice_heard"):
        assert total(after, name) > total(before, name) - abs(offset_s) - 0.35
    assert after["windows_skipped"] == after["resets"] == 0


def test_every_setting_that_is_named_exists():
    known = {item.name for item in settings(Config())}
    text = Path(advice.__file__).read_text()
    named = set(re.findall(r"\b(?:timeline|perception|ros|playout)\.[a-z_]+\b", text))
    named -= {name for name in named if f"config.{name}" in text and f" {name}" not in text}
    assert len(named) > 8 and named <= known | {"timeline.max_wait_s"}
