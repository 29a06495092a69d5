"""ONE frozen Config; from it come the YAML files, the CLI options and the ROS parameters.

Every field carries its description, range and choices (see ``settings.py``); defaults are
written here and nowhere else.
"""

import dataclasses
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reactface_node.config.model import ModelConfig, TrainingConfig
from reactface_node.config.outputs import OutputsConfig, WebConfig
from reactface_node.config.parameter_files import read_settings
from reactface_node.config.settings import merge, setting
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.text import read_yaml, shown

PROFILES = "profiles"
FORMERLY_BESIDE = ("themes", "catalogue", "motors_example")
"""Files of config/ that are no profiles."""


@dataclass(frozen=True)
class TimelineConfig:
    max_wait_s: float = setting(
        0.12, "a window closes this long after its end even if a stream is late", 0.0, 2.0
    )
    face_hold_s: float = setting(
        0.25, "how long the last image stands for a slower or stuttering camera", 0.04, 2.0
    )
    audio_gap_s: float = setting(
        0.08, "stamps that stray further than this from the sample clock re-anchor it", 0.01, 1.0
    )
    clock_jump_s: float = setting(
        1.0,
        "a stamp this far before the newest of its stream is late; what goes on so is a reset",
        0.1,
        60.0,
    )
    audio_channel: str = setting(
        "auto",
        "which channel of the microphone: the one with speech (auto; the mean where channels are "
        "alike), the mean of all, or a number from 0",
        choices=("auto", "mean", *map(str, range(32))),
    )
    camera_to_microphone_offset_s: float = setting(
        0.0, "added to audio stamps: positive if the audio is stamped too early", -2.0, 2.0
    )


@dataclass(frozen=True)
class PerceptionConfig:
    neutral_s: float = setting(
        4.0, "seconds of face after which the person's neutral is trusted", 0.5, 60.0
    )
    person_change_s: float = setting(
        2.0, "a face that comes back after this long may be another person", 0.1, 60.0
    )
    follow: str = setting(
        "speaking",
        "whom of several people: who speaks (the nearest until somebody does), or the nearest",
        choices=("speaking", "nearest"),
    )
    max_faces: int = setting(3, "people that are told apart in an image", 1, 8)
    min_confidence: float = setting(0.5, "detection and tracking confidence", 0.05, 1.0)
    max_width_px: int = setting(640, "wider images are shrunk before tracking", 96, 4096)
    rate_hz: float = setting(
        25.0,
        "images tracked a second: 25, or 25 by a whole number; between them faces are interpolated "
        "(mode=window) or held while the head goes on (mode=frame)",
        1.0,
        25.0,
    )
    landmarker: str = setting(
        "face_landmarker.task", "Tasks API model in weights/, used where it exists"
    )


@dataclass(frozen=True)
class PlayoutConfig:
    samples: int = setting(1, "M: reactions drawn for the same speaker", 1, 64)
    play: int = setting(0, "which sample is played", 0, 63, live=True)
    seed: int = setting(0, "seed of the reactions, idle motion and blinks", 0, 2**31 - 1)
    playout_delay_s: float = setting(
        0.06, "a window's first frame shows this long after its end", 0.0, 2.0
    )
    gain: float = setting(1.0, "scales the expression", 0.0, 3.0, live=True)
    brow_gain: float = setting(1.0, "scales the brows, besides gain", 0.0, 3.0, live=True)
    eye_gain: float = setting(
        1.0, "scales wide eyes, squints and raised cheeks, besides gain", 0.0, 3.0, live=True
    )
    mouth_gain: float = setting(
        1.0, "scales mouth, jaw and nose, besides gain", 0.0, 3.0, live=True
    )
    head_gain: float = setting(1.0, "scales head rotation and translation", 0.0, 3.0, live=True)
    gaze_gain: float = setting(
        1.0, "scales how far the eyes look away; 0 = always straight ahead", 0.0, 3.0, live=True
    )
    idle_gain: float = setting(1.0, "scales idle motion", 0.0, 3.0, live=True)
    mirror: bool = setting(False, "swap left and right, as a mirror does", live=True)
    blinks_per_min: float = setting(
        17.0,
        "mean blink rate; 0 = none, and the model closes its lids itself",
        0.0,
        26.0,
        live=True,
    )
    fade_s: float = setting(
        0.4, "from the reaction to idle motion when the speaker is gone, and back", 0.0, 5.0
    )


@dataclass(frozen=True)
class RenderConfig:
    renderer: str = setting(
        "avatar", "what draws the face", choices=("avatar", "portrait", "mesh", "none")
    )
    width: int = setting(512, "pixels", 32, 4096)
    height: int = setting(512, "pixels", 32, 4096)
    theme: str = setting("default", "a theme of config/themes.yaml", live=True)
    portraits: str = setting("portraits", "the only folder that portraits are taken from")
    portrait: str = setting("", "whose face reacts: a picture in that folder", live=True)
    pirender: str = setting(
        "pirender.safetensors", "PIRender's weights: a path, or a name in weights/"
    )
    look_ahead: int = setting(
        0, "frames that a portrait lags behind, so that PIRender sees what comes next", 0, 13
    )
    mesh: str = setting("", "FaceVerse's .npy file, or a folder of ARKit blendshape OBJ files")
    device: str = setting("cpu", "device of PIRender: cpu, cuda or cuda:N")
    precision: str = setting(
        "auto",
        "of PIRender's arithmetic; auto: float16 on cuda, float32 elsewhere",
        choices=("auto", "float32", "float16", "bfloat16"),
    )


@dataclass(frozen=True)
class RosConfig:
    image_topic: str = setting("image", "camera topic")
    audio_topic: str = setting("audio", "microphone topic")
    audio_info_topic: str = setting(
        "audio_info", "AudioInfo topic of the apt release of audio_common_msgs"
    )
    speaking_topic: str = setting("speaking", "std_msgs/Bool: the robot itself speaks")
    own_audio_topic: str = setting(
        "robot_audio", "what the robot plays: its echo in the microphone is left out"
    )
    face_id: str = setting(
        "", "ROS4HRI face to look at instead of image_topic: an id, or auto; '' = none"
    )
    voice_id: str = setting(
        "", "ROS4HRI voice to listen to instead of audio_topic: an id, or auto; '' = none"
    )
    image_type: str = setting(
        "auto", "message type of the camera", choices=("auto", "Image", "CompressedImage")
    )
    audio_type: str = setting(
        "auto",
        "message type of the microphone",
        choices=("auto", "AudioData", "AudioDataStamped", "AudioStamped", "RawAudio"),
    )
    audio_rate_hz: int = setting(
        16000, "rate of AudioData until an AudioInfo says otherwise", 4000, 384000
    )
    audio_channels: int = setting(
        1, "channels of AudioData until an AudioInfo says otherwise", 1, 32
    )
    input_qos: str = setting(
        "best_effort",
        "of the camera and microphones; best effort hears every publisher",
        choices=("best_effort", "reliable"),
    )
    picture_qos: str = setting(
        "best_effort",
        "of ~/image and ~/image/compressed; some viewers ask for reliable",
        choices=("best_effort", "reliable"),
    )
    frame_id: str = setting("reactface", "frame_id of what is published")
    network_interface: str = setting("", "interface for the live runner without ROS; '' = default")
    load_shedding: bool = setting(True, "work is left out where the machine cannot keep up")
    jpeg_quality: int = setting(85, "quality of ~/image/compressed", 1, 100)


@dataclass(frozen=True)
class Config:
    """Everything that can be set; frozen. ``load`` reads a profile, a file and overrides."""

    profile: str = setting("default", "name of the profile")
    weights: str = setting("default.safetensors", "checkpoint: a path, or a name in weights/")
    mode: str = setting(
        "window",
        "reactions come a window at a time, as in the paper, or a frame at a time: the same "
        "numbers, seven frames sooner",
        choices=("window", "frame"),
    )
    device: str = setting("cpu", "cpu, cuda or cuda:N")
    on_device_failure: str = setting(
        "stop",
        "a GPU that is lost or out of memory: stop with an error, or go on on the cpu",
        choices=("stop", "cpu"),
    )
    precision: str = setting(
        "float32",
        "of the paper profile's convolutions and wav2vec 2.0; float16 needs a GPU",
        choices=("float32", "bfloat16", "float16"),
    )
    threads: int = setting(
        1, "CPU threads of the model; more than one stalls beside other processes", 0, 256
    )
    timeline: TimelineConfig = TimelineConfig()
    perception: PerceptionConfig = PerceptionConfig()
    model: ModelConfig = field(default_factory=ModelConfig)
    playout: PlayoutConfig = PlayoutConfig()
    render: RenderConfig = RenderConfig()
    ros: RosConfig = RosConfig()
    outputs: OutputsConfig = field(default_factory=OutputsConfig)
    web: WebConfig = field(default_factory=WebConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @staticmethod
    def load(
        profile: str = "default",
        path: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> "Config":
        """The profile's YAML, then the user's YAML file, then dotted overrides.

        UserError on an unknown profile or name, a wrong type, or a value out of range.
        """
        config = merge(Config(), read_yaml(_profile_path(profile)))
        if path is not None:
            names = [item.name for item in dataclasses.fields(Config)]
            config = _merged_from(path, config, read_settings(_settings_path(Path(path)), names))
        config = config.replace(overrides or {})
        if config.profile != profile:
            raise UserError(
                f"profile={shown(config.profile)} cannot be set there: --profile chooses it"
            )
        return config

    def replace(
        self, changes: Mapping[Any, Any] = MappingProxyType({}), /, **named: Any
    ) -> "Config":
        """A copy with dotted names replaced: ``replace({"playout.gain": 1.5})``; validated.

        Names without dots may be given as keywords. UserError, and nothing is changed, on a name
        that is unknown or there twice, a wrong type, or a value out of range.
        """
        config: Config = merge(self, {**changes, **named})
        return config

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Config":
        """Inverse of ``to_dict``; UserError as in ``load``."""
        return merge(Config(), values)


def profile_names() -> list[str]:
    """What ``load`` takes, in order of the alphabet."""
    return sorted(path.stem for path in (resources.folder("config") / PROFILES).glob("*.yaml"))


def _merged_from(path: Path, config: Config, values: Mapping[str, Any]) -> Config:
    """UserError names the file."""
    try:
        return config.replace(values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _profile_path(profile: str) -> Path:
    folder = resources.folder("config")
    names = profile_names()
    if profile in names:
        return folder / PROFILES / f"{profile}.yaml"
    former = folder / f"{profile}.yaml"
    if profile.isidentifier() and profile not in FORMERLY_BESIDE and former.is_file():
        _warn_of_place(former, folder / PROFILES)
        return former
    raise UserError(f"unknown profile {shown(profile)}; there are: {', '.join(names)}")


def _settings_path(path: Path) -> Path:
    """The path, or where the profile has moved to that was there up to version 0.1.0."""
    moved = path.parent / PROFILES / path.name
    if path.parent.name != "config" or os.path.exists(path) or not os.path.isfile(moved):
        return path
    _warn_of_place(path, moved)
    return moved


def _warn_of_place(former: Path, now: Path) -> None:
    warnings.warn(
        f"{former}: profiles lie in {now if now.is_dir() else now.parent} now; the former place is "
        "looked at for the last time in this release",
        DeprecationWarning,
        stacklevel=4,
    )
