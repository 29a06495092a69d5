"""The command ``reactface inspect``."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactface_node.cli.options import RECORDING, add_command, load_config
from reactface_node.errors import UserError
from reactface_node.files.whole import check_new


def add_inspect(commands: Any) -> None:
    """Adds ``inspect`` to the parser's commands."""
    about = "report what is wrong with a rosbag2 or a video file: camera, face, microphone, timing"
    parser = add_command(commands, "inspect", _inspect, about)
    parser.add_argument("source", type=Path, metavar="BAG_OR_VIDEO", help=RECORDING)
    parser.add_argument("-o", "--out", type=Path, metavar="REPORT.png", help="figure to write")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _inspect(options: argparse.Namespace) -> None:
    config = load_config(options)
    draw = None if options.out is None else _drawing(options.out)
    from reactface_node.tools.inspection.analyse import analyse
    from reactface_node.tools.inspection.read import read_recording
    from reactface_node.tools.inspection.report import as_json, as_text

    recording = read_recording(options.source, config)
    report = analyse(recording, config)
    if draw is not None:
        draw(recording, report, options.out)
    print(json.dumps(as_json(report), indent=2) if options.json else as_text(report))
    if draw is not None and not options.json:
        print(f"\nwrote {options.out}")


def _drawing(path: Path) -> Callable[..., None]:
    """The function that draws the figure. UserError where ``path`` cannot be written or matplotlib
    is missing: before the recording is read, which takes minutes."""
    check_new(path)
    try:
        from reactface_node.tools.inspection.figures import draw_report
    except ImportError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        raise UserError(
            f"-o needs matplotlib ({error}): pip install matplotlib, or leave -o out"
        ) from error
    return draw_report
