"""How reactions are drawn, scaled and shown."""

from dataclasses import dataclass

from reactface_node.config.presets import PRESETS
from reactface_node.config.settings import setting

FRESH_SEED = -1
"""``playout.seed``: each session draws a seed of its own."""


@dataclass(frozen=True)
class PlayoutConfig:
    """How reactions are drawn, scaled and shown."""

    samples: int = setting(1, "M: number of different reactions to the same speaker", 1, 64)
    play: int = setting(
        0, "which of the reactions is shown, from 0; must be below samples", 0, 63, live=True
    )
    seed: int = setting(
        FRESH_SEED,
        "random seed; chance follows from it and from what is seen and heard; fresh (-1) = drawn "
        "at the start and at every reset, and told in the log and in /diagnostics",
        FRESH_SEED,
        2**31 - 1,
        words={"fresh": FRESH_SEED},
    )
    preset: str = setting(
        "attentive",
        "how lively the robot is: composed (nearly still), attentive, or lively; sets several of "
        "the gains below, except those that are given too",
        choices=tuple(PRESETS),
        live=True,
    )
    dispositions: str = setting(
        "dispositions", "folder of the fitted dispositions; files outside it are refused"
    )
    disposition: str = setting(
        "",
        "file name of a disposition that `reactface listen-like` made, in the folder "
        "playout.dispositions: that of the first reaction; empty = drawn by the seed",
        live=True,
    )
    playout_delay_s: float = setting(
        0.06,
        "seconds from the end of a window to its first shown frame; in frame mode the least: the "
        "delay grows for audio in long chunks",
        0.0,
        2.0,
    )
    gain: float = setting(1.0, "factor of all expression weights", 0.0, 3.0, live=True)
    brow_gain: float = setting(1.0, "further factor of the brows", 0.0, 3.0, live=True)
    eye_gain: float = setting(
        1.0, "further factor of wide eyes, squints and raised cheeks", 0.0, 3.0, live=True
    )
    mouth_gain: float = setting(
        1.0, "further factor of mouth, jaw, tongue, cheek puff and nose", 0.0, 3.0, live=True
    )
    head_gain: float = setting(1.0, "factor of head rotation and translation", 0.0, 3.0, live=True)
    nod_gain: float = setting(
        1.0,
        "further factor of nods: of the head's quick up and down about its slow mean",
        0.0,
        2.0,
        live=True,
    )
    smile_gain: float = setting(
        1.0, "further factor of smiles: of mouthSmile and cheekSquint", 0.0, 2.0, live=True
    )
    gaze_gain: float = setting(
        1.0,
        "further factor of the gaze away from the person, in idle motion and thinking faces too; "
        "0 = none",
        0.0,
        3.0,
        live=True,
    )
    idle_gain: float = setting(
        1.0,
        "factor of idle motion (gaze, head sway, breath, posture, tilts); 0 = none, and no glances "
        "away but the model's",
        0.0,
        3.0,
        live=True,
    )
    eye_contact: float = setting(
        1.0,
        "share of the angle to the speaker's face by which eyes and head turn to it; 0 = no eye "
        "contact",
        0.0,
        1.0,
        live=True,
    )
    camera_fov_deg: float = setting(
        60.0, "horizontal field of view of the camera in degrees", 10.0, 170.0, live=True
    )
    camera_right_m: float = setting(
        0.0,
        "metres from the shown face to the camera, to the right in the camera's picture",
        -2.0,
        2.0,
        live=True,
    )
    camera_up_m: float = setting(
        0.05, "metres by which the camera is above the shown face's eyes", -2.0, 2.0, live=True
    )
    camera_mirrored: bool = setting(
        False, "the camera's picture is mirrored, as that of some webcams", live=True
    )
    mirror: bool = setting(
        False, "swap left and right of the shown face, as a mirror does", live=True
    )
    blinks_per_min: float = setting(
        18.0,
        "mean short blinks per minute, besides the long ones that come with some nods; 0 = no "
        "blinks, and the model's own lid motion is shown",
        0.0,
        26.0,
        live=True,
    )
    fade_s: float = setting(
        0.4,
        "seconds of the fade from reactions to idle motion when nobody is there, and back",
        0.0,
        5.0,
    )
