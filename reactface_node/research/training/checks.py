"""Checks that training settings fit together."""

from pathlib import Path

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.research.training.dataset import data_sets


def check_settings(config: Config) -> None:
    """UserError for the first setting that does not fit another."""
    model, settings = config.model, config.training
    if model.behaviour == "official":
        raise UserError("the official profile plays what the released code trained; take paper")
    made = any(one.made for one in data_sets(settings, Path()))
    if model.face_encoder == "pixels" and made:
        raise UserError(
            "synthetic dyads have no pictures: set training.data to what `reactface data convert "
            "--faces` made"
        )
    pairs = (
        ("model.width", model.width, "model.heads", model.heads),
        ("training.crop_frames", settings.crop_frames, "model.window", model.window),
    )
    for name, value, other, unit in pairs:
        if value % unit:
            raise UserError(f"{name} = {value} is not a multiple of {other} = {unit}")
    if model.width % 2:
        raise UserError(f"model.width = {model.width} is odd: positions are pairs of numbers")
