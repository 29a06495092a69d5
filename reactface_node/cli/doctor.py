"""The command ``reactface doctor``."""

import argparse
from typing import Any

from reactface_node.cli.options import (
    add_command,
    add_rendering,
    load_config,
    rendering,
)


def add_doctor(commands: Any) -> None:
    """Adds ``doctor`` to the parser's commands."""
    about = "check this machine: one line for each check, and a cure where something is wrong"
    parser = add_command(commands, "doctor", _doctor, about)
    parser.add_argument(
        "--camera", help="index of a webcam, or 'topic' (default: the first one that is found)"
    )
    parser.add_argument(
        "--mic", help="name of an ALSA device, 'topic' or 'none' (default: ALSA's default)"
    )
    add_rendering(parser)


def _doctor(options: argparse.Namespace) -> int:
    from reactface_node.tools.doctor.doctor import DoctorChoice, doctor

    config = load_config(options, **rendering(options))
    failed = False
    for finding in doctor(DoctorChoice(config, options.camera, options.mic)):
        print(finding.line(), flush=True)
        failed = failed or finding.level == "fail"
    return int(failed)
