"""Config sections of the node's interfaces: ROS topics, further outputs, the web page."""

from dataclasses import dataclass

from reactface_node.config.settings import setting


@dataclass(frozen=True)
class RosConfig:
    """Topics, message types and quality of service."""

    image_topic: str = setting("image", "topic of the camera")
    audio_topic: str = setting("audio", "topic of the microphone")
    audio_info_topic: str = setting(
        "audio_info", "topic of AudioInfo (audio_common_msgs of the ROS package index)"
    )
    speaking_topic: str = setting(
        "speaking", "topic (std_msgs/Bool) on which the robot tells that it speaks itself"
    )
    own_audio_topic: str = setting(
        "robot_audio",
        "topic of the audio that the robot plays; its echo in the microphone is removed",
    )
    face_id: str = setting(
        "", "ROS4HRI face to use instead of image_topic: an id, auto (the first), or '' = none"
    )
    voice_id: str = setting(
        "", "ROS4HRI voice to use instead of audio_topic: an id, auto (the first), or '' = none"
    )
    image_type: str = setting(
        "auto",
        "message type of the camera; auto = that of the publisher",
        choices=("auto", "Image", "CompressedImage"),
    )
    audio_type: str = setting(
        "auto",
        "message type of the microphone; auto = that of the publisher",
        choices=("auto", "AudioData", "AudioDataStamped", "AudioStamped", "RawAudio"),
    )
    audio_rate_hz: int = setting(
        16000, "samples per second of AudioData until an AudioInfo message comes", 4000, 384000
    )
    audio_channels: int = setting(
        1, "channels of AudioData until an AudioInfo message comes", 1, 32
    )
    input_qos: str = setting(
        "best_effort",
        "reliability of the camera and microphone subscriptions; best_effort works with any "
        "publisher",
        choices=("best_effort", "reliable"),
    )
    picture_qos: str = setting(
        "best_effort",
        "reliability of ~/image and ~/image/compressed; some viewers need reliable",
        choices=("best_effort", "reliable"),
    )
    frame_id: str = setting("reactface", "frame_id in the headers of published messages")
    network_interface: str = setting(
        "", "network interface of the live runner without ROS; '' = chosen by DDS"
    )
    load_shedding: bool = setting(
        True, "reduce tracking, then reactions, while the machine cannot keep up"
    )
    jpeg_quality: int = setting(85, "JPEG quality of ~/image/compressed, 1 to 100", 1, 100)


@dataclass(frozen=True)
class OutputsConfig:
    """Further outputs besides the node's own topics."""

    expression: bool = setting(
        False, "publish ~/expression (hri_msgs/Expression) with valence and arousal"
    )
    facs: bool = setting(False, "publish ~/facs (hri_msgs/FacialActionUnits)")
    joint_states: bool = setting(
        False,
        "publish ~/joint_states (sensor_msgs/JointState): weights and head pose by name, for plots",
    )
    motor_map: str = setting(
        "", "YAML file that maps blendshapes to the joints of a mechanical face; '' = none"
    )
    livelink: str = setting(
        "",
        "HOST or HOST:PORT that receives Live Link Face datagrams (UDP, default port 11111); "
        "'' = none",
    )
    vmc: str = setting(
        "", "HOST or HOST:PORT that receives VMC over OSC (UDP, default port 39539); '' = none"
    )


@dataclass(frozen=True)
class WebConfig:
    """The web page with the face."""

    port: int = setting(0, "TCP port of the web page with the face; 0 = no page", 0, 65535)
    host: str = setting(
        "127.0.0.1",
        "address on which the page is served; 0.0.0.0 = to the whole network, with a token",
    )
    names: str = setting(
        "",
        "further host names of the page, separated by commas, for example robot.lab.example",
    )
    certificate: str = setting(
        "", "PEM file of a certificate: the page is served by HTTPS; '' = HTTP"
    )
    key: str = setting(
        "", "PEM file of the certificate's private key; '' = it is in web.certificate"
    )
