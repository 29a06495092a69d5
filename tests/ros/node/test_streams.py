"""The node's input streams: configured topics, ROS4HRI's people, and the robot's own speech."""

import pytest

from reactface_node.config import RosConfig
from reactface_node.ros.node.streams import Humans, info_of, streams


def topics(config, humans=None):
    return {n: s.topic for n, s in streams(config, humans or Humans(config)).items()}


def test_by_default_the_configured_topics_are_listened_to():
    assert topics(RosConfig()) == {
        "image": "image",
        "audio": "audio",
        "speaking": "speaking",
        "own_audio": "robot_audio",
    }


def test_a_fixed_person_needs_no_list():
    config = RosConfig(face_id="f1", voice_id="v2")
    assert topics(config) == {
        "image": "/humans/faces/f1/cropped",
        "audio": "/humans/voices/v2/audio",
        "voice": "/humans/voices/v2/is_speaking",
        "speaking": "speaking",
        "own_audio": "robot_audio",
    }


def test_auto_takes_the_first_and_keeps_it_while_it_is_tracked():
    config = RosConfig(face_id="auto", voice_id="auto")
    humans = Humans(config)
    assert topics(config, humans) == {
        "faces": "/humans/faces/tracked",
        "voices": "/humans/voices/tracked",
        "speaking": "speaking",
        "own_audio": "robot_audio",
    }
    assert humans.update("faces", ["fa", "fb"]) and humans.update("voices", ["va"])
    assert topics(config, humans)["image"] == "/humans/faces/fa/cropped"
    assert topics(config, humans)["voice"] == "/humans/voices/va/is_speaking"
    assert not humans.update("faces", ["fb", "fa"])
    # Nobody for a moment changes nothing; somebody else does.
    assert not humans.update("faces", [])
    assert humans.update("faces", ["fc"]) and humans.face == "fc"


@pytest.mark.parametrize("name", ["", "1abc", "a/b", "a b", "ä", "../image", "a-b"])
def test_ids_that_can_be_no_topic_are_nobody(name):
    humans = Humans(RosConfig(face_id="auto"))
    assert not humans.update("faces", [name]) and humans.face == ""
    assert humans.update("faces", [name, "good"]) and humans.face == "good"


def test_the_format_of_bare_audio_is_told_beside_it():
    config = RosConfig(audio_topic="mic/audio", audio_info_topic="mic/about", own_audio_topic="tts")
    found = streams(config, Humans(config))
    assert info_of(found["audio"], config).topic == "mic/about"
    own = info_of(found["own_audio"], config)
    assert (own.name, own.topic, own.reliable) == ("own_audio_info", "tts_info", True)


def test_qos_and_types_are_as_configured():
    plain, asked = RosConfig(), RosConfig(input_qos="reliable", image_type="Image")
    assert not streams(plain, Humans(plain))["image"].reliable
    image = streams(asked, Humans(asked))["image"]
    assert (image.reliable, image.forced) == (True, "sensor_msgs/msg/Image")
