"""The Config: one frozen dataclass for the YAML files, CLI options and ROS parameters.

Each field has a description, a range or choices (see ``settings.py``). Defaults are written here
and nowhere else.
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
from reactface_node.config.outputs import OutputsConfig, RosConfig, WebConfig
from reactface_node.config.parameter_files import read_settings
from reactface_node.config.playout import PlayoutConfig
from reactface_node.config.presets import PRESETS, with_preset
from reactface_node.config.settings import merge, setting
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.text import read_yaml, shown

PROFILES = "profiles"
"""Folder of the profiles inside config/."""
NO_PROFILES = {"themes", "catalogue", "motors_example"}
"""YAML files directly in config/ that are not profiles."""


@dataclass(frozen=True)
class TimelineConfig:
    """How images and audio are sorted into windows."""

    max_wait_s: float = setting(
        0.12,
        "seconds after its end at which a window closes even if images or audio are missing",
        0.0,
        2.0,
    )
    face_hold_s: float = setting(
        0.25,
        "seconds for which the last image is used when no new one comes (a slow camera)",
        0.04,
        2.0,
    )
    audio_gap_s: float = setting(
        0.08,
        "audio time stamps off by more than these seconds from the counted samples move the audio",
        0.01,
        1.0,
    )
    clock_jump_s: float = setting(
        1.0,
        "a time stamp more than these seconds before the newest of its stream is late; if the next "
        "ones lie there too, the clock jumped back and the session starts again",
        0.1,
        60.0,
    )
    audio_channel: str = setting(
        "auto",
        "channel of the microphone: auto (the one with speech, or the mean if all are alike), mean "
        "(of all channels), or a number from 0",
        choices=("auto", "mean", *map(str, range(32))),
    )
    camera_to_microphone_offset_s: float = setting(
        0.0,
        "seconds added to the time stamps of the audio; positive if they are too early",
        -2.0,
        2.0,
    )


@dataclass(frozen=True)
class PerceptionConfig:
    """How the speaker's face is tracked."""

    neutral_s: float = setting(
        1.0,
        "seconds of a person's face at rest after which the learned neutral face counts fully",
        0.5,
        60.0,
    )
    person_change_s: float = setting(
        2.0,
        "seconds without a face after which the place of a person is forgotten; who comes back "
        "within a minute is then known by the look of the face alone",
        0.1,
        60.0,
    )
    follow: str = setting(
        "speaking",
        "which of several people is followed: speaking (who speaks; until somebody speaks, the "
        "nearest), or nearest",
        choices=("speaking", "nearest"),
    )
    max_faces: int = setting(
        3, "most faces that are tracked in an image; 0 = none: the listener goes by voice", 0, 8
    )
    min_confidence: float = setting(
        0.5, "least confidence (0..1) for which a face counts as found and as tracked", 0.05, 1.0
    )
    max_width_px: int = setting(
        640, "width in pixels to which wider images are shrunk before tracking", 96, 4096
    )
    rate_hz: float = setting(
        25.0,
        "images tracked per second, 25 or 25 divided by a whole number; between them the face is "
        "interpolated (mode=window), or it is held and the head extrapolated (mode=frame)",
        1.0,
        25.0,
    )
    landmarker: str = setting(
        "face_landmarker.task",
        "model file of MediaPipe's Face Landmarker, for learned blendshapes: a path, or a name in "
        "weights/; without the file the landmarks of FaceMesh (extra facemesh) are measured",
    )
    expression_classifier: str = setting(
        "expression_classifier.tflite",
        "model file that tells smiling from crying, yelling and grimacing: a path, or a name in "
        "weights/; without the file the landmarks alone decide",
    )
    voice_activity: str = setting(
        "voice_activity.onnx",
        "model file of silero-vad, which tells speech from other sound: a path, or a name in "
        "weights/; without the file loud sound counts as speech",
    )


@dataclass(frozen=True)
class RenderConfig:
    """How the face is drawn."""

    renderer: str = setting(
        "avatar",
        "what draws the face: avatar (a drawn robot face), portrait (a photo, by PIRender), mesh "
        "(a 3D head), or none",
        choices=("avatar", "portrait", "mesh", "none"),
    )
    width: int = setting(512, "width of the image in pixels", 32, 4096)
    height: int = setting(512, "height of the image in pixels", 32, 4096)
    theme: str = setting("default", "theme of the avatar: a name in config/themes.yaml", live=True)
    portraits: str = setting(
        "portraits", "folder of the portraits; pictures outside it are refused"
    )
    portrait: str = setting(
        "", "file name of the picture that reacts, in the folder render.portraits", live=True
    )
    pirender: str = setting(
        "pirender.safetensors", "weights of PIRender: a path, or a name in weights/"
    )
    look_ahead: int = setting(
        0,
        "frames (40 ms each) by which a portrait is delayed, so that PIRender uses later frames",
        0,
        13,
    )
    mesh: str = setting(
        "", "mesh of the head: FaceVerse's .npy file, or a folder of OBJ files of ARKit blendshapes"
    )
    device: str = setting("cpu", "device that runs PIRender: cpu, cuda or cuda:N")
    precision: str = setting(
        "auto",
        "number format of PIRender; auto = float16 on cuda, float32 otherwise",
        choices=("auto", "float32", "float16", "bfloat16"),
    )


@dataclass(frozen=True)
class Config:
    """All settings, frozen. ``load`` reads a profile, a settings file and overrides."""

    profile: str = setting("default", "name of the profile: a file in config/profiles/")
    weights: str = setting(
        "default.safetensors",
        "checkpoint or folder of an exported model: a path, or a name in weights/",
    )
    mode: str = setting(
        "window",
        "window: reactions come a window (8 frames) at a time, as in the paper; frame: one frame "
        "at a time, the same reactions seven frames (0.28 s) earlier",
        choices=("window", "frame"),
    )
    device: str = setting("cpu", "device that runs the model: cpu, cuda or cuda:N")
    on_device_failure: str = setting(
        "stop",
        "what happens when a GPU fails or is out of memory: stop = end with an error, cpu = "
        "continue on the CPU",
        choices=("stop", "cpu"),
    )
    precision: str = setting(
        "float32",
        "number format of the paper profile's convolutions and wav2vec 2.0; float16 needs a GPU",
        choices=("float32", "bfloat16", "float16"),
    )
    threads: int = setting(
        1,
        "CPU threads of the model, 0 = all; more than one is slow beside other busy processes",
        0,
        256,
    )
    timeline: TimelineConfig = TimelineConfig()
    perception: PerceptionConfig = PerceptionConfig()
    model: ModelConfig = field(default_factory=ModelConfig)
    playout: PlayoutConfig = field(default_factory=PlayoutConfig)
    render: RenderConfig = RenderConfig()
    ros: RosConfig = field(default_factory=RosConfig)
    outputs: OutputsConfig = field(default_factory=OutputsConfig)
    web: WebConfig = field(default_factory=WebConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @staticmethod
    def load(
        profile: str = "default",
        path: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> "Config":
        """The profile, then the preset, the settings file at ``path`` and overrides by dotted name.

        defaults: values by dotted name that the profile may change. UserError on an unknown profile
        or name, a wrong type, or a value out of range.
        """
        base = merge(merge(Config(), defaults), read_yaml(_profile_path(profile)))
        values: Mapping[str, Any] = {}
        if path is not None:
            names = [item.name for item in dataclasses.fields(Config)]
            values = read_settings(_settings_path(Path(path)), names)

        def given(config: Config) -> Config:
            changed: Config = merge(_merged_from(path, config, values), overrides or {})
            return changed

        config = given(base)
        if PRESETS[config.playout.preset]:
            # What is given by name replaces the preset's values.
            config = given(merge(base, PRESETS[config.playout.preset]))
        if config.profile != profile:
            raise UserError(
                f"profile={shown(config.profile)} cannot be set there: --profile chooses it"
            )
        return config

    def replace(
        self, changes: Mapping[Any, Any] = MappingProxyType({}), /, **named: Any
    ) -> "Config":
        """A copy with settings replaced by dotted name: ``replace({"playout.gain": 1.5})``.

        Names without dots may be given as keywords. Another ``playout.preset`` also sets the gains
        of that preset that are not among the changes. UserError on an unknown or repeated name, a
        wrong type, or a value out of range.
        """
        config: Config = merge(self, with_preset({**changes, **named}, self.playout.preset))
        return config

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionaries of plain values, as in a YAML file."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Config":
        """Inverse of ``to_dict``; UserError as in ``load``."""
        config: Config = merge(Config(), values)
        return config


def profile_names() -> list[str]:
    """Names of the profiles in config/profiles/, in alphabetical order."""
    return sorted(path.stem for path in (resources.folder("config") / PROFILES).glob("*.yaml"))


def _merged_from(path: Path | None, config: Config, values: Mapping[str, Any]) -> Config:
    """``config`` with values from the file at ``path``, which a UserError names."""
    try:
        merged: Config = merge(config, values)
        return merged
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _profile_path(profile: str) -> Path:
    """The file of a profile: in config/profiles/, or up to version 0.1.0 in config/. UserError."""
    folder = resources.folder("config")
    names = profile_names()
    if profile in names:
        return folder / PROFILES / f"{profile}.yaml"
    if profile in {path.stem for path in folder.glob("*.yaml")} - NO_PROFILES:
        former = folder / f"{profile}.yaml"
        _warn_of_place(former, folder / PROFILES / former.name)
        return former
    raise UserError(f"unknown profile {shown(profile)}; there are: {', '.join(names)}")


def _settings_path(path: Path) -> Path:
    """The path; for a profile that lay in config/ up to version 0.1.0, its path in profiles/."""
    moved = path.parent / PROFILES / path.name
    # Not Path.exists, which raises where a name is too long or a folder closed.
    if path.parent.name != "config" or os.path.lexists(path) or not os.path.isfile(moved):
        return path
    _warn_of_place(path, moved)
    return moved


def _warn_of_place(former: Path, now: Path) -> None:
    """The warning points at the caller of ``Config.load``."""
    warnings.warn(
        f"{former}: this profile belongs at {now}; the former place is read for the last time in "
        "this release",
        DeprecationWarning,
        stacklevel=4,
    )
