"""Tells the weights of a model apart: what was fitted to one model does not suit another."""

from reactface_node.engine.graph_files import read_manifest
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.download import file_sha256


def weights_hash(weights: str) -> str:
    """SHA-256 (64 hexadecimal digits) of the checkpoint that ``weights`` names, or of the one that
    an exported model was made from.

    UserError if there are no such weights, or if the export does not say.
    """
    folder = resources.exported_model(weights)
    if folder is not None:
        known = read_manifest(folder).weights
        if not known:
            raise UserError(f"{folder} does not say of which weights it was made: export it again")
        return known
    path = resources.weights_file(weights)
    if path is None:
        raise UserError(f"no weights '{weights}'")
    return file_sha256(path)
