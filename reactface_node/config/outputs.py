"""Sections of the Config for what leaves besides our own topics; ``config.py`` has the others."""

from dataclasses import dataclass

from reactface_node.config.settings import setting


@dataclass(frozen=True)
class OutputsConfig:
    expression: bool = setting(
        False, "publish ~/expression: hri_msgs/Expression with valence and arousal"
    )
    facs: bool = setting(False, "publish ~/facs: hri_msgs/FacialActionUnits")
    joint_states: bool = setting(
        False, "publish ~/joint_states: weights and head pose by name, for plots"
    )
    motor_map: str = setting(
        "", "YAML file from blendshapes to a mechanical face's joints; '' = none"
    )
    livelink: str = setting("", "HOST or HOST:PORT that gets Live Link Face (UDP 11111)")
    vmc: str = setting("", "HOST or HOST:PORT that gets VMC over OSC (UDP 39539)")


@dataclass(frozen=True)
class WebConfig:
    port: int = setting(0, "port of the page with the face; 0 = no page", 0, 65535)
    host: str = setting(
        "127.0.0.1",
        "address that the page is served on; 0.0.0.0 = to the whole network, with a token",
    )
    names: str = setting(
        "", "more names that the page is opened under, with commas, such as robot.lab.example"
    )
    certificate: str = setting("", "PEM file: serve the page by HTTPS with this certificate")
    key: str = setting("", "PEM file with its private key; '' = it is in web.certificate")
