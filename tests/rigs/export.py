"""A small model, exported by the command line."""

from reactface_node.cli.main import main
from reactface_node.model.checkpoint import save_checkpoint
from rigs.model_inputs import small_config, small_model

CHANGES = {"model__disposition": 3, "model__lrd": "latent_frame", "model__continuity": True}


def options(config, checkpoint):
    """The command line's for a small config."""
    named = {f"model.{n}": v for n, v in vars(config.model).items()}
    changed = {name: named[name] for name in named if name.split(".")[1] in SETTINGS}
    changed |= {"weights": str(checkpoint), "mode": config.mode}
    changed |= {"playout.samples": config.playout.samples}
    return [part for n, v in changed.items() for part in ("--set", f"{n}={v}")]


SETTINGS = (
    "width",
    "heads",
    "face_layers",
    "cie_layers",
    "history_s",
    "sync_history_s",
    "disposition",
    "lrd",
    "continuity",
)


def make_export(folder):
    """(config that plays the exported folder, the model, its checkpoint), for two samples."""
    config = small_config(playout__samples=2, **CHANGES)
    model = small_model(config)
    checkpoint = folder / "small.safetensors"
    save_checkpoint(checkpoint, model, config, {}, "none")
    target = folder / "small_onnx"
    assert main(["weights", "--export", str(target), *options(config, checkpoint)]) == 0
    return config.replace(weights=str(target)), model, checkpoint
