"""Where things lie: the repository, and the folder of clips and golden outputs beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
