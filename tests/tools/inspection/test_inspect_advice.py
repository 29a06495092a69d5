"""One line of advice for each fault, and none for a good recording."""

from dataclasses import replace

import pytest
from rigs.good_recording import AUDIO, FACE, GOOD, IMAGES, OFFSET, STAMPS

from reactface_node.config import Config
from reactface_node.tools.inspection.advice import advise
from reactface_node.tools.inspection.report import (
    as_json,
    as_text,
)
from reactface_node.tools.inspection.signals import Pace


def images(**changes):
    return {"images": replace(IMAGES, **changes)}


def face(**changes):
    return {"face": replace(FACE, **changes)}


def audio(**changes):
    return {"audio": replace(AUDIO, **changes)}


def stamps(**changes):
    return replace(STAMPS, **changes)


def test_a_good_recording_needs_nothing():
    assert advise(GOOD, Config()) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"leaps_s": (500.0,)}, "by 500 s: set the robot's clock"),
        ({"damaged": 3}, "3 messages are damaged"),
        ({"images": None, "face": None}, "there is no camera"),
        (images(rejected={"image: zero size (0x0)": 4}), "4 images cannot be used: image: zero"),
        (images(pace=Pace(8.0, 0.2, 1.0, 0)), "8.0 images a second are far too few"),
        (images(pace=Pace(15.0, 0.1, 1.0, 0)), "15.0 images a second are few"),
        (images(pace=Pace(30.0, 0.9, 1.0, 1)), "1 gaps, the longest 0.90 s"),
        (images(stamps=stamps(zero=5)), "5 image stamps are zero"),
        (images(stamps=stamps(unmoved=9)), "9 image stamps stand still"),
        (images(stamps=stamps(offset_s=-60.0)), "image stamps lie 60.00 s after their arrival"),
        (audio(stamps=stamps(offset_s=0.3)), "audio stamps lie 0.30 s before their arrival"),
        (audio(stamps=stamps(offset_changes=3)), "changes 3 times"),
        (images(stamps=stamps(duplicates=2)), "image stamps repeat (2): is"),
        (images(stamps=stamps(backwards=2)), "image stamps go backwards (2): is"),
        (images(stamps=stamps(jitter_ms=35.0)), "image stamps jitter by 35 ms"),
        (
            images(stamps=stamps(delay_p99_ms=400.0)),
            "or react later by --set timeline.max_wait_s=0.42 --set playout.playout_delay_s=0.42",
        ),
        (face(found=0.01), "hardly any image has a face"),
        (face(found=0.3), "seldom found (30%"),
        (face(found=0.9, longest_without_s=1.5), "not always found (90%, 1.5 s without"),
        (face(brightness=30.0), "the face is dark"),
        (face(brightness=240.0), "the face is overexposed"),
        (face(tracked_px=50.0, px=50.0), "raise the camera's resolution"),
        (face(tracked_px=50.0, px=150.0), "raise perception.max_width_px"),
        (face(head_jitter_deg=2.0), "the tracked head trembles (2.0 deg)"),
        (face(yaw_deg=(-50.0, 3.0)), "turned far away"),
        (face(people=3, most_in_view=2), "another person was followed 2 time"),
        ({"audio": None}, "there is no microphone"),
        (audio(rejected={"audio: these are MP3 frames": 7}), "7 audio messages cannot be used"),
        (audio(kinds={"AudioData int16, rate and format assumed": 9}), "no AudioInfo"),
        (audio(measured_rate_hz=44100.0), "44100 samples a second came but 16000 Hz"),
        (audio(begins_s=8.0), "there is sound from 8.0 to 20.0 s only"),
        (audio(gaps=2, heard=0.9), "the audio is broken (2 gaps"),
        (audio(stamps=stamps(delay_p50_ms=-40.0)), "40 ms ahead of what can have arrived"),
        (audio(clipped=0.02), "the audio clips (2.0%"),
        (audio(voice_db=None, voice=0.0, floor_db=-100.0, zeros=1.0), "the microphone is silent"),
        (audio(voice_db=None, voice=0.0, floor_db=-50.0), "no voice stands out"),
        (audio(voice_db=-50.0, floor_db=-80.0), "the voice is quiet (-50 dBFS)"),
        (audio(voice_db=-24.0, floor_db=-33.0), "only 9 dB above the noise"),
        (audio(voice=0.02), "hardly any voice (2%"),
        ({"offset": replace(OFFSET, offset_s=0.25)}, "0.25 s too early"),
        ({"offset": replace(OFFSET, offset_s=-0.25)}, "offset_s=-0.25"),
        ({"offset_now_s": 0.3}, "0.27 s too late for the images: --set"),
    ],
)
def test_each_fault_has_its_line(changes, says):
    report = replace(GOOD, **changes)
    (line,) = advise(report, Config())
    assert says in line
    assert says in as_text(replace(report, what_to_do=(line,)))
    assert as_json(report)["name"] == "talk"


def test_an_offset_that_cannot_be_told_is_no_fault():
    unknown = replace(OFFSET, offset_s=None, why="not enough speech and mouth motion")
    report = replace(GOOD, offset=unknown)
    assert advise(report, Config()) == ()
    assert "cannot be told: not enough speech and mouth motion" in as_text(report)
