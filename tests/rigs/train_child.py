"""One process of a training run under torchrun, which writes its losses to a file."""

import json
import os
import sys
from pathlib import Path

from reactface_node.research.training import train as module
from rigs.train import tiny


def main(out: Path, data: str, network: str) -> None:
    seen = []
    real = module.optimise

    def noted(*arguments):
        parts = real(*arguments)
        seen.append(sum(parts.values()))
        return parts

    module.optimise = noted
    steps = {"training__steps": 3, "training__validate_every": 3, "training__batch": 4}
    config = tiny(data, training__network=network, **steps)
    out.mkdir(parents=True, exist_ok=True)
    module.train(config, out)
    (out / f"losses{os.environ.get('RANK', '0')}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
