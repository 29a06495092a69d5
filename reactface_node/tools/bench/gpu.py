"""All measurements that need a GPU: ``python -m reactface_node.tools.bench.gpu
-o FOLDER``. Meant for a machine that is lent for some minutes: what does not end in time is left
out, and each result is written when it is there."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from reactface_node.files.whole import make_folder

LIMIT_S = 450.0
"""For all measurements together."""
CUDA = ("--device", "cuda", "--untrained")
MEASUREMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sessions_default", ("--set", "mode=window", "--only", "sessions", "--sessions", "64", *CUDA)),
    (
        "sessions_paper",
        ("--profile", "paper", "--only", "stages,sessions", "--sessions", "16", *CUDA),
    ),
    ("portrait", ("--render", "portrait", "--only", "pipeline", "--clip", "10", *CUDA)),
    ("compare", ("--compare", "--whole", *CUDA)),
    ("paced_paper", ("--profile", "paper", "--only", "paced", "--seconds", "30", *CUDA)),
)


def measure_all(
    folder: Path,
    limit_s: float = LIMIT_S,
    measurements: Sequence[tuple[str, Sequence[str]]] = MEASUREMENTS,
) -> dict[str, str]:
    """Run ``reactface bench`` with the options of each measurement; writes NAME.json and NAME.txt.

    Returns for each name "measured", "no time left", or the last line of its error.
    """
    make_folder(folder)
    began, said = time.monotonic(), {}
    for name, options in measurements:
        left_s = limit_s - (time.monotonic() - began)
        if left_s <= 0:
            said[name] = "no time left"
            continue
        command = [sys.executable, "-m", "reactface_node.cli", "bench", *options]
        command += ["-o", str(folder / f"{name}.json")]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=left_s, check=False
            )
        except subprocess.TimeoutExpired:
            said[name] = "no time left"
            continue
        (folder / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
        lines = done.stderr.strip().splitlines() or ["failed"]
        said[name] = "measured" if done.returncode == 0 else lines[-1]
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    said = measure_all(parser.parse_args().out)
    for name, result in said.items():
        print(f"{name}: {result}")
    return 0 if all(result == "measured" for result in said.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
