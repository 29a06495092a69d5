"""Write the ONNX graphs that come with the package: ``weights/graphs``.

They hold no weights, so that they suit any checkpoint of the default profile's architecture. Run it
after a change of that architecture, or of the network's code.
"""

import shutil

import torch

from reactface_node.config import Config
from reactface_node.engine.export import write_graphs
from reactface_node.engine.graph_files import SHIPPED
from reactface_node.files import resources
from reactface_node.files.whole import written_whole
from reactface_node.model.reactface import ReactFace


def main() -> None:
    folder = resources.folder("weights") / SHIPPED
    torch.manual_seed(0)
    model = ReactFace(Config.load().model).eval().requires_grad_(False)
    shutil.rmtree(folder, ignore_errors=True)
    with written_whole(folder) as unfinished:
        unfinished.mkdir()
        write_graphs(model, unfinished)
    print(f"wrote {folder}")


if __name__ == "__main__":
    main()
