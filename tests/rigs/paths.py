"""Paths of the repository, and of the folder of clips and golden outputs beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
