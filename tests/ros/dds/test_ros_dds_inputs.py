"""Inputs over DDS, between two processes: the chosen publisher, and the effect of messages."""

import itertools
import time

import numpy as np
import pytest
from rigs.dds import (
    BEST_EFFORT,
    TYPES,
    an_image,
    audio_data,
    audio_info,
    node_on_a_graph,
    weight,
)

from reactface_node.ros.messages import convert

pytestmark = pytest.mark.slow

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")

IMAGE, AUDIO = "sensor_msgs/msg/Image", "audio_common_msgs/msg/AudioData"
INFO = "audio_common_msgs/msg/AudioInfo"
PIXEL, SAMPLE, SPEAKING, OWN, CHANGES = 0, 1, 4, 5, 6
BOTH = ("ros.face_id=auto", "ros.voice_id=auto")


def a_bool(on):
    return TYPES.message_type("std_msgs/msg/Bool")(data=on)


def ids(*names):
    header = an_image(0).header
    return TYPES.message_type("hri_msgs/msg/IdsList")(header=header, ids=list(names))


def shows(index, value):
    return lambda face: weight(face, index) == pytest.approx(value, abs=1e-3)


def test_the_first_of_two_publishers_is_followed_until_it_is_silent():
    with node_on_a_graph() as graph:
        faces = graph.faces()
        first, second = (graph.writer("/image", IMAGE, BEST_EFFORT) for _ in range(2))
        graph.message(faces, shows(PIXEL, 0.2), lambda: first.write(an_image(51)))
        turns = itertools.cycle([(first, 51), (second, 204)])

        def alternate():
            writer, value = next(turns)
            writer.write(an_image(value))

        seen = [graph.message(faces, each_time=alternate) for _ in range(20)]
        assert [weight(face, PIXEL) for face in seen] == pytest.approx([0.2] * 20)
        graph.message(faces, shows(PIXEL, 0.8), lambda: second.write(an_image(204)))
    assert graph.said.count("more than one publisher on the topic of image") == 1


def test_the_face_and_voice_that_ros4hri_tracks_are_followed():
    with node_on_a_graph(*BOTH) as graph:
        faces = graph.faces()
        tracked = graph.writer("/humans/faces/tracked", "hri_msgs/msg/IdsList")
        cropped = {
            name: graph.writer(f"/humans/faces/{name}/cropped", IMAGE, BEST_EFFORT)
            for name in ("anna", "bert")
        }
        there = ["no name", "/x", "anna", "bert"]

        def publish():
            tracked.write(ids(*there))
            cropped["anna"].write(an_image(51))
            cropped["bert"].write(an_image(204))

        graph.message(faces, shows(PIXEL, 0.2), publish)
        there.reverse()  # She is kept as long as she is there.
        seen = [graph.message(faces, each_time=publish) for _ in range(10)]
        assert [weight(face, PIXEL) for face in seen] == pytest.approx([0.2] * 10)
        assert weight(seen[-1], CHANGES) == pytest.approx(0.1)
        assert cropped["bert"].matched == 0
        there.remove("anna")
        face = graph.message(faces, shows(PIXEL, 0.8), publish)
        assert weight(face, CHANGES) == pytest.approx(0.2)
        graph.until(lambda: cropped["anna"].matched == 0)
    assert "more than one publisher" not in graph.said


def test_a_voice_that_does_not_speak_is_silence():
    with node_on_a_graph(*BOTH) as graph:
        faces = graph.faces()
        tracked = graph.writer("/humans/voices/tracked", "hri_msgs/msg/IdsList")
        microphone = graph.writer("/humans/voices/v1/audio", AUDIO, BEST_EFFORT)
        about = graph.writer("/humans/voices/v1/audio_info", INFO)
        speaks = graph.writer("/humans/voices/v1/is_speaking", "std_msgs/msg/Bool")
        on = [True]

        def publish():
            tracked.write(ids("v1"))
            microphone.write(audio_data(8192))
            about.write(audio_info())
            speaks.write(a_bool(on[0]))

        for on[0], heard in ((True, 0.25), (False, 0.0), (True, 0.25)):
            graph.message(faces, shows(SAMPLE, heard), publish)


def test_a_face_that_is_named_needs_no_list():
    with node_on_a_graph("ros.face_id=anna", "ros.voice_id=v1") as graph:
        faces = graph.faces()
        camera = graph.writer("/humans/faces/anna/cropped", IMAGE, BEST_EFFORT)
        microphone = graph.writer("/humans/voices/v1/audio", AUDIO, BEST_EFFORT)
        about = graph.writer("/humans/voices/v1/audio_info", INFO)
        lists = [
            graph.writer(f"/humans/{kind}/tracked", "hri_msgs/msg/IdsList")
            for kind in ("faces", "voices")
        ]

        def publish():
            camera.write(an_image(51))
            microphone.write(audio_data(8192))
            about.write(audio_info())
            for one in lists:
                one.write(ids("bert"))

        def both(face):
            return shows(PIXEL, 0.2)(face) and shows(SAMPLE, 0.25)(face)

        face = graph.message(faces, both, publish)
        assert weight(face, CHANGES) == 0 and [one.matched for one in lists] == [0, 0]


def test_that_the_robot_speaks_and_what_it_plays_reach_the_session():
    with node_on_a_graph() as graph:
        faces = graph.faces()
        flag = graph.writer("/speaking", "std_msgs/msg/Bool")
        loudspeaker = graph.writer("/robot_audio", AUDIO, BEST_EFFORT)
        graph.message(faces, shows(SPEAKING, 1.0), lambda: flag.write(a_bool(True)))
        about = graph.writer("/robot_audio_info", INFO)

        def play():
            loudspeaker.write(audio_data(8192))
            about.write(audio_info())

        graph.message(faces, shows(OWN, 0.25), play)
        face = graph.message(faces, shows(SPEAKING, 0.0), lambda: flag.write(a_bool(False)))
        assert weight(face, SAMPLE) == 0  # It is no microphone's.


def test_a_camera_that_comes_back_with_another_type_is_heard_again():
    with node_on_a_graph() as graph:
        faces = graph.faces()
        raw = graph.writer("/image", IMAGE, BEST_EFFORT)
        graph.message(faces, shows(PIXEL, 0.2), lambda: raw.write(an_image(51)))
        raw.entity.__del__()  # As a camera's node that ends.
        compressed = graph.writer("/image", "sensor_msgs/msg/CompressedImage", BEST_EFFORT)
        rgb = np.full((16, 16, 3), 204, np.uint8)

        def publish():
            compressed.write(convert.compressed_image(TYPES, time.time(), "camera", rgb, 100))

        face = graph.message(faces, lambda f: weight(f, PIXEL) > 0.7, publish)
        assert weight(face, PIXEL) == pytest.approx(0.8, abs=0.01)
