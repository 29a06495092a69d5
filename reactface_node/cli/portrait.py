"""The command for portraits: ``reactface portrait train``."""

import argparse
import json
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.errors import UserError

CLIPS_HELP = (
    "one person each: a video file or a folder of numbered pictures, with (T, 58) coefficients at "
    "25 Hz in NAME.npy beside it, or without, to be tracked; or a split made by `reactface data "
    "convert --faces`"
)


def add_portrait(commands: Any) -> None:
    """Adds it to the parser's commands."""
    about = "tune PIRender, which moves a portrait, on clips of one person or many"
    portrait = commands.add_parser("portrait", help=about, description=about)
    actions = portrait.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = add_command(actions, "train", _train, f"{about}; run again, it goes on")
    train.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help=CLIPS_HELP)
    train.add_argument("-o", "--out", type=Path, required=True, help="folder of the run")
    train.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE",
        help="PIRender's weights to begin with: the authors' .pth, or our .safetensors; without, "
        "a new net, whose flow alone took the authors 200,000 steps for many people",
    )
    train.add_argument(
        "--vgg",
        type=Path,
        metavar="FILE",
        help="torchvision's VGG-19 weights for the perceptual losses; without, pixels and "
        "gradients are compared",
    )
    train.add_argument(
        "--faceverse", action="store_true", help="the .npy files are in FaceVerse's space"
    )
    train.add_argument(
        "--warp-steps", type=int, metavar="N", default=2000, help="of the flow alone; 2000"
    )
    train.add_argument(
        "--edit-steps", type=int, metavar="N", default=8000, help="of all, after those; 8000"
    )
    train.add_argument(
        "--batch", type=int, metavar="N", default=4, help="pairs of frames a step; 4"
    )
    train.add_argument("--learning-rate", type=float, metavar="X", default=1e-4, help="1e-4")
    train.add_argument(
        "--seed", type=int, metavar="N", default=0, help="of the pairs and of a new net; 0"
    )
    train.add_argument("--save-every", type=int, metavar="N", default=500, help="steps; 500")


def _train(options: argparse.Namespace) -> None:
    _check(options)
    config = load_config(options)
    import torch

    from reactface_node.model.checkpoint import resolve_device
    from reactface_node.perception import make_tracker
    from reactface_node.render.portrait.generator import FaceGenerator
    from reactface_node.render.portrait.weights import (
        CoefficientSpace,
        LoadedGenerator,
        load_generator,
    )
    from reactface_node.research.training.portrait.clips import read_clips
    from reactface_node.research.training.portrait.losses import read_loss
    from reactface_node.research.training.portrait.train import WEIGHTS, Stages, tune

    device = resolve_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(options.seed)
    written: CoefficientSpace = "faceverse" if options.faceverse else "ours"
    begin = LoadedGenerator(FaceGenerator(), written)
    if options.start is not None:
        begin = load_generator(options.start, "cpu")
    loss = read_loss(options.vgg, device)
    clips = read_clips(
        options.clips, written, begin.space, lambda: make_tracker(config.perception, True)
    )
    stages = Stages(
        options.warp_steps,
        options.edit_steps,
        options.batch,
        options.learning_rate,
        options.seed,
        options.save_every,
    )
    metrics = tune(begin, clips, loss, stages, options.out, device)
    print(json.dumps(metrics, indent=2))
    print(f"wrote {options.out / WEIGHTS}")


def _check(options: argparse.Namespace) -> None:
    """UserError that names the first option that cannot be."""
    least = {"warp_steps": 0, "edit_steps": 0, "batch": 1, "seed": 0, "save_every": 1}
    for name, lowest in least.items():
        value = getattr(options, name)
        if value < lowest:
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{option} must be at least {lowest}, not {value}")
    if not 0 < options.learning_rate < 1:
        raise UserError(f"--learning-rate must be within 0 .. 1, not {options.learning_rate}")
    if not options.warp_steps + options.edit_steps:
        raise UserError("--warp-steps and --edit-steps are both 0: there is nothing to do")
