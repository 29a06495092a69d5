"""wav2vec 2.0 of transformers: from a folder, the hub, or without weights."""

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
    """wav2vec 2.0 from a folder in transformers' layout, one of that name in weights/ or in the
    hub's cache, or with a network from the hub.

    Its convolutional front is frozen, as in the paper. UserError if it cannot be had.
    """
    library = _transformers()
    library.utils.logging.disable_progress_bar()
    own = resources.folder("weights") / Path(source).name
    given = home_path(source)
    folder = next((path for path in (given, own) if os.path.isdir(path)), None)
    backbone = _from_folder(library, folder) if folder else _from_hub(library, source)
    for name, tensor in backbone.state_dict().items():
        check_values(Path(source), name, tensor)
    backbone.feature_extractor._freeze_parameters()
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
    except Exception as error:  # of a damaged file each library says it in its own way
        reason = shown(str(error) or type(error).__name__)
        raise UserError(f"no wav2vec 2.0 at '{folder}' ({reason}): {HELP}") from error
    missing = sorted(set(found["missing_keys"]) - {"masked_spec_embed"})
    if missing:
        raise UserError(f"{folder} lacks the tensor {missing[0]}")
    return backbone


def _from_hub(library: Any, source: str) -> Any:
    """Of its cache, or with a network from the hub."""
    try:
        return library.Wav2Vec2Model.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        if not _on_hub(source):
            raise UserError(
                f"no wav2vec 2.0 at '{source}': {HELP}, or run once with a network"
            ) from error
        return library.Wav2Vec2Model.from_pretrained(source)


def _on_hub(name: str) -> bool:
    """Whether the hub can be reached and knows it: transformers itself tries for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    if Path(name).exists():
        return False
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=5.0)
    except Exception:  # which HTTP library it uses, and what that raises, depends on its version
        return False
    return True


def untrained_wav2vec2(
    architecture: Mapping[str, Any] | None = None, source: str = "wav2vec 2.0"
) -> nn.Module:
    """Random weights, for a checkpoint that brings its own. architecture: transformers' settings
    of it, the base one where there are none. UserError, which names the source, where they are
    none, and where transformers is missing.
    """
    library = _transformers()
    _check_architecture(architecture or {}, source)
    try:
        config = library.Wav2Vec2Config.from_dict(dict(architecture or {}))
        backbone: nn.Module = library.Wav2Vec2Model(config)
    except Exception as error:  # transformers checks its settings in many ways
        reason = shown(str(error) or type(error).__name__)
        raise UserError(f"{source} is damaged: its wav2vec 2.0 cannot be: {reason}") from error
    return backbone


def _check_architecture(settings: Mapping[str, Any], source: str) -> None:
    """UserError where no wav2vec 2.0 is so large: what cannot be allocated, or takes for ever."""
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
