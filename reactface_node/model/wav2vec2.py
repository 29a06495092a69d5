"""Loads wav2vec 2.0 of transformers from a folder or the hub, or builds it without weights."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.tensors import check_values
from reactface_node.files.text import read_json, shown
from reactface_node.files.whole import home_path

HELP = "set model.wav2vec2 to a folder saved by transformers"
MOST_LAYERS = 128
LARGEST_SIZE = 1 << 16


def load_wav2vec2(source: str) -> nn.Module:
    """wav2vec 2.0 from a folder in the format of transformers, or a name on its hub.

    A folder of that name in weights/, then the hub's cache, then the hub itself are tried. The
    convolutional front end is frozen, as in the paper. UserError if it is not found or is damaged.
    """
    library = _transformers()
    library.utils.logging.disable_progress_bar()
    own = resources.folder("weights") / Path(source).name
    given = home_path(source)
    folder = next((path for path in (given, own) if os.path.isdir(path)), None)
    found = _from_folder(library, folder) if folder else _from_hub(library, source)
    backbone: nn.Module = found
    for name, tensor in backbone.state_dict().items():
        check_values(Path(source), name, tensor)
    found.feature_extractor._freeze_parameters()
    return backbone


def _from_folder(library: Any, folder: Path) -> Any:
    try:
        settings = read_json(folder / "config.json")
    except UserError as error:
        raise UserError(f"no wav2vec 2.0 at '{folder}' ({error}): {HELP}") from error
    _check_architecture(settings, str(folder))
    for path in folder.iterdir():
        if path.suffix in (".safetensors", ".bin"):
            refuse_stand_in(path)
    try:
        backbone, found = library.Wav2Vec2Model.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # each library raises another error for a damaged file
        reason = shown(str(error) or type(error).__name__)
        raise UserError(f"no wav2vec 2.0 at '{folder}' ({reason}): {HELP}") from error
    missing = sorted(set(found["missing_keys"]) - {"masked_spec_embed"})
    if missing:
        raise UserError(f"{folder} lacks the tensor {missing[0]}")
    return backbone


def _from_hub(library: Any, source: str) -> Any:
    """From the hub's cache, otherwise from the hub; UserError if it cannot be reached."""
    try:
        return library.Wav2Vec2Model.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        if not _on_hub(source):
            raise UserError(
                f"no wav2vec 2.0 at '{source}': {HELP}, or run once with a network"
            ) from error
        return library.Wav2Vec2Model.from_pretrained(source)


def _on_hub(name: str) -> bool:
    """Whether the hub is reachable and has the model; transformers would try for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    if Path(name).exists():
        return False
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=5.0)
    except Exception:  # the HTTP library, and so its errors, depend on the version
        return False
    return True


def untrained_wav2vec2(
    architecture: Mapping[str, Any] | None = None, source: str = "wav2vec 2.0"
) -> nn.Module:
    """wav2vec 2.0 with random weights, to be filled from a checkpoint.

    architecture: settings of transformers; None = the base model. source: named in errors.
    UserError if the settings are invalid or transformers is missing.
    """
    library = _transformers()
    _check_architecture(architecture or {}, source)
    try:
        config = library.Wav2Vec2Config.from_dict(dict(architecture or {}))
        backbone: nn.Module = library.Wav2Vec2Model(config)
    except Exception as error:  # transformers raises many kinds of errors
        reason = shown(str(error) or type(error).__name__)
        raise UserError(f"{source} is damaged: its wav2vec 2.0 cannot be: {reason}") from error
    return backbone


def _check_architecture(settings: Mapping[str, Any], source: str) -> None:
    """UserError if sizes are beyond any real wav2vec 2.0: memory or time would run out."""
    for name, value in settings.items():
        parts = value if isinstance(value, list) else [value]
        most = MOST_LAYERS if name == "num_hidden_layers" else LARGEST_SIZE
        numbers = [part for part in parts if isinstance(part, int | float)]
        if len(parts) > MOST_LAYERS or any(not -most <= number <= most for number in numbers):
            raise UserError(f"{source} is damaged: {shown(name)} is {shown(value)}")


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise UserError("wav2vec 2.0 needs transformers: pip install transformers") from error
    return transformers
