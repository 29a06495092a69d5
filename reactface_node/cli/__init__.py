"""The command ``reactface``: one file for each subcommand."""

from reactface_node.cli.main import main

__all__ = ["main"]
