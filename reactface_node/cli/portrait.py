"""The command ``reactface portrait train``."""

import argparse
import json
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.errors import UserError

CLIPS_HELP = (
    "a clip of one person: a video file or a folder of numbered pictures; NAME.npy beside it may "
    "hold (T, 58) coefficients at 25 Hz, else the face is tracked; or a split made by `reactface "
    "data convert --faces`"
)


def add_portrait(commands: Any) -> None:
    """Adds ``portrait`` to the parser's commands."""
    about = "fine-tune PIRender, which draws portraits, on clips of one or several people"
    portrait = commands.add_parser("portrait", help=about, description=about)
    actions = portrait.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = add_command(
        actions, "train", _train, f"{about}; the same command again continues a run"
    )
    train.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help=CLIPS_HELP)
    train.add_argument("-o", "--out", type=Path, required=True, help="folder of the run")
    train.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE",
        help="PIRender's weights to start from: the authors' .pth or our .safetensors (default: an "
        "untrained network; the authors trained its flow alone for 200,000 steps)",
    )
    train.add_argument(
        "--vgg",
        type=Path,
        metavar="FILE",
        help="torchvision's VGG-19 weights for the perceptual losses (default: compare pixels and "
        "gradients)",
    )
    train.add_argument(
        "--faceverse", action="store_true", help="the .npy files hold FaceVerse's coefficients"
    )
    _add_schedule(train)


def _add_schedule(train: argparse.ArgumentParser) -> None:
    """Adds the numbers of steps, the batch, the learning rate and the seed."""
    train.add_argument(
        "--warp-steps",
        type=int,
        metavar="N",
        default=2000,
        help="first, steps that train the flow alone (default: 2000)",
    )
    train.add_argument(
        "--edit-steps",
        type=int,
        metavar="N",
        default=8000,
        help="then, steps that train the whole network (default: 8000)",
    )
    train.add_argument(
        "--batch", type=int, metavar="N", default=4, help="pairs of frames in a step (default: 4)"
    )
    train.add_argument(
        "--learning-rate", type=float, metavar="X", default=1e-4, help="default: 1e-4"
    )
    train.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=0,
        help="seed of the pairs and of an untrained network (default: 0)",
    )
    train.add_argument(
        "--save-every",
        type=int,
        metavar="N",
        default=500,
        help="steps between two saved states (default: 500)",
    )


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
    """Raises UserError for the first option out of range."""
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
